// Where members were, once it was proved who is there. Kept in a file, so that a node that wakes up far from
// everybody knows whom to ask. A hint and nothing more: whoever answers proves itself anew.
import { messageOf } from "../base/mod.ts";
import { parseNodeId } from "../identity/mod.ts";
import type { Clock, Files, SocketAddress } from "../ports/mod.ts";
import { formatEndpoint, parseEndpoint } from "./addresses.ts";
import { CONTACTS_SAVE_MS, MAX_CONTACTS } from "./limits.ts";

/** What contacts are kept with. */
export interface ContactsPorts {
  readonly files: Files;
  readonly clock: Clock;
  /** Absolute. */
  readonly path: string;
  readonly log: (message: string) => void;
}

/** Addresses of members, the newest last. */
export class Contacts {
  readonly #ports: ContactsPorts;
  readonly #byNode: Map<string, SocketAddress>;
  readonly #stop = new AbortController();
  #saving: Promise<void> | null = null;

  private constructor(ports: ContactsPorts, known: Map<string, SocketAddress>) {
    this.#ports = ports;
    this.#byNode = known;
  }

  /** Reads the file; one that can't be read counts as empty, since all in it is found again. */
  static async open(ports: ContactsPorts): Promise<Contacts> {
    const known = new Map<string, SocketAddress>();
    try {
      const text = await ports.files.readText(ports.path) ?? "";
      for (const line of text.split("\n").slice(-MAX_CONTACTS)) {
        const [nodeId = "", place = ""] = line.split(" ");
        const address = parseEndpoint(place);
        if (address === null) continue;
        parseNodeId(nodeId);
        known.set(nodeId, address);
      }
    } catch (thrown) {
      ports.log(`Earlier addresses of members are lost: ${messageOf(thrown)}`);
    }
    return new Contacts(ports, known);
  }

  /** Node ids with the address of their handshakes. */
  get all(): ReadonlyMap<string, SocketAddress> {
    return this.#byNode;
  }

  /** "host:port" of everybody, the newest first. */
  get endpoints(): readonly string[] {
    return [...this.#byNode.values()].toReversed().map(formatEndpoint);
  }

  /** A member proved itself there. */
  met(nodeId: string, address: SocketAddress): void {
    const held = this.#byNode.get(nodeId);
    this.#byNode.delete(nodeId);
    this.#byNode.set(nodeId, address);
    const [oldest] = this.#byNode.keys();
    if (this.#byNode.size > MAX_CONTACTS && oldest !== undefined) this.#byNode.delete(oldest);
    if (held?.host === address.host && held.port === address.port) return;
    this.#saving ??= this.#saveSoon();
  }

  /** A node is out. */
  forget(nodeId: string): void {
    if (this.#byNode.delete(nodeId)) this.#saving ??= this.#saveSoon();
  }

  async #saveSoon(): Promise<void> {
    const { clock, files, path, log } = this.#ports;
    await clock.sleep(CONTACTS_SAVE_MS, this.#stop.signal);
    this.#saving = null;
    const lines = [...this.#byNode].map(([nodeId, address]) =>
      `${nodeId} ${formatEndpoint(address)}\n`
    );
    try {
      await files.writeAtomic(path, lines.join(""));
    } catch (thrown) {
      log(`Addresses of members could not be kept: ${messageOf(thrown)}`);
    }
  }

  /** Saves what isn't. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#saving;
  }
}
