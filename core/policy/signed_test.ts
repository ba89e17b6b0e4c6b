import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { IdentityError } from "../identity/mod.ts";
import { testAuthority } from "../identity/testing.ts";
import { webcryptoBackend } from "../pq/mod.ts";
import { documents, MESH } from "./_arbitrary.ts";
import { startingPolicy } from "./base.ts";
import { decodePolicyDocument, encodePolicyDocument, type PolicyDocument } from "./document.ts";
import { PolicyError } from "./errors.ts";
import { MAX_VERSION } from "./limits.ts";
import {
  acceptPolicy,
  comparePolicies,
  decodePolicy,
  encodePolicy,
  gatherSignatures,
  policyRank,
  readPolicyFile,
  type SignedPolicy,
  signPolicy,
  writePolicyFile,
} from "./signed.ts";

const backend = webcryptoBackend(crypto.subtle);

function documentOf(version: number, port = 22, trustDomain = MESH): PolicyDocument {
  return {
    trustDomain,
    version,
    madeMs: 7,
    services: [],
    rules: [{
      name: "r",
      effect: "allow",
      from: ["role:a"],
      to: ["role:b"],
      services: [`tcp/${port}`],
      note: "",
    }],
  };
}

const unsigned = (document: PolicyDocument): SignedPolicy => ({ document, signatures: [] });
const HELD = unsigned(startingPolicy(MESH));

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  (await assertRejects(() => promise, PolicyError)).code;

Deno.test("encodePolicyDocument() has one form, which decodes to the same", () =>
  fc.assert(
    fc.property(documents, (document) => {
      const bytes = encodePolicyDocument(document);
      assertEquals(decodePolicyDocument(bytes), document);
      const other = {
        ...document,
        rules: document.rules.toReversed().map((rule) => ({
          ...rule,
          from: [...rule.from, ...rule.from].toReversed(),
        })),
        services: document.services.toReversed(),
      };
      assertEquals(encodePolicyDocument(other), bytes);
    }),
    { numRuns: 200 },
  ));

Deno.test("decodePolicyDocument() refuses every truncation, and mutations that are not canonical", () => {
  const bytes = encodePolicyDocument({
    ...documentOf(3),
    services: [{ name: "ssh", ports: ["icmp", "tcp/22"] }],
    rules: [
      {
        name: "a",
        effect: "deny",
        from: ["role:a", "role:b"],
        to: ["role:c"],
        services: ["ssh"],
        note: "n",
      },
      {
        name: "b",
        effect: "allow",
        from: ["role:a"],
        to: ["role:c"],
        services: ["any", "ssh"],
        note: "",
      },
    ],
  });
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodePolicyDocument(bytes.subarray(0, length)), PolicyError);
  }
  assertThrows(() => decodePolicyDocument(Uint8Array.from([...bytes, 0])), PolicyError);
  let decoded = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = bytes.with(at, (bytes[at] ?? 0) ^ (1 << bit));
      try {
        assertEquals(encodePolicyDocument(decodePolicyDocument(changed)), changed);
        decoded++;
      } catch (thrown) {
        assert(thrown instanceof PolicyError, String(thrown));
        assertEquals(thrown.code, "malformed");
      }
    }
  }
  assert(decoded > 0);
});

Deno.test("decodePolicy() of random octets decodes to what encodes the same, or is refused", () => {
  const good = encodePolicy({
    document: documentOf(1),
    signatures: [{ key: 0, postQuantum: new Uint8Array(3), ed25519: new Uint8Array(64) }],
  });
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(fc.nat({ max: good.length - 1 }), fc.uint8Array({ maxLength: 4 })).map(
      ([at, patch]) =>
        Uint8Array.from([...good.slice(0, at), ...patch, ...good.slice(at + patch.length)]),
    ),
  );
  fc.assert(
    fc.property(octets, (bytes) => {
      try {
        assertEquals(encodePolicy(decodePolicy(bytes)), new Uint8Array(bytes));
      } catch (thrown) {
        assert(thrown instanceof PolicyError, String(thrown));
      }
    }),
    { numRuns: Number(Deno.env.get("POLICY_FUZZ") ?? 2_000) },
  );
});

Deno.test("acceptPolicy() takes what the authority signed, through encoding and file", async () => {
  for (const suite of ["category3", "category5"] as const) {
    const { set, keys } = await testAuthority(backend, { suite, n: 3, threshold: 2 });
    const first = await signPolicy(set, keys.slice(0, 1), unsigned(documentOf(1)));
    const second = await signPolicy(set, keys.slice(2), unsigned(documentOf(1)));
    const both = gatherSignatures(first, second);
    const read = readPolicyFile(writePolicyFile(decodePolicy(encodePolicy(both))), "p");
    assertEquals(read, both);
    assertEquals(await acceptPolicy(backend, [set], HELD, read), read);
    assertEquals(await acceptPolicy(backend, [set], read, both), read, "the same again");
  }
});

