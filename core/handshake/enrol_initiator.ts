// Enrolment from the side of who asks. It has no credential yet: it believes in the responder because of
// the authority it was told to pin, and is believed because of the token and the keys it signs with.
import type { Random } from "../ports/mod.ts";
import type { VerifiedCredential } from "../identity/mod.ts";
import { type Backend, type Bytes, hashOf, type Signer, type Suite } from "../pq/mod.ts";
import {
  decodeEnrolAnswer,
  encodeEnrolProof,
  NO_TOKEN,
  TOKEN_ID_BYTES,
  tokenProof,
} from "./enrol_messages.ts";
import { HandshakeError } from "./errors.ts";
import {
  earlySecret,
  exportKey,
  mac1,
  masterSecret,
  sealingKey,
  signedTranscript,
  transcript2,
  transcriptNext,
} from "./key_schedule.ts";
import {
  decodeM2,
  decodeProof,
  decodeSealed,
  encodeM1,
  encodeM2Clear,
  encodeSealed,
  MODE,
  NONCE_BYTES,
} from "./messages.ts";
import { admitting, verifyTranscript } from "./enrol_steps.ts";
import { InitiatorShares } from "./shares.ts";
import { openOnce, sealOnce } from "./steps.ts";

/** A token, or the mesh's own secret for a member that enrols again. */
export interface EnrolSecret {
  /** 8 octets; `null` for the mesh's own secret. */
  readonly tokenId: Bytes | null;
  /** 20 octets of the token, or 32 of the mesh. */
  readonly secret: Bytes;
}

/** What the joiner brings. Keys belong to the caller. */
export interface EnrolJoiner {
  readonly backend: Backend;
  readonly random: Random;
  readonly suite: Suite;
  readonly token: EnrolSecret;
  readonly postQuantum: Signer;
  readonly ed25519: Signer;
  /** The encoded request; its keys are the two above. */
  readonly request: Bytes;
  /**
   * Whether the chain leads from the pinned authority to one that signed the credential.
   *
   * @throws {IdentityError}
   */
  admit(chain: Bytes, credential: Bytes): Promise<VerifiedCredential>;
}

/** What both ends have after enrolment's handshake. */
export interface EnrolSession {
  /** Key material bound to this handshake, the same on both sides. */
  exportKey(label: string, length: number): Bytes;
  /** Overwrites the master secret. */
  wipe(): void;
}

/** A session around a master secret, which it owns. */
export function enrolSession(master: Bytes): EnrolSession {
  let wiped = false;
  return {
    exportKey(label, length) {
      if (wiped) throw new HandshakeError("used", `Cannot derive "${label}": secrets were wiped`);
      return exportKey(master, label, length);
    },
    wipe() {
      wiped = true;
      master.fill(0);
    },
  };
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
}

/** One enrolment handshake, from the side that begins. */
export class EnrolInitiator {
  readonly #joiner: EnrolJoiner;
  #state: AfterM1 | AfterM3 | null = null;
  #begun = false;

  constructor(joiner: EnrolJoiner) {
    this.#joiner = joiner;
  }

  /** M1. */
  async begin(): Promise<Bytes> {
    if (this.#begun) throw new HandshakeError("used", "Cannot begin a handshake twice");
    this.#begun = true;
    const { random, suite, token } = this.#joiner;
    const shares = await InitiatorShares.make(this.#joiner);
    const inner = encodeM1({
      mode: MODE.enrol,
      wantFull: true,
      nonce: random.bytes(NONCE_BYTES),
      ...shares.publics,
    });
    const body = new Uint8Array(inner.length + TOKEN_ID_BYTES);
    body.set(inner);
    body.set(token.tokenId ?? NO_TOKEN, inner.length);
    const early = earlySecret(suite, token.secret);
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
    const { backend, suite, token, request } = this.#joiner;
    let secret: Bytes | null = null;
    try {
      const m2 = decodeM2(bytes, suite);
      const t2 = transcript2(state.m1, encodeM2Clear(m2));
      secret = await state.shares.secret(state.early, m2);
      const opened = await openOnce(backend, sealingKey(secret, "r hs", t2), t2, m2.sealed);
      const peer = await this.#believe(opened, t2);
      const t3 = transcriptNext(t2, m2.sealed);
      const message = signedTranscript("init", t3, hashOf(request));
      const [postQuantum, ed25519] = await Promise.all([
        this.#joiner.postQuantum.sign(message),
        this.#joiner.ed25519.sign(message),
      ]);
      const own = encodeEnrolProof({
        request,
        postQuantum,
        ed25519,
        token: tokenProof(token.secret, t3, request),
      });
      const sealed = await sealOnce(backend, sealingKey(secret, "i hs", t3), t3, own);
      this.#state = { step: "m3-sent", secret, t4: transcriptNext(t3, sealed), peer };
      return encodeSealed(3, sealed);
    } catch (error) {
      secret?.fill(0);
      throw error;
    } finally {
      state.shares.wipe();
      state.early.fill(0);
    }
  }

  /** The responder's chain, credential and signatures; nothing is told to it before. */
  async #believe(opened: Uint8Array, t2: Uint8Array): Promise<VerifiedCredential> {
    const { chain, proof: encoded } = decodeEnrolAnswer(opened);
    const proof = decodeProof(encoded);
    if (!("full" in proof.credential)) {
      throw new HandshakeError("unknown-credential", "Cannot accept a member that shows no more");
    }
    const { full } = proof.credential;
    const peer = await admitting(() => this.#joiner.admit(chain, full));
    await verifyTranscript(this.#joiner, "resp", t2, {
      keys: peer.claims.keys,
      hash: peer.hash,
      name: peer.nodeId,
    }, proof);
    return peer;
  }

  /** M4 → the session. @throws {HandshakeError} */
  async receiveM4(
    bytes: Uint8Array,
  ): Promise<{ readonly peer: VerifiedCredential; readonly session: EnrolSession }> {
    const { secret, t4, peer } = this.#take("m3-sent");
    try {
      const sealed = decodeSealed(4, bytes);
      const key = sealingKey(secret, "confirm", t4);
      const opened = await openOnce(this.#joiner.backend, key, t4, sealed);
      if (opened.length !== 0) {
        throw new HandshakeError("malformed", "Cannot read M4: it is not empty");
      }
      return { peer, session: enrolSession(masterSecret(secret, t4)) };
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

  #take<S extends "m1-sent" | "m3-sent">(step: S): S extends "m1-sent" ? AfterM1 : AfterM3 {
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
