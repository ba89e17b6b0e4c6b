import { assertEquals, assertRejects } from "@std/assert";
import { GenetlinkConn } from "../genetlink/mod.ts";
import { concat, decodeAttributes, KernelError, NLM_F } from "../netlink/mod.ts";
import {
  ack,
  done,
  reply,
  scriptedConn,
  ScriptedKernel,
  type ScriptedStep,
} from "../netlink/testing.ts";
import { Wireguard } from "./client.ts";
import { DEVICE } from "./spec.ts";
import { DEVICE_FIRST, DEVICE_MORE, type DeviceSample, key, sample } from "./testing.ts";
import { formatKey } from "./text.ts";

const FAMILY_ID = 0x25;

function scripted(...steps: ScriptedStep[]): { kernel: ScriptedKernel; wireguard: Wireguard } {
  const kernel = new ScriptedKernel(steps);
  const family = {
    id: FAMILY_ID,
    name: "wireguard",
    version: 1,
    groups: new Map(),
    commands: new Set([0, 1]),
  };
  const conn = new GenetlinkConn(family, scriptedConn(kernel), () => {
    throw new Error("wireguard has no groups");
  });
  return { kernel, wireguard: new Wireguard(conn) };
}

const part = (raw: DeviceSample) => ({
  type: FAMILY_ID,
  flags: NLM_F.MULTI,
  payload: concat([Uint8Array.of(0, 1, 0, 0), sample(raw)]),
});

Deno.test("Wireguard.device() dumps by index and joins the messages of several datagrams", async () => {
  const { wireguard } = scripted({
    expect(request) {
      assertEquals([request.type, request.payload[0]], [FAMILY_ID, 0]);
      assertEquals(request.flags & NLM_F.DUMP, NLM_F.DUMP);
      assertEquals(decodeAttributes(DEVICE, request.payload.subarray(4), "t"), { ifindex: 9 });
    },
    answer: (r) => [reply(r, [part(DEVICE_FIRST)]), reply(r, [part(DEVICE_MORE)]), done(r)],
  });
  using client = wireguard;
  assertEquals((await client.device(9)).peers.length, 3);
});

Deno.test("Wireguard.device() passes an error at the end of the dump on", async () => {
  const { wireguard } = scripted({ answer: (request) => [done(request, 95)] });
  using client = wireguard;
  const error = await assertRejects(() => client.device(9), KernelError);
  assertEquals([error.op, error.errno], ["wireguard.getDevice", 95]);
});

Deno.test("Wireguard.setDevice() sends a large change as several messages and stops at a refusal", async () => {
  const allowedIps = Array.from({ length: 3000 }, (_, i) => `10.${i >> 8}.${i & 0xff}.0/24`);
  const change = { peers: [{ publicKey: formatKey(key(1)), allowedIps }] };
  const { kernel, wireguard } = scripted(
    { answer: (request) => [ack(request)] },
    { answer: (request) => [ack(request, 1)] },
  );
  using client = wireguard;
  await assertRejects(() => client.setDevice(9, change), KernelError, "EPERM");
  assertEquals(kernel.requests.map((request) => request.payload[0]), [1, 1]);
});

Deno.test("Wireguard.setDevice() sends nothing of a change that is malformed at its end", async () => {
  const { kernel, wireguard } = scripted();
  using client = wireguard;
  const good = { publicKey: formatKey(key(1)) };
  const bad = { publicKey: formatKey(key(2)), presharedKey: new Uint8Array(5) };
  await assertRejects(() => client.setDevice(9, { peers: [good, bad] }), TypeError, "5 octets");
  assertEquals(kernel.requests, []);
});
