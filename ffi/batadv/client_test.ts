import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { GenetlinkConn } from "../genetlink/mod.ts";
import {
  concat,
  decodeAttributes,
  KernelError,
  NetlinkNotifications,
  NetlinkTimeout,
  NLM_F,
} from "../netlink/mod.ts";
import {
  ack,
  done,
  reply,
  scriptedConn,
  ScriptedKernel,
  type ScriptedStep,
} from "../netlink/testing.ts";
import { Batadv } from "./client.ts";
import { COMMANDS, REQUEST } from "./spec.ts";
import * as samples from "./testing.ts";

const FAMILY_ID = 0x21;
const FAMILY = {
  id: FAMILY_ID,
  name: "batadv",
  version: 1,
  groups: new Map([["config", 5], ["tpmeter", 6]]),
  commands: new Set(Object.values(COMMANDS).map((command) => command.number)),
};

const message = (command: number, raw: samples.Sample) => ({
  type: FAMILY_ID,
  payload: concat([Uint8Array.of(command, 1, 0, 0), samples.sample(raw)]),
});

interface Scripted {
  readonly kernel: ScriptedKernel;
  /** The far end of every listening connection that was opened. */
  readonly listeners: ScriptedKernel[];
  readonly batadv: Batadv;
}

function scripted(...steps: ScriptedStep[]): Scripted {
  const kernel = new ScriptedKernel(steps);
  const listeners: ScriptedKernel[] = [];
  const conn = new GenetlinkConn(FAMILY, scriptedConn(kernel), (groups) => {
    const far = new ScriptedKernel();
    listeners.push(far);
    const listening = new NetlinkNotifications(far);
    for (const group of groups) listening.join(group);
    return listening;
  });
  return { kernel, listeners, batadv: new Batadv(conn) };
}

/** A step that wants this command with exactly these attributes. */
function step(
  command: number,
  expected: Record<string, unknown>,
  flags: number,
  answer: ScriptedStep["answer"],
): ScriptedStep {
  return {
    expect(request) {
      assertEquals([request.type, request.payload[0], request.payload[1]], [FAMILY_ID, command, 1]);
      assertEquals(request.flags & NLM_F.DUMP, flags & NLM_F.DUMP);
      assertEquals(decodeAttributes(REQUEST, request.payload.subarray(4), "t"), expected);
    },
    answer,
  };
}

const dumped = (command: number, ...raws: samples.Sample[]): ScriptedStep =>
  step(
    command,
    { meshIfindex: 7 },
    NLM_F.DUMP,
    (
      request,
    ) => [
      reply(request, raws.map((raw) => ({ ...message(command, raw), flags: 2 }))),
      done(request),
    ],
  );

const tables = [
  { name: "hardInterfaces", command: 5, row: samples.HARD_INTERFACE },
  { name: "localClients", command: 6, row: samples.LOCAL_CLIENT },
  { name: "globalClients", command: 7, row: samples.GLOBAL_CLIENT },
  { name: "originators", command: 8, row: samples.ORIGINATOR_IV },
  { name: "neighbors", command: 9, row: samples.NEIGHBOR },
  { name: "gateways", command: 10, row: samples.GATEWAY },
  { name: "blaClaims", command: 11, row: samples.BLA_CLAIM },
  { name: "blaBackbones", command: 12, row: samples.BLA_BACKBONE },
  { name: "datCache", command: 13, row: samples.DAT_ENTRY },
  { name: "mcastFlags", command: 14, row: samples.MCAST },
] as const;

for (const { name, command, row } of tables) {
  Deno.test(`Batadv.${name}() dumps command ${command} of the mesh`, async () => {
    const { kernel, batadv } = scripted(dumped(command, row, row));
    using client = batadv;
    assertEquals((await client[name](7)).length, 2);
    assertEquals(kernel.remaining, 0);
  });
}

