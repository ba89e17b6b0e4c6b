// Chains that must not be believed: of members that claim more than is theirs, and of other trust domains.
import { assertEquals, assertThrows } from "@std/assert";
import { CodedError } from "../base/mod.ts";
import { hostRandom } from "../host/mod.ts";
import { ManualClock } from "../../tests/fixtures/clock.ts";
import { SpiffeMesh, type SpiffeNode } from "../../tests/fixtures/spiffe.ts";
import { encodeBundle } from "./bundle.ts";
import { makeIntermediate } from "./intermediate.ts";
import { jwkOfDer } from "./jwk_of_der.ts";
import { issueX509Svid } from "./svid.ts";
import { loadX509 } from "./x509_library.ts";

const x509 = await loadX509();
const random = hostRandom();
const HOUR_MS = 3_600_000;

async function withNodes(
  run: (a: SpiffeNode, b: SpiffeNode, clock: ManualClock, mesh: SpiffeMesh) => Promise<void>,
) {
  const clock = new ManualClock();
  const mesh = await SpiffeMesh.make(clock);
  try {
    await run(await mesh.node(), await mesh.node(), clock, mesh);
  } finally {
    await mesh.close();
  }
}

function codeOf(run: () => unknown): string {
  const error = assertThrows(run);
  if (error instanceof CodedError) return error.code;
  throw error;
}

Deno.test("Spiffe.verify() refuses a node that issues for another node, not one that issues for workloads", () =>
  withNodes(async (a, b, clock) => {
    const intermediate = await makeIntermediate(b.keys, b.state.credential);
    const chainFor = async (spiffeId: string) =>
      (await issueX509Svid(intermediate, random, spiffeId, clock.wallMs(), HOUR_MS)).chain;
    const { spiffeId, nodeId } = a.state.credential;
    for (const foreign of [spiffeId, `${spiffeId}/web`, "spiffe://test.mesh/node"]) {
      const chain = await chainFor(foreign);
      assertEquals(codeOf(() => a.spiffe.verify(chain, "client")), "untrusted");
    }
    const own = await chainFor(`${b.state.credential.spiffeId}/web`);
    assertEquals(a.spiffe.verify(own, "client").nodeId, b.state.credential.nodeId);
    const shared = a.spiffe.verify(await chainFor("spiffe://test.mesh/web"), "client");
    assertEquals(shared.nodeId === nodeId, false);
    // Another trust domain's names are not this mesh's to give.
    const other = await chainFor("spiffe://other.mesh/web");
    assertEquals(codeOf(() => a.spiffe.verify(other, "client")), "unknown-domain");
  }));

Deno.test("Spiffe.verify() refuses what a leaf's key signed, and the intermediate itself", () =>
  withNodes(async (a, b, clock) => {
    const svid = b.spiffe.svid();
    const [leaf, above] = svid.chain;
    const intermediate = await makeIntermediate(b.keys, b.state.credential);
    const { p256Signer } = await import("./signer.ts");
    const rogue = { ...intermediate, signer: p256Signer(svid.pkcs8), subject: "O=x0tta6bl4" };
    const now = clock.wallMs();
    const forged = await issueX509Svid(rogue, random, "spiffe://test.mesh/web", now, HOUR_MS);
    const chain = [...forged.chain.slice(0, 1), ...svid.chain];
    assertEquals(codeOf(() => a.spiffe.verify(chain, "client")), "untrusted");
    assertEquals(
      codeOf(() => a.spiffe.verify(above === undefined ? [] : [above], "client")),
      "malformed",
    );
    assertEquals(codeOf(() => a.spiffe.verify(Array(5).fill(leaf), "client")), "malformed");
  }));

Deno.test("Spiffe.verify() refuses a member whose credential expired", () =>
  withNodes(async (a, _b, clock, mesh) => {
    const short = await mesh.node({}, { notAfterMs: clock.wallMs() + HOUR_MS / 2 });
    const { chain, notAfterMs } = short.spiffe.svid();
    assertEquals(notAfterMs, clock.wallMs() + HOUR_MS / 2);
    a.spiffe.verify(chain, "client");
    await clock.advance(HOUR_MS / 2 + 1_000);
    assertEquals(codeOf(() => a.spiffe.verify(chain, "client")), "expired");
    assertEquals(codeOf(() => short.spiffe.svid()), "expired");
  }));

