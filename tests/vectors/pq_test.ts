import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Backend,
  encapsulateWith,
  hkdfExpand,
  hkdfExtract,
  nobleBackend,
  PqError,
  webcryptoBackend,
} from "../../core/pq/mod.ts";
import { type Case, cases, octets, type VectorFile, VECTORS } from "./wycheproof.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** Cases of mldsa_65_sign_seed_test with an external mu or a context. */
const SIGN_NOT_OURS = 21;

const BACKENDS: readonly Backend[] = [webcryptoBackend(crypto.subtle), nobleBackend(random)];

/**
 * Registers one test a backend over all cases of a file.
 *
 * @param notOurs how many of them ask for what we never do; all others must run.
 */
function vectors(
  file: VectorFile,
  criterion: string,
  run: (backend: Backend, test: Case) => Promise<"ran" | "not ours">,
  { backends = BACKENDS, notOurs = 0 }: {
    readonly backends?: readonly Backend[];
    readonly notOurs?: number;
  } = {},
): void {
  for (const backend of backends) {
    Deno.test({
      name: `${backend.name} ${criterion} (${file})${VECTORS.present ? "" : `: ${VECTORS.reason}`}`,
      ignore: !VECTORS.present,
      async fn() {
        const { cases: all, sha256 } = await cases(file);
        let ran = 0;
        for (const test of all) {
          try {
            if (await run(backend, test) === "ran") ran++;
          } catch (cause) {
            throw new Error(`${file} case ${test.tcId} "${test.comment ?? ""}" (${sha256})`, { cause });
          }
        }
        assertEquals(ran, all.length - notOurs, `cases of ${file} that ran`);
      },
    });
  }
}

vectors("mlkem_768_keygen_seed_test", "derives the key pair of a seed", async (backend, test) => {
  const pair = await backend.kemKeyPair("ML-KEM-768", octets(test, "seed"));
  assertEquals(pair.encapsulationKey, octets(test, "ek"));
  return "ran";
});

vectors("mlkem_768_test", "decapsulates, and refuses wrong lengths", async (backend, test) => {
  const decapsulate = async () => {
    const pair = await backend.kemKeyPair("ML-KEM-768", octets(test, "seed"));
    if (typeof test.ek === "string" && test.ek !== "") {
      assertEquals(pair.encapsulationKey, octets(test, "ek"));
    }
    return await pair.decapsulate(octets(test, "c"));
  };
  if (test.result === "valid") assertEquals(await decapsulate(), octets(test, "K"));
  else await assertRejects(decapsulate, PqError);
  return "ran";
});

vectors("mlkem_768_encaps_test", "refuses keys FIPS 203 §7.2 refuses", async (backend, test) => {
  const attempt = async () => await backend.encapsulate("ML-KEM-768", octets(test, "ek"));
  if (test.result === "invalid") await assertRejects(attempt, PqError);
  else assertEquals((await attempt()).ciphertext.length, 1088);
  return "ran";
});

vectors("mlkem_768_encaps_test", "encapsulates with given randomness", async (_, test) => {
  const attempt = () => encapsulateWith("ML-KEM-768", octets(test, "ek"), octets(test, "m"));
  if (test.result === "invalid") {
    await assertRejects(() => Promise.try(attempt), PqError);
  } else {
    const { ciphertext, sharedSecret } = attempt();
    assertEquals(ciphertext, octets(test, "c"));
    assertEquals(sharedSecret, octets(test, "K"));
  }
  return "ran";
}, { backends: BACKENDS.filter((backend) => backend.name === "noble") });

vectors("mldsa_65_verify_test", "verifies as expected", async (backend, test) => {
  // We sign with an empty context only: a signature with another one must not verify here.
  const context = typeof test.ctx === "string" && test.ctx !== "";
  const verified = await backend.verify(
    "ML-DSA-65",
    octets(test, "publicKey"),
    octets(test, "msg"),
    octets(test, "sig"),
  );
  assertEquals(verified, test.result === "valid" && !context);
  return "ran";
});

