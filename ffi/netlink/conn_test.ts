import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { ERRNO, SyscallError } from "../sys/mod.ts";
import { concat, encodeAttributes, table } from "./attribute.ts";
import { NetlinkConn } from "./conn.ts";
import { DecodeError, KernelError, NetlinkTimeout } from "./errors.ts";
import { MAX_DUMP_ATTEMPTS } from "./limits.ts";
import { decodeMessages, NLM_F, NLMSG_ERROR } from "./message.ts";
import { isLost, NetlinkNotifications } from "./notifications.ts";
import {
  ack,
  done,
  OVERRUN,
  reply,
  type ScriptedAnswer,
  scriptedConn,
  ScriptedKernel,
  type ScriptedStep,
} from "./testing.ts";

const NONE = new Uint8Array(0);
const part = (octet: number, flags: number = NLM_F.MULTI) => ({
  type: 20,
  flags,
  payload: Uint8Array.of(octet),
});
const octets = (messages: readonly { payload: Uint8Array }[]) =>
  messages.map((message) => message.payload[0]);

function dumpOf(...datagrams: ScriptedAnswer[]): ScriptedStep {
  return { answer: () => datagrams };
}

Deno.test("request() resolves with the messages before the acknowledgement", async () => {
  const kernel = new ScriptedKernel([{
    expect: (request) => assertEquals(request.flags, NLM_F.REQUEST | NLM_F.ACK | NLM_F.CREATE),
    answer: (request) => [reply(request, [part(1, 0)]), ack(request)],
  }]);
  const conn = scriptedConn(kernel);
  assertEquals(octets(await conn.request("test", 18, NONE, NLM_F.CREATE)), [1]);
});

Deno.test("request() rejects with errno and the kernel's own sentence", async () => {
  const extack = encodeAttributes(table({ message: [1, "string"] }), { message: "Bad name" });
  const kernel = new ScriptedKernel([{
    answer: (request) => [ack(request, ERRNO.EINVAL, extack)],
  }]);
  const error = await assertRejects(
    () => scriptedConn(kernel, 41).request("create link", 16, NONE),
    KernelError,
    "Cannot create link: kernel answers EINVAL (Bad name)",
  );
  assertEquals([error.errno, error.seq, error.retryable], [ERRNO.EINVAL, 41, false]);
});

Deno.test("request() ignores messages with another sequence number", async () => {
  const kernel = new ScriptedKernel([{
    answer: (request) => [
      reply({ ...request, seq: request.seq - 1 }, [part(9)]),
      ack({ ...request, seq: request.seq - 1 }, ERRNO.EPERM),
      reply(request, [part(1)]),
      ack(request),
    ],
  }]);
  assertEquals(octets(await scriptedConn(kernel).request("test", 18, NONE)), [1]);
});

Deno.test("request() rejects with NetlinkTimeout when nothing comes, and the next one works", async () => {
  const kernel = new ScriptedKernel([
    { answer: () => [] },
    { answer: (request) => [ack({ ...request, seq: request.seq - 1 }), ack(request)] },
  ]);
  const conn = scriptedConn(kernel);
  await assertRejects(() => conn.request("test", 18, NONE), NetlinkTimeout);
  assertEquals(await conn.request("test", 18, NONE), []);
});

Deno.test("request() does not resolve when a part of the answer was lost", async () => {
  const kernel = new ScriptedKernel([{ answer: (request) => [OVERRUN, ack(request)] }]);
  const error = await assertRejects(
    () => scriptedConn(kernel).request("test", 18, NONE),
    SyscallError,
  );
  assertEquals([error.errno, error.retryable], [ERRNO.ENOBUFS, true]);
});

Deno.test("request() sends one at a time, in order", async () => {
  const step = (octet: number): ScriptedStep => ({
    expect: (request) => assertEquals(request.payload[0], octet),
    answer: (request) => [reply(request, [part(octet)]), ack(request)],
  });
  const kernel = new ScriptedKernel([step(1), step(2), step(3)]);
  const conn = scriptedConn(kernel);
  const answers = await Promise.all(
    [1, 2, 3].map((octet) => conn.request("test", 18, Uint8Array.of(octet))),
  );
  assertEquals(answers.flatMap(octets), [1, 2, 3]);
});

Deno.test("request() wraps its sequence number around and leaves out 0", async () => {
  const step: ScriptedStep = { answer: (request) => [ack(request)] };
  const kernel = new ScriptedKernel([step, step]);
  const conn = scriptedConn(kernel, 0xffffffff);
  await conn.request("test", 18, NONE);
  await conn.request("test", 18, NONE);
  assertEquals(kernel.requests.map((request) => request.seq), [0xffffffff, 1]);
});

Deno.test("request() rejects after close()", async () => {
  const kernel = new ScriptedKernel();
  const conn = scriptedConn(kernel);
  conn.close();
  await assertRejects(() => conn.request("test", 18, NONE), SyscallError, "EBADF");
  assertEquals(kernel.closed, true);
});

Deno.test("dump() joins the messages of several datagrams", async () => {
  const kernel = new ScriptedKernel([{
    expect: (request) => assertEquals(request.flags, NLM_F.REQUEST | NLM_F.DUMP),
    answer: (request) => [
      reply(request, [part(1), part(2)]),
      concat([reply(request, [part(3)]), done(request)]),
    ],
  }]);
  assertEquals(octets(await scriptedConn(kernel).dump("test", 18, NONE)), [1, 2, 3]);
});

