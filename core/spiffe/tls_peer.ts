// The certificates that a TLS peer showed and proved to have the key of.
import type { TLSSocket } from "node:tls";
import type { X509Certificate } from "node:crypto";
import type { Bytes } from "../pq/mod.ts";
import { MAX_CHAIN } from "./limits.ts";

/** What a connection's peer showed does not change: TLS 1.3 has no renegotiation. */
const shown = new WeakMap<TLSSocket, readonly Bytes[]>();

/** Chain as presented, leaf first, DER; empty when the peer showed none. One more than is allowed at most. */
export function presentedChain(socket: TLSSocket): readonly Bytes[] {
  const known = shown.get(socket);
  if (known !== undefined) return known;
  const chain = read(socket);
  shown.set(socket, chain);
  return chain;
}

function read(socket: TLSSocket): readonly Bytes[] {
  const out: Bytes[] = [];
  const seen = new Set<string>();
  let certificate: X509Certificate | undefined = socket.getPeerX509Certificate();
  while (certificate !== undefined && out.length <= MAX_CHAIN) {
    // A self-signed certificate is its own issuer.
    if (seen.has(certificate.fingerprint256)) break;
    seen.add(certificate.fingerprint256);
    out.push(new Uint8Array(certificate.raw));
    certificate = certificate.issuerCertificate;
  }
  return out;
}
