// Runs in a lab guest. Trust on the real kernel: a mesh is made, nodes enrol over two hops, real WireGuard
// carries their traffic under the handshake's keys, the policy filters it, keys are rotated, a node is
// revoked and cut off everywhere. Nodes are in a line: n1 and n3 hear only n2.
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Daemons, startDaemons } from "./daemons.ts";
import type { Topology } from "./topology.ts";
import {
  ask,
  eventually,
  invite,
  join,
  pings,
  requireMember,
  wgPeers,
  wiredConfig,
  wiredLine,
} from "./secure_mesh.ts";

interface TunnelsAnswer {
  readonly tunnels: {
    readonly mode: string;
    readonly mtu: number;
    readonly peers: readonly {
      readonly nodeId: string;
      readonly state: string;
      readonly psk: { readonly kind: string; readonly ageS: number | null };
    }[];
    readonly drops: Readonly<Record<string, number | null>> | null;
  } | null;
  readonly denied: { readonly arriving: number } | null;
}

/** Everything about a node's tunnels, for whoever looks for a failure. */
async function describe(mesh: Topology, daemons: Daemons, id: number): Promise<string> {
  const shown = await Promise.all([
    ask(mesh, daemons, id, "GET", "/tunnels").then((value) => JSON.stringify(value)),
    mesh.exec(id, "wg", "show"),
    mesh.exec(id, "ip", "-6", "route"),
    mesh.exec(id, "nft", "list", "ruleset"),
  ].map((one) => one.catch((thrown) => String(thrown))));
  return [`== n${id}`, ...shown].join("\n");
}

