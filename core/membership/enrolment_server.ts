// Serves joiners on the port of handshakes: handshake in enrolment mode, answer, confirmation. Whatever goes
// wrong before the handshake is through looks the same from outside: the connection closes.
import {
  enrolGateHolds,
  enrolM1Bytes,
  EnrolResponder,
  type Exchange,
  HandshakeError,
  type ModeService,
} from "../handshake/mod.ts";
import {
  authorityHash,
  chainFrom,
  encodeChain,
  encodeCredential,
  suiteOf,
} from "../identity/mod.ts";
import { type Bytes, equalBytes, hashOf } from "../pq/mod.ts";
import { exchangeFrames, type Frames, SealedChannel } from "./channel.ts";
import type { Context, Member } from "./context.ts";
import type { EnrolmentDesk } from "./desk.ts";
import { ENROLMENT_DEADLINE_MS, MAX_ENROLMENTS_PER_SOURCE } from "./limits.ts";
import { encodeAnswer } from "./messages.ts";
import { tokenSecret } from "./token.ts";

/** Octets of a cache epoch; enrolment caches nothing. */
const EPOCH = new Uint8Array(8);

/** What came of an exchange, for the log. */
export type EnrolmentOutcome = "granted" | "pending" | "refused";

/** Answers joiners on behalf of a member. */
export class EnrolmentServer implements ModeService {
  readonly #context: Context;
  readonly #member: () => Member;
  readonly #desk: EnrolmentDesk;
  readonly #told: (outcome: EnrolmentOutcome, source: string) => void;
  readonly #inviteKey: Bytes;
  readonly #bySource = new Map<string, number>();
  readonly deadlineMs = ENROLMENT_DEADLINE_MS;

  /** @param told is called with what came of each exchange whose handshake succeeded. */
  constructor(
    context: Context,
    member: () => Member,
    desk: EnrolmentDesk,
    told: (outcome: EnrolmentOutcome, source: string) => void,
  ) {
    this.#context = context;
    this.#member = member;
    this.#desk = desk;
    this.#told = told;
    this.#inviteKey = member().keys.derive("invites", 32);
  }

  get m1Bytes(): number {
    return enrolM1Bytes(suiteOf(this.#member().state.chain.current));
  }

  gate(m1: Bytes): boolean {
    const suite = suiteOf(this.#member().state.chain.current);
    return enrolGateHolds(suite, (id) => this.#token(id), m1);
  }

  /** One source cannot take all places. @throws {HandshakeError} and errors of the store, for the log. */
  async answer(exchange: Exchange): Promise<void> {
    const { source } = exchange;
    const ofSource = this.#bySource.get(source) ?? 0;
    if (ofSource >= MAX_ENROLMENTS_PER_SOURCE) {
      throw new HandshakeError("limited", `Cannot enrol "${source}": too many at once`);
    }
    this.#bySource.set(source, ofSource + 1);
    try {
      this.#told(await this.#serve(exchange), source);
    } finally {
      const left = (this.#bySource.get(source) ?? 1) - 1;
      if (left === 0) this.#bySource.delete(source);
      else this.#bySource.set(source, left);
    }
  }

  async #serve(exchange: Exchange): Promise<EnrolmentOutcome> {
    const { backend, random } = this.#context;
    const { state, keys } = this.#member();
    const responder = new EnrolResponder({
      backend,
      random,
      suite: suiteOf(state.chain.current),
      meshPsk: state.meshPsk,
      credential: state.credential,
      credentialBytes: encodeCredential(state.credential),
      postQuantum: keys.postQuantum,
      ed25519: keys.ed25519,
      cacheEpoch: EPOCH,
      token: (id) => this.#token(id),
    });
    const frames = exchangeFrames(exchange);
    const { m4, joiner, session } = await this.#handshake(responder, frames, exchange.m1);
    const channel = new SealedChannel(frames, backend, session, "responder");
    try {
      await frames.write(m4);
      const answer = await this.#desk.answer(joiner);
      await channel.send(encodeAnswer(answer));
      if (answer.kind === "granted") {
        const confirmed = await channel.receive();
        if (equalBytes(confirmed, hashOf(answer.credential))) {
          this.#desk.delivered(answer.requestId);
        }
      }
      return answer.kind;
    } finally {
      channel.close();
    }
  }

  async #handshake(responder: EnrolResponder, frames: Frames, m1: Bytes) {
    try {
      await frames.write(await responder.receiveM1(m1));
      return await responder.receiveM3(await frames.read());
    } finally {
      responder.wipe();
    }
  }

  #token(id: Bytes | null): { readonly secret: Bytes; readonly chain: Bytes } {
    const { state } = this.#member();
    const { current, last } = state.chain;
    if (id === null) {
      // Whoever enrols again knows the mesh; it pins the authority it has, which may be the last one.
      const from = last === null ? null : chainFrom(state.chain, authorityHash(last.set));
      const chain = encodeChain(from ?? { first: current, rotations: [] });
      return { secret: state.meshPsk, chain };
    }
    const record = this.#context.tables.tokens.get(id.toHex());
    const pinned = record === null ? null : Uint8Array.fromHex(record.authority);
    const from = pinned === null ? null : chainFrom(state.chain, pinned);
    return {
      secret: tokenSecret(this.#inviteKey, id),
      chain: encodeChain(from ?? { first: current, rotations: [] }),
    };
  }
}