vectors("mldsa_65_sign_seed_test", "signs verifiably from a seed", async (backend, test) => {
  if (typeof test.msg !== "string" || (typeof test.ctx === "string" && test.ctx !== "")) {
    // External mu or a context: we never sign so.
    return "not ours";
  }
  const sign = async () => {
    const signer = await backend.signer("ML-DSA-65", octets(test, "privateSeed"));
    const signature = await signer.sign(octets(test, "msg"));
    assertEquals(signer.publicKey, octets(test, "publicKey"));
    assert(await backend.verify("ML-DSA-65", signer.publicKey, octets(test, "msg"), signature));
    return signature;
  };
  if (test.result === "invalid") await assertRejects(sign, PqError);
  else {
    const signature = await sign();
    // A vector's signature verifies under the key we derived, hedged or not.
    assert(
      await backend.verify(
        "ML-DSA-65",
        octets(test, "publicKey"),
        octets(test, "msg"),
        octets(test, "sig"),
      ),
    );
    assertEquals(signature.length, 3309);
  }
  return "ran";
}, { notOurs: SIGN_NOT_OURS });

vectors(
  "mldsa_65_sign_seed_test",
  "signs to the very octet, without hedging",
  async (_, test) => {
    const other = typeof test.msg !== "string" || test.result !== "valid" ||
      test.flags?.includes("Randomized") === true;
    if (other || (typeof test.ctx === "string" && test.ctx !== "")) return "not ours";
    // FIPS 204 §3.4: the deterministic variant is the hedged one with 32 zero octets.
    const plain = nobleBackend((length) => new Uint8Array(length));
    const signer = await plain.signer("ML-DSA-65", octets(test, "privateSeed"));
    assertEquals(await signer.sign(octets(test, "msg")), octets(test, "sig"));
    return "ran";
  },
  { backends: BACKENDS.filter((backend) => backend.name === "noble"), notOurs: 25 },
);

vectors("x25519_test", "agrees, and refuses an all-zero secret", async (backend, test) => {
  const agree = async () =>
    await (await backend.agreementKeyPair(octets(test, "private"))).agree(octets(test, "public"));
  if (test.flags?.includes("ZeroSharedSecret")) await assertRejects(agree, PqError);
  else assertEquals(await agree(), octets(test, "shared"));
  return "ran";
});

vectors("chacha20_poly1305_test", "seals and opens as expected", async (backend, test) => {
  const [key, iv, aad] = [octets(test, "key"), octets(test, "iv"), octets(test, "aad")];
  const sealed = new Uint8Array([...octets(test, "ct"), ...octets(test, "tag")]);
  if (test.flags?.includes("InvalidNonceSize")) {
    const opened = await backend.open(key, iv, aad, sealed).catch(() => null);
    assertEquals(opened, null);
    return "ran";
  }
  const opened = await backend.open(key, iv, aad, sealed);
  if (test.result === "invalid") assertEquals(opened, null);
  else {
    assertEquals(opened, octets(test, "msg"));
    assertEquals(await backend.seal(key, iv, aad, octets(test, "msg")), sealed);
  }
  return "ran";
});

Deno.test({
  name: `hkdfExpand() and hkdfExtract() agree with the vectors${
    VECTORS.present ? "" : `: ${VECTORS.reason}`
  }`,
  ignore: !VECTORS.present,
  async fn() {
    const { cases: all } = await cases("hkdf_sha256_test");
    for (const test of all) {
      const derive = () =>
        hkdfExpand(
          hkdfExtract(octets(test, "salt"), octets(test, "ikm"), "sha256"),
          octets(test, "info"),
          Number(test.size),
          "sha256",
        );
      if (test.result === "valid") assertEquals(derive(), octets(test, "okm"));
      else await assertRejects(() => Promise.try(derive), RangeError);
    }
  },
});