Deno.test("acceptPolicy() refuses, each with its own code", async (t) => {
  const { set, keys } = await testAuthority(backend, { n: 3, threshold: 2 });
  const other = await testAuthority(backend, { label: 50 });
  const foreign = await testAuthority(backend, { trustDomain: "other.mesh" });
  const two = keys.slice(0, 2);
  const held = await signPolicy(set, two, unsigned(documentOf(4)));
  const next = await signPolicy(set, two, unsigned(documentOf(5)));
  const [a, b] = next.signatures;
  assert(a && b);
  const flip = (bytes: Uint8Array<ArrayBuffer>) => bytes.with(9, (bytes[9] ?? 0) ^ 1);
  const rows: readonly [string, string, SignedPolicy][] = [
    ["no signature", "untrusted", unsigned(documentOf(5))],
    ["too few", "untrusted", { ...next, signatures: [a] }],
    ["one twice", "untrusted", { ...next, signatures: [a, a] }],
    ["one under another's index", "untrusted", { ...next, signatures: [a, { ...a, key: 1 }] }],
    ["post-quantum half false", "untrusted", {
      ...next,
      signatures: [a, { ...b, postQuantum: flip(b.postQuantum) }],
    }],
    ["classical half false", "untrusted", {
      ...next,
      signatures: [a, { ...b, ed25519: flip(b.ed25519) }],
    }],
    ["another text", "untrusted", { ...next, document: documentOf(5, 23) }],
    ["another version", "untrusted", { ...next, document: documentOf(6) }],
    [
      "another authority",
      "untrusted",
      await signPolicy(other.set, other.keys, unsigned(documentOf(5))),
    ],
    [
      "another mesh",
      "wrong-mesh",
      await signPolicy(foreign.set, foreign.keys, unsigned(documentOf(5, 22, "other.mesh"))),
    ],
    ["older", "rollback", await signPolicy(set, two, unsigned(documentOf(3)))],
    ["version 0", "rollback", { document: startingPolicy(MESH), signatures: next.signatures }],
  ];
  for (const [name, code, offered] of rows) {
    await t.step(name, async () => {
      assertEquals(await codeOf(acceptPolicy(backend, [set], held, offered)), code);
    });
  }
  assertEquals(await acceptPolicy(backend, [set], held, next), next);
  // Even a signature over this very policy is no word of this mesh's when another mesh's authority gave it.
  const posing = { ...foreign.set, trustDomain: MESH };
  const strange = await signPolicy(posing, foreign.keys, unsigned(documentOf(5)));
  assertEquals(await codeOf(acceptPolicy(backend, [foreign.set], held, strange)), "untrusted");
  assertEquals(await codeOf(acceptPolicy(backend, [], held, next)), "untrusted");
});

Deno.test("acceptPolicy() of two policies of one version ends with the same one everywhere", async () => {
  const { set, keys } = await testAuthority(backend);
  const [a, b] = await Promise.all(
    [22, 23].map((port) => signPolicy(set, keys, unsigned(documentOf(5, port)))),
  );
  assert(a && b);
  const [low, high] = comparePolicies(a.document, b.document) < 0 ? [a, b] : [b, a];
  assertEquals(await acceptPolicy(backend, [set], low, high), high);
  assertEquals(await codeOf(acceptPolicy(backend, [set], high, low)), "rollback");
  assertEquals(comparePolicies(a.document, a.document), 0);
});

Deno.test("policyRank() orders as comparePolicies() does, in one whole number", () => {
  assertEquals(policyRank(startingPolicy(MESH)), 0);
  fc.assert(
    fc.property(documents, documents, fc.boolean(), (a, b, sameVersion) => {
      const other = sameVersion ? { ...b, version: a.version } : b;
      const [ranks, order] = [
        policyRank(a) - policyRank(other),
        comparePolicies(a, other),
      ];
      assertEquals(Math.sign(ranks), Math.sign(order));
    }),
    { numRuns: 200 },
  );
  const last = policyRank(documentOf(MAX_VERSION));
  assert(Number.isSafeInteger(last) && last > policyRank(documentOf(MAX_VERSION - 1)));
  assertThrows(
    () => decodePolicyDocument(encodePolicyDocument(documentOf(MAX_VERSION + 1))),
    PolicyError,
  );
});

Deno.test("signPolicy() signs for its own mesh with keys of its set only", async () => {
  const { set, keys } = await testAuthority(backend);
  const other = await testAuthority(backend, { label: 50 });
  assertEquals(await codeOf(signPolicy(set, [], unsigned(documentOf(1)))), "no-authority");
  assertEquals(await codeOf(signPolicy(set, keys, HELD)), "wrong-mesh");
  assertEquals(
    await codeOf(signPolicy(set, keys, unsigned(documentOf(1, 22, "other.mesh")))),
    "wrong-mesh",
  );
  const error = await assertRejects(
    () => signPolicy(set, other.keys, unsigned(documentOf(1))),
    IdentityError,
  );
  assertEquals(error.code, "untrusted");
  assertThrows(
    () => gatherSignatures(unsigned(documentOf(1)), unsigned(documentOf(2))),
    PolicyError,
  );
});

Deno.test("readPolicyFile() tells damaged files from others", async () => {
  const { set, keys } = await testAuthority(backend);
  const text = writePolicyFile(await signPolicy(set, keys, unsigned(documentOf(1))));
  for (
    const bad of [
      "",
      text.slice(0, -9),
      text.replace("version: 1", "version: 2"),
      text.replace("policy 1", "mesh state 1"),
    ]
  ) {
    const error = assertThrows(() => readPolicyFile(bad, "/p"), PolicyError);
    assertEquals(error.code, "malformed");
    assert(error.message.startsWith('Cannot use "/p" as policy'), error.message);
  }
});
