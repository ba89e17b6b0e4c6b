// How long until a node that joins exchanges traffic, and until a revoked one is cut off everywhere: real
// daemons on wires in an emulated guest. The peer is the goal, since nothing comparable enrols and revokes.
import { startDaemons } from "../../tests/lab/daemons.ts";
import {
  ask,
  eventually,
  invite,
  join,
  OVERLAY,
  pings,
  requireMember,
  wiredConfig,
  wiredLine,
} from "../../tests/lab/secure_mesh.ts";
import type { Topology } from "../../tests/lab/topology.ts";
import { type BenchOutcome, rowOf } from "../lib/bench.ts";
import { inGuest, leave, runInLab } from "./_lab.ts";

const NODES = 4;
const JOIN_GOAL_S = 10;
const REVOKE_GOAL_S = 3;

const secondsSince = (startMs: number) => (performance.now() - startMs) / 1000;

/** Public keys of a node's WireGuard peers, as `wg` tells them. */
async function peers(mesh: Topology, id: number): Promise<readonly string[]> {
  return (await mesh.exec(id, "wg", "show", OVERLAY, "peers")).split("\n").filter(Boolean);
}

async function measure(): Promise<BenchOutcome> {
  await using mesh = await wiredLine(NODES);
  await using daemons = await startDaemons(mesh, { config: wiredConfig(NODES) });
  await daemons.ready();
  await ask(mesh, daemons, 1, "POST", "/membership/create", { mesh: "lab.mesh" });
  const { overlayAddress } = await requireMember(mesh, daemons, 1);
  const toTraffic: number[] = [];
  for (let id = 2; id <= NODES; id++) {
    const text = await eventually("an invite", () => invite(mesh, daemons, 1));
    let startMs = 0;
    // batman-adv has to find a way first; a try before that is none.
    await eventually(`n${id} joins`, async () => {
      startMs = performance.now();
      await join(mesh, daemons, id, text);
      return true;
    });
    await eventually(`traffic from n${id}`, () => pings(mesh, id, overlayAddress));
    toTraffic.push(secondsSince(startMs));
  }
  const cutOff: number[] = [];
  for (let id = NODES; id > 2; id--) {
    const victim = await requireMember(mesh, daemons, id);
    const staying = Array.from({ length: id - 1 }, (_, index) => index + 1);
    for (const other of staying) {
      await eventually("a tunnel", () => pings(mesh, other, victim.overlayAddress));
    }
    const key = (await mesh.exec(id, "wg", "show", OVERLAY, "public-key")).trim();
    for (const other of staying) {
      await eventually(
        `n${other} has a tunnel to n${id}`,
        async () =>
          await pings(mesh, other, victim.overlayAddress) &&
          (await peers(mesh, other)).includes(key),
      );
    }
    const startMs = performance.now();
    await ask(mesh, daemons, 1, "POST", "/membership/revoke", { node: victim.nodeId });
    for (const other of staying) {
      await eventually("it is out", async () => !(await peers(mesh, other)).includes(key));
    }
    cutOff.push(secondsSince(startMs));
  }
  return {
    name: "enrol",
    method:
      `${NODES} daemons from source on a line of wires in an emulated guest with one processor, ` +
      `Linux ${Deno.osRelease()}; one node after the other joins with an invite of the first and pings ` +
      "it over the overlay, then is revoked; kernel peers read with wg.",
    rows: [
      rowOf("join to the first answer over the overlay", "s", toTraffic, {
        name: "goal",
        samples: [JOIN_GOAL_S],
      }),
      rowOf("revoke to no tunnel on any node", "s", cutOff, {
        name: "goal",
        samples: [REVOKE_GOAL_S],
      }),
    ],
    raw: { toTraffic, cutOff },
  };
}

/** See the module's header. */
export function bench(): Promise<BenchOutcome> {
  return inGuest() ? measure() : runInLab("enrol");
}

if (import.meta.main) await leave(await bench());
