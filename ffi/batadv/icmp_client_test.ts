import { assert, assertEquals, assertRejects } from "@std/assert";
import { icmpFilter } from "./frames.ts";
import { type FrameSocket, type IcmpOptions, IcmpSession } from "./icmp_client.ts";
import { decodeIcmpFrame, encodeIcmpFrame, type IcmpFrame } from "./icmp_codec.ts";
import { decodeHardInterface, decodeMesh } from "./mesh_codec.ts";
import { decodeOriginator, type Originator } from "./tables_codec.ts";
import * as samples from "./testing.ts";

const SELF = "02:ba:00:00:00:05";
const NEXT = "02:ba:00:00:00:08";
const FAR = "02:ba:00:00:00:09";

const mesh = decodeMesh(samples.sample(samples.MESH));
const hard = decodeHardInterface(samples.sample(samples.HARD_INTERFACE));
const second = { ...hard, ifindex: 6, name: "mesh1", address: "02:ba:00:00:00:06" };
const route = decodeOriginator(samples.sample(samples.ORIGINATOR_IV));

/** What the mesh behind a device does with a frame: the frames that come back. */
type Behaviour = (frame: IcmpFrame) => readonly Uint8Array[];

class FakeFrames implements FrameSocket {
  readonly sent: IcmpFrame[] = [];
  readonly queue: Uint8Array[] = [];
  closed = false;
  readonly #behave: Behaviour;
  readonly #elapse: (ms: number) => void;

  constructor(behave: Behaviour, elapse: (ms: number) => void) {
    this.#behave = behave;
    this.#elapse = elapse;
  }

  send(bytes: Uint8Array): void {
    const frame = decodeIcmpFrame(bytes);
    this.sent.push(frame);
    this.queue.push(...this.#behave(frame));
  }

  tryReceive(): Uint8Array | null {
    const next = this.queue.shift() ?? null;
    if (next !== null) this.#elapse(3);
    return next;
  }

  readable(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.queue.length > 0) return Promise.resolve(true);
    if (!signal?.aborted) this.#elapse(timeoutMs);
    return Promise.resolve(false);
  }

  close(): void {
    this.closed = true;
  }
}

interface Rig {
  readonly session: IcmpSession;
  readonly devices: Map<number, FakeFrames>;
  readonly elapsedMs: () => number;
}

async function rig(
  behave: Behaviour,
  given: { originators?: readonly Originator[]; hard?: readonly typeof hard[] } = {},
): Promise<Rig> {
  let nowMs = 1000;
  const devices = new Map<number, FakeFrames>();
  const options: IcmpOptions = {
    routes: {
      mesh: () => Promise.resolve(mesh),
      hardInterfaces: () => Promise.resolve(given.hard ?? [hard]),
      originators: () => Promise.resolve(given.originators ?? [route]),
    },
    openFrames(ifindex, uid) {
      assertEquals(uid, 0xa7);
      const frames = new FakeFrames(behave, (ms) => nowMs += ms);
      devices.set(ifindex, frames);
      return frames;
    },
    monotonicMs: () => nowMs,
    uid: 0xa7,
    firstSeq: 0xfffe,
  };
  const session = await IcmpSession.open(options, 7);
  assert(session !== null);
  return { session, devices, elapsedMs: () => nowMs - 1000 };
}

/** An answer to `frame`, as the kernel of `from` makes it. */
function answer(
  frame: IcmpFrame,
  from: string,
  change: Partial<IcmpFrame["packet"]> = {},
): Uint8Array {
  const { packet } = frame;
  return encodeIcmpFrame({
    to: frame.from,
    from: NEXT,
    packet: {
      ...packet,
      type: "echoReply",
      ttl: 49,
      destination: packet.originator,
      originator: from,
      ...change,
    },
  });
}

Deno.test("IcmpSession.echo() sends to the next hop on its hard interface and times the reply", async () => {
  const { session, devices } = await rig((frame) => [answer(frame, FAR)]);
  using _ = session;
  const result = await session.echo(FAR, { timeoutMs: 500 });
  assertEquals(result, { outcome: "reply", originator: FAR, rttMs: 3, ttl: 49, route: null });
  assertEquals(devices.get(5)?.sent, [{
    to: NEXT,
    from: SELF,
    packet: {
      type: "echoRequest",
      ttl: 50,
      destination: FAR,
      originator: SELF,
      uid: 0xa7,
      seq: 0xffff,
    },
  }]);
});

