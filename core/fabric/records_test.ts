import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { streamPair } from "../handshake/testing.ts";
import { nobleBackend, webcryptoBackend } from "../pq/mod.ts";
import type { ByteStream } from "../ports/mod.ts";
import { FabricError, type FabricErrorCode } from "./errors.ts";
import { MAX_RECORD_BYTES } from "./limits.ts";
import { RecordKey, recordKeys } from "./record_key.ts";
import { RecordStream } from "./records.ts";

const native = webcryptoBackend(crypto.subtle);
const key = (octet: number) => new Uint8Array(32).fill(octet);
const codeOf = async (task: Promise<unknown>): Promise<FabricErrorCode> =>
  (await assertRejects(() => task, FabricError)).code;

/** Both ends, and between them a wire on which a test can meddle. */
function ends(perKey?: number) {
  const [near, wireNear] = streamPair();
  const [wireFar, far] = streamPair();
  const a = new RecordStream(native, near, { send: key(1), receive: key(2) }, perKey);
  const b = new RecordStream(native, far, { send: key(2), receive: key(1) }, perKey);
  return { a, b, wireNear, wireFar };
}

/** What one end wrote, record by record. */
async function recordsOf(stream: ByteStream, count: number): Promise<Uint8Array[]> {
  let held = new Uint8Array(0);
  const out: Uint8Array[] = [];
  while (out.length < count) {
    const length = held.length < 2 ? Infinity : 2 + ((held[0] ?? 0) << 8 | (held[1] ?? 0));
    if (held.length >= length) {
      out.push(held.slice(0, length));
      held = held.slice(length);
      continue;
    }
    const chunk = await stream.read();
    assert(chunk !== null);
    held = new Uint8Array([...held, ...chunk]);
  }
  return out;
}

/** Three records of `a`, to be handed to `b` as a test likes. */
async function three() {
  const all = ends();
  for (const octet of [1, 2, 3]) await all.a.write(Uint8Array.of(octet));
  const records = await recordsOf(all.wireNear, 3);
  return { ...all, records };
}

async function readAll(stream: RecordStream): Promise<number[]> {
  const out: number[] = [];
  for (let octets = await stream.read(); octets !== null; octets = await stream.read()) {
    out.push(...octets);
  }
  return out;
}

Deno.test("RecordStream carries octets of any size both ways, and ends", async () => {
  const [near, far] = streamPair();
  const a = new RecordStream(native, near, { send: key(1), receive: key(2) });
  const b = new RecordStream(
    nobleBackend(() => {
      throw new Error("No randomness is needed");
    }),
    far,
    { send: key(2), receive: key(1) },
  );
  const large = Uint8Array.from({ length: 5 * MAX_RECORD_BYTES + 7 }, (_, i) => i & 255);
  await a.write(large);
  await a.end();
  assertEquals(await readAll(b), [...large]);
  await assertRejects(() => b.write(Uint8Array.of(1)), FabricError);
});

Deno.test("RecordStream goes on under new keys after so many records", async () => {
  const [near, far] = streamPair();
  const a = new RecordStream(native, near, { send: key(1), receive: key(2) }, 3);
  const b = new RecordStream(native, far, { send: key(2), receive: key(1) }, 3);
  const sent = Array.from({ length: 50 }, (_, i) => i);
  for (const octet of sent) await a.write(Uint8Array.of(octet));
  await a.end();
  assertEquals(await readAll(b), sent);
});

Deno.test("RecordStream refuses records that are repeated, reordered or left out", async () => {
  for (const order of [[0, 0], [1], [0, 2], [0, 2, 1], [2, 1, 0]]) {
    const { b, wireFar, records } = await three();
    for (const index of order) await wireFar.write(records[index] ?? new Uint8Array(0));
    assertEquals(await codeOf(readAll(b)), "tampered", `order ${order}`);
    assertEquals(await codeOf(b.read()), "closed");
  }
});

Deno.test("RecordStream refuses a record with any bit changed", async () => {
  const length = (await three()).records[0]?.length ?? 0;
  assert(length > 18);
  for (let bit = 0; bit < length * 8; bit++) {
    const { b, wireFar, records } = await three();
    const record = records[0]?.slice() ?? new Uint8Array(0);
    record[bit >> 3] = (record[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    await wireFar.write(record);
    wireFar.close();
    const code = await codeOf(b.read());
    // A length made longer waits for octets that don't come.
    assert(code === "tampered" || code === "truncated", `bit ${bit}: ${code}`);
  }
});

Deno.test("RecordStream refuses its own records reflected", async () => {
  const { a, wireNear, records } = await three();
  await wireNear.write(records[0] ?? new Uint8Array(0));
  assertEquals(await codeOf(a.read()), "tampered");
});

Deno.test("RecordStream notices a cut at every octet", async () => {
  const { records } = await three();
  const all = new Uint8Array(records.flatMap((record) => [...record]));
  for (let at = 0; at <= all.length; at++) {
    const { b, wireFar } = ends();
    if (at > 0) await wireFar.write(all.subarray(0, at));
    wireFar.close();
    assertEquals(await codeOf(readAll(b)), "truncated", `after ${at} octets`);
  }
});

Deno.test("RecordStream refuses data after the end, and empty data", async () => {
  const sealing = new RecordKey(key(1));
  const seal = async (plaintext: Uint8Array) => {
    const head = Uint8Array.of(0, plaintext.length + 16);
    const sealed = await native.seal(sealing.key, sealing.nonce(0), head, plaintext);
    sealing.advance(1);
    return new Uint8Array([...head, ...sealed]);
  };
  const afterEnd = ends();
  await afterEnd.wireFar.write(
    new Uint8Array([...await seal(Uint8Array.of(1)), ...await seal(Uint8Array.of(0, 7))]),
  );
  assertEquals(await codeOf(readAll(afterEnd.b)), "tampered");
  const other = new RecordKey(key(1));
  const head = Uint8Array.of(0, 17);
  const empty = await native.seal(other.key, other.nonce(0), head, Uint8Array.of(0));
  const forEmpty = ends();
  await forEmpty.wireFar.write(new Uint8Array([...head, ...empty]));
  assertEquals(await codeOf(forEmpty.b.read()), "tampered");
});

Deno.test("RecordStream: whatever a stranger sends, nothing is handed on", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (octets) => {
      const { b, wireFar } = ends();
      await wireFar.write(octets);
      wireFar.close();
      const code = await codeOf(b.read());
      assert(code === "tampered" || code === "truncated");
    }),
    { numRuns: Number(Deno.env.get("FUZZ_RUNS") ?? 200) },
  );
});

Deno.test("recordKeys() gives each direction its own key", () => {
  const outcome = {
    exportKey: (label: string, length: number) => new Uint8Array(length).fill(label.length),
  };
  const initiator = recordKeys(outcome, "initiator");
  const responder = recordKeys(outcome, "responder");
  assertEquals(initiator.send, responder.receive);
  assertEquals(initiator.receive, responder.send);
  const labels: string[] = [];
  recordKeys({
    exportKey(label, length) {
      labels.push(label);
      return new Uint8Array(length);
    },
  }, "initiator");
  assertEquals(new Set(labels).size, 2);
});

Deno.test("RecordKey never repeats a nonce under a key and wipes the last key", () => {
  const first = key(9);
  const sealing = new RecordKey(first, 4);
  const seen = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const pair = `${sealing.key.toHex()} ${sealing.nonce(0).toHex()}`;
    assert(!seen.has(pair));
    seen.add(pair);
    sealing.advance(1);
  }
  assertEquals(first, new Uint8Array(32));
});
