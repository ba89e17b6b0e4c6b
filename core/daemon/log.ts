// The daemon's log: one line an entry, on standard error. For a person text with the time of day, for
// journals and files logfmt, for collectors JSON.

/** How lines look. */
export type LogFormat = "text" | "logfmt" | "json";

/** How bad it is. */
export type LogLevel = "info" | "warning" | "error";

/** Facts beside the message. Never secrets. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Writes the log. */
export interface Logger {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** One entry as a line without its end. Control characters never get through. */
export function formatEntry(
  format: LogFormat,
  atMs: number,
  level: LogLevel,
  message: string,
  fields: LogFields,
): string {
  const time = new Date(atMs).toISOString();
  if (format === "json") return JSON.stringify({ time, level, message, ...fields });
  const pairs = Object.entries(fields).map(([key, value]) =>
    `${key}=${logfmtValue(String(value))}`
  );
  if (format === "logfmt") {
    return [`time=${time}`, `level=${level}`, `msg=${logfmtValue(message)}`, ...pairs].join(" ");
  }
  const mark = level === "info" ? "" : `${level}: `;
  const tail = pairs.length === 0 ? "" : ` (${pairs.join(" ")})`;
  return `${time.slice(11, 19)} ${mark}${oneLine(message)}${tail}`;
}

function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ");
}

function logfmtValue(value: string): string {
  return /^[\w./:@%+-]+$/.test(value) ? value : JSON.stringify(oneLine(value));
}

/** A logger that hands complete lines, end included, to `write`. */
export function createLogger(
  format: LogFormat,
  wallMs: () => number,
  write: (line: string) => void,
): Logger {
  const entry = (level: LogLevel) => (message: string, fields: LogFields = {}) =>
    write(`${formatEntry(format, wallMs(), level, message, fields)}\n`);
  return { info: entry("info"), warn: entry("warning"), error: entry("error") };
}
