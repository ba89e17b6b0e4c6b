// The checks every decoder must pass: bytes that were cut or changed give an object or a DecodeError,
// nothing else, in bounded time. Number of mutated messages: X0_FUZZ_RUNS (default 2,000); seed:
// X0_FUZZ_SEED (printed when a check fails). The first 2,000 are fast-check's, which shrinks what fails;
// the rest come from a plain generator that is ten times as fast and names the message that failed.
import { concat } from "../../core/base/mod.ts";
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { DecodeError } from "../../ffi/netlink/mod.ts";

const DEFAULT_RUNS = 2_000;

/** Octets that break decoders: ends of ranges, signs, small lengths. */
const NASTY = [0, 1, 2, 3, 4, 5, 7, 8, 0x0f, 0x10, 0x7f, 0x80, 0xfe, 0xff];

/** Mutated messages a decoder is given. */
export function fuzzRuns(): number {
  const text = Deno.env.get("X0_FUZZ_RUNS");
  if (text === undefined) return DEFAULT_RUNS;
  const runs = Number(text);
  assert(Number.isSafeInteger(runs) && runs > 0, `X0_FUZZ_RUNS="${text}" is no positive integer`);
  return runs;
}

function fuzzSeed(): { seed: number } | Record<never, never> {
  const text = Deno.env.get("X0_FUZZ_SEED");
  return text === undefined ? {} : { seed: Number(text) };
}

type Mutation =
  | { readonly kind: "set"; readonly at: number; readonly octet: number }
  | { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | { readonly kind: "u16"; readonly at: number; readonly value: number }
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "insert"; readonly at: number; readonly octets: Uint8Array }
  | { readonly kind: "remove"; readonly at: number; readonly count: number }
  | { readonly kind: "copy"; readonly at: number; readonly from: number; readonly count: number };

const position = fc.nat({ max: 0xffff });

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({
    kind: fc.constant("set" as const),
    at: position,
    octet: fc.oneof(fc.constantFrom(...NASTY), fc.nat({ max: 255 })),
  }),
  fc.record({ kind: fc.constant("flip" as const), at: position, bit: fc.nat({ max: 7 }) }),
  fc.record({
    kind: fc.constant("u16" as const),
    at: position,
    value: fc.oneof(fc.nat({ max: 64 }), fc.nat({ max: 0xffff })),
  }),
  fc.record({ kind: fc.constant("cut" as const), at: position }),
  fc.record({
    kind: fc.constant("insert" as const),
    at: position,
    octets: fc.uint8Array({ minLength: 1, maxLength: 12 }),
  }),
  fc.record({ kind: fc.constant("remove" as const), at: position, count: fc.nat({ max: 12 }) }),
  fc.record({
    kind: fc.constant("copy" as const),
    at: position,
    from: position,
    count: fc.nat({ max: 32 }),
  }),
);

function mutate(bytes: Uint8Array, step: Mutation): Uint8Array {
  if (bytes.length === 0) return step.kind === "insert" ? step.octets : bytes;
  const at = step.at % bytes.length;
  const out = bytes.slice();
  switch (step.kind) {
    case "set":
      out[at] = step.octet;
      return out;
    case "flip":
      out[at] = (out[at] ?? 0) ^ (1 << step.bit);
      return out;
    case "u16": {
      // Length fields are aligned: aim at them.
      const field = Math.min(at & ~3, bytes.length - 2);
      if (field >= 0) new DataView(out.buffer).setUint16(field, step.value, true);
      return out;
    }
    case "cut":
      return out.subarray(0, at);
    case "insert":
      return concat([bytes.subarray(0, at), step.octets, bytes.subarray(at)]);
    case "remove":
      return concat([bytes.subarray(0, at), bytes.subarray(at + step.count)]);
    case "copy": {
      const from = step.from % bytes.length;
      out.set(bytes.subarray(from, from + Math.min(step.count, bytes.length - at)), at);
      return out;
    }
  }
}

/** What a decoder is and what it is tried with. */
export interface DecoderCase<T> {
  /** Must not read outside `bytes`, nor change them. */
  readonly decode: (bytes: Uint8Array) => T;
  /** Good messages; at least one. */
  readonly samples: readonly Uint8Array[];
  /** Given for a round trip: encoding what was decoded, and decoding that, gives the same value. */
  readonly encode?: (value: T) => Uint8Array;
  /** Throws when a decoded value breaks its own promises (ranges, lengths, types). */
  readonly check?: (value: T) => void;
  /** Other error classes that the decoder documents. */
  readonly allowed?: readonly (abstract new (...args: never[]) => Error)[];
}

