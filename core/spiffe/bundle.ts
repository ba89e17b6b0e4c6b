// Bundles and their documents. SPIFFE Trust Domain and Bundle §4: a JWK set with spiffe_sequence and
// spiffe_refresh_hint. Entries of an unknown use or type are left out, as the standard asks, so that a
// bundle with post-quantum keys serves readers that do not know them.
import { isObject, parseJson } from "./json.ts";
import type { Bytes } from "../pq/mod.ts";
import { SpiffeError } from "./errors.ts";
import { base64url, fromBase64url, type Jwk } from "./jwk.ts";
import { MAX_BUNDLE_BYTES, MAX_FOREIGN_AUTHORITIES } from "./limits.ts";

/** What a trust domain's SVIDs are checked with. */
export interface Bundle {
  readonly trustDomain: string;
  /** Signing certificates, DER. */
  readonly x509Authorities: readonly Bytes[];
  /** Keys of JWT-SVIDs; each has a `kid`. */
  readonly jwtAuthorities: readonly Jwk[];
  /** Post-quantum keys of the trust domain's authority (AKP), for those who know them. */
  readonly postQuantum: readonly Jwk[];
  /** Grows with each change; `null` when the document has none. */
  readonly sequence: number | null;
  readonly refreshHintS: number | null;
}

/** Use of the authority's ML-DSA keys: none of the standard's, so that others pass over them. */
export const POST_QUANTUM_USE = "x0tta6bl4-authority";

/** The document: X.509 authorities first, then token keys, then post-quantum keys. */
export function encodeBundle(
  bundle: Bundle,
  x509Jwk: (der: Bytes) => Jwk,
  options: { readonly only?: "jwt" } = {},
): string {
  const jwt = bundle.jwtAuthorities.map((key) => ({ ...key, use: "jwt-svid" }));
  const keys = options.only === "jwt" ? jwt : [
    ...bundle.x509Authorities.map((der) => ({
      ...x509Jwk(der),
      use: "x509-svid",
      x5c: [der.toBase64()],
    })),
    ...jwt,
    ...bundle.postQuantum.map((key) => ({ ...key, use: POST_QUANTUM_USE })),
  ];
  return JSON.stringify({
    keys,
    ...(bundle.sequence === null ? {} : { spiffe_sequence: bundle.sequence }),
    ...(bundle.refreshHintS === null ? {} : { spiffe_refresh_hint: bundle.refreshHintS }),
  });
}

const KEY_TYPES = ["EC", "RSA"];

/** Reads a document. @throws {SpiffeError} "malformed" */
export function decodeBundle(trustDomain: string, text: string): Bundle {
  const fail = (why: string): never => {
    throw new SpiffeError("malformed", `Cannot use the bundle of "${trustDomain}": ${why}`);
  };
  if (text.length > MAX_BUNDLE_BYTES) fail(`it has ${text.length} octets`);
  const document = parseJson(text, `the bundle of "${trustDomain}"`);
  if (!isObject(document) || !Array.isArray(document["keys"])) return fail("it has no keys");
  if (document["keys"].length > 2 * MAX_FOREIGN_AUTHORITIES) fail("it has too many keys");
  const x509: Bytes[] = [];
  const jwt: Jwk[] = [];
  const postQuantum: Jwk[] = [];
  for (const value of document["keys"]) {
    const key = jwkOf(value);
    if (key === null) return fail("a key is no JSON Web Key");
    if (key.use === "x509-svid" && KEY_TYPES.includes(key.kty)) {
      const [certificate] = key.x5c ?? [];
      if (certificate === undefined || key.x5c?.length !== 1) {
        return fail("an X.509 authority has not exactly one certificate");
      }
      x509.push(base64Of(certificate, fail));
    } else if (key.use === "jwt-svid" && KEY_TYPES.includes(key.kty)) {
      if (key.kid === undefined || key.kid === "") return fail("a token key has no kid");
      jwt.push(key);
    } else if (key.use === POST_QUANTUM_USE && key.kty === "AKP" && key.pub !== undefined) {
      fromBase64url(key.pub);
      postQuantum.push(key);
    }
  }
  return {
    trustDomain,
    x509Authorities: x509,
    jwtAuthorities: jwt,
    postQuantum,
    sequence: countOf(document["spiffe_sequence"], "spiffe_sequence", fail),
    refreshHintS: countOf(document["spiffe_refresh_hint"], "spiffe_refresh_hint", fail),
  };
}

function base64Of(text: string, fail: (why: string) => never): Bytes {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return fail("a certificate is no base64");
  }
}

function countOf(value: unknown, name: string, fail: (why: string) => never): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    return fail(`"${name}" is no count`);
  }
  return value;
}

const TEXT_MEMBERS = ["use", "kid", "alg", "crv", "x", "y", "n", "e", "pub"] as const;

function jwkOf(value: unknown): Jwk | null {
  if (!isObject(value) || typeof value["kty"] !== "string") return null;
  const out: Record<string, string | readonly string[]> = { kty: value["kty"] };
  for (const name of TEXT_MEMBERS) {
    const member = value[name];
    if (member === undefined) continue;
    if (typeof member !== "string") return null;
    out[name] = member;
  }
  const chain = value["x5c"];
  if (chain !== undefined) {
    if (!Array.isArray(chain) || !chain.every((item) => typeof item === "string")) return null;
    out["x5c"] = chain;
  }
  return out as unknown as Jwk;
}

/** Key of a certificate as a JWK: P-256 in full; of other kinds node:crypto says what it is. */
export function jwkOfCertificate(exported: Readonly<Record<string, unknown>>): Jwk {
  const { kty, crv, x, y, n, e } = exported;
  const members = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) =>
    typeof value === "string"
  );
  return Object.fromEntries(members) as unknown as Jwk;
}

/** Whether two bundles say the same, apart from sequence and hint. */
export function sameKeys(a: Bundle, b: Bundle): boolean {
  const contents = ({ x509Authorities, jwtAuthorities, postQuantum }: Bundle) =>
    JSON.stringify([
      x509Authorities.map((der) => base64url(der)).sort(),
      jwtAuthorities.map(({ kid }) => kid).sort(),
      postQuantum.map(({ kid }) => kid).sort(),
    ]);
  return contents(a) === contents(b);
}
