import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Bytes } from "../pq/mod.ts";
import { decodeVersions, encodeVersions, type Versions } from "./document_messages.ts";
import { decodeEnvelope, encodeEnvelope, type Envelope } from "./envelope.ts";
import { FabricError } from "./errors.ts";
import { decodeHello, encodeHello, type Hello } from "./hello_message.ts";
import { decodeStatus, encodeStatus } from "./status.ts";
import type { NodeStatus } from "./types.ts";

interface Codec {
  readonly name: string;
  readonly value: unknown;
  readonly bytes: Bytes;
  decode(bytes: Uint8Array): unknown;
  encode(value: unknown): Bytes;
}

function codec<T>(
  name: string,
  value: T,
  encode: (value: T) => Bytes,
  decode: (bytes: Uint8Array) => T,
): Codec {
  return { name, value, bytes: encode(value), decode, encode: (one) => encode(one as T) };
}

const hello: Hello = {
  protocols: ["/x0tta6bl4/hello/1", "/meshsub/1.2.0"],
  addresses: [{ host: "", port: 6473 }, { host: "fe80::1", port: 1 }],
};
const envelope: Envelope = {
  origin: "aaaaaaaaaaaaaaab",
  run: 1_790_000_000,
  number: 7,
  payload: Uint8Array.of(1, 2, 3),
  signature: new Uint8Array(64).fill(9),
};
const versions: Versions = new Map([["authority", 3], ["revocations", 12]]);
const status: NodeStatus = {
  name: "roof-north",
  version: "0.1.0",
  uptimeS: 86_400,
  addresses: ["fd00::1"],
};

const CODECS: readonly Codec[] = [
  codec("hello", hello, encodeHello, decodeHello),
  codec("envelope", envelope, encodeEnvelope, decodeEnvelope),
  codec("versions", versions, encodeVersions, decodeVersions),
  codec("status", status, encodeStatus, decodeStatus),
];

for (const { name, value, bytes, decode, encode } of CODECS) {
  Deno.test(`${name}: what was encoded is decoded`, () => assertEquals(decode(bytes), value));

  Deno.test(`${name}: truncated at every octet, and with one left over, it is refused`, () => {
    for (let at = 0; at < bytes.length; at++) {
      assertThrows(() => decode(bytes.subarray(0, at)), FabricError);
    }
    assertThrows(() => decode(new Uint8Array([...bytes, 0])), FabricError);
  });

  Deno.test(`${name}: any octets are refused or mean exactly what they are`, () => {
    const mutated = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)).map(([at, octet]) => {
      const out = bytes.slice();
      out[at] = octet;
      return out;
    });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (octets) => {
        let decoded: unknown;
        try {
          decoded = decode(octets);
        } catch (error) {
          if (error instanceof FabricError) return;
          throw error;
        }
        assertEquals(decode(encode(decoded)), decoded);
      }),
      { numRuns: Number(Deno.env.get("FUZZ_RUNS") ?? 300) },
    );
  });
}

Deno.test("encodeStatus() cuts what doesn't fit, between characters", () => {
  const cut = decodeStatus(encodeStatus({ ...status, name: "ü".repeat(100) }));
  assertEquals(cut.name, "ü".repeat(32));
});

Deno.test("decodeHello() refuses an address with a link, or no port", () => {
  for (const address of [{ host: "fe80::1%bat0", port: 1 }, { host: "10.0.0.1", port: 0 }]) {
    assertThrows(
      () => decodeHello(encodeHello({ protocols: [], addresses: [address] })),
      FabricError,
    );
  }
});
