// The initiator: sends M1, takes M2, sends M3, takes M4. Each step may be taken once; any error ends it.
import { type Bytes, equalBytes } from "../pq/mod.ts";
import type { VerifiedCredential } from "../identity/mod.ts";
import { HandshakeError } from "./errors.ts";
import {
  earlySecret,
  mac1,
  masterSecret,
  sealingKey,
  transcript2,
  transcriptNext,
  wireguardPsk,
} from "./key_schedule.ts";
import {
  decodeM2,
  decodeProof,
  decodeSealed,
  encodeM1,
  encodeM2Clear,
  encodeSealed,
  MODE,
  type Mode,
  NONCE_BYTES,
} from "./messages.ts";
import type { Outcome, Party } from "./party.ts";
import { InitiatorShares } from "./shares.ts";
import { checkProof, openOnce, outcomeOf, prove, sealOnce } from "./steps.ts";

/** What the initiator knows of the peer it dials. */
export interface InitiatorOptions {
  /** Ask for the whole credential: it is not cached here. */
  readonly wantFull: boolean;
  /** The cache epoch of the peer that already holds our credential, or `null`. */
  readonly deliveredTo: Bytes | null;
  /** What the handshake is for; MODE.mesh when left out. */
  readonly mode?: Mode;
}

interface AfterM1 {
  readonly step: "m1-sent";
  readonly m1: Bytes;
  readonly early: Bytes;
  readonly shares: InitiatorShares;
}

interface AfterM3 {
  readonly step: "m3-sent";
  readonly secret: Bytes;
  readonly t4: Bytes;
  readonly peer: VerifiedCredential;
  readonly peerCacheEpoch: Bytes;
}

/** One handshake, from the side that begins. */
export class Initiator {
  readonly #party: Party;
  readonly #options: InitiatorOptions;
  #state: AfterM1 | AfterM3 | null = null;
  #begun = false;
  #peer: VerifiedCredential | null = null;

  constructor(party: Party, options: InitiatorOptions) {
    this.#party = party;
    this.#options = options;
  }

  /** Who the responder proved to be, once its M2 holds. */
  get peer(): VerifiedCredential | null {
    return this.#peer;
  }

  /** M1. */
  async begin(): Promise<Bytes> {
    if (this.#begun) throw new HandshakeError("used", "Cannot begin a handshake twice");
    this.#begun = true;
    const { random, suite, meshPsk } = this.#party;
    const shares = await InitiatorShares.make(this.#party);
    const body = encodeM1({
      mode: this.#options.mode ?? MODE.mesh,
      wantFull: this.#options.wantFull,
      nonce: random.bytes(NONCE_BYTES),
      ...shares.publics,
    });
    const early = earlySecret(suite, meshPsk);
    this.#state = { step: "m1-sent", m1: body, early, shares };
    const mac = mac1(early, body);
    const message = new Uint8Array(body.length + mac.length);
    message.set(body);
    message.set(mac, body.length);
    return message;
  }

  /** M2 → M3. @throws {HandshakeError} */
  async receiveM2(bytes: Uint8Array): Promise<Bytes> {
    const state = this.#take("m1-sent");
    const { backend, suite } = this.#party;
    let secret: Bytes | null = null;
    try {
      const m2 = decodeM2(bytes, suite);
      const t2 = transcript2(state.m1, encodeM2Clear(m2));
      secret = await state.shares.secret(state.early, m2);
      const opened = await openOnce(backend, sealingKey(secret, "r hs", t2), t2, m2.sealed);
      const proof = decodeProof(opened);
      const peer = await checkProof(this.#party, "resp", t2, proof);
      const t3 = transcriptNext(t2, m2.sealed);
      const known = this.#options.deliveredTo;
      const full = known === null || !equalBytes(known, proof.cacheEpoch);
      const own = await prove(this.#party, "init", t3, full);
      const sealed = await sealOnce(backend, sealingKey(secret, "i hs", t3), t3, own);
      const t4 = transcriptNext(t3, sealed);
      this.#state = { step: "m3-sent", secret, t4, peer, peerCacheEpoch: proof.cacheEpoch };
      this.#peer = peer;
      return encodeSealed(3, sealed);
    } catch (error) {
      secret?.fill(0);
      throw error;
    } finally {
      state.shares.wipe();
      state.early.fill(0);
    }
  }

  /** M4 → the outcome. @throws {HandshakeError} "busy" when the responder, and nobody else, refused. */
  async receiveM4(bytes: Uint8Array): Promise<Outcome> {
    const { secret, t4, peer, peerCacheEpoch } = this.#take("m3-sent");
    const { credential } = this.#party;
    try {
      const sealed = decodeSealed(4, bytes);
      const opened = await this.#openM4(secret, t4, sealed);
      if (opened.length !== 0) {
        throw new HandshakeError("malformed", "Cannot read M4: it is not empty");
      }
      const master = masterSecret(secret, t4);
      const psk = wireguardPsk(master, credential.claims.wireguard, peer.claims.wireguard);
      return outcomeOf(peer, psk, peerCacheEpoch, master);
    } finally {
      secret.fill(0);
    }
  }

  /** Gives the handshake up: what is secret in it is overwritten. Harmless after its end. */
  wipe(): void {
    const state = this.#state;
    this.#state = null;
    if (state?.step === "m1-sent") {
      state.shares.wipe();
      state.early.fill(0);
    }
    if (state?.step === "m3-sent") state.secret.fill(0);
  }

  /** The confirmation opens with one key, the refusal with another. */
  async #openM4(secret: Bytes, t4: Bytes, sealed: Bytes): Promise<Bytes> {
    const { backend } = this.#party;
    try {
      return await openOnce(backend, sealingKey(secret, "confirm", t4), t4, sealed);
    } catch (error) {
      if (!(error instanceof HandshakeError) || error.code !== "wrong-tag") throw error;
      await openOnce(backend, sealingKey(secret, "refuse", t4), t4, sealed);
      throw new HandshakeError("busy", "Cannot complete handshake: the peer has one under way", {
        retryable: true,
      });
    }
  }

  #take<S extends "m1-sent" | "m3-sent">(
    step: S,
  ): S extends "m1-sent" ? AfterM1 : AfterM3 {
    const state = this.#state;
    this.#state = null;
    if (state?.step !== step) {
      this.#state = state;
      this.wipe();
      throw new HandshakeError("used", "Cannot take this step now");
    }
    return state as S extends "m1-sent" ? AfterM1 : AfterM3;
  }
}