Deno.test("IcmpSession.echo() counts requests modulo 65536", async () => {
  const { session, devices } = await rig((frame) => [answer(frame, FAR)]);
  using _ = session;
  for (let i = 0; i < 3; i++) await session.echo(FAR, { timeoutMs: 500 });
  assertEquals(devices.get(5)?.sent.map((frame) => frame.packet.seq), [0xffff, 0, 1]);
});

Deno.test("IcmpSession.echo() ignores other sessions, requests, strangers, late and broken frames", async () => {
  const { session } = await rig((frame) => [
    answer(frame, FAR, { uid: 1 }),
    answer(frame, FAR, { seq: 7 }),
    answer(frame, FAR, { type: "echoRequest" }),
    answer(frame, FAR, { destination: "02:ba:00:00:00:77" }),
    Uint8Array.of(1, 2, 3),
    answer(frame, FAR, { ttl: 12 }),
  ]);
  using _ = session;
  const result = await session.echo(FAR, { timeoutMs: 500 });
  assertEquals(result.outcome === "reply" ? result.ttl : result, 12);
});

Deno.test("IcmpSession.echo() tells every way to fail apart", async () => {
  const rows: readonly { name: string; behave: Behaviour; expected: unknown }[] = [
    { name: "silence", behave: () => [], expected: { outcome: "timeout" } },
    {
      name: "a node without a route",
      behave: (frame) => [answer(frame, NEXT, { type: "destinationUnreachable" })],
      expected: { outcome: "unreachable", originator: NEXT },
    },
    {
      name: "another version",
      behave: (frame) => [answer(frame, NEXT, { type: "parameterProblem" })],
      expected: { outcome: "parameterProblem", originator: NEXT },
    },
  ];
  for (const { name, behave, expected } of rows) {
    const { session } = await rig(behave);
    using _ = session;
    assertEquals(await session.echo(FAR, { timeoutMs: 500 }), expected, name);
  }
});

Deno.test("IcmpSession.echo() sends nothing without a best route, or when cancelled", async () => {
  const { session, devices } = await rig(() => [], { originators: [{ ...route, best: false }] });
  using _ = session;
  assertEquals(await session.echo(FAR, { timeoutMs: 500 }), {
    outcome: "unreachable",
    originator: null,
  });
  const signal = AbortSignal.abort();
  assertEquals(await session.echo(FAR, { timeoutMs: 500, signal }), { outcome: "cancelled" });
  assertEquals(devices.get(5)?.sent, []);
});

Deno.test("IcmpSession.echo() takes a reply that comes in on another hard interface", async () => {
  const { session, devices } = await rig((frame) => {
    devices.get(6)?.queue.push(answer(frame, FAR));
    return [];
  }, { hard: [hard, second] });
  using _ = session;
  assertEquals((await session.echo(FAR, { timeoutMs: 500 })).outcome, "reply");
});

Deno.test("IcmpSession.echo() records the route", async () => {
  const { session, devices } = await rig((frame) => [
    answer(frame, FAR, { route: [SELF, NEXT, FAR] }),
  ]);
  using _ = session;
  const result = await session.echo(FAR, { timeoutMs: 500, recordRoute: true });
  assertEquals(result.outcome === "reply" ? result.route : result, [SELF, NEXT, FAR]);
  assertEquals(devices.get(5)?.sent[0]?.packet.route, [SELF]);
});

Deno.test("IcmpSession.ping() keeps its interval and counts losses", async () => {
  let asked = 0;
  const { session, elapsedMs } = await rig((frame) => ++asked === 2 ? [] : [answer(frame, FAR)]);
  using _ = session;
  const outcomes: string[] = [];
  for await (const result of session.ping(FAR, { count: 3, intervalMs: 1000, timeoutMs: 400 })) {
    outcomes.push(result.outcome);
  }
  assertEquals(outcomes, ["reply", "timeout", "reply"]);
  assertEquals(elapsedMs(), 2003);
  await assertRejects(
    async () => await Array.fromAsync(session.ping(FAR, { count: 0, timeoutMs: 1 })),
    RangeError,
  );
});

