// Takes connections of joiners: handshake, answer, confirmation. Whatever goes wrong before the handshake
// is through looks the same from outside: the connection closes.
import type { ByteStream } from "../ports/mod.ts";
import { EnrolResponder } from "../handshake/mod.ts";
import {
  authorityHash,
  chainFrom,
  encodeChain,
  encodeCredential,
  suiteOf,
} from "../identity/mod.ts";
import { type Bytes, equalBytes, hashOf } from "../pq/mod.ts";
import { FrameStream, SealedChannel } from "./channel.ts";
import type { Context, Member } from "./context.ts";
import type { EnrolmentDesk } from "./desk.ts";
import { MAX_ENROLMENTS, MAX_ENROLMENTS_PER_SOURCE } from "./limits.ts";
import { encodeAnswer } from "./messages.ts";
import { tokenSecret } from "./token.ts";

/** Octets of a cache epoch; enrolment caches nothing. */
const EPOCH = new Uint8Array(8);

/** What came of a connection, for the log. */
export type EnrolmentOutcome = "granted" | "pending" | "refused" | "busy";

/** Answers joiners on behalf of a member. */
export class EnrolmentServer {
  readonly #context: Context;
  readonly #member: Member;
  readonly #desk: EnrolmentDesk;
  readonly #inviteKey: Bytes;
  readonly #bySource = new Map<string, number>();
  #open = 0;

  constructor(context: Context, member: Member, desk: EnrolmentDesk) {
    this.#context = context;
    this.#member = member;
    this.#desk = desk;
    this.#inviteKey = member.keys.derive("invites", 32);
  }

  /**
   * Serves one connection and closes it.
   *
   * @param source address it comes from: one source cannot take all places.
   * @throws {HandshakeError} and errors of the store, for the log.
   */
  async serve(stream: ByteStream, source: string): Promise<EnrolmentOutcome> {
    const ofSource = this.#bySource.get(source) ?? 0;
    if (this.#open >= MAX_ENROLMENTS || ofSource >= MAX_ENROLMENTS_PER_SOURCE) {
      stream.close();
      return "busy";
    }
    this.#open++;
    this.#bySource.set(source, ofSource + 1);
    try {
      return await this.#serve(stream);
    } finally {
      stream.close();
      this.#open--;
      const left = (this.#bySource.get(source) ?? 1) - 1;
      if (left === 0) this.#bySource.delete(source);
      else this.#bySource.set(source, left);
    }
  }

  async #serve(stream: ByteStream): Promise<EnrolmentOutcome> {
    const { backend, clock, random } = this.#context;
    const { state, keys } = this.#member;
    const frames = new FrameStream(stream, clock);
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
    await frames.write(await responder.receiveM1(await frames.read()));
    const { m4, joiner, session } = await responder.receiveM3(await frames.read());
    await frames.write(m4);
    const channel = new SealedChannel(frames, backend, session, "responder");
    try {
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

  #token(id: Bytes | null): { readonly secret: Bytes; readonly chain: Bytes } {
    const { state } = this.#member;
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
