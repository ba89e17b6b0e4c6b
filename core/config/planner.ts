// What the parts of a plan share: the facts, the document before, and where findings go.
import { formatPath, type PathPart } from "../document/mod.ts";
import type { Link } from "../ports/mod.ts";
import type { Observed } from "./observed.ts";
import type { Difference } from "./report.ts";
import type { Config } from "./schema.ts";
import type { Action, Step } from "./step.ts";

/** What a part of the plan says about one fact. */
export interface Fact {
  readonly path: readonly PathPart[];
  readonly wanted: string | number | boolean;
  /** What is there; `null` for nothing. */
  readonly found: string | number | boolean | null;
}

/** How a wrong fact is put right. */
export interface Remedy {
  readonly sentence: string;
  readonly action: Action;
  readonly undo?: Action | null;
  readonly mayDisconnect?: boolean;
  /** Cannot be read back: having been done is all there is to know. */
  readonly unseen?: boolean;
}

/** Steps, obstacles and the count of what is right, for one document and one reading. */
export class Planner {
  readonly steps: Step[] = [];
  readonly obstacles: Difference[] = [];
  /** Names of the services the document wants. */
  readonly services = new Set<string>();
  right = 0;
  readonly #ids = new Set<string>();

  /** Wireless interfaces the document wants on this machine's radios. */
  readonly wireless = new Set<string>();

  constructor(
    readonly config: Config,
    public observed: Observed,
    readonly previous: Config | null,
  ) {}

  /** From now on plans as if the link `name` and what hangs on it were gone: a step removes it. */
  forget(name: string): void {
    const { observed } = this;
    const gone = new Set([
      name,
      ...observed.links.filter((link) => link.parent === name && link.kind === "vlan")
        .map((link) => link.name),
    ]);
    this.observed = {
      ...observed,
      links: observed.links.filter((link) => !gone.has(link.name))
        .map((link) =>
          link.master !== null && gone.has(link.master) ? { ...link, master: null } : link
        ),
      addresses: observed.addresses.filter(({ link }) => !gone.has(link)),
      routes: observed.routes.filter(({ link }) => link === null || !gone.has(link)),
      wireless: observed.wireless.filter((wlan) => !gone.has(wlan.name)),
      ...(observed.mesh !== null && gone.has(observed.mesh.mesh)
        ? { mesh: null, hardInterfaces: [], vlans: [] }
        : {}),
    };
  }

  /** Moves the steps that `add` plans to position `at`: they must be done before what is there. */
  before(at: number, add: () => void): void {
    const end = this.steps.length;
    add();
    this.steps.splice(at, 0, ...this.steps.splice(end));
  }

  /** A fact that is right. */
  fine(): void {
    this.right++;
  }

  /** A fact that is wrong and what mends it. */
  mend(fact: Fact, remedy: Remedy): void {
    // Two keys may want the same act, e.g. a mesh interface up as such and as a bridge's port.
    const id = JSON.stringify(remedy.action);
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    this.steps.push({
      key: formatPath(fact.path),
      wanted: String(fact.wanted),
      found: fact.found === null ? "nothing" : String(fact.found),
      sentence: remedy.sentence,
      action: remedy.action,
      undo: remedy.undo ?? null,
      mayDisconnect: remedy.mayDisconnect ?? false,
      unseen: remedy.unseen ?? false,
    });
  }

  /** A fact and, if it is wrong, what mends it. */
  want(fact: Fact, remedy: () => Remedy): void {
    if (fact.found === fact.wanted) this.right++;
    else this.mend(fact, remedy());
  }

  /** A fact that nothing here can mend. */
  obstacle(fact: Fact, reason: string): void {
    this.obstacles.push({
      key: formatPath(fact.path),
      wanted: String(fact.wanted),
      found: fact.found === null ? "nothing" : String(fact.found),
      reason,
    });
  }

  link(name: string): Link | null {
    return this.observed.links.find((link) => link.name === name) ?? null;
  }

  /** Whether a step of this plan makes the link `name`, or it is there. */
  willExist(name: string): boolean {
    if (this.link(name) !== null) return true;
    return this.steps.some(({ action }) =>
      (action.do === "create-link" && action.spec.name === name) ||
      (action.do === "create-wireless" && action.name === name)
    );
  }

  /** Brings a link up. */
  up(path: readonly PathPart[], name: string): void {
    const found = this.link(name)?.up ?? false;
    this.want({ path, wanted: "up", found: found ? "up" : "down" }, () => ({
      sentence: `bring ${name} up`,
      action: { do: "change-link", name, change: { up: true } },
      undo: { do: "change-link", name, change: { up: false } },
    }));
  }

  mtu(path: readonly PathPart[], name: string, wanted: number): void {
    const found = this.link(name)?.mtu ?? null;
    this.want({ path, wanted, found }, () => ({
      sentence: `set the longest packet of ${name} to ${wanted}`,
      action: { do: "change-link", name, change: { mtu: wanted } },
      undo: found === null ? null : { do: "change-link", name, change: { mtu: found } },
    }));
  }

  /** Puts a link under a bridge or mesh interface. */
  master(path: readonly PathPart[], name: string, wanted: string, mayDisconnect = false): void {
    const found = this.link(name)?.master ?? null;
    this.want(
      { path, wanted: `in ${wanted}`, found: found === null ? "alone" : `in ${found}` },
      () => ({
        sentence: `put ${name} into ${wanted}`,
        action: { do: "change-link", name, change: { master: wanted } },
        undo: { do: "change-link", name, change: { master: found } },
        mayDisconnect,
      }),
    );
  }

  /** Takes a link that the document before put under `master` out again. */
  release(path: readonly PathPart[], name: string, master: string): void {
    if (this.link(name)?.master !== master) return;
    this.mend({ path, wanted: "alone", found: `in ${master}` }, {
      sentence: `take ${name} out of ${master}`,
      action: { do: "change-link", name, change: { master: null } },
      undo: { do: "change-link", name, change: { master } },
      mayDisconnect: true,
    });
  }

  remove(path: readonly PathPart[], name: string): void {
    if (this.link(name) === null) return;
    this.mend({ path, wanted: "none", found: name }, {
      sentence: `remove ${name}`,
      action: { do: "delete-link", name },
      mayDisconnect: true,
    });
    this.forget(name);
  }
}
