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
  mac1Holds,
  masterSecret,
  sealingKey,
  transcript2,
  transcriptNext,
} from "./key_schedule.ts";
import { decodeSealed, encodeSealed, joinM2 } from "./messages.ts";
import type { Party } from "./party.ts";
import { admitting, verifyTranscript } from "./enrol_steps.ts";
import { answerShares } from "./shares.ts";
import { openOnce, prove, sealOnce } from "./steps.ts";

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
    const { backend, suite } = this.#member;
    const split = splitEnrolM1(bytes, suite);
    const tokenId = equalBytes(split.tokenId, NO_TOKEN) ? null : split.tokenId;
    const token = this.#member.token(tokenId);
    const early = token === null ? null : earlySecret(suite, token.secret);
    let secret: Bytes | null = null;
    try {
      if (token === null || early === null || !mac1Holds(early, split.body, split.mac)) {
        throw new HandshakeError("wrong-mac", "Cannot accept M1: its mac does not hold");
      }
      const shares = await answerShares(this.#member, early, decodeEnrolM1(split, suite));
      secret = shares.secret;
      const t2 = transcript2(split.body, shares.clear);
      const proof = await prove(this.#member, "resp", t2, true);
      const answer = encodeEnrolAnswer({ chain: token.chain, proof });
      const sealed = await sealOnce(backend, sealingKey(secret, "r hs", t2), t2, answer);
      this.#state = { secret, token: token.secret, t3: transcriptNext(t2, sealed), tokenId };
      return joinM2(shares.clear, sealed);
    } catch (error) {
      secret?.fill(0);
      throw error;
    } finally {
      early?.fill(0);
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
  /** Gives the handshake up: its secret is overwritten. The token's stays the member's. */
  wipe(): void {
    this.#state?.secret.fill(0);
    this.#state = null;
  }
}
