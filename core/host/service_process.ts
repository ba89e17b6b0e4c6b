// One program kept running: started, watched, restarted with growing pauses, stopped by its process id.
// Deliberately knows nothing of what the program does.
import { withNamespace } from "../../ffi/sys/mod.ts";
import type { Clock } from "../ports/mod.ts";

/** Lines of output kept for messages. */
export const MAX_LINES = 40;

/** A line longer than this is cut. */
const MAX_LINE_CHARS = 300;

/** How long a program may take to end after SIGTERM before SIGKILL. */
const TERMINATION_MS = 5_000;

/** First pause before a restart; each further one is twice as long. */
const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;

/** A run as long as this makes the next pause short again. */
const STABLE_MS = 30_000;

/** What a process is. */
export interface ProcessSpec {
  readonly command: string;
  readonly args: readonly string[];
  /** A network namespace under /run/netns; the caller's own when absent. */
  readonly netns?: string;
}

/** How a process is doing. */
export interface ProcessState {
  readonly running: boolean;
  readonly pid: number | null;
  /** Times it ended by itself and was started again. */
  readonly restarts: number;
  /** What it said last, newest at the end. Programs do not print secrets at their default level. */
  readonly lines: readonly string[];
}

/** A supervised child process. */
export class ServiceProcess {
  readonly #spec: ProcessSpec;
  readonly #clock: Clock;
  readonly #onSpawn: (pid: number) => Promise<void>;
  readonly #stopping = new AbortController();
  readonly #lines: string[] = [];
  readonly #lineWaiters = new Set<() => void>();
  #child: Deno.ChildProcess | null = null;
  #restarts = 0;
  #loop: Promise<void> = Promise.resolve();

  /** @param onSpawn told each process id, before anything else happens with it. */
  constructor(spec: ProcessSpec, clock: Clock, onSpawn: (pid: number) => Promise<void>) {
    this.#spec = spec;
    this.#clock = clock;
    this.#onSpawn = onSpawn;
  }

  get state(): ProcessState {
    return {
      running: this.#child !== null,
      pid: this.#child?.pid ?? null,
      restarts: this.#restarts,
      lines: this.#lines,
    };
  }

  /** Starts it and keeps it running until {@link stop}. @throws {Deno.errors.NotFound} not installed. */
  async start(): Promise<void> {
    const child = this.#spawn();
    await this.#onSpawn(child.pid);
    this.#loop = this.#supervise(child);
  }

  /** Resolves when the output or the state has changed, or after `timeoutMs`. */
  async changed(timeoutMs: number): Promise<void> {
    const waiting = new AbortController();
    const wake = () => waiting.abort();
    this.#lineWaiters.add(wake);
    await this.#clock.sleep(timeoutMs, waiting.signal);
    this.#lineWaiters.delete(wake);
  }

  /** Ends it for good. Resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#signal("SIGTERM");
    const ended = new AbortController();
    const patience = this.#clock.sleep(TERMINATION_MS, ended.signal).then(() => {
      if (!ended.signal.aborted) this.#signal("SIGKILL");
    });
    await this.#loop;
    ended.abort();
    await patience;
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child?.kill(signal);
    } catch (error) {
      // It ended in the meantime.
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  #spawn(): Deno.ChildProcess {
    const make = () =>
      new Deno.Command(this.#spec.command, {
        args: [...this.#spec.args],
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
        env: { PATH: servicePath(), LC_ALL: "C.UTF-8" },
        clearEnv: true,
      }).spawn();
    const { netns } = this.#spec;
    const child = netns === undefined ? make() : withNamespace(netns, make);
    this.#child = child;
    return child;
  }

  async #supervise(first: Deno.ChildProcess): Promise<void> {
    let backoffMs = FIRST_BACKOFF_MS;
    for (let child: Deno.ChildProcess | null = first; child !== null;) {
      const startedMs = this.#clock.monotonicMs();
      const [status] = await Promise.all([
        child.status,
        this.#collect(child.stdout),
        this.#collect(child.stderr),
      ]);
      this.#child = null;
      if (this.#stopping.signal.aborted) return;
      this.#say(`ended with ${status.signal ?? `status ${status.code}`}`);
      if (this.#clock.monotonicMs() - startedMs >= STABLE_MS) backoffMs = FIRST_BACKOFF_MS;
      await this.#clock.sleep(backoffMs, this.#stopping.signal);
      backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
      child = await this.#again();
    }
  }

  /** Starts it anew; `null` when it is being stopped or cannot be started any more. */
  async #again(): Promise<Deno.ChildProcess | null> {
    if (this.#stopping.signal.aborted) return null;
    try {
      const child = this.#spawn();
      this.#restarts++;
      await this.#onSpawn(child.pid);
      return child;
    } catch (error) {
      this.#say(`cannot be started again: ${error instanceof Error ? error.message : error}`);
      return null;
    }
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split("\n");
      rest = (parts.pop() ?? "").slice(0, MAX_LINE_CHARS);
      for (const part of parts) this.#say(part);
    }
    if (rest !== "") this.#say(rest);
  }

  #say(line: string): void {
    this.#lines.push(line.slice(0, MAX_LINE_CHARS));
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
    for (const wake of this.#lineWaiters) wake();
  }
}

/** Where programs are looked for: daemons live in sbin, which a user's PATH may lack. */
export function servicePath(): string {
  return `${Deno.env.get("PATH") ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;
}
