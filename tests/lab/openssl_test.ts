// Runs in a lab guest, whose OpenSSL is Debian 13's 3.5: the first with ML-KEM and ML-DSA. It verifies our
// post-quantum certificates, opens our ciphertexts and we its; and the mTLS tests run against it and its curl.
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { hostClock, hostRandom } from "../../core/host/mod.ts";
import { KEMS, nobleBackend, webcryptoBackend } from "../../core/pq/mod.ts";
import { authorityCertificate, credentialCertificate, pem } from "../../core/spiffe/mod.ts";
import { SpiffeMesh } from "../fixtures/spiffe.ts";
import { output } from "../integration/spiffe_support.ts";
import "../integration/spiffe_mtls_test.ts";

const random = hostRandom();
const backends = [webcryptoBackend(crypto.subtle), nobleBackend((length) => random.bytes(length))];

async function withDirectory(run: (directory: string) => Promise<void>) {
  const directory = await Deno.makeTempDir({ prefix: "openssl" });
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function openssl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await output("openssl", args);
  assertEquals(code, 0, `openssl ${args.join(" ")}: ${stderr}`);
  return stdout;
}

Deno.test("the guest's OpenSSL is 3.5 or later", async () => {
  const [, major, minor] = /OpenSSL (\d+)\.(\d+)/.exec(await openssl("version")) ?? [];
  assertGreaterOrEqual(Number(major) * 100 + Number(minor), 305);
});

Deno.test("OpenSSL verifies our ML-DSA-65 certificates, and refuses an altered one", () =>
  withDirectory(async (directory) => {
    const mesh = await SpiffeMesh.make(hostClock());
    try {
      const { set, keys: [authority] } = mesh.authority;
      assert(authority !== undefined);
      const { state, spiffe } = await mesh.node();
      const root = await authorityCertificate(set, authority, Date.now());
      const node = await credentialCertificate(set, authority, state.credential);
      const own = await spiffe.credentialCertificate();
      const altered = node.slice();
      altered[altered.length - 1] = (altered[altered.length - 1] ?? 0) ^ 1;
      for (const [name, der] of Object.entries({ root, node, own, altered })) {
        await Deno.writeTextFile(`${directory}/${name}.pem`, pem("CERTIFICATE", der));
      }
      const strict = ["verify", "-x509_strict", "-CAfile", `${directory}/root.pem`];
      await openssl(...strict, `${directory}/node.pem`);
      const bad = await output("openssl", [...strict, `${directory}/altered.pem`]);
      assert(bad.code !== 0, "an altered certificate was verified");
      const stranger = await output("openssl", [...strict, `${directory}/own.pem`]);
      assert(stranger.code !== 0, "a certificate that a node signed for itself was verified");
      await openssl(
        "verify",
        "-partial_chain",
        "-CAfile",
        `${directory}/own.pem`,
        `${directory}/own.pem`,
      );
      const text = await openssl("x509", "-noout", "-text", "-in", `${directory}/node.pem`);
      assert(text.includes("Signature Algorithm: ML-DSA-65"), text);
      assert(text.includes("Public Key Algorithm: ML-DSA-65"), text);
      assert(/X509v3 Key Usage: critical\s+Digital Signature\n/.test(text), text);
      assert(text.includes(`URI:${state.credential.spiffeId}\n`), text);
    } finally {
      await mesh.close();
    }
  }));

for (const kem of ["ML-KEM-768", "ML-KEM-1024"] as const) {
  // The last octets of a SubjectPublicKeyInfo are the key; the head is what OpenSSL wrote before its own.
  const { encapsulationKeyBytes } = KEMS[kem];

  Deno.test(`OpenSSL opens our ${kem} ciphertexts, and we open OpenSSL's`, () =>
    withDirectory(async (directory) => {
      const at = (name: string) => `${directory}/${name}`;
      await openssl("genpkey", "-algorithm", kem, "-out", at("key.pem"));
      await openssl(
        "pkey",
        "-in",
        at("key.pem"),
        "-pubout",
        "-outform",
        "DER",
        "-out",
        at("public"),
      );
      const spki = await Deno.readFile(at("public"));
      const head = spki.slice(0, spki.length - encapsulationKeyBytes);
      for (const backend of backends) {
        const theirs = spki.slice(head.length);
        const { ciphertext, sharedSecret } = await backend.encapsulate(kem, theirs);
        await Deno.writeFile(at("ciphertext"), ciphertext);
        const decapsulate = ["pkeyutl", "-decap", "-inkey", at("key.pem"), "-in", at("ciphertext")];
        await openssl(...decapsulate, "-secret", at("secret"));
        assertEquals(await Deno.readFile(at("secret")), sharedSecret);

        const pair = await backend.kemKeyPair(kem, random.bytes(64));
        await Deno.writeFile(at("ours"), Uint8Array.from([...head, ...pair.encapsulationKey]));
        await openssl(
          ...["pkeyutl", "-encap", "-pubin", "-keyform", "DER", "-inkey", at("ours")],
          ...["-out", at("ciphertext"), "-secret", at("secret")],
        );
        const opened = await pair.decapsulate(await Deno.readFile(at("ciphertext")));
        assertEquals(opened, await Deno.readFile(at("secret")));
        pair.wipe();
      }
    }));
}