Deno.test("trust on the real kernel", async (t) => {
  await using mesh = await wiredLine(3);
  const lines: string[] = [];
  await using daemons = await startDaemons(mesh, {
    config: wiredConfig(3),
    log: (id, text) => lines.push(`n${id} ${text}`),
  });
  await daemons.ready();
  const tunnels = (id: number) => ask<TunnelsAnswer>(mesh, daemons, id, "GET", "/tunnels");
  // What a failed step leaves behind says nothing about the next one.
  const step = async (name: string, run: () => Promise<void>) => {
    if (await t.step({ name, fn: run, sanitizeOps: false, sanitizeResources: false })) return;
    console.log(lines.slice(-40).join("\n"));
    for (const id of [1, 2, 3]) console.log(await describe(mesh, daemons, id));
    throw new Error(`Failed: ${name}`);
  };

  await step("nodes enrol with invites, also over two hops", async () => {
    await ask(mesh, daemons, 1, "POST", "/membership/create", { mesh: "lab.mesh" });
    for (const id of [2, 3]) {
      const text = await eventually("an invite", () => invite(mesh, daemons, 1));
      await eventually(`n${id} joins`, async () => {
        await join(mesh, daemons, id, text);
        return true;
      });
    }
    const members = await Promise.all([1, 2, 3].map((id) => requireMember(mesh, daemons, id)));
    assertEquals(new Set(members.map(({ nodeId }) => nodeId)).size, 3);
    assertMatch(members[2]?.spiffeId ?? "", /^spiffe:\/\/lab\.mesh\/node\//);
  });

  const [a, b, c] = await Promise.all([1, 2, 3].map((id) => requireMember(mesh, daemons, id)));
  assert(a !== undefined && b !== undefined && c !== undefined);

  await step("traffic flows through WireGuard, on demand, under an agreed PSK", async () => {
    await eventually("tunnels run", async () => (await tunnels(3)).tunnels?.mode === "on-demand");
    await eventually("a ping from n3 to n1", () => pings(mesh, 3, a.overlayAddress), 60);
    const { tunnels: status } = await tunnels(3);
    const peer = status?.peers.find(({ nodeId }) => nodeId === a.nodeId);
    assertEquals([peer?.state, peer?.psk.kind], ["up", "agreed"]);
    assertEquals((await wgPeers(mesh, 3)).size, status?.peers.length);
    const device = await mesh.exec(3, "wg", "show", "x0", "preshared-keys");
    assert(!device.includes("(none)"), "a peer without a preshared key");
    await eventually("a ping from n1 to n2", () => pings(mesh, 1, b.overlayAddress));
  });

  await step("the fabric connects members and tells what they say of themselves", async () => {
    await eventually("n3 hears of n1", async () => {
      const { fabric } = await ask<{
        fabric: { peers: unknown[]; statuses: { name: string }[] } | null;
      }>(mesh, daemons, 3, "GET", "/fabric");
      return fabric?.peers.length !== 0 && fabric?.statuses.some(({ name }) => name === "n1");
    });
  });

  await step("a policy reaches all members and filters the overlay", async () => {
    const toml = `[[rules]]
name = "speed"
effect = "allow"
from = ["role:node"]
to = ["role:node"]
services = ["tcp/5201"]
`;
    const outcome = await ask<{ state: string }>(mesh, daemons, 1, "POST", "/policy/set", { toml });
    assertEquals(outcome.state, "in-force");
    await eventually(
      "policy 1 on n3",
      async () =>
        (await ask<{ version: number }>(mesh, daemons, 3, "GET", "/policy")).version === 1,
    );
    const before = (await tunnels(1)).denied?.arriving ?? 0;
    await eventually("pings are denied", async () => !await pings(mesh, 3, a.overlayAddress));
    assert(((await tunnels(1)).denied?.arriving ?? 0) > before, "denied packets are not counted");
    const server = mesh.exec(1, "timeout", "30", "iperf3", "-s", "-1");
    await eventually("iperf3 passes", async () => {
      await mesh.exec(3, "iperf3", "-c", a.overlayAddress, "-n", "1M", "--connect-timeout", "3000");
      return true;
    });
    await server;
    const open = toml.replace('"tcp/5201"', '"network"');
    await ask(mesh, daemons, 1, "POST", "/policy/set", { toml: open });
    await eventually("pings pass again", () => pings(mesh, 3, a.overlayAddress));
  });

  await step("packets of the overlay outside of its tunnel are dropped and counted", async () => {
    const before = (await tunnels(1)).tunnels?.drops ?? {};
    const forged = [`${a.overlayAddress}/128`, "dev", "br-lan", "metric", "1"];
    // A forged packet: the overlay's source address, on the bridge.
    await mesh.exec(2, "ip", "-6", "addr", "add", `${c.overlayAddress}/128`, "dev", "lo");
    await mesh.exec(2, "ip", "-6", "route", "add", ...forged);
    await pings(mesh, 2, a.overlayAddress);
    await mesh.exec(2, "ip", "-6", "route", "del", ...forged);
    await mesh.exec(2, "ip", "-6", "addr", "del", `${c.overlayAddress}/128`, "dev", "lo");
    const after = (await tunnels(2)).tunnels?.drops ?? {};
    assert((after["leftOutside"] ?? 0) > 0, `nothing dropped: ${JSON.stringify([before, after])}`);
  });

  await step("rotated node keys keep id and address, and traffic comes back", async () => {
    const old = [...(await wgPeers(mesh, 1)).keys()];
    const done = await ask<{ state: string }>(
      mesh,
      daemons,
      2,
      "POST",
      "/membership/rotate/keys",
      {},
    );
    assertEquals(done.state, "rotated");
    const after = await requireMember(mesh, daemons, 2);
    assertEquals([after.nodeId, after.overlayAddress, after.keysGeneration], [
      b.nodeId,
      b.overlayAddress,
      2,
    ]);
    await eventually("a ping from n1 to n2", () => pings(mesh, 1, b.overlayAddress));
    await eventually(
      "n1 has the new key",
      async () => [...(await wgPeers(mesh, 1)).keys()].some((key) => !old.includes(key)),
    );
  });

  await step("a rotated authority is followed by all members", async () => {
    await ask(mesh, daemons, 1, "POST", "/membership/rotate/authority", {});
    for (const id of [2, 3]) {
      await eventually(
        `authority 2 on n${id}`,
        async () => (await requireMember(mesh, daemons, id)).authority.version === 2,
      );
    }
    await eventually("a ping from n3 to n2", () => pings(mesh, 3, b.overlayAddress));
  });

  await step("a revoked node is cut off everywhere", async () => {
    await eventually("a ping from n2 to n3", () => pings(mesh, 2, c.overlayAddress));
    const startMs = performance.now();
    await ask(mesh, daemons, 1, "POST", "/membership/revoke", { node: c.nodeId });
    await eventually("no tunnel to n3 on n1 and n2", async () => {
      const all = await Promise.all([1, 2].map(async (id) => (await tunnels(id)).tunnels?.peers));
      return all.every((peers) => peers?.every(({ nodeId }) => nodeId !== c.nodeId));
    });
    console.log(`revoked everywhere after ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    for (const id of [1, 2]) {
      assertEquals((await requireMember(mesh, daemons, id)).revocations.count, 1);
      assert(!await pings(mesh, id, c.overlayAddress));
    }
    assert(!await pings(mesh, 3, a.overlayAddress));
    const again = await invite(mesh, daemons, 2).catch(() => null);
    if (again !== null) await assertRejects(() => join(mesh, daemons, 3, again));
  });

  await step("the audit log holds, and other nodes keep its head", async () => {
    const verdict = await ask<{ sound: boolean; count: number }>(
      mesh,
      daemons,
      1,
      "GET",
      "/audit/verify",
    );
    assert(verdict.sound);
    await eventually("n2 keeps n1's head", async () => {
      const { items } = await ask<{ items: { nodeId: string; conflict: boolean }[] }>(
        mesh,
        daemons,
        2,
        "GET",
        "/audit/heads",
      );
      return items.some(({ nodeId, conflict }) => nodeId === a.nodeId && !conflict);
    });
  });
});
