// Loads Wycheproof vectors (C2SP/wycheproof testvectors_v1 at dac1dd4729fd1f8dd9e1e9f3dce51d783da6c166,
// Apache-2.0, each file gzipped) from a folder beside the checkout, or from X0_VECTORS. They aren't part
// of the project; which files they must be, and how many cases each has, is (PINNED).
import { gunzipSync } from "node:zlib";
import { createHash } from "node:crypto";

const FOLDER = Deno.env.get("X0_VECTORS") ??
  new URL("../../../shared/vectors/wycheproof", import.meta.url).pathname;

/** Whether vectors are at hand, and if not, why a test that needs them is skipped. */
export const VECTORS: { readonly present: boolean; readonly reason: string } = await Deno.stat(FOLDER)
  .then(
    () => ({ present: true, reason: "" }),
    () => ({ present: false, reason: `no vectors at X0_VECTORS or beside the checkout` }),
  );

/** One test case, with the fields of its group merged in. Octets are hexadecimal text. */
export interface Case {
  readonly tcId: number;
  readonly comment?: string;
  readonly result: "valid" | "invalid" | "acceptable";
  readonly flags?: readonly string[];
  readonly [field: string]: unknown;
}

/** What the files must be: SHA-256 of the gzipped file, and its cases. */
const PINNED = {
  chacha20_poly1305_test: {
    cases: 325,
    sha256: "eb1e99e9a96cc46cb49ffea143c6c166ad249305a099a481ba66306a25ebe86d",
  },
  hkdf_sha256_test: {
    cases: 86,
    sha256: "a8d89f692f0982c0659ab2c7df08173132275ac73f25df292cefac937f1bb936",
  },
  mldsa_65_sign_seed_test: {
    cases: 105,
    sha256: "b569273c576970f874a8840840651d5acb0581a42009ded128387f86ec8f712a",
  },
  mldsa_65_verify_test: {
    cases: 210,
    sha256: "f1c95cb0fb89f749588ab551a184f52889137337f82e2edc6b5203921d7dd9a7",
  },
  mlkem_768_encaps_test: {
    cases: 265,
    sha256: "37cfb6689854a5e48fa47a28d6989e9a7a2e1be51483436b4c1dc77651d0d592",
  },
  mlkem_768_keygen_seed_test: {
    cases: 100,
    sha256: "3d68317677b6bb05fe78697fef8058cfcadb32a5781dd2200f6b5457c6b3639c",
  },
  mlkem_768_test: {
    cases: 193,
    sha256: "02d58c3ee97b8aa7a6c62c59528a5fcefd04b831831b4009cc800c5d80e22eb7",
  },
  x25519_test: {
    cases: 518,
    sha256: "2879e2aff1c2de5bb572169f6b996b53a77c06d109ee1f224b2a3402d3713329",
  },
} as const;

/** A vector file. */
export type VectorFile = keyof typeof PINNED;

/** All cases of a file. Throws on another file than the pinned one, and on one without any case. */
export async function cases(
  name: VectorFile,
): Promise<{ sha256: string; cases: readonly Case[] }> {
  const packed = await Deno.readFile(`${FOLDER}/${name}.json.gz`);
  const sha256 = createHash("sha256").update(packed).digest("hex");
  const pinned = PINNED[name];
  if (sha256 !== pinned.sha256) {
    throw new Error(`Cannot use vectors "${name}": SHA-256 is ${sha256}, not ${pinned.sha256}`);
  }
  const file = JSON.parse(new TextDecoder().decode(gunzipSync(packed))) as {
    testGroups: { tests: Case[] }[];
  };
  const out = file.testGroups.flatMap(({ tests, ...group }) =>
    tests.map((test) => ({ ...group, ...test }))
  );
  if (out.length === 0 || out.length !== pinned.cases) {
    throw new Error(`Cannot use vectors "${name}": ${out.length} cases, not ${pinned.cases}`);
  }
  return { sha256, cases: out };
}

/** Octets of a hexadecimal field; throws when it is none. */
export function octets(test: Case, field: string): Uint8Array<ArrayBuffer> {
  const text = test[field];
  if (typeof text !== "string") throw new Error(`Case ${test.tcId} has no field "${field}"`);
  return Uint8Array.fromHex(text);
}
