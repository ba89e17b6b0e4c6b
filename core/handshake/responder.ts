// The responder: takes M1, sends M2, takes M3, sends M4. It keeps nothing for an M1 whose mac is wrong.
import type { Bytes } from "../pq/mod.ts";
import { HandshakeError } from "./errors.ts";
import {
  earlySecret,
  handshakeSecret,
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
  encodeM2Clear,
  encodeSealed,
  joinM2,
  MODE,
  type Mode,
  NONCE_BYTES,
  splitM1,
} from "./messages.ts";
import type { Outcome, Party } from "./party.ts";
import { checkProof, openOnce, outcomeOf, prove, sealOnce, withShares } from "./steps.ts";

interface AfterM2 {
  readonly secret: Bytes;
  readonly t3: Bytes;
}

/** What a valid M3 gives. Exactly one of the two messages may be sent, or none. */
export interface Answer {
  /** Confirms. The PSK is to be installed before it is sent. */
  readonly m4: Bytes;
  readonly outcome: Outcome;
  /**
   * Takes M4's place, of the same length, and tells the peer alone that this node didn't install: it
   * has a handshake of its own under way. Once.
   */
  refusal(): Promise<Bytes>;
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
      return mac1Holds(earlySecret(party.suite, party.meshPsk), body, mac);
    } catch (error) {
      if (error instanceof HandshakeError) return false;
      throw error;
    }
  }

  /** M1 → M2. @throws {HandshakeError} "wrong-mac" before any costly work. */
  async receiveM1(bytes: Uint8Array): Promise<Bytes> {
    if (this.#begun) throw new HandshakeError("used", "Cannot begin a handshake twice");
    this.#begun = true;
    const { backend, random, suite, meshPsk } = this.#party;
    const { body, mac } = splitM1(bytes, suite);
    const early = earlySecret(suite, meshPsk);
    if (!mac1Holds(early, body, mac)) {
      throw new HandshakeError("wrong-mac", "Cannot accept M1: its mac does not hold");
    }
    const m1 = decodeM1(body, suite);
    if (m1.mode !== this.#mode) {
      throw new HandshakeError("malformed", "Cannot accept M1: another mode");
    }
    const scalar = random.bytes(32);
    const own = await backend.agreementKeyPair(scalar);
    scalar.fill(0);
    try {
      const { ciphertext, secret } = await withShares(async () => {
        const [kem, x25519Secret] = await Promise.all([
          backend.encapsulate(suite.kem, m1.encapsulationKey),
          own.agree(m1.x25519),
        ]);
        const combined = handshakeSecret(early, kem.sharedSecret, x25519Secret);
        kem.sharedSecret.fill(0);
        x25519Secret.fill(0);
        return { ciphertext: kem.ciphertext, secret: combined };
      });
      const clear = encodeM2Clear({
        nonce: random.bytes(NONCE_BYTES),
        x25519: own.publicKey,
        ciphertext,
      });
      const t2 = transcript2(body, clear);
      const proof = await prove(this.#party, "resp", t2, m1.wantFull);
      const sealed = await sealOnce(backend, sealingKey(secret, "r hs", t2), t2, proof);
      this.#state = { secret, t3: transcriptNext(t2, sealed) };
      return joinM2(clear, sealed);
    } finally {
      own.wipe();
      early.fill(0);
    }
  }

  /** M3 → M4 and the outcome. @throws {HandshakeError} */
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
      const confirm = sealingKey(secret, "confirm", t4);
      const m4 = encodeSealed(4, await sealOnce(backend, confirm, t4, new Uint8Array(0)));
      const refuse = sealingKey(secret, "refuse", t4);
      const master = masterSecret(secret, t4);
      const psk = wireguardPsk(master, peer.claims.wireguard, credential.claims.wireguard);
      return {
        m4,
        outcome: outcomeOf(peer, psk, proof.cacheEpoch, master),
        refusal: async () =>
          encodeSealed(4, await sealOnce(backend, refuse, t4, new Uint8Array(0))),
      };
    } finally {
      secret.fill(0);
    }
  }
}
