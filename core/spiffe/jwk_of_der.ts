import { X509Certificate } from "node:crypto";
import { type Bytes } from "../pq/mod.ts";
import { jwkOfCertificate } from "./bundle.ts";
import type { Jwk } from "./jwk.ts";

/** The key of a certificate as a JWK (RFC 7518 §6). */
export function jwkOfDer(der: Bytes): Jwk {
  const exported = new X509Certificate(der).publicKey.export({ format: "jwk" });
  return jwkOfCertificate(exported as Readonly<Record<string, unknown>>);
}
