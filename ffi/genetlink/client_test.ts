import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ERRNO } from "../sys/mod.ts";
import {
  encodeAttributes,
  isLost,
  KernelError,
  NetlinkNotifications,
  NLM_F,
  table,
} from "../netlink/mod.ts";
import { ack, done, OVERRUN, reply, scriptedConn, ScriptedKernel } from "../netlink/testing.ts";
import { findFamily, GenetlinkConn } from "./client.ts";
import { encodeGenl, type Family } from "./codec.ts";
import { FamilyMissingError, GroupMissingError } from "./errors.ts";
import { CTRL, CTRL_CMD, GENL_ID_CTRL } from "./spec.ts";

const FAMILY: Family = {
  id: 28,
  name: "batadv",
  version: 1,
  groups: new Map([["config", 9], ["tpmeter", 10]]),
  commands: new Set([1, 5]),
};

const DESCRIPTION = encodeAttributes(CTRL, {
  familyName: "batadv",
  familyId: 28,
  version: 1,
  headerBytes: 0,
  maxAttribute: 60,
  operations: [{ id: 1, flags: 0 }, { id: 5, flags: 0 }],
  groups: [{ id: 9, name: "config" }, { id: 10, name: "tpmeter" }],
});

Deno.test("findFamily() asks the controller by name and reads number, groups and commands", async () => {
  const kernel = new ScriptedKernel([{
    expect(request) {
      assertEquals(request.type, GENL_ID_CTRL);
      const wanted = encodeAttributes(table({ name: [2, "string"] }), { name: "batadv" });
      assertEquals(request.payload, encodeGenl(CTRL_CMD.GETFAMILY, 1, wanted));
    },
    answer: (request) => [
      reply(request, [{
        type: GENL_ID_CTRL,
        payload: encodeGenl(CTRL_CMD.NEWFAMILY, 2, DESCRIPTION),
      }]),
      ack(request),
    ],
  }]);
  assertEquals(await findFamily(scriptedConn(kernel), "batadv"), FAMILY);
});

Deno.test("findFamily() answers null for ENOENT and rejects for anything else", async () => {
  const kernel = new ScriptedKernel([
    { answer: (request) => [ack(request, ERRNO.ENOENT)] },
    { answer: (request) => [ack(request, ERRNO.EPERM)] },
  ]);
  const conn = scriptedConn(kernel);
  assertEquals(await findFamily(conn, "batadv"), null);
  await assertRejects(() => findFamily(conn, "batadv"), KernelError, "EPERM");
});

Deno.test("FamilyMissingError names the module that would bring the family", () => {
  const { message, module } = new FamilyMissingError("batadv");
  assertEquals(module, "batman-adv");
  assertEquals(
    message,
    'Cannot use netlink family "batadv": this kernel does not have it, and module batman-adv is not loaded',
  );
  assertEquals(new FamilyMissingError("other").module, null);
});

function connected(kernel: ScriptedKernel, listening = new ScriptedKernel()) {
  return new GenetlinkConn(FAMILY, scriptedConn(kernel), (groups) => {
    for (const group of groups) listening.join(group);
    return new NetlinkNotifications(listening);
  });
}

Deno.test("command() sends the family's number and version, and strips headers from answers", async () => {
  const kernel = new ScriptedKernel([{
    expect(request) {
      assertEquals([request.type, request.flags], [28, NLM_F.REQUEST | NLM_F.ACK]);
      assertEquals(request.payload, Uint8Array.of(5, 1, 0, 0, 7, 7, 7, 7));
    },
    answer: (request) => [
      reply(request, [{ type: 28, payload: Uint8Array.of(5, 1, 0, 0, 8, 8) }]),
      ack(request),
    ],
  }]);
  const answers = await connected(kernel).command("get", 5, Uint8Array.of(7, 7, 7, 7));
  assertEquals(answers, [{ command: 5, version: 1, payload: Uint8Array.of(8, 8) }]);
});

Deno.test("command() dumps when asked", async () => {
  const kernel = new ScriptedKernel([{
    expect: (request) => assertEquals(request.flags, NLM_F.REQUEST | NLM_F.DUMP),
    answer: (request) => [
      reply(
        request,
        [1, 2].map((octet) => ({
          type: 28,
          flags: NLM_F.MULTI,
          payload: Uint8Array.of(8, 1, 0, 0, octet),
        })),
      ),
      done(request),
    ],
  }]);
  const answers = await connected(kernel).command("list", 8, new Uint8Array(0), { dump: true });
  assertEquals(answers.map((answer) => answer.payload[0]), [1, 2]);
});

Deno.test("listen() joins groups by name, passes on losses and skips other families", async () => {
  const listening = new ScriptedKernel();
  const events = connected(new ScriptedKernel(), listening).listen("config", "tpmeter");
  assertEquals(listening.groups, [9, 10]);
  const origin = { type: 0, flags: 0, seq: 0, payload: new Uint8Array(0) };
  listening.push(
    reply(origin, [
      { type: 99, payload: Uint8Array.of(1, 1, 0, 0) },
      { type: 28, payload: Uint8Array.of(15, 1, 0, 0, 3) },
    ]),
    OVERRUN,
  );
  const seen: unknown[] = [];
  for await (const item of events.notifications()) {
    seen.push(isLost(item) ? "lost" : [item.command, item.payload[0]]);
    if (seen.length === 2) events.close();
  }
  assertEquals(seen, [[15, 3], "lost"]);
});

Deno.test("listen() refuses a group that the family does not have", () => {
  const conn = connected(new ScriptedKernel());
  assertThrows(() => conn.listen("config", "nope"), GroupMissingError, 'group "nope" of "batadv"');
});