Deno.test("IcmpSession.traceroute() names each hop and ends at the destination", async () => {
  const { session, devices } = await rig((frame) => {
    const { ttl } = frame.packet;
    if (ttl === 1) return [answer(frame, NEXT, { type: "ttlExceeded" })];
    return ttl === 2 ? [] : [answer(frame, FAR)];
  });
  using _ = session;
  const hops = await Array.fromAsync(session.traceroute(FAR, { timeoutMs: 100 }));
  assertEquals(hops, [
    { hop: 1, originator: NEXT, rttsMs: [3, 3, 3], sent: 3, reached: false, unreachable: false },
    { hop: 2, originator: null, rttsMs: [], sent: 3, reached: false, unreachable: false },
    { hop: 3, originator: FAR, rttsMs: [3, 3, 3], sent: 3, reached: true, unreachable: false },
  ]);
  assertEquals(devices.get(5)?.sent.map((frame) => frame.packet.ttl), [1, 1, 1, 2, 2, 2, 3, 3, 3]);
});

Deno.test("IcmpSession.traceroute() ends where there is no route, and after 50 silent hops", async () => {
  const dead = await rig((frame) => [answer(frame, NEXT, { type: "destinationUnreachable" })]);
  using _dead = dead.session;
  const [only, ...more] = await Array.fromAsync(dead.session.traceroute(FAR, { timeoutMs: 9 }));
  assertEquals([only?.unreachable, only?.originator, more.length], [true, NEXT, 0]);
  const silent = await rig(() => []);
  using _silent = silent.session;
  const hops = await Array.fromAsync(
    silent.session.traceroute(FAR, { timeoutMs: 1, probes: 1 }),
  );
  assertEquals([hops.length, hops.at(-1)?.reached], [50, false]);
});

Deno.test("IcmpSession.open() opens active hard interfaces and closes what it opened", async () => {
  const { session, devices } = await rig(() => [], { hard: [hard, { ...second, active: false }] });
  assertEquals([...devices.keys()], [5]);
  session.close();
  assertEquals(devices.get(5)?.closed, true);
  const none = await IcmpSession.open({
    routes: {
      mesh: () => Promise.resolve({ ...mesh, primary: null }),
      hardInterfaces: () => Promise.resolve([]),
      originators: () => Promise.resolve([]),
    },
    openFrames: () => {
      throw new Error("nothing to open");
    },
    monotonicMs: () => 0,
    uid: 0,
    firstSeq: 0,
  }, 7);
  assertEquals(none, null);
});

/** Runs a classic BPF program of the three instructions used here; a load past the end drops. */
function accepts(uid: number, frame: Uint8Array): boolean {
  const program = icmpFilter(uid);
  let accumulator = 0;
  for (let pc = 0; pc < program.length;) {
    const instruction = program[pc++];
    assert(instruction !== undefined);
    const { code, jt, jf, k } = instruction;
    if (code === 0x30) {
      const octet = frame[k];
      if (octet === undefined) return false;
      accumulator = octet;
    } else if (code === 0x15) pc += accumulator === k ? jt : jf;
    else return k > 0;
  }
  throw new Error("the program ran past its end");
}

Deno.test("icmpFilter() lets this session's answers through and nothing else", () => {
  const packet = {
    type: "echoReply",
    ttl: 1,
    destination: SELF,
    originator: FAR,
    uid: 0xa7,
    seq: 1,
  } as const;
  const rows = [
    { name: "reply", packet, want: true },
    { name: "TTL exceeded", packet: { ...packet, type: "ttlExceeded" }, want: true },
    { name: "unreachable", packet: { ...packet, type: "destinationUnreachable" }, want: true },
    { name: "request", packet: { ...packet, type: "echoRequest" }, want: false },
    { name: "other session", packet: { ...packet, uid: 0xa8 }, want: false },
  ] as const;
  for (const row of rows) {
    const bytes = encodeIcmpFrame({ to: SELF, from: NEXT, packet: row.packet });
    assertEquals(accepts(0xa7, bytes), row.want, row.name);
  }
  const data = encodeIcmpFrame({ to: SELF, from: NEXT, packet });
  data[14] = 0x40;
  assertEquals(accepts(0xa7, data), false, "unicast data");
  assertEquals(accepts(0xa7, data.subarray(0, 14)), false, "too short");
  const old = encodeIcmpFrame({ to: SELF, from: NEXT, packet });
  old[15] = 14;
  assertEquals(accepts(0xa7, old), false, "another version");
});