Deno.test("dump() reads again what was interrupted, and returns one whole reading", async () => {
  const kernel = new ScriptedKernel([
    {
      answer: (request) => [
        reply(request, [part(1), part(2, NLM_F.MULTI | NLM_F.DUMP_INTR)]),
        done(request),
      ],
    },
    { answer: (request) => [reply(request, [part(3)]), done(request, 0, NLM_F.DUMP_INTR)] },
    { answer: (request) => [OVERRUN, reply(request, [part(4)]), done(request)] },
    { answer: (request) => [reply(request, [part(5)]), done(request)] },
  ]);
  assertEquals(octets(await scriptedConn(kernel).dump("test", 18, NONE)), [5]);
  assertEquals(kernel.remaining, 0);
});

Deno.test("dump() gives up after MAX_DUMP_ATTEMPTS interruptions", async () => {
  const interrupted: ScriptedStep = {
    answer: (request) => [done(request, 0, NLM_F.DUMP_INTR)],
  };
  const kernel = new ScriptedKernel(Array(MAX_DUMP_ATTEMPTS + 1).fill(interrupted));
  const error = await assertRejects(
    () => scriptedConn(kernel).dump("test", 18, NONE),
    KernelError,
  );
  assertEquals([error.errno, error.retryable], [ERRNO.EINTR, true]);
  assertEquals(kernel.remaining, 1);
});

Deno.test("dump() rejects with the errno of NLMSG_DONE, and of NLMSG_ERROR", async () => {
  const kernel = new ScriptedKernel([
    { answer: (request) => [reply(request, [part(1)]), done(request, ERRNO.EPERM)] },
    { answer: (request) => [ack(request, ERRNO.EOPNOTSUPP)] },
  ]);
  const conn = scriptedConn(kernel);
  await assertRejects(() => conn.dump("test", 18, NONE), KernelError, "EPERM");
  await assertRejects(() => conn.dump("test", 18, NONE), KernelError, "EOPNOTSUPP");
});

Deno.test("request() and dump() reject with a documented error whatever the datagram holds", async () => {
  const good = (request: Parameters<ScriptedStep["answer"]>[0]) =>
    concat([reply(request, [part(1), part(2)]), ack(request, 0), done(request)]);
  const change = fc.record({ at: fc.nat({ max: 120 }), octet: fc.nat({ max: 255 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.nat({ max: 120 }),
      fc.boolean(),
      async (changes, cut, dumping) => {
        const kernel = new ScriptedKernel([{
          answer(request) {
            const bytes = good(request);
            for (const { at, octet } of changes) bytes[at % bytes.length] = octet;
            return [bytes.subarray(0, bytes.length - cut % bytes.length)];
          },
        }, { answer: (request) => [done(request)] }]);
        const conn = scriptedConn(kernel);
        try {
          await (dumping ? conn.dump("t", 18, NONE) : conn.request("t", 18, NONE));
        } catch (error) {
          const known = error instanceof DecodeError || error instanceof KernelError ||
            error instanceof NetlinkTimeout || error instanceof SyscallError ||
            (error instanceof Error && error.message.startsWith("Unexpected request"));
          if (!known) throw error;
        }
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("request() rejects with DecodeError for an answer cut at any octet of a message", async () => {
  const whole = ack({ type: 0, flags: 0, seq: 1, payload: NONE });
  for (let cut = 1; cut < whole.length; cut++) {
    const kernel = new ScriptedKernel([dumpOf(whole.subarray(0, cut))]);
    const conn = new NetlinkConn(kernel, { firstSeq: 1, monotonicMs: () => 0 });
    await assertRejects(() => conn.request("test", 18, NONE), DecodeError);
  }
});

Deno.test("decodeMessages() keeps a hostile error message apart from its neighbours", () => {
  const hostile = reply({ type: 0, flags: 0, seq: 1, payload: NONE }, [
    { type: NLMSG_ERROR, payload: Uint8Array.of(1) },
    part(2),
  ]);
  assertEquals(decodeMessages(hostile).map((message) => message.type), [NLMSG_ERROR, 20]);
});

const notice = (octet: number) =>
  reply({ type: 0, flags: 0, seq: 0, payload: NONE }, [part(octet, 0)]);

Deno.test("notifications() yields messages, says what was lost, and ends with close()", async () => {
  const kernel = new ScriptedKernel();
  const listening = new NetlinkNotifications(kernel);
  listening.join(5);
  kernel.push(notice(1), OVERRUN, notice(2));
  const seen: unknown[] = [];
  for await (const item of listening.notifications()) {
    seen.push(isLost(item) ? "lost" : item.payload[0]);
    if (seen.length === 3) kernel.push(notice(3));
    if (seen.length === 4) listening.close();
  }
  assertEquals(seen, [1, "lost", 2, 3]);
  assertEquals(kernel.groups, [5]);
  assert(kernel.closed);
});

Deno.test("notifications() waits, and ends when its signal fires", async () => {
  const kernel = new ScriptedKernel();
  const stop = new AbortController();
  const reading = Array.fromAsync(new NetlinkNotifications(kernel).notifications(stop.signal));
  await Promise.resolve();
  kernel.push(notice(1));
  await new Promise((resolve) => setTimeout(resolve, 1));
  stop.abort();
  assertEquals((await reading).length, 1);
});

Deno.test("notifications() gives up when nothing but losses comes", async () => {
  const kernel = new ScriptedKernel();
  kernel.push(...Array<ScriptedAnswer>(100).fill(OVERRUN));
  await assertRejects(
    () => Array.fromAsync(new NetlinkNotifications(kernel).notifications()),
    SyscallError,
    "ENOBUFS",
  );
});
