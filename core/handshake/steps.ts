// What both roles share: proving oneself, checking the other's proof, and the outcome.
import type { VerifiedCredential } from "../identity/mod.ts";
import { IdentityError } from "../identity/mod.ts";
import type { Backend, Bytes } from "../pq/mod.ts";
import { HandshakeError } from "./errors.ts";
import { exportKey, signedTranscript } from "./key_schedule.ts";
import { encodeProof, type Proof } from "./messages.ts";
import type { Outcome, Party } from "./party.ts";

/** Every sealing key is used once. */
const ZERO_NONCE = new Uint8Array(12);

/** Signs the transcript and encodes the proof. */
export async function prove(
  party: Omit<Party, "admit">,
  role: "resp" | "init",
  transcript: Uint8Array,
  full: boolean,
): Promise<Bytes> {
  const { hash } = party.credential;
  const message = signedTranscript(role, transcript, hash);
  const [postQuantum, ed25519] = await Promise.all([
    party.postQuantum.sign(message),
    party.ed25519.sign(message),
  ]);
  return encodeProof({
    credential: full ? { full: party.credentialBytes } : { hash },
    cacheEpoch: party.cacheEpoch,
    postQuantum,
    ed25519,
  });
}

/** The party's judgement of a credential. @throws {HandshakeError} */
export async function admitted(
  party: Party,
  credential: Proof["credential"],
): Promise<VerifiedCredential> {
  try {
    return await party.admit(credential);
  } catch (cause) {
    if (!(cause instanceof IdentityError)) throw cause;
    const code = "hash" in credential && cause.code === "malformed"
      ? "unknown-credential"
      : "refused-credential";
    throw new HandshakeError(code, `Cannot accept peer: ${cause.message}`, { cause });
  }
}

/** Admits the peer's credential and checks both signatures over the transcript. */
export async function checkProof(
  party: Party,
  role: "resp" | "init",
  transcript: Uint8Array,
  proof: Proof,
): Promise<VerifiedCredential> {
  const peer = await admitted(party, proof.credential);
  if (peer.nodeId === party.credential.nodeId) {
    throw new HandshakeError(
      "reflected",
      "Cannot accept peer: it presents this node's own identity",
    );
  }
  const message = signedTranscript(role, transcript, peer.hash);
  const { keys } = peer.claims;
  const { backend, suite } = party;
  const good = await Promise.all([
    backend.verify("Ed25519", keys.ed25519, message, proof.ed25519),
    backend.verify(suite.postQuantumSignature, keys.postQuantum, message, proof.postQuantum),
  ]);
  if (!good.every(Boolean)) {
    throw new HandshakeError("wrong-signature", `Cannot accept peer "${peer.nodeId}": not its key`);
  }
  return peer;
}

/** Seals with a key that is used once, then wipes it. */
export async function sealOnce(
  backend: Backend,
  key: Bytes,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Promise<Bytes> {
  try {
    return await backend.seal(key, ZERO_NONCE, aad, plaintext);
  } finally {
    key.fill(0);
  }
}

/** Opens with a key that is used once, then wipes it. @throws {HandshakeError} "wrong-tag" */
export async function openOnce(
  backend: Backend,
  key: Bytes,
  aad: Uint8Array,
  sealed: Uint8Array,
): Promise<Bytes> {
  try {
    const plaintext = await backend.open(key, ZERO_NONCE, aad, sealed);
    if (plaintext === null) throw new HandshakeError("wrong-tag", "Cannot open a sealed part");
    return plaintext;
  } finally {
    key.fill(0);
  }
}

/** The outcome around a master secret, which it owns. */
export function outcomeOf(
  peer: VerifiedCredential,
  psk: Bytes,
  peerCacheEpoch: Bytes,
  master: Bytes,
): Outcome {
  let wiped = false;
  return {
    peer,
    psk,
    peerCacheEpoch,
    exportKey(label, length) {
      if (wiped) throw new HandshakeError("used", `Cannot derive "${label}": secrets were wiped`);
      return exportKey(master, label, length);
    },
    wipe() {
      wiped = true;
      master.fill(0);
      psk.fill(0);
    },
  };
}
