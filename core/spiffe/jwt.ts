// JWT-SVIDs: issued with ES256; verified with an allow-list of algorithms against the keys of a bundle.
// JWT-SVID §2–4, RFC 7515, RFC 7519.
import { IdentityError, parseSpiffeId, type SpiffeId } from "../identity/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import { SpiffeError } from "./errors.ts";
import { isObject, parseJson } from "./json.ts";
import { base64url, fromBase64url, type Jwk } from "./jwk.ts";
import {
  JWT_LEEWAY_MS,
  JWT_SVID_LIFETIME_MS,
  MAX_AUDIENCE_BYTES,
  MAX_AUDIENCES,
  MAX_TOKEN_BYTES,
} from "./limits.ts";
import { p256Sign } from "./signer.ts";

/** The key that signs a node's tokens. */
export interface JwtKey {
  /** PKCS #8 of a P-256 key. */
  readonly pkcs8: Bytes;
  readonly kid: string;
}

/** Refuses audiences that are none. @throws {SpiffeError} "malformed" */
export function requireAudiences(audiences: readonly string[]): void {
  const sound = audiences.length >= 1 && audiences.length <= MAX_AUDIENCES &&
    audiences.every((one) => one !== "" && one.length <= MAX_AUDIENCE_BYTES);
  if (!sound) {
    throw new SpiffeError(
      "malformed",
      `Cannot use ${audiences.length} audiences: 1 to ${MAX_AUDIENCES} are needed, none empty`,
    );
  }
}

/** Issues a token. @param lifetimeMs at most {@link JWT_SVID_LIFETIME_MS}. */
export function issueJwtSvid(
  key: JwtKey,
  spiffeId: string,
  audiences: readonly string[],
  nowMs: number,
  lifetimeMs: number,
): string {
  requireAudiences(audiences);
  const nowS = Math.floor(nowMs / 1000);
  const lifetimeS = Math.floor(Math.min(lifetimeMs, JWT_SVID_LIFETIME_MS) / 1000);
  const head = base64url(JSON.stringify({ alg: "ES256", kid: key.kid, typ: "JWT" }));
  const body = base64url(JSON.stringify({
    aud: audiences,
    exp: nowS + lifetimeS,
    iat: nowS,
    sub: spiffeId,
  }));
  const signed = `${head}.${body}`;
  const signature = p256Sign(key.pkcs8, new TextEncoder().encode(signed), "compact");
  return `${signed}.${base64url(signature)}`;
}

interface Verification {
  readonly kty: "EC" | "RSA";
  readonly crv?: string;
  readonly key: RsaHashedImportParams | EcKeyImportParams;
  readonly verify: RsaPssParams | EcdsaParams | Algorithm;
}

const rsa = (name: string, bits: number, salt?: number): Verification => ({
  kty: "RSA",
  key: { name, hash: `SHA-${bits}` },
  verify: salt === undefined ? { name } : { name, saltLength: salt },
});
const ec = (crv: string, bits: number): Verification => ({
  kty: "EC",
  crv,
  key: { name: "ECDSA", namedCurve: crv },
  verify: { name: "ECDSA", hash: `SHA-${bits}` },
});

/** JWT-SVID §2.1, by RFC 7518 §3.1. Nothing symmetric, nothing without a signature. */
const ALGORITHMS: Readonly<Record<string, Verification>> = Object.freeze({
  ES256: ec("P-256", 256),
  ES384: ec("P-384", 384),
  RS256: rsa("RSASSA-PKCS1-v1_5", 256),
  RS384: rsa("RSASSA-PKCS1-v1_5", 384),
  RS512: rsa("RSASSA-PKCS1-v1_5", 512),
  PS256: rsa("RSA-PSS", 256, 32),
  PS384: rsa("RSA-PSS", 384, 48),
  PS512: rsa("RSA-PSS", 512, 64),
});

/** A token's parts, read but not believed. */
export interface ReadToken {
  readonly algorithm: string;
  readonly kid: string;
  readonly subject: string;
  readonly id: SpiffeId;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signed: Bytes;
  readonly signature: Bytes;
}

