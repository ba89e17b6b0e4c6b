// Publishing to all members who are interested: gossipsub carries envelopes, which are judged here. A message
// is handed to its topic's handler at most once, and only if its origin is a member now and signed it.
import type { GossipSub, Message, TopicValidatorResult } from "@libp2p/gossipsub";
import type { PeerId } from "@libp2p/interface";
import { type Party, TokenBuckets } from "../handshake/mod.ts";
import type { Backend } from "../pq/mod.ts";
import type { Clock } from "../ports/mod.ts";
import type { Directory } from "./directory.ts";
import { decodeEnvelope, encodeEnvelope, type Envelope, signedEnvelope } from "./envelope.ts";
import { FabricError } from "./errors.ts";
import {
  GOSSIP_BURST,
  GOSSIP_PER_S,
  MAX_GOSSIP_BYTES,
  MAX_GOSSIP_PENDING,
  MAX_TOPICS,
} from "./limits.ts";
import { nodeIdOfPeer } from "./peer_id.ts";
import type { ReplayWindows } from "./replay.ts";
import type { GossipHandler, Verdict } from "./types.ts";

const TOPIC = /^[a-z][a-z0-9-]{0,63}$/;

/** What it runs on. */
export interface GossipPorts {
  readonly clock: Clock;
  readonly backend: Backend;
  readonly nodeId: string;
  /** This node's run: larger than that of all its starts before. */
  readonly run: number;
  readonly windows: ReplayWindows;
  readonly directory: Directory;
  party(): Party;
  /** A neighbour handed on what no honest node would have. */
  strike(nodeId: string): void;
}

/** Why a message went no further; "accept" when it did. */
type Outcome =
  | Verdict
  | "replayed"
  | "limited"
  | "malformed"
  | "unknown-origin"
  | "wrong-signature";

/** Those that an honest neighbour never hands on: it would have found them out itself. */
const BLAMED: ReadonlySet<Outcome> = new Set(["reject", "malformed", "wrong-signature"]);

/** Gossip of one node. */
export class Gossip {
  readonly #ports: GossipPorts;
  readonly #pubsub: GossipSub;
  readonly #rates = new TokenBuckets(GOSSIP_BURST, GOSSIP_PER_S);
  readonly #figures: Partial<Record<Outcome | "published", number>> = {};
  readonly #topics = new Set<string>();
  #pending = 0;
  #number = 0;

  constructor(ports: GossipPorts, pubsub: GossipSub) {
    this.#ports = ports;
    this.#pubsub = pubsub;
  }

  get figures(): Readonly<Record<string, number>> {
    return { ...this.#figures };
  }

  /** As {@link Fabric.publish}. */
  async publish(topic: string, payload: Uint8Array): Promise<void> {
    const name = wireTopic(topic);
    if (payload.length > MAX_GOSSIP_BYTES) {
      throw new FabricError("too-large", `Cannot publish ${payload.length} octets`);
    }
    const { nodeId: origin, run, party } = this.#ports;
    const { ed25519, credential } = party();
    const unsigned = { origin, run, number: ++this.#number, payload: payload.slice() };
    const { trustDomain } = credential.claims;
    const signature = await ed25519.sign(signedEnvelope(trustDomain, topic, unsigned));
    this.#count("published");
    await this.#pubsub.publish(name, encodeEnvelope({ ...unsigned, signature }));
  }

  /** As {@link Fabric.subscribe}. */
  subscribe(topic: string, handler: GossipHandler): () => void {
    const name = wireTopic(topic);
    if (this.#topics.has(name)) {
      throw new FabricError("too-many", `Cannot subscribe to "${topic}": somebody is`);
    }
    if (this.#topics.size >= MAX_TOPICS) {
      throw new FabricError("too-many", `Cannot subscribe to "${topic}": too many topics`);
    }
    this.#topics.add(name);
    this.#pubsub.topicValidators.set(name, async (peer, message) => {
      const outcome = await this.#judge(topic, handler, peer, message);
      this.#count(outcome);
      if (BLAMED.has(outcome)) {
        const from = nodeIdOfPeer(peer);
        if (from !== null) this.#ports.strike(from);
      }
      const verdict = outcome === "accept" ? "accept" : BLAMED.has(outcome) ? "reject" : "ignore";
      return verdict as TopicValidatorResult;
    });
    this.#pubsub.subscribe(name);
    return () => {
      this.#topics.delete(name);
      this.#pubsub.unsubscribe(name);
      this.#pubsub.topicValidators.delete(name);
    };
  }

  async #judge(
    topic: string,
    handler: GossipHandler,
    peer: PeerId,
    message: Message,
  ): Promise<Outcome> {
    const { clock, windows, nodeId } = this.#ports;
    const from = nodeIdOfPeer(peer);
    if (from === null) return "malformed";
    if (this.#pending >= MAX_GOSSIP_PENDING || !this.#rates.take(from, clock.monotonicMs())) {
      return "limited";
    }
    let envelope: Envelope;
    try {
      envelope = decodeEnvelope(message.data);
    } catch {
      return "malformed";
    }
    const { origin, run, number } = envelope;
    // Our own words come back around a ring; they aren't news.
    if (origin === nodeId || !windows.isNew(origin, run, number)) return "replayed";
    this.#pending++;
    try {
      const proved = await this.#prove(topic, envelope, from);
      if (proved !== "accept") return proved;
      if (!windows.take(origin, run, number)) return "replayed";
      try {
        return await handler({ origin, from, bytes: envelope.payload });
      } catch {
        return "ignore";
      }
    } finally {
      this.#pending--;
    }
  }

  async #prove(topic: string, envelope: Envelope, from: string): Promise<Outcome> {
    const { backend, directory } = this.#ports;
    const credential = await directory.find(envelope.origin, from);
    if (credential === null) return "unknown-origin";
    const { keys, trustDomain } = credential.claims;
    const message = signedEnvelope(trustDomain, topic, envelope);
    const holds = await backend.verify("Ed25519", keys.ed25519, message, envelope.signature);
    return holds ? "accept" : "wrong-signature";
  }

  #count(outcome: Outcome | "published"): void {
    this.#figures[outcome] = (this.#figures[outcome] ?? 0) + 1;
  }
}

function wireTopic(topic: string): string {
  if (!TOPIC.test(topic)) {
    throw new FabricError("malformed", `Cannot use "${topic.slice(0, 80)}" as name of a topic`);
  }
  return `x0tta6bl4/${topic}`;
}