interface Party {
  readonly keys: CryptoKeyPair;
  readonly der: Uint8Array<ArrayBuffer>;
  readonly name: string;
}

interface Shape {
  readonly name: string;
  readonly id: string;
  readonly ca?: boolean;
  readonly pathLength?: number;
  readonly untilMs?: number;
  readonly rsa?: boolean;
}

const ECDSA = { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" };
const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: Uint8Array.of(1, 0, 1),
};

/** A certificate as another implementation makes it. */
async function certify(nowMs: number, issuer: Party | null, shape: Shape): Promise<Party> {
  const { name, id, ca = false, pathLength, untilMs = nowMs + HOUR_MS, rsa = false } = shape;
  const algorithm = rsa ? RSA : ECDSA;
  const keys = await crypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  const { KeyUsageFlags } = x509;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: `CN=${issuer?.name ?? name}`,
    notBefore: new Date(nowMs - HOUR_MS),
    notAfter: new Date(untilMs),
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-384" },
    extensions: [
      new x509.BasicConstraintsExtension(ca, pathLength, true),
      new x509.KeyUsagesExtension(
        ca ? KeyUsageFlags.keyCertSign : KeyUsageFlags.digitalSignature,
        true,
      ),
      new x509.SubjectAlternativeNameExtension([{ type: "url", value: id }]),
    ],
  });
  return { keys, der: new Uint8Array(certificate.rawData), name };
}

Deno.test("Spiffe.verify() walks another trust domain's chain, and refuses each that is broken", () =>
  withNodes(async (a, _b, clock) => {
    const now = clock.wallMs();
    const td = "spiffe://spire.example";
    const root = await certify(now, null, { name: "root", id: td, ca: true, rsa: true });
    const middle = await certify(now, root, { name: "middle", id: td, ca: true, pathLength: 0 });
    const leaf = await certify(now, middle, { name: "leaf", id: `${td}/web` });
    const set = (authority: Party) => {
      const bundle = encodeBundle({
        trustDomain: "spire.example",
        x509Authorities: [authority.der],
        jwtAuthorities: [],
        postQuantum: [],
        sequence: null,
        refreshHintS: null,
      }, jwkOfDer);
      const url = "https://127.0.0.1:1/";
      a.spiffe.federation.set({ trustDomain: "spire.example", url, profile: "https_web", bundle });
    };
    set(root);
    const verify = (...chain: readonly Party[]) =>
      a.spiffe.verify(chain.map(({ der }) => der), "client");
    assertEquals(verify(leaf, middle).spiffeId, `${td}/web`);
    assertEquals(verify(leaf, root, middle).nodeId, null);
    const direct = await certify(now, root, { name: "direct", id: `${td}/db`, rsa: true });
    assertEquals(verify(direct).path, "/db");

    const refused: Readonly<Record<string, readonly Party[]>> = {
      "its middle is missing": [leaf],
      "its middle is of another": [
        leaf,
        await certify(now, root, { name: "middle", id: td, ca: true }),
      ],
      "below a path length of 0": await (async () => {
        const deep = await certify(now, middle, { name: "deep", id: td, ca: true });
        return [await certify(now, deep, { name: "leaf", id: `${td}/web` }), deep, middle];
      })(),
      "signed by a leaf": [await certify(now, leaf, { name: "x", id: `${td}/x` }), leaf, middle],
      "below a middle that expired": await (async () => {
        const shape = { name: "old", id: td, ca: true, untilMs: now - 1_000 };
        const old = await certify(now, root, shape);
        return [await certify(now, old, { name: "leaf", id: `${td}/web` }), old];
      })(),
      "below a root that nobody knows": await (async () => {
        const other = await certify(now, null, { name: "root", id: td, ca: true });
        return [await certify(now, other, { name: "leaf", id: `${td}/web` }), other];
      })(),
    };
    for (const [name, chain] of Object.entries(refused)) {
      assertEquals([name, codeOf(() => verify(...chain))], [name, "untrusted"]);
    }
    // A root of one trust domain counts for no other.
    const foreign = await certify(now, root, { name: "leaf", id: "spiffe://test.mesh/web" });
    assertEquals(codeOf(() => verify(foreign)), "untrusted");
  }));
