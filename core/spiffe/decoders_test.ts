// Everything that reads what others wrote: good input, cut off at every octet, altered.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { hostRandom } from "../host/mod.ts";
import { decodeBundle, encodeBundle } from "./bundle.ts";
import { issueCertificate, serialFrom } from "./certificate.ts";
import { isIssuedBy, requireAuthority, requireLeaf, viewCertificate } from "./certificate_view.ts";
import { concat } from "../base/mod.ts";
import { certificatesOfPem, concatenated, elementsOf, pem } from "./der.ts";
import { SpiffeError } from "./errors.ts";
import { jwkOfDer } from "./jwk_of_der.ts";
import { akpJwk, base64url, p256Jwk } from "./jwk.ts";
import { issueJwtSvid, readToken, requireClaims, verifyToken } from "./jwt.ts";
import { newP256Key, p256Signer } from "./signer.ts";
import { loadX509 } from "./x509_library.ts";

const random = hostRandom();
const x509 = await loadX509();
const NOW_MS = Date.UTC(2026, 10, 25);

const key = newP256Key(random);
const content = {
  serial: serialFrom(random.bytes(16)),
  subject: "O=x0tta6bl4",
  issuer: "O=x0tta6bl4,CN=a",
  notBeforeMs: NOW_MS,
  notAfterMs: NOW_MS + 3_600_000,
  spki: key.spki,
  spiffeId: "spiffe://test.mesh/web",
  authority: false,
  tls: true,
};
const leaf = await issueCertificate(p256Signer(key.pkcs8), content);

/** Whatever comes out, it comes as a value or as a SpiffeError. */
function orRefused<T>(run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    if (error instanceof SpiffeError) return null;
    throw error;
  }
}

Deno.test("viewCertificate() refuses a certificate that is cut off anywhere", () => {
  for (let length = 0; length < leaf.length; length++) {
    assertThrows(() => viewCertificate(x509, leaf.slice(0, length)), SpiffeError);
  }
  requireLeaf(viewCertificate(x509, leaf), "client");
});

Deno.test("viewCertificate() of a bit of every octet altered reads or refuses, and is signed by nobody", async () => {
  const whole = await issueCertificate(p256Signer(key.pkcs8), {
    ...content,
    issuer: content.subject,
    authority: true,
  });
  const issuer = viewCertificate(x509, whole);
  assert(isIssuedBy(issuer, issuer));
  for (let at = 0; at < whole.length; at++) {
    const altered = whole.slice();
    altered[at] = (altered[at] ?? 0) ^ (1 << (at % 8));
    const view = orRefused(() => viewCertificate(x509, altered));
    if (view !== null) assertEquals(isIssuedBy(view, issuer), false, `octet ${at}`);
  }
});

for (
  const [name, change, message] of [
    ["a trust domain's ID", { spiffeId: "spiffe://test.mesh" }, "whole trust domain"],
    ["an authority", { authority: true }, "an authority"],
    ["a name that is no SPIFFE ID", { spiffeId: "https://test.mesh/web" }, "SPIFFE ID"],
    ["a path with an empty segment", { spiffeId: "spiffe://test.mesh//web" }, "SPIFFE ID"],
    ["a trust domain in capitals", { spiffeId: "spiffe://Test.mesh/web" }, "SPIFFE ID"],
  ] as const
) {
  Deno.test(`requireLeaf() refuses ${name}`, async () => {
    const der = await issueCertificate(p256Signer(key.pkcs8), { ...content, ...change });
    const view = viewCertificate(x509, der);
    assertThrows(() => requireLeaf(view, "server"), SpiffeError, message);
  });
}

Deno.test("requireAuthority() refuses a leaf", () => {
  assertThrows(() => requireAuthority(viewCertificate(x509, leaf)), SpiffeError, "may not issue");
});

