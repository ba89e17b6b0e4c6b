import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { KernelFault } from "../../ports/mod.ts";
import { encodeFrame, FrameDecoder, FrameError } from "./frames.ts";
import { readToDaemon, readToServer } from "./protocol.ts";

Deno.test("`FrameDecoder` gives back what `encodeFrame()` made, however it is cut up", () => {
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.string().filter((key) => key !== "$octets"), fc.jsonValue())),
      fc.integer({ min: 1, max: 50 }),
      (messages, size) => {
        const plain = messages.map((message) => JSON.parse(JSON.stringify(message)));
        const wire = messages.flatMap((message) => [...encodeFrame(message)]);
        const decoder = new FrameDecoder();
        const got: unknown[] = [];
        for (let at = 0; at < wire.length; at += size) {
          got.push(...decoder.push(Uint8Array.from(wire.slice(at, at + size))));
        }
        assertEquals(got, plain);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("octets survive the journey", () => {
  const message = { key: Uint8Array.from([0, 1, 255]) };
  assertEquals(new FrameDecoder().push(encodeFrame(message)), [message]);
});

Deno.test("`FrameDecoder` refuses what is too long or no JSON", () => {
  const error = assertThrows(
    () => new FrameDecoder().push(Uint8Array.from([255, 255, 255, 255])),
    FrameError,
  );
  assertEquals(error.code, "too-long");
  assertThrows(() => new FrameDecoder().push(Uint8Array.from([0, 0, 0, 1, 123])), FrameError);
});

Deno.test("mutated messages are refused, never misread into a crash", () => {
  const good = [
    { type: "hello", version: 1, node: 0 },
    { type: "call", id: 1, target: "links.list", args: [] },
    { type: "error", id: 1, code: "busy", message: "later", retryable: true },
  ].map((message) => encodeFrame(message));
  const pick = fc.constantFrom(...good);
  fc.assert(
    fc.property(
      pick,
      fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }),
      (wire, hits) => {
        const mutated = Uint8Array.from(wire);
        for (const [at, value] of hits) mutated[at % mutated.length] = value;
        try {
          for (const message of new FrameDecoder().push(mutated)) {
            for (const read of [readToServer, readToDaemon]) {
              try {
                read(message);
              } catch (error) {
                if (!(error instanceof KernelFault)) throw error;
              }
            }
          }
        } catch (error) {
          if (!(error instanceof FrameError)) throw error;
        }
      },
    ),
    { numRuns: 20_000 },
  );
});
