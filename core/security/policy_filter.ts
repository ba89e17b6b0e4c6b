// Keeps the packet filter on the overlay as the policy and the known members say. Without it no tunnel is
// made: who can't be kept out is not let near.
import { messageOf } from "../base/mod.ts";
import { type DeniedPackets, OverlayFirewall, type OverlayView } from "../policy/mod.ts";
import type { Clock, Firewall } from "../ports/mod.ts";
import { FILTER_CHECK_MS, FILTER_SETTLE_MS } from "./limits.ts";

/** What it works with. */
export interface PolicyFilterPorts {
  readonly clock: Clock;
  readonly firewall: Firewall;
  /** The overlay's link. */
  readonly link: string;
  view(): OverlayView;
  readonly log: (message: string) => void;
}

/** The filter of one node. */
export class PolicyFilter {
  readonly #ports: PolicyFilterPorts;
  readonly #filter: OverlayFirewall;
  readonly #stop = new AbortController();
  #problem: string | null = "it isn't installed yet";
  #dirty: AbortController = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(ports: PolicyFilterPorts) {
    this.#ports = ports;
    this.#filter = new OverlayFirewall(ports.firewall, ports.link);
  }

  /** Why the kernel doesn't filter as it must, or `null`. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Installs it, and keeps it from then on. @throws {KernelFault} when the kernel refuses. */
  async start(): Promise<void> {
    await this.#filter.update(this.#ports.view());
    this.#problem = null;
    this.#running = this.#run();
  }

  /** Policy or members changed. */
  changed(): void {
    this.#dirty.abort();
  }

  /** Packets that no rule allowed; `null` when the filter is not there. */
  async denied(): Promise<DeniedPackets | null> {
    return await this.#filter.denied().catch(() => null);
  }

  async #run(): Promise<void> {
    const { clock, view, log } = this.#ports;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const either = AbortSignal.any([signal, this.#dirty.signal]);
      await clock.sleep(FILTER_CHECK_MS, either);
      // A burst of changes is one change.
      if (this.#dirty.signal.aborted) await clock.sleep(FILTER_SETTLE_MS, signal);
      if (signal.aborted) return;
      this.#dirty = new AbortController();
      try {
        await this.#filter.present();
        await this.#filter.update(view());
        this.#problem = null;
      } catch (thrown) {
        const problem = messageOf(thrown);
        if (problem !== this.#problem) log(`The overlay is not filtered as it must be: ${problem}`);
        this.#problem = problem;
      }
    }
  }

  /** Leaves the filter in the kernel: a link that outlives this program is not open. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