Deno.test("requireLeaf() refuses two URIs, no URI, and an unknown critical extension", async () => {
  const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
    "verify",
  ]);
  const make = async (...extensions: ConstructorParameters<typeof Array<never>>) =>
    new Uint8Array(
      (await x509.X509CertificateGenerator.createSelfSigned({
        name: "O=x",
        keys,
        signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
        extensions: [
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          ...extensions,
        ],
      })).rawData,
    );
  const uri = (value: string) => ({ type: "url", value }) as const;
  const id = uri("spiffe://test.mesh/web");
  const names = (...all: readonly (typeof id | { type: "dns"; value: string })[]) =>
    new x509.SubjectAlternativeNameExtension([...all]) as never;
  const two = await make(names(id, uri("spiffe://test.mesh/other")));
  assertThrows(() => requireLeaf(viewCertificate(x509, two), "client"), SpiffeError, "2 URIs");
  const none = await make(names({ type: "dns", value: "test.mesh" }));
  assertThrows(() => requireLeaf(viewCertificate(x509, none), "client"), SpiffeError, "0 URIs");
  const odd = new x509.Extension("1.2.3.4", true, Uint8Array.of(5, 0)) as never;
  const unknown = await make(names(id), odd);
  assertThrows(() => viewCertificate(x509, unknown), SpiffeError, "1.2.3.4");
  // Names of other kinds beside the URI are allowed.
  requireLeaf(
    viewCertificate(x509, await make(names(id, { type: "dns", value: "web.test.mesh" }))),
    "client",
  );
});

Deno.test("concatenated() and elementsOf() of random octets read or refuse", () => {
  assertEquals(concatenated(concat([leaf, leaf])), [leaf, leaf]);
  assertEquals(certificatesOfPem(pem("CERTIFICATE", leaf).repeat(2)), [leaf, leaf]);
  assertEquals(elementsOf(leaf).length, 3);
  for (let run = 0; run < 5_000; run++) {
    const octets = random.bytes(run % 40);
    orRefused(() => concatenated(octets));
    octets[0] = 0x30;
    orRefused(() => elementsOf(octets));
  }
});

const bundle = {
  trustDomain: "test.mesh",
  x509Authorities: [leaf],
  jwtAuthorities: [p256Jwk(key.spki)],
  postQuantum: [akpJwk("ML-DSA-65", random.bytes(1952))],
  sequence: 7,
  refreshHintS: 300,
};

Deno.test("decodeBundle() reads what encodeBundle() wrote; P-256 comes first, AKP last", () => {
  const text = encodeBundle(bundle, jwkOfDer);
  const { keys, ...head } = JSON.parse(text);
  assertEquals(head, { spiffe_sequence: 7, spiffe_refresh_hint: 300 });
  assertEquals(keys.map((one: { kty: string; use: string }) => [one.kty, one.use]), [
    ["EC", "x509-svid"],
    ["EC", "jwt-svid"],
    ["AKP", "x0tta6bl4-authority"],
  ]);
  const read = decodeBundle("test.mesh", text);
  assertEquals(read.x509Authorities, bundle.x509Authorities);
  assertEquals([read.sequence, read.refreshHintS], [7, 300]);
  assertEquals(read.jwtAuthorities.map(({ kid }) => kid), [bundle.jwtAuthorities[0]?.kid]);
  assertEquals(read.postQuantum.map(({ pub }) => pub), [bundle.postQuantum[0]?.pub]);
});

Deno.test("decodeBundle() reads the form that SPIRE servers publish, and passes over what is new", () => {
  const x5c = [leaf.toBase64()];
  const { kty, crv, x, y } = p256Jwk(key.spki);
  const read = decodeBundle(
    "test.mesh",
    JSON.stringify({
      keys: [
        { use: "x509-svid", kty: "RSA", n: "AQAB", e: "AQAB", x5c },
        { use: "jwt-svid", kty, kid: "C6vs25welZOx6WksNYfbMfiw9l96pMnD", crv, x, y },
        { use: "wit-svid", kty, kid: "later", crv, x, y },
        { use: "jwt-svid", kty: "LATTICE", kid: "later" },
        { kty, crv, x, y },
      ],
      spiffe_sequence: 12035488,
      spiffe_refresh_hint: 2419200,
      spiffe_later: true,
    }),
  );
  assertEquals([read.x509Authorities.length, read.jwtAuthorities.length], [1, 1]);
  assertEquals(read.sequence, 12035488);
});

