// A node's credential as an X.509 certificate over its ML-DSA key, and the authority's certificate above it:
// for programs that know X.509 and ML-DSA (OpenSSL 3.5), not for TLS with peers that don't.
// RFC 9881: keyUsage digitalSignature; X509-SVID §2: one URI.
//
// A certificate has room for one signature: one key of the authority, and its post-quantum half alone. The
// credential (threshold of keys, both halves) is what nodes believe; this is its shadow.
import {
  type AuthorityKey,
  type AuthoritySet,
  CLOCK_SKEW_MS,
  formatSpiffeId,
  suiteOf,
  type VerifiedCredential,
} from "../identity/mod.ts";
import { type Bytes, equalBytes, hashParts, type Signer } from "../pq/mod.ts";
import { issueCertificate, serialFrom } from "./certificate.ts";
import { SpiffeError } from "./errors.ts";
import { intermediateName } from "./intermediate.ts";
import { mlDsaSigner, mlDsaSpki } from "./signer.ts";

/** Life of an authority's certificate: as long as a set is meant to live. */
const AUTHORITY_LIFETIME_MS = 10 * 365 * 24 * 3600 * 1000;

function authorityName(set: AuthoritySet, publicKey: Uint8Array): string {
  const index = set.keys.findIndex((key) => equalBytes(key.postQuantum, publicKey));
  if (index < 0) {
    throw new SpiffeError(
      "untrusted",
      `Cannot sign a certificate for "${set.trustDomain}": the key is not its authority's`,
    );
  }
  return `O=x0tta6bl4,CN=authority ${set.version}.${index}`;
}

/** Self-signed certificate of one authority key. @throws {SpiffeError} "untrusted" for a foreign key. */
export async function authorityCertificate(
  set: AuthoritySet,
  key: AuthorityKey,
  nowMs: number,
): Promise<Bytes> {
  const signer = mlDsaSigner(key.postQuantum);
  const name = authorityName(set, key.postQuantum.publicKey);
  return await issueCertificate(signer, {
    serial: serialFrom(hashParts(new TextEncoder().encode("authority"), signer.spki)),
    subject: name,
    issuer: name,
    notBeforeMs: nowMs - CLOCK_SKEW_MS,
    notAfterMs: nowMs + AUTHORITY_LIFETIME_MS,
    spki: signer.spki,
    spiffeId: formatSpiffeId({ trustDomain: set.trustDomain, path: "" }),
    authority: true,
    tls: false,
  });
}

/** A credential as a certificate that one authority key signs. @throws {SpiffeError} "untrusted" */
export async function credentialCertificate(
  set: AuthoritySet,
  key: AuthorityKey,
  credential: VerifiedCredential,
): Promise<Bytes> {
  const issuer = authorityName(set, key.postQuantum.publicKey);
  return await issueCertificate(
    mlDsaSigner(key.postQuantum),
    contentOf(set, credential, issuer),
  );
}

/** The same, signed by the node's own key: proves that the node has it, and nothing else. */
export async function selfCertificate(
  set: AuthoritySet,
  signer: Signer,
  credential: VerifiedCredential,
): Promise<Bytes> {
  const { nodeId } = credential;
  return await issueCertificate(
    mlDsaSigner(signer),
    contentOf(set, credential, intermediateName(nodeId)),
  );
}

function contentOf(set: AuthoritySet, credential: VerifiedCredential, issuer: string) {
  const { claims, nodeId, spiffeId, hash } = credential;
  return {
    serial: serialFrom(hash),
    subject: intermediateName(nodeId),
    issuer,
    notBeforeMs: claims.notBeforeMs - CLOCK_SKEW_MS,
    notAfterMs: claims.notAfterMs,
    spki: mlDsaSpki(suiteOf(set).postQuantumSignature, claims.keys.postQuantum),
    spiffeId,
    authority: false,
    tls: false,
  };
}
