// A part of the product that may fail to start (a port that is taken, a kernel that lacks something): tried
// again at growing intervals, with the reason shown meanwhile. Nothing weaker takes its place.
import { messageOf } from "../base/mod.ts";
import type { HealthCheck } from "../node/mod.ts";
import type { Clock } from "../ports/mod.ts";
import { RESTART_MAX_MS, RESTART_MIN_MS } from "./limits.ts";

/** How a part is started and ended. */
export interface PartOptions<T> {
  /** As checks and logs name it. */
  readonly name: string;
  readonly clock: Clock;
  start(): Promise<T>;
  stop(part: T): Promise<void>;
  /** Told once it runs, also after a later try. */
  readonly started?: (part: T) => void;
  readonly log: (message: string) => void;
}

/** One part, started in the background. */
export class Supervised<T> {
  readonly #options: PartOptions<T>;
  readonly #stop = new AbortController();
  #value: T | null = null;
  #problem: string | null = "it is starting";
  readonly #running: Promise<void>;
  #first: () => void = () => {};
  /** Resolves after the first try, whether it succeeded or not. */
  readonly tried: Promise<void>;

  constructor(options: PartOptions<T>) {
    this.#options = options;
    this.tried = new Promise((resolve) => this.#first = resolve);
    this.#running = this.#run();
  }

  /** The part, or `null` while it doesn't run. */
  get value(): T | null {
    return this.#value;
  }

  /** Why it doesn't run, or `null` when it does. */
  get problem(): string | null {
    return this.#problem;
  }

  /** As the node's health shows it. */
  check(): HealthCheck {
    const { name } = this.#options;
    return this.#problem === null
      ? { name, state: "ok", reason: "Running" }
      : { name, state: "failed", reason: `Not running: ${this.#problem}` };
  }

  async #run(): Promise<void> {
    const { name, clock, start, started, log } = this.#options;
    const { signal } = this.#stop;
    for (let pauseMs = RESTART_MIN_MS; !signal.aborted; pauseMs *= 2) {
      try {
        const part = await start();
        this.#value = part;
        this.#problem = null;
        started?.(part);
        return this.#first();
      } catch (thrown) {
        const problem = messageOf(thrown);
        if (problem !== this.#problem) log(`${name}: ${problem}`);
        this.#problem = problem;
      }
      this.#first();
      await clock.sleep(Math.min(pauseMs, RESTART_MAX_MS), signal);
    }
    this.#first();
  }

  /** Ends the part, or the tries to start it. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    const part = this.#value;
    this.#value = null;
    this.#problem = "it was stopped";
    if (part !== null) await this.#options.stop(part);
  }
}
