// The joiner's side of enrolment: one attempt over one connection.
import type { ByteStream } from "../ports/mod.ts";
import { EnrolInitiator, type EnrolSecret, HandshakeError } from "../handshake/mod.ts";
import {
  acceptedSets,
  decodeChain,
  decodeCredential,
  encodeEnrolmentRequest,
  IdentityError,
  type NodeKeys,
  type SuiteName,
  suiteOf,
  verifyChain,
  verifyCredential,
} from "../identity/mod.ts";
import { type Bytes, hashOf } from "../pq/mod.ts";
import { connectionFrames, SealedChannel } from "./channel.ts";
import type { MembershipPorts } from "./context.ts";
import { trustedNowMs } from "./context.ts";
import { decodeAnswer, type EnrolmentAnswer } from "./messages.ts";

/** What an attempt needs to know. */
export interface Attempt {
  readonly trustDomain: string;
  readonly suite: SuiteName;
  /** Hash of the authority that is trusted. */
  readonly pinned: Bytes;
  readonly token: EnrolSecret;
  readonly keys: NodeKeys;
  readonly name: string;
  /** The credential that is to be renewed; empty for a first one. */
  readonly previous: Bytes;
}

/** The answer of a member, and who it is. */
export interface Attempted {
  readonly answer: EnrolmentAnswer;
  /** Node id of the member. */
  readonly member: string;
  /** Tells the member that all was kept, then closes. */
  confirm(): Promise<void>;
  close(): void;
}

/** Asks a member once. The caller closes or confirms. @throws {HandshakeError}, {IdentityError} */
export async function attempt(
  ports: Pick<MembershipPorts, "backend" | "random" | "clock">,
  stream: ByteStream,
  { trustDomain, suite, pinned, token, keys, name, previous }: Attempt,
): Promise<Attempted> {
  const { backend, random, clock } = ports;
  const initiator = new EnrolInitiator({
    backend,
    random,
    suite: suiteOf({ suite }),
    token,
    postQuantum: keys.postQuantum,
    ed25519: keys.ed25519,
    request: encodeEnrolmentRequest({
      trustDomain,
      keys: keys.publicKeys,
      wireguard: keys.wireguardPublic,
      tlsIntermediate: keys.tlsIntermediate,
      name,
      previous,
    }),
    async admit(chainBytes, credentialBytes) {
      const nowMs = trustedNowMs(clock);
      const chain = await verifyChain(backend, decodeChain(chainBytes), pinned);
      if (chain.first.trustDomain !== trustDomain) {
        throw new IdentityError("wrong-mesh", `Cannot trust a member of another mesh`);
      }
      const credential = decodeCredential(credentialBytes);
      return await verifyCredential(backend, acceptedSets(chain, nowMs), credential, nowMs);
    },
  });
  const frames = connectionFrames(stream, clock);
  try {
    await frames.write(await initiator.begin());
    await frames.write(await initiator.receiveM2(await frames.read()));
    const { peer, session } = await initiator.receiveM4(await frames.read());
    const channel = new SealedChannel(frames, backend, session, "initiator");
    const answer = decodeAnswer(await channel.receive());
    return {
      answer,
      member: peer.nodeId,
      async confirm() {
        if (answer.kind === "granted") await channel.send(hashOf(answer.credential));
        channel.close();
      },
      close: () => channel.close(),
    };
  } catch (thrown) {
    frames.close();
    initiator.wipe();
    // The identity's own reason is what helps a person, not that the handshake ended because of it.
    if (thrown instanceof HandshakeError && thrown.cause instanceof IdentityError) {
      throw thrown.cause;
    }
    throw thrown;
  }
}
