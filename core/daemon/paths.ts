// Where the daemon keeps its things, and how `run` and the other commands agree on it.
import { CliError, EXIT } from "../cli/mod.ts";
import { MAX_SOCKET_PATH_BYTES } from "./limits.ts";

/** Where an installed node keeps its state. */
const INSTALLED = "/var/lib/x0tta6bl4";

/** Files of a data directory. */
export interface DataPaths {
  readonly directory: string;
  readonly lock: string;
  readonly socket: string;
  readonly database: string;
  readonly configDocument: string;
  readonly configRecords: string;
  /** Where the API listens, for programs: {"urls": […], "socket": …, "pid": …}. */
  readonly address: string;
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/**
 * The data directory when none is named: systemd's STATE_DIRECTORY; /var/lib/x0tta6bl4 for root where the
 * package made it; else the user's own, $XDG_DATA_HOME/x0tta6bl4 or ~/.local/share/x0tta6bl4.
 *
 * @throws {CliError} when there is no home directory either.
 */
export function defaultDataDirectory(): string {
  const state = Deno.env.get("STATE_DIRECTORY")?.split(":")[0];
  if (state !== undefined && state !== "") return state;
  if (Deno.build.os === "linux" && Deno.uid() === 0 && isDirectory(INSTALLED)) return INSTALLED;
  const data = Deno.env.get("XDG_DATA_HOME");
  if (data?.startsWith("/")) return `${data}/x0tta6bl4`;
  const home = Deno.env.get("HOME");
  if (home?.startsWith("/")) return `${home}/.local/share/x0tta6bl4`;
  throw new CliError(
    EXIT.usage,
    "Cannot choose a data directory: HOME is not set",
    "Name one with --data DIR.",
  );
}

/** Makes a path absolute against the working directory. */
export function absolute(path: string): string {
  const whole = path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
  return whole.replace(/\/\.(?=\/|$)/g, "").replace(/\/{2,}/g, "/").replace(/(.)\/$/, "$1");
}

/** Paths below a data directory. */
export function dataPaths(directory: string): DataPaths {
  const root = absolute(directory);
  return {
    directory: root,
    lock: `${root}/lock`,
    socket: `${root}/api.sock`,
    database: `${root}/node.db`,
    configDocument: `${root}/config.toml`,
    configRecords: `${root}/config`,
    address: `${root}/address.json`,
  };
}

/** Makes the directory, the owner's alone. @throws {CliError} */
export function prepareDirectory(paths: DataPaths): void {
  const { directory, socket } = paths;
  const length = new TextEncoder().encode(socket).length;
  if (length > MAX_SOCKET_PATH_BYTES) {
    throw new CliError(
      EXIT.usage,
      `Cannot use the data directory "${directory}": the path of its socket has ${length} octets, ` +
        `the system allows ${MAX_SOCKET_PATH_BYTES}`,
      "Name a shorter one with --data DIR.",
    );
  }
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    if (cause instanceof Deno.errors.AlreadyExists || isDirectory(directory)) return;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const code = cause instanceof Deno.errors.PermissionDenied ? EXIT.notPermitted : EXIT.failed;
    throw new CliError(
      code,
      `Cannot make the data directory "${directory}": ${reason}`,
      "Name another with --data DIR.",
      cause,
    );
  }
}
