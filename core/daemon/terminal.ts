import { CliError, EXIT, type Terminal } from "../cli/mod.ts";

const encoder = new TextEncoder();

/** Writes all of `text`, also where the other end takes it in pieces. */
function write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let rest = encoder.encode(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(stream.writeSync(rest));
    } catch (error) {
      // The reader is gone (`… | head`): what is left has no taker.
      if (error instanceof Deno.errors.BrokenPipe) return;
      throw error;
    }
  }
}

function columnsOf(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}

/** The terminal of this process. */
export function processTerminal(interrupted: AbortSignal): Terminal {
  return {
    out: (text) => write(Deno.stdout, text),
    err: (text) => write(Deno.stderr, text),
    readInput: () => new Response(Deno.stdin.readable).text(),
    async readFile(path) {
      try {
        return await Deno.readTextFile(path);
      } catch (cause) {
        const reason = cause instanceof Deno.errors.NotFound
          ? "there is no such file"
          : cause instanceof Deno.errors.PermissionDenied
          ? "permission is denied"
          : cause instanceof Error
          ? cause.message
          : String(cause);
        throw new CliError(EXIT.failed, `Cannot read "${path}": ${reason}`, null, cause);
      }
    },
    interactive: Deno.stdout.isTerminal(),
    columns: columnsOf(),
    interrupted,
  };
}
