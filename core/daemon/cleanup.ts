import { messageOf } from "../base/mod.ts";
import type { Logger } from "./log.ts";

/** Undoes what was begun, last first. */
export class Cleanup {
  readonly #steps: (readonly [string, () => void | Promise<void>])[] = [];

  /** @param name of what the step stops, for the log. */
  add(name: string, step: () => void | Promise<void>): void {
    this.#steps.push([name, step]);
  }

  /** Runs each step once. Never rejects: a step that fails is logged and the next one runs. */
  async run(log: Logger): Promise<void> {
    for (const [name, step] of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (thrown) {
        log.error(`Stopping ${name} failed: ${messageOf(thrown)}`);
      }
    }
  }
}