/** Decodes; `undefined` for a documented refusal; anything else thrown is a failure. */
function attempt<T>(decoder: DecoderCase<T>, bytes: Uint8Array): { value: T } | undefined {
  // Surrounded by octets that are not the message, so that reading past its end shows in the value.
  const framed = new Uint8Array(bytes.length + 16).fill(0xa5);
  framed.set(bytes, 8);
  const message = framed.subarray(8, 8 + bytes.length);
  let value: T;
  try {
    value = decoder.decode(message);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    if (decoder.allowed?.some((known) => error instanceof known)) return undefined;
    throw error;
  }
  for (let i = 0; i < bytes.length; i++) {
    if (message[i] !== bytes[i]) throw new Error("the decoder changed its input");
  }
  decoder.check?.(value);
  if (decoder.encode !== undefined) {
    assertEquals(decoder.decode(decoder.encode(value)), value, "round trip");
  }
  return { value };
}

/** xorshift32: enough to choose mutations, and the same on every machine. */
function generator(seed: number): (below: number) => number {
  let state = (seed | 0) || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function randomMutation(pick: (below: number) => number): Mutation {
  const at = pick(0x10000);
  switch (pick(7)) {
    case 0:
      return { kind: "set", at, octet: pick(2) === 0 ? NASTY[pick(NASTY.length)] ?? 0 : pick(256) };
    case 1:
      return { kind: "flip", at, bit: pick(8) };
    case 2:
      return { kind: "u16", at, value: pick(2) === 0 ? pick(65) : pick(0x10000) };
    case 3:
      return { kind: "cut", at };
    case 4:
      return {
        kind: "insert",
        at,
        octets: Uint8Array.from({ length: 1 + pick(12) }, () => pick(256)),
      };
    case 5:
      return { kind: "remove", at, count: pick(13) };
    default:
      return { kind: "copy", at, from: pick(0x10000), count: pick(33) };
  }
}

/** Many mutated messages, quickly. A failure names seed and number. */
function bulk<T>(decoder: DecoderCase<T>, runs: number): void {
  const given = Deno.env.get("X0_FUZZ_SEED");
  const seed = given === undefined
    ? crypto.getRandomValues(new Int32Array(1))[0] ?? 1
    : Number(given);
  const pick = generator(seed);
  for (let run = 0; run < runs; run++) {
    let bytes = decoder.samples[pick(decoder.samples.length)] ?? new Uint8Array(0);
    for (let steps = 1 + pick(6); steps > 0; steps--) bytes = mutate(bytes, randomMutation(pick));
    try {
      attempt(decoder, bytes);
    } catch (cause) {
      const message = `mutated message ${run} of seed ${seed} (X0_FUZZ_SEED): ${bytes.toHex()}`;
      throw new Error(message, { cause });
    }
  }
}

/** Registers the tests of one decoder: good, truncated at every octet, mutated, random. */
export function testDecoder<T>(name: string, decoder: DecoderCase<T>): void {
  Deno.test(`${name} accepts its samples and decodes them again after encoding`, () => {
    assert(decoder.samples.length > 0, "no samples");
    for (const [i, sample] of decoder.samples.entries()) {
      assert(attempt(decoder, sample) !== undefined, `sample ${i} was refused`);
    }
  });

  Deno.test(`${name} truncated at every octet gives a value or a DecodeError`, () => {
    for (const sample of decoder.samples) {
      for (let length = 0; length < sample.length; length++) {
        attempt(decoder, sample.subarray(0, length));
      }
    }
  });

  Deno.test(`${name} mutated gives a value or a DecodeError`, () => {
    const mutated = fc.tuple(
      fc.constantFrom(...decoder.samples),
      fc.array(mutation, { minLength: 1, maxLength: 6 }),
    ).map(([sample, steps]) => steps.reduce(mutate, sample));
    const random = fc.uint8Array({ maxLength: 256 });
    const input = fc.oneof({ weight: 9, arbitrary: mutated }, { weight: 1, arbitrary: random });
    fc.assert(
      fc.property(input, (bytes) => {
        attempt(decoder, bytes);
      }),
      { numRuns: Math.min(fuzzRuns(), DEFAULT_RUNS), ...fuzzSeed() },
    );
    bulk(decoder, Math.max(0, fuzzRuns() - DEFAULT_RUNS));
  });
}
