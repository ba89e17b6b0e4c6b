// Addresses to listen on, as written on the command line and in the configuration.
import { CliError, EXIT } from "../cli/mod.ts";

/** A host and a port. */
export interface ListenAddress {
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** Reads "HOST:PORT", "[IPv6]:PORT", ":PORT" or "PORT". @throws {CliError} */
export function parseListen(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]:|([^:[\]]*):)?(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new CliError(
      EXIT.usage,
      `Cannot listen on "${text}": that is not HOST:PORT`,
      'Examples: "127.0.0.1:8080", "[::]:80", "0.0.0.0:0" for any free port.',
    );
  }
  const named = match[1] ?? match[2] ?? "";
  return { hostname: named === "" ? "127.0.0.1" : named === "*" ? "0.0.0.0" : named, port };
}

/** The address as people write it. */
export function formatListen({ hostname, port }: ListenAddress): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Turns why listening failed into what a person needs. */
export function listenError(address: string, cause: unknown): CliError {
  const fail = (code: 1 | 4 | 5, reason: string, hint: string) =>
    new CliError(code, `Cannot listen on "${address}": ${reason}`, hint, cause);
  const other = "Choose another address with --listen HOST:PORT (port 0 takes a free one).";
  if (cause instanceof Deno.errors.AddrInUse) {
    return fail(EXIT.portInUse, "another program uses that port", other);
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return fail(
      EXIT.notPermitted,
      "this user may not",
      "Choose a port above 1023, or run as root.",
    );
  }
  if (cause instanceof Deno.errors.AddrNotAvailable) {
    return fail(EXIT.failed, "no interface of this machine has that address", other);
  }
  return fail(EXIT.failed, cause instanceof Error ? cause.message : String(cause), other);
}
