// The log as JSON lines, to be kept or checked elsewhere, and the verdicts in words.
import { AuditError } from "./errors.ts";
import { MAX_EXPORT_LINE, VERIFY_BATCH } from "./limits.ts";
import {
  type AuditEntry,
  type AuditHead,
  type AuditKind,
  type AuditVerdict,
  followEntries,
} from "./chain.ts";
import type { AuditLog } from "./log.ts";

/** One entry as a line of JSON, without the line's end. `detail` stays text: its octets are hashed. */
export function auditLine(entry: AuditEntry): string {
  return JSON.stringify({
    ...entry,
    previous: entry.previous.toHex(),
    hash: entry.hash.toHex(),
  });
}

/** The whole log, oldest first, in lines. */
export function* exportAudit(log: AuditLog): Generator<string> {
  for (let next = 1;;) {
    const batch = log.list(VERIFY_BATCH, next + VERIFY_BATCH).toReversed()
      .filter(({ index }) => index >= next);
    if (batch.length === 0) return;
    for (const entry of batch) yield auditLine(entry);
    next += VERIFY_BATCH;
  }
}

const HASH = /^[0-9a-f]{96}$/;

/** Reads a line. @throws {AuditError} "malformed" */
export function parseAuditLine(line: string, number: number): AuditEntry {
  const fail = (why: string): never => {
    throw new AuditError("malformed", `Cannot read line ${number} of the audit log: ${why}`);
  };
  if (line.length > MAX_EXPORT_LINE) fail("it is too long");
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    fail("it is no JSON");
  }
  if (typeof value !== "object" || value === null) return fail("it is no object");
  const fields = value as Record<string, unknown>;
  const text = (name: string): string => {
    const field = fields[name];
    return typeof field === "string" ? field : fail(`"${name}" is no text`);
  };
  const whole = (name: string): number => {
    const field = fields[name];
    return typeof field === "number" && Number.isSafeInteger(field) && field >= 0
      ? field
      : fail(`"${name}" is no whole number`);
  };
  const hash = (name: string) => {
    const hex = text(name);
    return HASH.test(hex) ? Uint8Array.fromHex(hex) : fail(`"${name}" is no hash`);
  };
  return {
    index: whole("index"),
    atMs: whole("atMs"),
    // A kind of a later release is read as it is; its hash is checked all the same.
    kind: text("kind") as AuditKind,
    actor: text("actor"),
    subject: text("subject"),
    detail: text("detail"),
    previous: hash("previous"),
    hash: hash("hash"),
  };
}

/**
 * Checks an exported log from its first entry on.
 *
 * @throws {AuditError} "malformed" for a line that is no entry.
 */
export function verifyExport(lines: Iterable<string>): AuditVerdict {
  let head: AuditHead = { count: 0, hash: new Uint8Array(48) };
  let number = 0;
  for (const line of lines) {
    number++;
    if (line === "") continue;
    const next = followEntries(head, [parseAuditLine(line, number)]);
    if ("sound" in next) return next;
    head = next;
  }
  return { sound: true, head };
}

/** A verdict as a sentence. */
export function verdictInWords(verdict: AuditVerdict): string {
  if (!verdict.sound) {
    return `The audit log does not hold from entry ${verdict.brokenAt} on: ${verdict.why}.`;
  }
  const { count, hash } = verdict.head;
  return count === 0
    ? "The audit log is sound; it is empty."
    : `The audit log is sound: ${count} ${count === 1 ? "entry" : "entries"}, ending with ` +
      `${hash.toHex().slice(0, 16)}.`;
}
