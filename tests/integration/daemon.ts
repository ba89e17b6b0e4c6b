// Daemons as child processes, for tests.
import { assert } from "@std/assert";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
/** A loaded machine compiles slowly; a test that waits longer than this has failed. */
const START_TIMEOUT_MS = 60_000;

/** A daemon that runs. */
export interface RunningDaemon {
  readonly url: string;
  readonly socket: string;
  readonly directory: string;
  readonly pid: number;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  json(path: string): Promise<unknown>;
  /** Sends a signal and waits for the end. */
  stop(signal?: Deno.Signal): Promise<{ readonly code: number; readonly log: string }>;
}

/** What a daemon that ended left. */
export interface EndedDaemon {
  readonly code: number;
  readonly out: string;
  readonly log: string;
}

function command(args: readonly string[], env: Readonly<Record<string, string>>): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", MAIN, ...args],
    stdout: "piped",
    stderr: "piped",
    env,
  });
}

/** Runs the program until it ends by itself. */
export async function runToEnd(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<EndedDaemon> {
  const { code, stdout, stderr } = await command(args, env).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), log: decoder.decode(stderr) };
}

/** Starts `run --data directory …` on a free port and waits until it answers. */
export async function startDaemon(
  directory: string,
  args: readonly string[] = ["--sim", "5"],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningDaemon> {
  const child = command(
    ["run", "--data", directory, "--listen", "127.0.0.1:0", ...args],
    env,
  ).spawn();
  const log = new Response(child.stderr).text();
  const out = child.stdout.cancel();
  let ended = false;
  const status = child.status.then((value) => {
    ended = true;
    return value;
  });
  const { url, socket } = await waitForAddress(directory, child.pid, () => ended).catch(
    async (thrown) => {
      if (!ended) child.kill("SIGKILL");
      await status;
      await out;
      throw new Error(`${thrown}\n${await log}`);
    },
  );
  return {
    url,
    socket,
    directory,
    pid: child.pid,
    fetch: (path, init) => fetch(`${url}${path}`, init),
    async json(path) {
      const response = await fetch(`${url}${path}`);
      return await response.json();
    },
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      const { code } = await status;
      await out;
      return { code, log: await log };
    },
  };
}

async function waitForAddress(
  directory: string,
  pid: number,
  ended: () => boolean,
): Promise<{ readonly url: string; readonly socket: string }> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && !ended()) {
    try {
      const { urls, socket, pid: found } = JSON.parse(
        await Deno.readTextFile(`${directory}/address.json`),
      );
      if (found === pid) return { url: urls[0], socket };
    } catch {
      // Not there yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(ended() ? "The daemon ended" : "The daemon did not start in time");
}

/** Waits until `holds` does. */
export async function eventually(
  what: string,
  holds: () => Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!await holds()) {
    assert(Date.now() < deadline, `Never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Runs with a temporary directory of a short path. */
export async function inTemporary(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "x0-" });
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
