// Brings the machine to a document: read, plan, act, and read again until nothing is left to do or what
// is left has failed. What one step makes (an interface, a regulatory domain) shows its own settings only
// afterwards, hence the rounds.
import { messageOf } from "../base/mod.ts";
import { type Clock, type Kernel, KernelFault, type Services } from "../ports/mod.ts";
import { APPLY_SETTLE_MS, MAX_APPLY_ROUNDS, MAX_STEP_ATTEMPTS } from "./limits.ts";
import { observe } from "./observed.ts";
import { type Plan, plan } from "./plan.ts";
import type { ApplyReport, Change, ConfigApplier, Difference, PlannedStep } from "./report.ts";
import type { Config } from "./schema.ts";
import { perform, type Step, stepId } from "./step.ts";

/** What an applier works with. */
export interface KernelApplierOptions {
  readonly kernel: Kernel;
  readonly services: Services;
  readonly clock: Clock;
}

/** Applies documents to a kernel, real or simulated. One a node. */
export class KernelApplier implements ConfigApplier {
  readonly #options: KernelApplierOptions;
  /** Fingerprints of the services that this applier started. */
  readonly #started = new Map<string, string>();

  constructor(options: KernelApplierOptions) {
    this.#options = options;
  }

  /** Reads the machine and plans, without acting. @throws {KernelFault} when links cannot be listed. */
  async plan(config: Config, previous: Config | null): Promise<Plan> {
    const { kernel, services } = this.#options;
    const observed = await observe(kernel, services, config, previous, this.#started);
    return plan(config, observed, previous);
  }

  async preview(config: Config, previous: Config | null): Promise<readonly PlannedStep[]> {
    const { steps } = await this.plan(config, previous);
    return steps.map(({ key, sentence, mayDisconnect }) => ({ key, sentence, mayDisconnect }));
  }

  /** @see ConfigApplier */
  async apply(config: Config, previous: Config | null): Promise<ApplyReport> {
    const changed: Change[] = [];
    const failed = new Map<string, { readonly reason: string; readonly times: number }>();
    const done = new Set<string>();
    let unchanged: number | null = null;
    let current: Plan;
    try {
      current = await this.plan(config, previous);
      for (let round = 0; round < MAX_APPLY_ROUNDS; round++) {
        unchanged ??= current.unchanged;
        // What failed is tried once more, since another step may have cleared the way. What comes back
        // although it went well is the kernel not keeping it.
        const steps = current.steps.filter((step) =>
          (failed.get(stepId(step))?.times ?? 0) < MAX_STEP_ATTEMPTS &&
          !(done.has(stepId(step)) && (step.unseen || round >= MAX_STEP_ATTEMPTS))
        );
        if (steps.length === 0) break;
        for (const step of steps) {
          const reason = await this.#act(step);
          const id = stepId(step);
          if (reason !== null) {
            failed.set(id, { reason, times: (failed.get(id)?.times ?? 0) + 1 });
          } else if (!done.has(id)) {
            done.add(id);
            changed.push({ key: step.key, sentence: step.sentence });
          }
        }
        current = await this.plan(config, previous);
      }
    } catch (thrown) {
      // Not even reading works: say so instead of guessing what is in force.
      if (!(thrown instanceof KernelFault)) throw thrown;
      const reason = messageOf(thrown);
      const differing = [{ key: "", wanted: "the document", found: "unreadable", reason }];
      return { changed, unchanged: unchanged ?? 0, differing };
    }
    const differing = [
      ...current.obstacles,
      ...current.steps
        .filter((step) => !(step.unseen && done.has(stepId(step))))
        .map((step) => difference(step, failed.get(stepId(step))?.reason)),
    ];
    return { changed, unchanged: unchanged ?? 0, differing };
  }

  /** @returns why it failed, or `null`. */
  async #act(step: Step): Promise<string | null> {
    const { action } = step;
    try {
      await perform(action, this.#options);
    } catch (thrown) {
      if (!(thrown instanceof KernelFault)) throw thrown;
      if (action.do === "ensure-service") this.#started.delete(action.spec.name);
      return messageOf(thrown);
    }
    if (action.do === "ensure-service") this.#started.set(action.spec.name, action.fingerprint);
    else if (action.do === "stop-service") this.#started.delete(action.name);
    else if (action.do === "set-country" || action.do === "join-mesh") await this.#settle();
    return null;
  }

  /** The kernel takes up a country and a channel after it has answered. */
  async #settle(): Promise<void> {
    await this.#options.clock.sleep(APPLY_SETTLE_MS);
  }
}

function difference(step: Step, reason: string | undefined): Difference {
  const { key, wanted, found } = step;
  return { key, wanted, found, reason: reason ?? "the kernel accepted it and did not keep it" };
}