for (
  const [name, text] of [
    ["no JSON", "{"],
    ["no object", "[]"],
    ["no keys", "{}"],
    ["keys that are none", '{"keys":[1]}'],
    ["a key without a type", '{"keys":[{"use":"jwt-svid"}]}'],
    ["a token key without a name", '{"keys":[{"kty":"EC","use":"jwt-svid"}]}'],
    ["an authority without a certificate", '{"keys":[{"kty":"EC","use":"x509-svid"}]}'],
    ["two certificates", '{"keys":[{"kty":"EC","use":"x509-svid","x5c":["AA==","AA=="]}]}'],
    ["a certificate that is no base64", '{"keys":[{"kty":"EC","use":"x509-svid","x5c":["!"]}]}'],
    ["a sequence that is none", '{"keys":[],"spiffe_sequence":-1}'],
  ] as const
) {
  Deno.test(`decodeBundle() refuses ${name}`, () => {
    assertThrows(() => decodeBundle("test.mesh", text), SpiffeError);
  });
}

Deno.test("readToken() of a token cut off or altered anywhere reads or refuses", async () => {
  const jwk = p256Jwk(key.spki);
  const token = issueJwtSvid(
    { pkcs8: key.pkcs8, kid: jwk.kid ?? "" },
    "spiffe://test.mesh/web",
    ["a"],
    NOW_MS,
    300_000,
  );
  const good = readToken(token);
  requireClaims(good, "a", NOW_MS, true);
  assert(await verifyToken(crypto.subtle, good, jwk));
  for (let length = 0; length < token.length; length++) {
    const cut = orRefused(() => readToken(token.slice(0, length)));
    if (cut !== null) assertEquals(await verifyToken(crypto.subtle, cut, jwk), false);
  }
  for (let at = 0; at < token.length; at += 3) {
    const altered = orRefused(() =>
      readToken(`${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`)
    );
    if (altered === null) continue;
    const same = base64url(altered.signature) === base64url(good.signature) &&
      base64url(altered.signed) === base64url(good.signed);
    assertEquals(await verifyToken(crypto.subtle, altered, jwk), same);
  }
});

const jsonPart = (value: object) => base64url(JSON.stringify(value));

for (
  const [alg, generate, sign] of [
    ["ES256", { name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }],
    ["ES384", { name: "ECDSA", namedCurve: "P-384" }, { name: "ECDSA", hash: "SHA-384" }],
    ["RS256", rsa("RSASSA-PKCS1-v1_5", 256), { name: "RSASSA-PKCS1-v1_5" }],
    ["RS512", rsa("RSASSA-PKCS1-v1_5", 512), { name: "RSASSA-PKCS1-v1_5" }],
    ["PS256", rsa("RSA-PSS", 256), { name: "RSA-PSS", saltLength: 32 }],
  ] as const
) {
  Deno.test(`verifyToken() accepts ${alg} of another implementation, and not with another's key`, async () => {
    const pair = await crypto.subtle.generateKey(generate as never, true, [
      "sign",
      "verify",
    ]) as CryptoKeyPair;
    const signed = `${jsonPart({ alg, kid: "k" })}.${
      jsonPart({ sub: "spiffe://other/x", aud: "a", exp: NOW_MS / 1000 + 60 })
    }`;
    const signature = await crypto.subtle.sign(
      sign,
      pair.privateKey,
      new TextEncoder().encode(signed),
    );
    const token = readToken(`${signed}.${base64url(new Uint8Array(signature))}`);
    requireClaims(token, "a", NOW_MS, false);
    const { kty = "", crv, x, y, n, e } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const jwk = JSON.parse(JSON.stringify({ kid: "k", kty, crv, x, y, n, e }));
    assert(await verifyToken(crypto.subtle, token, jwk));
    const other = { ...p256Jwk(newP256Key(random).spki), kid: "k" };
    assertEquals(await verifyToken(crypto.subtle, token, other), false);
    assertEquals(await verifyToken(crypto.subtle, token, { ...jwk, kid: "l" }), false);
    assertEquals(await verifyToken(crypto.subtle, token, { kty, kid: "k" }), false);
  });
}

function rsa(name: string, bits: number) {
  return {
    name,
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: `SHA-${bits}`,
  };
}
