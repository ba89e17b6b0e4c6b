import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concat, type Datagram, DecodeError, decodeMessages } from "../netlink/mod.ts";
import { encodeMessage, KernelError, NetlinkTimeout } from "../netlink/mod.ts";
import { decodeElements, encodeElements, type NftElement } from "./codec.ts";
import { NftBatches } from "./elements.ts";
import { NFT_MSG_DELSETELEM, NFT_MSG_NEWSETELEM } from "./spec.ts";

const SET = { family: "netdev", table: "frr", set: "m" } as const;

const octets = (min: number) =>
  fc.uint8Array({ minLength: min, maxLength: 64 }).map((bytes) => Uint8Array.from(bytes));

const elements: fc.Arbitrary<NftElement[]> = fc.array(
  fc.record({
    key: octets(1),
    value: fc.option(octets(1), { nil: undefined }),
    timeoutMs: fc.option(fc.integer({ min: 1, max: 2 ** 40 }), { nil: undefined }),
  }, { requiredKeys: ["key"] }).map(({ key, value, timeoutMs }) => ({
    key,
    ...(value === undefined ? {} : { value }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })),
  { maxLength: 40 },
);

Deno.test("decodeElements() reads back what encodeElements() wrote", () => {
  fc.assert(
    fc.property(elements, (list) => {
      const messages = encodeElements("add", SET, list);
      const read = messages.flatMap(({ payload }) => decodeElements(payload));
      assertEquals(read, list.map((element) => ({ ...element, expiresInMs: null })));
    }),
  );
});

Deno.test("decodeElements() reads what nft sends", () => {
  // nft 1.0.6 --debug=mnl: add element inet t s { 10.0.0.1 timeout 1m }.
  const hex = "01000000" + // family inet, version 0, resource 0
    "0600010074000000" + "0600020073000000" + // table "t", set "s"
    "0800040000000001" + // an id within the batch, which only new sets need
    "20000380" + "1c000180" + // the list, its element
    "0c000400000000000000ea60" + // timeout
    "0c000180" + "080001000a000001"; // key, value
  const payload = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const element = { key: Uint8Array.of(10, 0, 0, 1), timeoutMs: 60_000 };
  assertEquals(decodeElements(payload), [{ ...element, expiresInMs: null }]);
  const [ours] = encodeElements("add", { family: "inet", table: "t", set: "s" }, [element]);
  assertEquals([ours?.type, ours?.payload.length], [NFT_MSG_NEWSETELEM, payload.length - 8]);
});

Deno.test("encodeElements() splits long lists and names removal", () => {
  const list = Array.from({ length: 600 }, (_, i) => ({ key: Uint8Array.of(i >> 8, i & 255) }));
  const messages = encodeElements("remove", SET, list);
  assertEquals(messages.map(({ type }) => type), Array(3).fill(NFT_MSG_DELSETELEM));
  assertEquals(messages.flatMap(({ payload }) => decodeElements(payload)).length, 600);
  for (const { payload } of messages) assert(payload.length < 65_536);
});

Deno.test("encodeElements() refuses names, keys and timeouts that cannot be", () => {
  const key = Uint8Array.of(1);
  assertThrows(() => encodeElements("add", { ...SET, set: "a b" }, [{ key }]), TypeError);
  assertThrows(() => encodeElements("add", { ...SET, table: "" }, [{ key }]), TypeError);
  assertThrows(() => encodeElements("add", SET, [{ key: new Uint8Array(65) }]), RangeError);
  assertThrows(() => encodeElements("add", SET, [{ key: new Uint8Array(0) }]), RangeError);
  for (const timeoutMs of [0, -1, 1.5, NaN]) {
    assertThrows(() => encodeElements("add", SET, [{ key, timeoutMs }]), RangeError);
  }
});

Deno.test("decodeElements() of a hundred thousand mutated messages throws DecodeError or nothing", () => {
  const [good] = encodeElements("add", SET, [
    { key: new Uint8Array(16).fill(7), value: new Uint8Array(6).fill(9), timeoutMs: 8000 },
    { key: new Uint8Array(16).fill(8), value: new Uint8Array(6).fill(1) },
  ]);
  assert(good !== undefined);
  const only = (bytes: Uint8Array) => {
    try {
      decodeElements(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  };
  for (let length = 0; length < good.payload.length; length++) only(good.payload.slice(0, length));
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed % below;
  };
  for (let i = 0; i < 100_000; i++) {
    const bytes = good.payload.slice();
    for (let n = random(4); n >= 0; n--) bytes[random(bytes.length)] = random(256);
    only(bytes);
  }
});

/** A kernel that answers each message of a batch as told. */
class ScriptedKernel implements Datagram {
  readonly sent: Uint8Array[] = [];
  readonly #answers: Uint8Array[] = [];

  /** @param errnos of the batch's messages, begin and end included; `null` for no answer. */
  constructor(readonly errnos: readonly (number | null)[]) {}

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.sent.push(bytes);
    for (const [i, message] of decodeMessages(bytes).entries()) {
      const errno = this.errnos[i] ?? null;
      if (errno === null) continue;
      const payload = new Uint8Array(20);
      new DataView(payload.buffer).setInt32(0, -errno, true);
      this.#answers.push(encodeMessage({ type: 2, flags: 0x100, seq: message.seq, payload }));
    }
  }

  tryReceive(): Uint8Array | null {
    return this.#answers.shift() ?? null;
  }

  readable(): Promise<boolean> {
    return Promise.resolve(false);
  }

  join(): void {}
  close(): void {}
}

function batches(kernel: ScriptedKernel): NftBatches {
  let nowMs = 0;
  return new NftBatches(kernel, { firstSeq: 0xffffffff, monotonicMs: () => nowMs += 1000 });
}

const twice = [
  { type: NFT_MSG_NEWSETELEM, payload: new Uint8Array(4) },
  { type: NFT_MSG_NEWSETELEM, payload: new Uint8Array(4) },
];

Deno.test("NftBatches.run() sends begin, messages and end as one datagram", async () => {
  const kernel = new ScriptedKernel([null, 0, 0, null]);
  await batches(kernel).run("test", twice);
  assertEquals(kernel.sent.length, 1);
  const messages = decodeMessages(concat(kernel.sent));
  assertEquals(messages.map(({ type }) => type), [
    0x10,
    NFT_MSG_NEWSETELEM,
    NFT_MSG_NEWSETELEM,
    0x11,
  ]);
  assertEquals(messages[0]?.payload, Uint8Array.of(0, 0, 0, 10));
  assertEquals(new Set(messages.map(({ seq }) => seq)).size, 4);
});

Deno.test("NftBatches.run() fails when any message fails, or the whole batch, or nobody answers", async () => {
  const rows: readonly [errnos: (number | null)[], errno: number][] = [
    [[null, 0, 2, null], 2],
    [[null, 17, 2, null], 17],
    [[1, null, null, null], 1],
  ];
  for (const [errnos, errno] of rows) {
    const error = await assertRejects(
      () => batches(new ScriptedKernel(errnos)).run("test", twice),
      KernelError,
    );
    assertEquals(error.errno, errno);
  }
  await assertRejects(
    () => batches(new ScriptedKernel([null, 0, null, null])).run("test", twice),
    NetlinkTimeout,
  );
});
