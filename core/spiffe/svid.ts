// X.509-SVIDs: P-256, an hour, one URI. Issued on the node by its own intermediate, so that they renew while
// no authority can be reached. X509-SVID §2–4.
import { CLOCK_SKEW_MS } from "../identity/mod.ts";
import type { Random } from "../ports/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import { issueCertificate, serialFrom } from "./certificate.ts";
import { pem } from "./der.ts";
import { SpiffeError } from "./errors.ts";
import type { Intermediate } from "./intermediate.ts";
import { newP256Key } from "./signer.ts";

/** An X.509-SVID with its key. */
export interface X509Svid {
  readonly spiffeId: string;
  /** Leaf first, then the intermediate; DER. */
  readonly chain: readonly Bytes[];
  /** PKCS #8. */
  readonly pkcs8: Bytes;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** When it is to be renewed: at half of what it lives. */
  readonly renewAtMs: number;
}

/**
 * Issues one.
 *
 * @param lifetimeMs cut to the end of the node's credential.
 * @throws {SpiffeError} "expired" when the credential has run out.
 */
export async function issueX509Svid(
  intermediate: Intermediate,
  random: Random,
  spiffeId: string,
  nowMs: number,
  lifetimeMs: number,
): Promise<X509Svid> {
  const notAfterMs = Math.min(nowMs + lifetimeMs, intermediate.notAfterMs);
  if (notAfterMs <= nowMs) {
    throw new SpiffeError("expired", "Cannot issue an SVID: the node's credential expired");
  }
  const key = newP256Key(random);
  // A peer whose clock is behind must not refuse it.
  const notBeforeMs = nowMs - CLOCK_SKEW_MS;
  const leaf = await issueCertificate(intermediate.signer, {
    serial: serialFrom(random.bytes(16)),
    subject: "O=x0tta6bl4",
    issuer: intermediate.subject,
    notBeforeMs,
    notAfterMs,
    spki: key.spki,
    spiffeId,
    authority: false,
    tls: true,
  });
  return {
    spiffeId,
    chain: [leaf, intermediate.view.der],
    pkcs8: key.pkcs8,
    notBeforeMs,
    notAfterMs,
    renewAtMs: nowMs + Math.floor((notAfterMs - nowMs) / 2),
  };
}

/** Certificates and key as TLS stacks take them. The key's text is secret. */
export function svidPem(
  { chain, pkcs8 }: X509Svid,
): { readonly cert: string; readonly key: string } {
  return {
    cert: chain.map((der) => pem("CERTIFICATE", der)).join(""),
    key: pem("PRIVATE KEY", pkcs8),
  };
}
