// The address book: where nodes were said to be, and how dialling them went. What it holds are hints; who is
// at an address shows in the handshake. Bounded; the one heard of longest ago is forgotten first.
import type { SocketAddress } from "../ports/mod.ts";
import { isLinkLocal, withoutLink } from "./addresses.ts";
import { MAX_CONTACT_ADDRESSES, MAX_CONTACTS } from "./limits.ts";
import type { FabricTiming } from "./timing.ts";

interface Contact {
  /** The one heard of last comes first. */
  addresses: SocketAddress[];
  failures: number;
  notBeforeMs: number;
  /** Never connected since it was first heard of, or since it was last lost. */
  fresh: boolean;
}

const same = (a: SocketAddress, b: SocketAddress) => a.host === b.host && a.port === b.port;

/** All contacts of a node. */
export class Contacts {
  readonly #contacts = new Map<string, Contact>();
  readonly #timing: FabricTiming;

  constructor(timing: FabricTiming) {
    this.#timing = timing;
  }

  get size(): number {
    return this.#contacts.size;
  }

  /** Notes an address; a node heard of for the first time may be dialled at once. */
  heard(nodeId: string, address: SocketAddress): void {
    const known = this.#contacts.get(nodeId);
    const contact = known ?? { addresses: [], failures: 0, notBeforeMs: 0, fresh: true };
    const others = contact.addresses.filter((other) => !same(other, address));
    contact.addresses = [address, ...others].slice(0, MAX_CONTACT_ADDRESSES);
    this.#contacts.delete(nodeId);
    this.#contacts.set(nodeId, contact);
    if (this.#contacts.size > MAX_CONTACTS) {
      const [oldest] = this.#contacts.keys();
      if (oldest !== undefined) this.#contacts.delete(oldest);
    }
  }

  addresses(nodeId: string): readonly SocketAddress[] {
    return this.#contacts.get(nodeId)?.addresses ?? [];
  }

  /** An address as it can be dialled here: link-local ones on the link they were heard on, else on `links`. */
  hosts(
    nodeId: string,
    { host, port }: SocketAddress,
    links: readonly string[],
  ): readonly SocketAddress[] {
    if (!isLinkLocal(host) || host.includes("%")) return [{ host, port }];
    const heard = this.addresses(nodeId).filter((known) =>
      known.host.includes("%") && withoutLink(known.host) === host && known.port === port
    );
    return heard.length > 0 ? heard : links.map((link) => ({ host: `${host}%${link}`, port }));
  }

  /** A connection came about. */
  reached(nodeId: string): void {
    const contact = this.#contacts.get(nodeId);
    if (contact === undefined) return;
    contact.failures = 0;
    contact.notBeforeMs = 0;
    contact.fresh = false;
  }

  /** A dial failed: the next one waits longer. */
  failed(nodeId: string, nowMs: number): void {
    const contact = this.#contacts.get(nodeId);
    if (contact === undefined) return;
    const { redialMinMs, redialMaxMs } = this.#timing;
    contact.notBeforeMs = nowMs + Math.min(redialMaxMs, redialMinMs * 2 ** contact.failures);
    contact.failures = Math.min(contact.failures + 1, 30);
  }

  /** A connection was lost: it is worth an attempt of its own. */
  lost(nodeId: string): void {
    const contact = this.#contacts.get(nodeId);
    if (contact !== undefined) contact.fresh = true;
  }

  forget(nodeId: string): void {
    this.#contacts.delete(nodeId);
  }

  /** Nodes that may be dialled now, fresh ones told apart. */
  *due(nowMs: number): IterableIterator<{ readonly nodeId: string; readonly fresh: boolean }> {
    for (const [nodeId, { notBeforeMs, fresh }] of this.#contacts) {
      if (notBeforeMs <= nowMs) yield { nodeId, fresh };
    }
  }
}