Deno.test("Batadv.routingAlgorithms() dumps without a mesh", async () => {
  const { batadv } = scripted(
    step(4, {}, NLM_F.DUMP, (request) => [
      reply(request, [message(4, samples.ALGORITHM), message(4, { algoName: "BATMAN_IV" })]),
      done(request),
    ]),
  );
  using client = batadv;
  assertEquals(await client.routingAlgorithms(), ["BATMAN_V", "BATMAN_IV"]);
});

Deno.test("Batadv.mesh(), hardInterface() and vlan() take the one answer before the ACK", async () => {
  const { batadv } = scripted(
    step(1, { meshIfindex: 7 }, 0, (r) => [reply(r, [message(1, samples.MESH)]), ack(r)]),
    step(
      5,
      { meshIfindex: 7, hardIfindex: 5 },
      0,
      (r) => [reply(r, [message(5, samples.HARD_INTERFACE)]), ack(r)],
    ),
    step(
      17,
      { meshIfindex: 7, vlanId: 42 },
      0,
      (r) => [reply(r, [message(17, samples.VLAN)]), ack(r)],
    ),
  );
  using client = batadv;
  assertEquals((await client.mesh(7)).name, "bat0");
  assertEquals((await client.hardInterface(7, 5)).name, "mesh0");
  assertEquals((await client.vlan(7, 42)).vid, 42);
});

Deno.test("Batadv.setMesh(), setHardInterface() and setVlan() send what changes only", async () => {
  const { kernel, batadv } = scripted(
    step(15, { meshIfindex: 7, origInterval: 200, gwMode: 1 }, 0, (r) => [ack(r)]),
    step(16, { meshIfindex: 7, hardIfindex: 5, throughputOverride: 10 }, 0, (r) => [ack(r)]),
    step(18, { meshIfindex: 7, vlanId: 3, apIsolationEnabled: 0 }, 0, (r) => [ack(r)]),
  );
  using client = batadv;
  await client.setMesh(7, { origIntervalMs: 200, gatewayMode: "client" });
  await client.setHardInterface(7, 5, { throughputOverrideKbps: 1000 });
  await client.setVlan(7, 3, false);
  assertEquals(kernel.remaining, 0);
});

Deno.test("Batadv.setMesh() sends nothing when a value does not fit", async () => {
  const { kernel, batadv } = scripted();
  using client = batadv;
  await assertRejects(() => client.setMesh(7, { hopPenalty: 999 }), RangeError);
  await assertRejects(() => client.vlan(7, 5000), RangeError);
  assertEquals(kernel.requests, []);
});

Deno.test("Batadv.originators() reads an interrupted dump again", async () => {
  const torn = step(8, { meshIfindex: 7 }, NLM_F.DUMP, (r) => [
    reply(r, [{ ...message(8, samples.ORIGINATOR_V), flags: NLM_F.MULTI | NLM_F.DUMP_INTR }]),
    done(r),
  ]);
  const { kernel, batadv } = scripted(torn, dumped(8, samples.ORIGINATOR_IV));
  using client = batadv;
  assertEquals((await client.originators(7)).map((row) => row.tq), [251]);
  assertEquals(kernel.remaining, 0);
});

Deno.test("Batadv.vlan() passes the kernel's refusal on", async () => {
  const { batadv } = scripted(
    step(17, { meshIfindex: 7, vlanId: 9 }, 0, (request) => [ack(request, 2)]),
  );
  using client = batadv;
  const error = await assertRejects(() => client.vlan(7, 9), KernelError);
  assertEquals([error.op, error.errno], ["batadv.getVlan", 2]);
});

const DESTINATION = "02:ba:00:00:00:09";

function tpStart(script: { listeners: ScriptedKernel[] }, events: samples.Sample[]): ScriptedStep {
  const expected = { meshIfindex: 7, origAddress: DESTINATION, tpmeterTestTime: 2000 };
  return step(2, expected, 0, (request) => {
    // A refusal comes as an event before the reply of the start is read.
    for (const event of events) {
      script.listeners[0]?.push(reply({ ...request, seq: 0 }, [message(2, event)]));
    }
    return [reply(request, [message(2, { tpmeterCookie: 0xabcdef })]), ack(request)];
  });
}

