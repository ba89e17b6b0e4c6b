// Keeps the kernel's packet filter as the policy and the members are: members that come and go change
// set elements over netlink, a new policy replaces the table in one transaction.
import { type Firewall, KernelFault } from "../ports/mod.ts";
import { ipv6Octets } from "./address.ts";
import {
  type OverlayMember,
  type OverlayRules,
  overlayRules,
  POLICY_TABLE,
  type SetChange,
  setChanges,
} from "./overlay.ts";
import type { Principal } from "./pattern.ts";
import type { Policy } from "./policy.ts";

/** What the filter is made of. */
export interface OverlayView {
  readonly policy: Policy;
  /** This node. */
  readonly self: Principal;
  readonly members: readonly OverlayMember[];
}

/** What an update did. */
export type OverlayUpdate = "unchanged" | "elements" | "replaced";

/** Packets that no rule allowed. */
export interface DeniedPackets {
  /** To this node. */
  readonly arriving: number;
  /** Through this node. */
  readonly passing: number;
}

/** The filter on one link. Updates run one after the other. */
export class OverlayFirewall {
  readonly #firewall: Firewall;
  readonly #link: string;
  /** What the kernel has; `null` when that isn't known. */
  #installed: OverlayRules | null = null;
  #work: Promise<unknown> = Promise.resolve();

  /** @param link name of the overlay's link; it need not exist yet. */
  constructor(firewall: Firewall, link: string) {
    this.#firewall = firewall;
    this.#link = link;
  }

  #after<T>(deed: () => Promise<T>): Promise<T> {
    const run = this.#work.then(deed);
    this.#work = run.catch(() => {});
    return run;
  }

  /**
   * Makes the kernel's filter as it must be. After a failure the next update replaces the whole.
   *
   * @throws {KernelFault} when the kernel refuses; {PolicyError} for members that cannot be.
   */
  update({ policy, self, members }: OverlayView): Promise<OverlayUpdate> {
    return this.#after(async () => {
      const wanted = overlayRules(policy, self, members, this.#link);
      const have = this.#installed;
      if (have?.mark === wanted.mark) {
        const changes = setChanges(have.sets, wanted.sets);
        if (changes.length === 0) return "unchanged";
        if (await this.#change(changes)) {
          this.#installed = wanted;
          return "elements";
        }
      }
      this.#installed = null;
      await this.#firewall.apply(wanted.text);
      this.#installed = wanted;
      return "replaced";
    });
  }

  /** Whether all elements could be changed; what is half done is mended by replacing the table. */
  async #change(changes: readonly SetChange[]): Promise<boolean> {
    try {
      for (const { set, add, remove } of changes) {
        const place = { family: "inet", table: POLICY_TABLE, set } as const;
        if (remove.length > 0) {
          await this.#firewall.removeElements(place, remove.map(ipv6Octets));
        }
        if (add.length > 0) {
          await this.#firewall.addElements(place, add.map((text) => ({ key: ipv6Octets(text) })));
        }
      }
      return true;
    } catch (thrown) {
      if (thrown instanceof KernelFault) return false;
      throw thrown;
    }
  }

  /** Whether the kernel still has the filter that was put there; somebody may have flushed it. */
  present(): Promise<boolean> {
    return this.#after(async () => {
      const table = await this.#firewall.table("inet", POLICY_TABLE);
      const present = this.#installed !== null &&
        table?.includes(`chain ${this.#installed.mark} {`) === true;
      if (!present) this.#installed = null;
      return present;
    });
  }

  /** Packets denied since the table was last replaced; `null` when it is not there. */
  denied(): Promise<DeniedPackets | null> {
    return this.#after(async () => {
      const table = await this.#firewall.table("inet", POLICY_TABLE);
      const packets = (name: string) => {
        const match = new RegExp(`counter ${name} \\{\\s*packets (\\d+)`).exec(table ?? "");
        return match === null ? null : Number(match[1]);
      };
      const [arriving, passing] = [packets("denied"), packets("denied_passing")];
      return arriving === null || passing === null ? null : { arriving, passing };
    });
  }

  /** Takes the filter away, with the overlay itself. */
  remove(): Promise<void> {
    return this.#after(async () => {
      this.#installed = null;
      if (await this.#firewall.table("inet", POLICY_TABLE) === null) return;
      await this.#firewall.deleteTable("inet", POLICY_TABLE);
    });
  }
}
