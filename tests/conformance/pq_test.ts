// Both backends must do the same: what one makes, the other understands.
// X0_PQ_RUNS random cases a primitive, 50 where it is not set; a failure prints its seed.
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import {
  type Backend,
  KEM_SEED_BYTES,
  KEMS,
  nobleBackend,
  PqError,
  selectBackend,
  webcryptoBackend,
} from "../../core/pq/mod.ts";

const RUNS = Number(Deno.env.get("X0_PQ_RUNS") ?? 50);
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const native = webcryptoBackend(crypto.subtle);
const portable = nobleBackend(random);

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const text = fc.uint8Array({ maxLength: 300 });
const bothWays: readonly (readonly [Backend, Backend])[] = [[native, portable], [portable, native]];

async function agree<T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => Promise<void>) {
  await fc.assert(fc.asyncProperty(arbitrary, check), { numRuns: RUNS });
}

for (const kem of ["ML-KEM-768", "ML-KEM-1024"] as const) {
  Deno.test(`${kem}: what one backend encapsulates the other decapsulates`, async () => {
    await agree(octets(KEM_SEED_BYTES), async (seed) => {
      for (const [a, b] of bothWays) {
        const pair = await a.kemKeyPair(kem, seed);
        assertEquals(
          pair.encapsulationKey,
          (await b.kemKeyPair(kem, seed)).encapsulationKey,
        );
        const { ciphertext, sharedSecret } = await b.encapsulate(kem, pair.encapsulationKey);
        assertEquals(await pair.decapsulate(ciphertext), sharedSecret);
        // Implicit rejection gives the same unrelated secret on both.
        ciphertext[0] = (ciphertext[0] ?? 0) ^ 1;
        const other = await b.kemKeyPair(kem, seed);
        assertEquals(await pair.decapsulate(ciphertext), await other.decapsulate(ciphertext));
      }
    });
  });
}

for (const algorithm of ["ML-DSA-65", "ML-DSA-87", "Ed25519"] as const) {
  Deno.test(`${algorithm}: what one backend signs the other verifies, and nothing else`, async () => {
    await agree(fc.tuple(octets(32), text, fc.nat()), async ([seed, message, position]) => {
      for (const [a, b] of bothWays) {
        const signer = await a.signer(algorithm, seed);
        assertEquals(signer.publicKey, (await b.signer(algorithm, seed)).publicKey);
        const signature = await signer.sign(message);
        assert(await b.verify(algorithm, signer.publicKey, message, signature));
        const at = position % signature.length;
        signature[at] = (signature[at] ?? 0) ^ (1 << (position % 8));
        assertEquals(await b.verify(algorithm, signer.publicKey, message, signature), false);
      }
    });
  });
}

Deno.test("X25519: both backends agree on keys and secrets", async () => {
  await agree(fc.tuple(octets(32), octets(32)), async ([mine, theirs]) => {
    const [a, b] = [await native.agreementKeyPair(mine), await portable.agreementKeyPair(theirs)];
    assertEquals(await a.agree(b.publicKey), await b.agree(a.publicKey));
    assertEquals(a.publicKey, (await portable.agreementKeyPair(mine)).publicKey);
  });
});

Deno.test("ChaCha20-Poly1305: both backends seal alike", async () => {
  const input = fc.tuple(octets(32), octets(12), text, text);
  await agree(input, async ([key, nonce, aad, plaintext]) => {
    const sealed = await native.seal(key, nonce, aad, plaintext);
    assertEquals(await portable.seal(key, nonce, aad, plaintext), sealed);
    assertEquals(await portable.open(key, nonce, aad, sealed), new Uint8Array(plaintext));
    sealed[0] = (sealed[0] ?? 0) ^ 1;
    assertEquals(await native.open(key, nonce, aad, sealed), null);
    assertEquals(await portable.open(key, nonce, aad, sealed), null);
  });
});

for (const backend of [native, portable]) {
  Deno.test(`${backend.name} refuses keys, seeds and shares of wrong form`, async (t) => {
    const rows: { name: string; code: string; attempt: () => Promise<unknown> }[] = [
      {
        name: "encapsulation key of all 0xFF (FIPS 203 §7.2 modulus check)",
        code: "invalid-key",
        attempt: () =>
          backend.encapsulate(
            "ML-KEM-768",
            new Uint8Array(KEMS["ML-KEM-768"].encapsulationKeyBytes).fill(255),
          ),
      },
      {
        name: "short encapsulation key",
        code: "invalid-key",
        attempt: () => backend.encapsulate("ML-KEM-768", new Uint8Array(1183)),
      },
      {
        name: "short KEM seed",
        code: "invalid-seed",
        attempt: () => backend.kemKeyPair("ML-KEM-768", new Uint8Array(63)),
      },
      {
        name: "long signature seed",
        code: "invalid-seed",
        attempt: () => backend.signer("ML-DSA-65", new Uint8Array(33)),
      },
      {
        name: "X25519 share of small order",
        code: "invalid-share",
        attempt: async () =>
          await (await backend.agreementKeyPair(random(32))).agree(new Uint8Array(32)),
      },
      {
        name: "wiped KEM key",
        code: "wiped",
        async attempt() {
          const pair = await backend.kemKeyPair("ML-KEM-768", random(64));
          pair.wipe();
          return await pair.decapsulate(new Uint8Array(1088));
        },
      },
      {
        name: "wiped signer",
        code: "wiped",
        async attempt() {
          const signer = await backend.signer("Ed25519", random(32));
          signer.wipe();
          return await signer.sign(new Uint8Array(1));
        },
      },
    ];
    for (const { name, code, attempt } of rows) {
      await t.step(name, async () => {
        assertEquals((await assertRejects(attempt, PqError)).code, code);
      });
    }
  });
}

Deno.test("selectBackend() takes the native backend, and the portable one where a primitive is missing", async () => {
  const source = { bytes: random, unit: () => 0.5 };
  assertEquals((await selectBackend(crypto.subtle, source)).backend.name, "webcrypto");
  assertEquals((await selectBackend(null, source)).backend.name, "noble");
  const lacking = new Proxy(crypto.subtle, {
    get: (target, key) =>
      key === "encapsulateBits" ? undefined : Reflect.get(target, key, target).bind(target),
  });
  const { backend, reason } = await selectBackend(lacking, source);
  assertEquals(backend.name, "noble");
  assert(reason.startsWith("WebCrypto lacks"));
});