function scriptedTp(events: samples.Sample[], ...more: ScriptedStep[]): Scripted {
  const holder: { listeners: ScriptedKernel[] } = { listeners: [] };
  const made = scripted(tpStart(holder, events), ...more);
  holder.listeners = made.listeners;
  return made;
}

Deno.test("Batadv.throughput() listens before it starts and takes its own test's result", async () => {
  const other = { ...samples.TP_RESULT, tpmeterCookie: 1 };
  const { listeners, batadv } = scriptedTp([other, samples.TP_RESULT]);
  using client = batadv;
  const result = await client.throughput(7, DESTINATION, { testTimeMs: 2000 });
  assertEquals([result.outcome, result.throughputKbps], ["complete", 12_000]);
  assertEquals(listeners.map((far) => [far.groups, far.closed]), [[[5, 6], true]]);
});

Deno.test("Batadv.throughput() returns a refusal that came before the start's reply", async () => {
  const { batadv } = scriptedTp([{ ...samples.TP_RESULT, tpmeterResult: 128 }]);
  using client = batadv;
  const result = await client.throughput(7, DESTINATION, { testTimeMs: 2000 });
  assertEquals([result.outcome, result.throughputKbps], ["destinationUnreachable", null]);
});

Deno.test("Batadv.throughput() cancels in the kernel and returns what was measured", async () => {
  const made: Scripted = scriptedTp(
    [],
    step(3, { meshIfindex: 7, origAddress: DESTINATION }, 0, (request) => {
      // The kernel calls it complete (reason 3), after a shorter time than asked for.
      const result = { ...samples.TP_RESULT, tpmeterTestTime: 500 };
      made.listeners[0]?.push(reply({ ...request, seq: 0 }, [message(2, result)]));
      return [ack(request)];
    }),
  );
  using client = made.batadv;
  const result = await client.throughput(7, DESTINATION, {
    testTimeMs: 2000,
    signal: AbortSignal.abort(),
  });
  assertEquals([result.outcome, result.testTimeMs], ["cancelled", 500]);
  assertEquals(made.kernel.remaining, 0);
});

Deno.test("Batadv.throughput() reports that a test cannot be cancelled", async () => {
  const { batadv } = scriptedTp(
    [],
    step(3, { meshIfindex: 7, origAddress: DESTINATION }, 0, (request) => [ack(request, 1)]),
  );
  using client = batadv;
  await assertRejects(
    () => client.throughput(7, DESTINATION, { testTimeMs: 2000, signal: AbortSignal.abort() }),
    KernelError,
    "tpMeterCancel",
  );
});

Deno.test("Batadv.throughput() gives up when told to", async () => {
  const { batadv } = scriptedTp([]);
  using client = batadv;
  const giveUp = AbortSignal.abort();
  await assertRejects(
    () => client.throughput(7, DESTINATION, { testTimeMs: 2000, giveUp }),
    NetlinkTimeout,
  );
});

Deno.test("Batadv.events() decodes both groups, skips the unknown and tells of losses", async () => {
  const { listeners, batadv } = scripted();
  using client = batadv;
  using events = client.events();
  const request = { type: FAMILY_ID, flags: 0, seq: 0, payload: new Uint8Array(0) };
  listeners[0]?.push(
    reply(request, [message(15, samples.MESH), message(16, samples.HARD_INTERFACE)]),
    { errno: 105 },
    reply(request, [message(77, samples.MESH), message(18, samples.VLAN)]),
  );
  const seen: string[] = [];
  for await (const event of events.notifications()) {
    seen.push("lost" in event ? "lost" : event.kind);
    if (seen.length === 4) break;
  }
  assertEquals(seen, ["mesh", "hardInterface", "lost", "vlan"]);
});

Deno.test("Batadv.events() refuses a kernel without the groups", () => {
  const conn = new GenetlinkConn(
    { ...FAMILY, groups: new Map() },
    scriptedConn(new ScriptedKernel()),
    () => new NetlinkNotifications(new ScriptedKernel()),
  );
  using client = new Batadv(conn);
  assertThrows(() => client.events(), Error, "config");
});
