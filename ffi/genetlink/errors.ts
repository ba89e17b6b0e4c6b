// Errors of generic netlink: what this kernel does not have.

/** The module that brings a family, for the message. */
const MODULES: ReadonlyMap<string, string> = new Map([
  ["batadv", "batman-adv"],
  ["nl80211", "cfg80211"],
  ["wireguard", "wireguard"],
  ["MAC80211_HWSIM", "mac80211_hwsim"],
]);

/** This kernel has no such family, and no module that brings it could be loaded. */
export class FamilyMissingError extends Error {
  readonly code = "family-missing";
  readonly retryable = false;
  /** Name of the family, e.g. "batadv". */
  readonly family: string;
  /** Kernel module that brings it, where known. */
  readonly module: string | null;

  constructor(family: string) {
    const module = MODULES.get(family) ?? null;
    const cause = module === null
      ? "this kernel does not have it"
      : `this kernel does not have it, and module ${module} is not loaded`;
    super(`Cannot use netlink family "${family}": ${cause}`);
    this.name = "FamilyMissingError";
    this.family = family;
    this.module = module;
  }
}

/** The family has no multicast group of that name in this kernel. */
export class GroupMissingError extends Error {
  readonly code = "group-missing";
  readonly retryable = false;
  /** Name of the family. */
  readonly family: string;
  /** Name of the group. */
  readonly group: string;

  constructor(family: string, group: string) {
    super(`Cannot join group "${group}" of "${family}": this kernel does not have it`);
    this.name = "GroupMissingError";
    this.family = family;
    this.group = group;
  }
}
