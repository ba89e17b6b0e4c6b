// HTTP to a running daemon over its unix socket: the command line's side.
import { type ApiAnswer, type ApiTransport, CliError, EXIT } from "../cli/mod.ts";

/** Origin that requests name; the socket decides where they go. */
const ORIGIN = "http://localhost";

function unreachable(path: string, cause: unknown): CliError {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/permission denied|os error 13/i.test(text)) {
    return new CliError(
      EXIT.notPermitted,
      `Cannot reach the daemon at "${path}": it belongs to another user`,
      "Run the command as the user the daemon runs as, or with sudo.",
      cause,
    );
  }
  return new CliError(
    EXIT.noDaemon,
    `Cannot reach the daemon at "${path}": nobody answers`,
    'Start one with "x0tta6bl4 run", or name its data directory with --data.',
    cause,
  );
}

/** Speaks HTTP to the daemon that listens on the unix socket at `path`. */
export function unixTransport(path: string): ApiTransport {
  async function send(
    method: string,
    target: string,
    body: unknown,
    signal: AbortSignal | null,
  ): Promise<{ response: Response; close: () => void }> {
    const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
    try {
      const response = await fetch(`${ORIGIN}${target}`, {
        client,
        method,
        signal,
        headers: body === undefined ? {} : { "content-type": "application/json" },
        body: body === undefined ? null : JSON.stringify(body),
      });
      return { response, close: () => client.close() };
    } catch (cause) {
      client.close();
      throw unreachable(path, cause);
    }
  }

  return {
    async request(method, target, body): Promise<ApiAnswer> {
      const { response, close } = await send(method, target, body, null);
      try {
        return { status: response.status, body: await response.text() };
      } finally {
        close();
      }
    },

    async *lines(method, target, body, signal) {
      const { response, close } = await send(method, target, body, signal);
      try {
        if (!response.ok || response.body === null) {
          throw new CliError(EXIT.failed, await response.text());
        }
        let rest = "";
        for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
          const parts = (rest + chunk).split("\n");
          rest = parts.pop() ?? "";
          yield* parts;
        }
        if (rest !== "") yield rest;
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        close();
      }
    },
  };
}
