/** nftables. Every method rejects with KernelFault; "invalid" carries nftables' own explanation. */
export interface Firewall {
  /** Version of the library and what is missing, if anything. */
  available(): Promise<{ readonly ok: boolean; readonly detail: string }>;
  /**
   * Runs a ruleset in nft syntax as one transaction: all of it or nothing.
   *
   * @param options.check only checks it.
   */
  apply(ruleset: string, options?: { readonly check?: boolean }): Promise<void>;
  /** The table's ruleset in nft syntax as the kernel has it now, or `null` when there is none. */
  table(family: FirewallFamily, name: string): Promise<string | null>;
  deleteTable(family: FirewallFamily, name: string): Promise<void>;
  /** Adds elements to a set or map, over netlink, in one batch. Keys and values are raw octets. */
  addElements(set: FirewallSet, elements: readonly FirewallElement[]): Promise<void>;
  removeElements(set: FirewallSet, keys: readonly Uint8Array[]): Promise<void>;
}

/** nftables' address families. */
export type FirewallFamily = "inet" | "ip" | "ip6" | "netdev" | "bridge" | "arp";

/** A named set or map in a table. */
export interface FirewallSet {
  readonly family: FirewallFamily;
  readonly table: string;
  readonly set: string;
}

/** One element of a set or map; octets in network order, as nftables stores them. */
export interface FirewallElement {
  readonly key: Uint8Array;
  /** For maps. */
  readonly value?: Uint8Array;
  readonly timeoutMs?: number;
}
