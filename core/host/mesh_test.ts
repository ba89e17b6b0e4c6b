// What the real kernel does not show easily: settings it ignores in silence, errors in the port's words.
import { assertEquals, assertRejects } from "@std/assert";
import { KernelFault, type Mesh } from "../ports/mod.ts";
import { Batadv } from "../../ffi/batadv/mod.ts";
import { MESH, ORIGINATOR_IV, type Sample, sample } from "../../ffi/batadv/testing.ts";
import { FamilyMissingError, GenetlinkConn } from "../../ffi/genetlink/mod.ts";
import { concat } from "../../ffi/netlink/mod.ts";
import {
  ack,
  done,
  reply,
  scriptedConn,
  ScriptedKernel,
  type ScriptedStep,
} from "../../ffi/netlink/testing.ts";
import { ERRNO } from "../../ffi/sys/mod.ts";
import { hostClock } from "./clock.ts";
import { type HostMesh, hostMesh } from "./mesh.ts";
import { hostRandom } from "./random.ts";

const FAMILY_ID = 0x21;

const options = {
  clock: hostClock(),
  random: hostRandom(),
  names: {
    indexOf(name: string) {
      if (name === "bat0") return Promise.resolve(7);
      const fault = new KernelFault("no-such-link", `Cannot find link "${name}"`);
      return Promise.reject(fault);
    },
    nameOf: (index: number) => Promise.resolve(index === 5 ? "mesh0" : null),
  },
};

function scripted(...steps: ScriptedStep[]): HostMesh {
  const family = {
    id: FAMILY_ID,
    name: "batadv",
    version: 1,
    groups: new Map<string, number>(),
    commands: new Set<number>(),
  };
  const conn = new GenetlinkConn(family, scriptedConn(new ScriptedKernel(steps)), () => {
    throw new Error("no groups");
  });
  return hostMesh(options, () => Promise.resolve(new Batadv(conn)));
}

const message = (command: number, raw: Sample) => ({
  type: FAMILY_ID,
  payload: concat([Uint8Array.of(command, 1, 0, 0), sample(raw)]),
});

const meshIs = (raw: Sample): ScriptedStep => ({
  answer: (request) => [reply(request, [message(1, raw)]), ack(request)],
});
const accepted: ScriptedStep = { answer: (request) => [ack(request)] };

async function faultOf(action: (mesh: Mesh) => Promise<unknown>, mesh: HostMesh) {
  const error = await assertRejects(() => action(mesh), KernelFault);
  await mesh.close();
  return error;
}

Deno.test("hostMesh().configure() rejects a setting that the kernel ignored", async () => {
  const error = await faultOf(
    (mesh) => mesh.configure("bat0", { gatewaySelectionClass: 300 }),
    scripted(accepted, meshIs(MESH)),
  );
  assertEquals(
    [error.code, error.message],
    ["invalid", 'Cannot set "gatewaySelectionClass" of mesh "bat0" to 300: the kernel keeps 20'],
  );
});

Deno.test("hostMesh().info() refuses a routing algorithm the port does not know", async () => {
  const mesh = scripted(meshIs({ ...MESH, algoName: "BATMAN_VI" }));
  assertEquals((await faultOf((m) => m.info("bat0"), mesh)).code, "unexpected");
});

Deno.test("hostMesh().originators() names interfaces that the kernel tells by index alone", async () => {
  const { hardIfname: _, ...old } = ORIGINATOR_IV;
  const mesh = scripted({
    answer: (request) => [
      reply(request, [message(8, old), message(8, { ...old, hardIfindex: 6 })]),
      done(request),
    ],
  });
  const rows = await mesh.originators("bat0");
  assertEquals(rows.map((row) => row.hardInterface), ["mesh0", "#6"]);
  await mesh.close();
});

Deno.test("hostMesh() tables are empty while no interface carries the mesh", async () => {
  const nobody: ScriptedStep = { answer: (request) => [done(request, ERRNO.ENOENT)] };
  const tables = [
    "originators",
    "neighbours",
    "gateways",
    "localClients",
    "globalClients",
    "claims",
    "backbones",
    "datCache",
    "multicastFlags",
  ] as const;
  const mesh = scripted(...tables.flatMap(() => [nobody, meshIs(MESH)]));
  for (const table of tables) assertEquals(await mesh[table]("bat0"), [], table);
  await mesh.close();
});

Deno.test("hostMesh() does not take a family that is gone for an empty table", async () => {
  const gone: ScriptedStep = { answer: (request) => [done(request, ERRNO.ENOENT)] };
  const refused: ScriptedStep = { answer: (request) => [ack(request, ERRNO.ENOENT)] };
  const mesh = scripted(gone, refused);
  assertEquals((await faultOf((m) => m.originators("bat0"), mesh)).code, "not-found");
});

Deno.test("hostMesh() speaks of errors in the port's words", async () => {
  const rows: readonly { name: string; errno: number; code: string }[] = [
    { name: "no privileges", errno: 1, code: "not-permitted" },
    { name: "interface gone", errno: 19, code: "no-such-link" },
    { name: "no mesh interface", errno: 22, code: "invalid" },
  ];
  for (const { name, errno, code } of rows) {
    const mesh = scripted({ answer: (request) => [done(request, errno)] });
    assertEquals((await faultOf((m) => m.originators("bat0"), mesh)).code, code, name);
  }
  const gone = await faultOf((mesh) => mesh.info("bat9"), scripted());
  assertEquals(gone.code, "no-such-link");
  const none = hostMesh(options, () => Promise.reject(new FamilyMissingError("batadv")));
  const missing = await faultOf((mesh) => mesh.algorithms(), none);
  assertEquals(missing.code, "not-supported");
});
