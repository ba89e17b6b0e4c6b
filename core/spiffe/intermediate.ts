// The node's own issuing certificate: self-signed, with the P-256 key whose hash is in the node's credential.
// Whoever believes the credential believes it; docs/decisions/spiffe-roots.md says why there is no classical
// root above it. It follows from key and credential alone, so that it is the same after a restart.
import {
  CLOCK_SKEW_MS,
  type CredentialClaims,
  formatSpiffeId,
  type NodeKeys,
  type VerifiedCredential,
} from "../identity/mod.ts";
import { type Bytes, equalBytes, hashOf } from "../pq/mod.ts";
import { issueCertificate, serialFrom } from "./certificate.ts";
import {
  type CertificateView,
  isIssuedBy,
  requireAuthority,
  viewCertificate,
} from "./certificate_view.ts";
import { SpiffeError } from "./errors.ts";
import { type CertificateSigner, p256Signer } from "./signer.ts";
import { loadX509 } from "./x509_library.ts";

/** Subject of a node's intermediate. */
export function intermediateName(nodeId: string): string {
  return `O=x0tta6bl4,CN=${nodeId}`;
}

/** A node's issuing certificate and key. */
export interface Intermediate {
  readonly view: CertificateView;
  readonly signer: CertificateSigner;
  readonly subject: string;
  readonly trustDomain: string;
  /** End of the credential: nothing that is issued lives longer. */
  readonly notAfterMs: number;
}

/** Makes it. @throws {SpiffeError} "wrong-key" when the credential names another key. */
export async function makeIntermediate(
  keys: Pick<NodeKeys, "tlsPkcs8" | "tlsIntermediate">,
  credential: VerifiedCredential,
): Promise<Intermediate> {
  const { claims, nodeId, hash } = credential;
  if (!equalBytes(keys.tlsIntermediate, claims.tlsIntermediate)) {
    throw new SpiffeError(
      "wrong-key",
      `Cannot issue SVIDs: the credential of "${nodeId}" names another TLS key than the node has`,
    );
  }
  const signer = p256Signer(keys.tlsPkcs8);
  const subject = intermediateName(nodeId);
  const { trustDomain } = claims;
  const der = await issueCertificate(signer, {
    serial: serialFrom(hash),
    subject,
    issuer: subject,
    // Plain TLS clients know no tolerance: it is put into the certificate.
    notBeforeMs: claims.notBeforeMs - CLOCK_SKEW_MS,
    notAfterMs: claims.notAfterMs,
    spki: signer.spki,
    spiffeId: formatSpiffeId({ trustDomain, path: "" }),
    authority: true,
    tls: false,
  });
  const view = viewCertificate(await loadX509(), der);
  return { view, signer, subject, trustDomain, notAfterMs: claims.notAfterMs };
}

/**
 * Checks another node's intermediate against its credential, which must be verified.
 *
 * @throws {SpiffeError} "malformed", "untrusted" when it is not the one the credential names.
 */
export async function viewIntermediate(
  der: Bytes,
  claims: CredentialClaims,
): Promise<CertificateView> {
  const view = viewCertificate(await loadX509(), der);
  requireAuthority(view);
  const expected = formatSpiffeId({ trustDomain: claims.trustDomain, path: "" });
  if (view.uris.length !== 1 || view.uris[0] !== expected) {
    throw new SpiffeError("malformed", `Cannot use an intermediate: it is not of "${expected}"`);
  }
  if (!equalBytes(hashOf(view.spki), claims.tlsIntermediate)) {
    throw new SpiffeError(
      "untrusted",
      "Cannot use an intermediate: the node's credential names another key",
    );
  }
  // Seconds in certificates, milliseconds in credentials.
  if (view.notAfterMs > claims.notAfterMs || view.pathLength !== 0) {
    throw new SpiffeError(
      "untrusted",
      "Cannot use an intermediate: it claims more than its node has",
    );
  }
  if (!isIssuedBy(view, view)) {
    throw new SpiffeError("untrusted", "Cannot use an intermediate: its signature does not hold");
  }
  return view;
}
