// What members announce of their certificates, carried over the fabric: told to all when it changes, and asked
// of each new neighbour, so that who was away learns what it missed. What is in one is judged by core/spiffe.
import { messageOf, WireError, WireReader, WireWriter } from "../base/mod.ts";
import type { Fabric, Verdict } from "../fabric/mod.ts";
import { formatNodeId, IdentityError, nodeIdOf, type VerifiedCredential } from "../identity/mod.ts";
import type { Clock } from "../ports/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import { decodeAnnouncement, type Spiffe, SpiffeError } from "../spiffe/mod.ts";
import { MAX_ANNOUNCED_AT_ONCE, MAX_CARRIED_BYTES, PEERS_CHECK_MS } from "./limits.ts";

const TOPIC = "spiffe-announcement";
const ALL = "x0-announcements-1";

/** What they work with. */
export interface AnnouncementsPorts {
  readonly clock: Clock;
  /** `null` while it doesn't run. */
  fabric(): Pick<Fabric, "publish" | "peers" | "request"> | null;
  /** Told of each member's credential that was verified. */
  saw(credential: VerifiedCredential): void;
  /** New neighbours are on the fabric. */
  met(): void;
  readonly log: (message: string) => void;
}

/** Announcements of one member. */
export class Announcements {
  readonly #ports: AnnouncementsPorts;
  readonly #stop = new AbortController();
  #spiffe: Spiffe | null = null;
  /** This node's own, as it was told last. */
  #own: Bytes | null = null;
  #asked: ReadonlySet<string> = new Set();
  #running: Promise<void> = Promise.resolve();

  constructor(ports: AnnouncementsPorts) {
    this.#ports = ports;
  }

  /** This node announces something new. */
  announced(octets: Bytes): void {
    this.#own = octets;
    void this.#publish();
  }

  /** Begins to learn. */
  start(spiffe: Spiffe): void {
    this.#spiffe = spiffe;
    this.#running = this.#run();
  }

  /** A fabric began to run. */
  async attach(fabric: Pick<Fabric, "subscribe" | "handle">): Promise<void> {
    fabric.subscribe(TOPIC, ({ bytes }) => this.#heard(bytes));
    await fabric.handle(ALL, () => Promise.resolve(this.#all()), {
      maxAnswerBytes: MAX_CARRIED_BYTES,
    });
    await this.#publish();
  }

  async #publish(): Promise<void> {
    const [fabric, own] = [this.#ports.fabric(), this.#own];
    if (fabric === null || own === null) return;
    try {
      await fabric.publish(TOPIC, own);
    } catch (thrown) {
      // Whoever connects later asks.
      this.#ports.log(`The node's certificate could not be announced: ${messageOf(thrown)}`);
    }
  }

  #all(): Bytes {
    const known = this.#spiffe?.members.announcements(this.#ports.clock.wallMs()) ?? [];
    const fitting: Uint8Array[] = [];
    let length = 0;
    for (const one of known.slice(0, MAX_ANNOUNCED_AT_ONCE)) {
      length += one.length + 4;
      if (length > MAX_CARRIED_BYTES - 16) break;
      fitting.push(one);
    }
    return new WireWriter()
      .list(fitting, (writer, one) => writer.u32(one.length).fixed(one, one.length)).finish();
  }

  async #heard(octets: Uint8Array): Promise<Verdict> {
    const spiffe = this.#spiffe;
    if (spiffe === null) return "ignore";
    try {
      if (!await spiffe.learn(octets)) return "ignore";
      const { credential } = decodeAnnouncement(octets);
      this.#sawMember(spiffe, formatNodeId(nodeIdOf(credential.claims.keys)));
      return "accept";
    } catch (thrown) {
      if (thrown instanceof SpiffeError && thrown.code === "untrusted") return "reject";
      if (thrown instanceof SpiffeError || thrown instanceof IdentityError) return "ignore";
      throw thrown;
    }
  }

  #sawMember(spiffe: Spiffe, nodeId: string): void {
    const member = spiffe.members.usable(this.#ports.clock.wallMs())
      .find(({ credential }) => credential.nodeId === nodeId);
    if (member !== undefined) this.#ports.saw(member.credential);
  }

  /** Asks each new neighbour once. */
  async #run(): Promise<void> {
    const { clock } = this.#ports;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const fabric = this.#ports.fabric();
      const present = new Set((fabric?.peers() ?? []).map(({ nodeId }) => nodeId));
      const fresh = [...present].filter((nodeId) => !this.#asked.has(nodeId));
      if (fresh.length > 0) this.#ports.met();
      const failed = new Set<string>();
      for (const nodeId of fresh) {
        if (fabric !== null && !await this.#ask(fabric, nodeId)) failed.add(nodeId);
      }
      this.#asked = new Set([...present].filter((nodeId) => !failed.has(nodeId)));
      await clock.sleep(PEERS_CHECK_MS, signal);
    }
  }

  async #ask(fabric: Pick<Fabric, "request">, nodeId: string): Promise<boolean> {
    const { signal } = this.#stop;
    try {
      const answer = await fabric.request(nodeId, ALL, new Uint8Array(0), {
        signal,
        maxAnswerBytes: MAX_CARRIED_BYTES,
      });
      const reader = new WireReader(answer, "announcements");
      const all = reader.list(MAX_ANNOUNCED_AT_ONCE, (item) => item.fixed(item.u32()));
      reader.end();
      for (const one of all) await this.#heard(one);
      return true;
    } catch (thrown) {
      // Malformed octets are not worth asking for again; everything else may pass.
      return thrown instanceof WireError;
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
