// The responder: takes M1, sends M2, takes M3, sends M4. It keeps nothing for an M1 whose mac is wrong.
import type { Backend, Bytes } from "../pq/mod.ts";
import { HandshakeError } from "./errors.ts";
import {
  earlySecret,
  mac1Holds,
  masterSecret,
  sealingKey,
  transcript2,
  transcriptNext,
  wireguardPsk,
} from "./key_schedule.ts";
import {
  decodeM1,
  decodeProof,
  decodeSealed,
  encodeSealed,
  joinM2,
  MODE,
  type Mode,
  splitM1,
} from "./messages.ts";
import type { Outcome, Party } from "./party.ts";
import { answerShares } from "./shares.ts";
import { checkProof, openOnce, outcomeOf, prove, sealOnce } from "./steps.ts";

interface AfterM2 {
  readonly secret: Bytes;
  readonly t3: Bytes;
}

/** What a valid M3 gives. One of the two messages may be made, or none and wiped. */
export interface Answer {
  readonly outcome: Outcome;
  /** M4. The PSK is to be installed before it is sent. @throws {HandshakeError} "used" */
  confirm(): Promise<Bytes>;
  /**
   * Takes M4's place, of the same length, and tells the peer alone that this node didn't install: it
   * has a handshake of its own under way. @throws {HandshakeError} "used"
   */
  refuse(): Promise<Bytes>;
  /** Overwrites the keys of both messages; the outcome has a wipe of its own. */
  wipe(): void;
}

/** Both messages that may follow an M3, of which one is made. */
function answerOf(backend: Backend, secret: Bytes, t4: Bytes, outcome: Outcome): Answer {
  const keys = {
    confirm: sealingKey(secret, "confirm", t4),
    refuse: sealingKey(secret, "refuse", t4),
  };
  let used = false;
  const wipe = () => {
    used = true;
    keys.confirm.fill(0);
    keys.refuse.fill(0);
  };
  const make = async (which: "confirm" | "refuse") => {
    if (used) throw new HandshakeError("used", "Cannot answer a handshake twice");
    used = true;
    try {
      return encodeSealed(4, await sealOnce(backend, keys[which], t4, new Uint8Array(0)));
    } finally {
      wipe();
    }
  };
  return { outcome, confirm: () => make("confirm"), refuse: () => make("refuse"), wipe };
}

/** One handshake, from the side that answers. */
export class Responder {
  readonly #party: Party;
  readonly #mode: Mode;
  #state: AfterM2 | null = null;
  #begun = false;

  /** @param mode what the handshake must be for: an M1 of another mode is refused. */
  constructor(party: Party, mode: Mode = MODE.mesh) {
    this.#party = party;
    this.#mode = mode;
  }

  /**
   * Whether an M1 comes from somebody who knows the mesh's secret: one HMAC, no state, no answer
   * otherwise.
   */
  static gate(party: Pick<Party, "suite" | "meshPsk">, bytes: Uint8Array): boolean {
    try {
      const { body, mac } = splitM1(bytes, party.suite);
      const early = earlySecret(party.suite, party.meshPsk);
      const holds = mac1Holds(early, body, mac);
      early.fill(0);
      return holds;
    } catch (error) {
      if (error instanceof HandshakeError) return false;
      throw error;
    }
  }

  /** M1 → M2. @throws {HandshakeError} "wrong-mac" before any costly work. */
  async receiveM1(bytes: Uint8Array): Promise<Bytes> {
    if (this.#begun) throw new HandshakeError("used", "Cannot begin a handshake twice");
    this.#begun = true;
    const { backend, suite, meshPsk } = this.#party;
    const { body, mac } = splitM1(bytes, suite);
    const early = earlySecret(suite, meshPsk);
    let secret: Bytes | null = null;
    try {
      if (!mac1Holds(early, body, mac)) {
        throw new HandshakeError("wrong-mac", "Cannot accept M1: its mac does not hold");
      }
      const m1 = decodeM1(body, suite);
      if (m1.mode !== this.#mode) {
        throw new HandshakeError("malformed", "Cannot accept M1: another mode");
      }
      const shares = await answerShares(this.#party, early, m1);
      secret = shares.secret;
      const t2 = transcript2(body, shares.clear);
      const proof = await prove(this.#party, "resp", t2, m1.wantFull);
      const sealed = await sealOnce(backend, sealingKey(secret, "r hs", t2), t2, proof);
      this.#state = { secret, t3: transcriptNext(t2, sealed) };
      return joinM2(shares.clear, sealed);
    } catch (error) {
      secret?.fill(0);
      throw error;
    } finally {
      early.fill(0);
    }
  }

  /** M3 → the outcome, and M4 or what takes its place. @throws {HandshakeError} */
  async receiveM3(bytes: Uint8Array): Promise<Answer> {
    const state = this.#state;
    this.#state = null;
    if (state === null) throw new HandshakeError("used", "Cannot take this step now");
    const { secret, t3 } = state;
    const { backend, credential } = this.#party;
    try {
      const sealed = decodeSealed(3, bytes);
      const opened = await openOnce(backend, sealingKey(secret, "i hs", t3), t3, sealed);
      const proof = decodeProof(opened);
      const peer = await checkProof(this.#party, "init", t3, proof);
      const t4 = transcriptNext(t3, sealed);
      const master = masterSecret(secret, t4);
      const psk = wireguardPsk(master, peer.claims.wireguard, credential.claims.wireguard);
      const outcome = outcomeOf(peer, psk, proof.cacheEpoch, master);
      return answerOf(backend, secret, t4, outcome);
    } finally {
      secret.fill(0);
    }
  }
  /** Gives the handshake up: its secret is overwritten. Harmless after its end. */
  wipe(): void {
    this.#state?.secret.fill(0);
    this.#state = null;
  }
}
