import { assert, assertEquals } from "@std/assert";
import { ManualClock, settled } from "../../tests/fixtures/clock.ts";
import { countingRandom } from "../handshake/testing.ts";
import { nobleBackend } from "../pq/mod.ts";
import type { SocketAddress } from "../ports/mod.ts";
import { SimNetwork } from "../sim/mod.ts";
import { MAX_UNNAMED_ADDRESSES, PROBE_EVERY_MS } from "./limits.ts";
import { MemberParty } from "../handshake/mod.ts";
import { Prober } from "./prober.ts";
import { testMember } from "./testing.ts";

const portable = nobleBackend(countingRandom(7).bytes);

async function world() {
  const clock = new ManualClock();
  const { keys, state } = await testMember(portable, 1);
  const random = countingRandom(1);
  const membership = new MemberParty({ clock, random, backend: portable, keys, state });
  const network = new SimNetwork(clock);
  const dialled: string[] = [];
  const host = network.host({ addresses: ["2001:db8::1"] });
  const found: { readonly nodeId: string; readonly address: SocketAddress }[] = [];
  const prober = new Prober({
    clock,
    network: {
      listen: (local) => host.listen(local),
      multicast: (group, port, link) => host.multicast(group, port, link),
      dial(remote, signal) {
        dialled.push(remote.host);
        return host.dial(remote, signal);
      },
    },
    membership,
    found: (nodeId, address) => found.push({ nodeId, address }),
  });
  return { clock, network, prober, found, dialled };
}

Deno.test("Prober asks where nobody is once a minute, and no oftener", async () => {
  const { clock, prober, found, dialled } = await world();
  prober.add({ host: "2001:db8::9", port: 6470 });
  for (let minute = 0; minute < 10; minute++) {
    await settled();
    await clock.advance(PROBE_EVERY_MS);
  }
  assert(dialled.length >= 10 && dialled.length <= 11, `${dialled.length} times`);
  assertEquals([found, prober.open], [[], 1]);
  await prober.stop();
  assertEquals(clock.waiting, 0);
});

Deno.test("Prober: whoever says nothing, or nonsense, is nobody", async () => {
  const { clock, network, prober, found } = await world();
  const silent = await network.host({ addresses: ["2001:db8::2"] }).listen({ host: "::", port: 1 });
  const babbling = await network.host({ addresses: ["2001:db8::3"] }).listen({
    host: "::",
    port: 1,
  });
  const taking = silent.accept();
  const talking = babbling.accept().then(async (stream) => {
    await stream?.write(new Uint8Array(5_000).fill(1));
  });
  prober.add({ host: "2001:db8::2", port: 1 });
  prober.add({ host: "2001:db8::3", port: 1 });
  for (let second = 0; second < 20; second++) {
    await settled();
    await clock.advance(1_000);
  }
  await talking;
  assertEquals([found, prober.open], [[], 2]);
  (await taking)?.close();
  await prober.stop();
  for (const listener of [silent, babbling]) listener.close();
  assertEquals(clock.waiting, 0);
});

Deno.test("Prober.add() takes so many addresses and no more", async () => {
  const { prober } = await world();
  for (let i = 0; i < MAX_UNNAMED_ADDRESSES; i++) {
    assert(prober.add({ host: "2001:db8::9", port: i + 1 }));
  }
  assert(!prober.add({ host: "2001:db8::9", port: 50_000 }));
  await prober.stop();
});