function refuse(why: string, cause?: unknown): never {
  throw new SpiffeError("malformed", `Cannot use a JWT-SVID: ${why}`, { cause });
}

/** Reads a token without trusting it. @throws {SpiffeError} "malformed" */
export function readToken(token: string): ReadToken {
  if (token.length > MAX_TOKEN_BYTES) refuse(`it has ${token.length} octets`);
  const parts = token.split(".");
  const [head = "", body = "", signature = ""] = parts;
  if (parts.length !== 3 || signature === "") refuse("it has not three parts");
  const text = (part: string) => {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(fromBase64url(part));
    } catch (cause) {
      return refuse("a part is not base64url of UTF-8", cause);
    }
  };
  const header = parseJson(text(head), "a token's header");
  const claims = parseJson(text(body), "a token's claims");
  if (!isObject(header) || !isObject(claims)) return refuse("a part is no object");
  const { alg, kid, typ, crit } = header;
  if (typeof alg !== "string" || !Object.hasOwn(ALGORITHMS, alg)) {
    return refuse("its algorithm is not allowed");
  }
  if (typ !== undefined && typ !== "JWT" && typ !== "JOSE") refuse("its type is not JWT");
  if (crit !== undefined) refuse("it demands extensions that are unknown");
  if (typeof kid !== "string" || kid === "") return refuse("it names no key");
  const { sub } = claims;
  if (typeof sub !== "string") return refuse("it has no subject");
  let id: SpiffeId;
  try {
    id = parseSpiffeId(sub);
  } catch (cause) {
    if (cause instanceof IdentityError) return refuse("its subject is no SPIFFE ID", cause);
    throw cause;
  }
  return {
    algorithm: alg,
    kid,
    subject: sub,
    id,
    claims,
    signed: new TextEncoder().encode(`${head}.${body}`),
    signature: fromBase64url(signature),
  };
}

/**
 * Judges audience and time.
 *
 * @param bounded whether the lifetime is limited too, as our own trust domain's is.
 * @throws {SpiffeError} "wrong-audience", "expired", "not-yet-valid", "malformed".
 */
export function requireClaims(
  { claims }: ReadToken,
  audience: string,
  nowMs: number,
  bounded: boolean,
): void {
  const { aud, exp, iat, nbf } = claims;
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(audience)) {
    throw new SpiffeError("wrong-audience", "Cannot use a JWT-SVID: it is for another audience");
  }
  if (typeof exp !== "number" || !Number.isFinite(exp)) return refuse("it has no end");
  if (exp * 1000 <= nowMs) throw new SpiffeError("expired", "Cannot use a JWT-SVID: it expired");
  if (bounded && exp * 1000 > nowMs + JWT_SVID_LIFETIME_MS + JWT_LEEWAY_MS) {
    refuse("it lives longer than this trust domain allows");
  }
  for (const begin of [iat, nbf]) {
    if (begin === undefined) continue;
    if (typeof begin !== "number" || !Number.isFinite(begin)) return refuse("a time is no number");
    if (begin * 1000 > nowMs + JWT_LEEWAY_MS) {
      throw new SpiffeError("not-yet-valid", "Cannot use a JWT-SVID: it begins later");
    }
  }
}

/** Whether the key signed the token. A key of another kind than its algorithm asks for did not. */
export async function verifyToken(
  subtle: SubtleCrypto,
  token: ReadToken,
  key: Jwk,
): Promise<boolean> {
  const algorithm = ALGORITHMS[token.algorithm];
  if (algorithm === undefined || key.kid !== token.kid || key.kty !== algorithm.kty) return false;
  if (algorithm.crv !== undefined && key.crv !== algorithm.crv) return false;
  const { kty, crv, x, y, n, e } = key;
  const material = kty === "EC" ? { kty, crv, x, y } : { kty, n, e };
  try {
    const imported = await subtle.importKey(
      "jwk",
      material as JsonWebKey,
      algorithm.key,
      false,
      ["verify"],
    );
    return await subtle.verify(algorithm.verify, imported, token.signature, token.signed);
  } catch {
    // A key that cannot be imported verifies nothing.
    return false;
  }
}
