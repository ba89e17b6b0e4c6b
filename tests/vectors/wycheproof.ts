// Loads Wycheproof vectors (C2SP/wycheproof testvectors_v1 at dac1dd4729fd, Apache-2.0) from a folder
// beside the checkout, or from X0_VECTORS. They aren't part of the project.
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

/** All cases of a file. Fails on a file without any. */
export async function cases(name: string): Promise<{ sha256: string; cases: readonly Case[] }> {
  const packed = await Deno.readFile(`${FOLDER}/${name}.json.gz`);
  const file = JSON.parse(new TextDecoder().decode(gunzipSync(packed))) as {
    testGroups: { tests: Case[] }[];
  };
  const out = file.testGroups.flatMap(({ tests, ...group }) =>
    tests.map((test) => ({ ...group, ...test }))
  );
  if (out.length === 0) throw new Error(`No case in vectors "${name}"`);
  return { sha256: createHash("sha256").update(packed).digest("hex"), cases: out };
}

/** Octets of a hexadecimal field; throws when it is none. */
export function octets(test: Case, field: string): Uint8Array<ArrayBuffer> {
  const text = test[field];
  if (typeof text !== "string") throw new Error(`Case ${test.tcId} has no field "${field}"`);
  return Uint8Array.fromHex(text);
}
