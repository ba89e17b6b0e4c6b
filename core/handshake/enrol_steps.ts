// Steps of enrolment that both sides take.
import { IdentityError, type NodePublicKeys } from "../identity/mod.ts";
import type { Backend, Bytes, Suite } from "../pq/mod.ts";
import { HandshakeError } from "./errors.ts";
import { signedTranscript } from "./key_schedule.ts";

/** Who is said to have signed. */
export interface Claimant {
  readonly keys: NodePublicKeys;
  /** Hash of the credential or request that was presented. */
  readonly hash: Bytes;
  /** For messages. */
  readonly name: string;
}

/** Turns a refusal of an identity into one of the handshake. */
export async function admitting<T>(action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (!(cause instanceof IdentityError)) throw cause;
    throw new HandshakeError("refused-credential", `Cannot accept peer: ${cause.message}`, {
      cause,
    });
  }
}

/** Both signatures over the transcript. @throws {HandshakeError} "wrong-signature" */
export async function verifyTranscript(
  { backend, suite }: { readonly backend: Backend; readonly suite: Suite },
  role: "resp" | "init",
  transcript: Uint8Array,
  { keys, hash, name }: Claimant,
  proof: { readonly postQuantum: Bytes; readonly ed25519: Bytes },
): Promise<void> {
  const message = signedTranscript(role, transcript, hash);
  const good = await Promise.all([
    backend.verify("Ed25519", keys.ed25519, message, proof.ed25519),
    backend.verify(suite.postQuantumSignature, keys.postQuantum, message, proof.postQuantum),
  ]);
  if (!good.every(Boolean)) {
    throw new HandshakeError("wrong-signature", `Cannot accept "${name}": not its key`);
  }
}
