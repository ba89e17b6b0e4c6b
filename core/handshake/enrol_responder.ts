// Enrolment from the side of a member. It authenticates itself as in mesh mode and shows the authority; the
// joiner is whoever knows the token and holds the keys of its request. What becomes of the request is
// decided elsewhere.
import { decodeEnrolmentRequest, type EnrolmentRequest } from "../identity/mod.ts";
import { type Bytes, equalBytes, hashOf } from "../pq/mod.ts";
import { type EnrolSession, enrolSession } from "./enrol_initiator.ts";
import {
  decodeEnrolM1,
  decodeEnrolProof,
  encodeEnrolAnswer,
  NO_TOKEN,
  splitEnrolM1,
  tokenProofHolds,
} from "./enrol_messages.ts";
import { HandshakeError } from "./errors.ts";
import {
  earlySecret,
  handshakeSecret,
  mac1Holds,
  masterSecret,
  sealingKey,
  transcript2,
  transcriptNext,
} from "./key_schedule.ts";
import { decodeSealed, encodeM2Clear, encodeSealed, joinM2, NONCE_BYTES } from "./messages.ts";
import type { Party } from "./party.ts";
import { admitting, verifyTranscript } from "./enrol_steps.ts";
import { openOnce, prove, sealOnce, withShares } from "./steps.ts";

/** What a member brings beside what it is. */
export interface EnrolMember extends Omit<Party, "admit"> {
  /**
   * The secret behind a token's id and the authority's chain from the set its invite pinned; `null` when
   * this member made no such token.
   *
   * @param id `null`: the mesh's own secret, from a member that enrols again.
   */
  token(id: Bytes | null): { readonly secret: Bytes; readonly chain: Bytes } | null;
}

/** A joiner that proved its keys and its token. */
export interface Joiner {
  readonly request: EnrolmentRequest;
  readonly requestBytes: Bytes;
  /** `null`: a member that enrols again. */
  readonly tokenId: Bytes | null;
}

interface AfterM2 {
  readonly secret: Bytes;
  readonly token: Bytes;
  readonly t3: Bytes;
  readonly tokenId: Bytes | null;
}

/** One enrolment handshake, from the side that answers. */
export class EnrolResponder {
  readonly #member: EnrolMember;
  #state: AfterM2 | null = null;
  #begun = false;

  constructor(member: EnrolMember) {
    this.#member = member;
  }

  /** M1 → M2. @throws {HandshakeError} "wrong-mac" before any costly work. */
  async receiveM1(bytes: Uint8Array): Promise<Bytes> {
    if (this.#begun) throw new HandshakeError("used", "Cannot begin a handshake twice");
    this.#begun = true;
    const { backend, random, suite } = this.#member;
    const split = splitEnrolM1(bytes, suite);
    const tokenId = equalBytes(split.tokenId, NO_TOKEN) ? null : split.tokenId;
    const token = this.#member.token(tokenId);
    const early = token === null ? null : earlySecret(suite, token.secret);
    if (token === null || early === null || !mac1Holds(early, split.body, split.mac)) {
      throw new HandshakeError("wrong-mac", "Cannot accept M1: its mac does not hold");
    }
    const m1 = decodeEnrolM1(split, suite);
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
      const t2 = transcript2(split.body, clear);
      const proof = await prove(this.#member, "resp", t2, true);
      const answer = encodeEnrolAnswer({ chain: token.chain, proof });
      const sealed = await sealOnce(backend, sealingKey(secret, "r hs", t2), t2, answer);
      this.#state = { secret, token: token.secret, t3: transcriptNext(t2, sealed), tokenId };
      return joinM2(clear, sealed);
    } finally {
      own.wipe();
      early.fill(0);
    }
  }

  /** M3 → M4, the session and who is at its other end. @throws {HandshakeError} */
  async receiveM3(bytes: Uint8Array): Promise<{
    readonly m4: Bytes;
    readonly joiner: Joiner;
    readonly session: EnrolSession;
  }> {
    const state = this.#state;
    this.#state = null;
    if (state === null) throw new HandshakeError("used", "Cannot take this step now");
    const { secret, token, t3, tokenId } = state;
    const { backend } = this.#member;
    try {
      const sealed = decodeSealed(3, bytes);
      const opened = await openOnce(backend, sealingKey(secret, "i hs", t3), t3, sealed);
      const proof = decodeEnrolProof(opened);
      const request = await admitting(() => decodeEnrolmentRequest(proof.request));
      if (!tokenProofHolds(token, t3, proof.request, proof.token)) {
        throw new HandshakeError("wrong-mac", "Cannot accept a request: its token does not hold");
      }
      await verifyTranscript(this.#member, "init", t3, {
        keys: request.keys,
        hash: hashOf(proof.request),
        name: request.name,
      }, proof);
      const t4 = transcriptNext(t3, sealed);
      const confirm = sealingKey(secret, "confirm", t4);
      const m4 = encodeSealed(4, await sealOnce(backend, confirm, t4, new Uint8Array(0)));
      return {
        m4,
        joiner: { request, requestBytes: proof.request, tokenId },
        session: enrolSession(masterSecret(secret, t4)),
      };
    } finally {
      secret.fill(0);
    }
  }
}
