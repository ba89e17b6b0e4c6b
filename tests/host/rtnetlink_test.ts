// rtnetlink against `ip -j` of iproute2, and network namespaces against `ip netns`, on this machine.
import { assert, assertEquals, assertGreater, assertRejects, assertThrows } from "@std/assert";
import {
  createNamespace,
  deleteNamespace,
  ERRNO,
  listNamespaces,
  readSysctl,
  SyscallError,
  withNamespace,
  writeSysctl,
} from "../../ffi/sys/mod.ts";
import { KernelError } from "../../ffi/netlink/mod.ts";
import {
  type NewLinkIn,
  openRtnetlink,
  openRtnetlinkEvents,
  type RtEvent,
  type Rtnetlink,
} from "../../ffi/rtnetlink/mod.ts";
import {
  compareAddresses,
  compareLinks,
  compareNeighbours,
  compareRoutes,
  compareRules,
} from "./iproute.ts";
import { missingKinds, privilegedTest, TestNamespace } from "./namespaces.ts";

const missing = await missingKinds();

async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  assert(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Links of every kind this kernel has, addresses, routes, neighbours and rules of both IP versions. */
async function furnish(rtnetlink: Rtnetlink, peerNetns: string): Promise<void> {
  await rtnetlink.setLink("lo", { up: true });
  await rtnetlink.createLink({
    kind: "veth",
    name: "v0",
    mtu: 1_400,
    address: "02:00:00:00:00:01",
    peer: { name: "v1", mtu: 1_400 },
    peerNetns,
  });
  const link = await rtnetlink.index("v0");
  const kinds: NewLinkIn[] = [
    { kind: "bridge", name: "br0" },
    { kind: "vxlan", name: "vx6", id: 77, link, local: "fd00::1", remote: "fd00::2", ttl: 9 },
    { kind: "vxlan", name: "vx4", id: 78, remote: "10.1.0.2", port: 4790, learning: false },
    { kind: "macvlan", name: "mac0", link },
    { kind: "vlan", name: "v0.5", link, id: 5 },
    { kind: "vlan", name: "v0.6", link, id: 6, protocol: 0x88a8 },
    { kind: "dummy", name: "dum0" },
    { kind: "wireguard", name: "wg0" },
    { kind: "batadv", name: "bat0", algorithm: "BATMAN_V" },
  ];
  for (const kind of kinds) if (missing[kind.kind] === undefined) await rtnetlink.createLink(kind);
  await rtnetlink.setLink("vx4", { master: await rtnetlink.index("br0"), alias: "to the mesh" });
  await rtnetlink.addAltName("v0", "a-name-longer-than-fifteen");
  await rtnetlink.addAltName("v0", "uplink");
  for (const name of ["v0", "br0", "vx6"]) await rtnetlink.setLink(name, { up: true });
  using peer = openRtnetlink({ netns: peerNetns });
  await peer.setLink("v1", { up: true });
  await furnishTables(rtnetlink, link);
}

async function furnishTables(rtnetlink: Rtnetlink, ifindex: number): Promise<void> {
  const address = "10.1.0.1";
  await rtnetlink.addAddress({ ifindex, address, prefixLength: 24, broadcast: "10.1.0.255" });
  await rtnetlink.addAddress({ ifindex, address: "10.3.0.1", peer: "10.3.0.2", prefixLength: 32 });
  await rtnetlink.addAddress({ ifindex, address: "fd00::1", prefixLength: 64, noDad: true });
  const gateway = "10.1.0.2";
  await rtnetlink.addRoute({ destination: "10.9.0.0/16", gateway, metric: 50, mtu: 1_300 });
  await rtnetlink.addRoute({ destination: "0.0.0.0/0", gateway, preferredSource: "10.1.0.1" });
  await rtnetlink.addRoute({
    destination: "fd09::/16",
    gateway: "fd00::2",
    table: 1_000,
    protocol: 16,
  });
  await rtnetlink.addRoute({
    destination: "10.10.0.0/16",
    nexthops: [{ gateway, ifindex, weight: 3 }, { gateway: "10.1.0.3", ifindex }],
  });
  await rtnetlink.addRoute({ destination: "10.11.0.0/16", gateway: "fd00::2", ifindex });
  await rtnetlink.addRoute({ destination: "10.12.0.0/16", type: "blackhole" });
  await rtnetlink.addRoute({ destination: "fd12::/16", type: "prohibit" });
  const linkAddress = "02:00:00:00:00:02";
  await rtnetlink.setNeighbour({ ifindex, address: gateway, linkAddress });
  await rtnetlink.setNeighbour({ ifindex, address: "fd00::2", linkAddress, state: "stale" });
  await rtnetlink.addRule({
    family: "ipv4",
    priority: 100,
    source: "10.1.0.0/24",
    mark: 5,
    markMask: 0xff,
    table: 1_000,
  });
  await rtnetlink.addRule({
    family: "ipv6",
    priority: 101,
    destination: "fd00::/8",
    inputName: "v0",
    table: 254,
    suppressPrefixLength: 0,
  });
}

const absentKinds = Object.keys(missing).length === 0
  ? ""
  : ` (without ${Object.keys(missing).join(", ")}: not in this kernel)`;

privilegedTest(`rtnetlink reports the same facts as ip -j${absentKinds}`, async (t) => {
  using here = new TestNamespace();
  using there = new TestNamespace();
  using rtnetlink = openRtnetlink({ netns: here.name });
  // Duplicate address detection would end between one reading and the other.
  for (const which of ["all", "default"]) {
    writeSysctl(["net", "ipv6", "conf", which, "accept_dad"], "0", here.name);
  }
  await furnish(rtnetlink, there.name);
  for (
    const { name, compare, least } of [
      { name: "links", compare: compareLinks, least: 6 },
      { name: "addresses", compare: compareAddresses, least: 6 },
      { name: "routes", compare: compareRoutes, least: 15 },
      { name: "neighbours", compare: compareNeighbours, least: 2 },
      { name: "rules", compare: compareRules, least: 7 },
    ]
  ) {
    await t.step(name, async () => assertGreater(await compare(here.name), least - 1));
  }
});

privilegedTest("RtnetlinkEvents reports what `ip` does, typed", async () => {
  using namespace = new TestNamespace();
  using listening = openRtnetlinkEvents(["link", "address", "route", "neighbour", "rule"], {
    netns: namespace.name,
  });
  const ip = (...args: string[]) => run("ip", "-n", namespace.name, ...args);
  await ip("link", "add", "br-test", "type", "bridge");
  await ip("link", "add", "va", "type", "veth", "peer", "name", "vb");
  await ip("link", "set", "va", "up", "master", "br-test");
  await ip("link", "set", "va", "nomaster");
  await ip("link", "set", "vb", "up");
  await ip("addr", "add", "10.0.0.1/24", "dev", "va");
  await ip("route", "add", "10.9.0.0/16", "via", "10.0.0.2");
  await ip("neigh", "add", "10.0.0.2", "lladdr", "02:00:00:00:00:02", "dev", "va");
  await ip("rule", "add", "priority", "7", "table", "99");
  await ip("rule", "del", "priority", "7");
  await ip("link", "del", "va");
  const seen: RtEvent[] = [];
  for await (const event of listening.events()) {
    assert(!("lost" in event));
    seen.push(event);
    if (event.table === "link" && event.change === "removed" && event.link.name === "vb") break;
  }
  const kinds = new Set(seen.map((event) => `${event.table} ${event.change}`));
  for (
    const kind of [
      "link set",
      "link removed",
      "address set",
      "address removed",
      "route set",
      "neighbour set",
      "neighbour removed",
      "rule set",
      "rule removed",
    ]
  ) assert(kinds.has(kind), `no event "${kind}" among ${[...kinds].join(", ")}`);
  // Leaving the bridge is a "removal" in the bridge's own family only.
  const removed = seen.filter((event) => event.table === "link" && event.change === "removed");
  assertEquals(removed.length, 2);
});

privilegedTest("setLink() moves a link to another namespace", async () => {
  using here = new TestNamespace();
  using there = new TestNamespace();
  using first = openRtnetlink({ netns: here.name });
  using second = openRtnetlink({ netns: there.name });
  await first.createLink({ kind: "veth", name: "moving", peer: { name: "staying" } });
  assertEquals((await first.link("staying")).linkNetnsId, null);
  await first.setLink("moving", { netns: there.name });
  await assertRejects(() => first.link("moving"), KernelError, "ENODEV");
  assertEquals((await second.link("moving")).kind, "veth");
  assertEquals(typeof (await first.link("staying")).linkNetnsId, "number");
});

privilegedTest("link() finds an alternative name, removeAltName() takes it away", async () => {
  using namespace = new TestNamespace();
  using rtnetlink = openRtnetlink({ netns: namespace.name });
  await rtnetlink.createLink({ kind: "bridge", name: "br0" });
  const alternative = "a-name-longer-than-fifteen-octets";
  await rtnetlink.addAltName("br0", alternative);
  assertEquals((await rtnetlink.link(alternative)).name, "br0");
  await rtnetlink.removeAltName("br0", alternative);
  await assertRejects(() => rtnetlink.link(alternative), KernelError, "ENODEV");
});

privilegedTest("a dump of many links is whole while links come and go", async () => {
  using namespace = new TestNamespace();
  using rtnetlink = openRtnetlink({ netns: namespace.name });
  using other = openRtnetlink({ netns: namespace.name });
  for (let i = 0; i < 60; i++) await rtnetlink.createLink({ kind: "bridge", name: `stay${i}` });
  const churn = (async () => {
    for (let i = 0; i < 40; i++) {
      await other.createLink({ kind: "bridge", name: "go" });
      await other.deleteLink("go");
    }
  })();
  for (let i = 0; i < 20; i++) {
    const names = (await rtnetlink.links()).map((link) => link.name);
    assertEquals(names.filter((name) => name.startsWith("stay")).length, 60);
    assertEquals(new Set(names).size, names.length);
  }
  await churn;
});

privilegedTest("namespaces and `ip netns` know each other's", async () => {
  using namespace = new TestNamespace();
  assert((await run("ip", "netns", "list")).includes(namespace.name));
  await run("ip", "-n", namespace.name, "link", "add", "br9", "type", "bridge");
  using rtnetlink = openRtnetlink({ netns: namespace.name });
  assertEquals((await rtnetlink.link("br9")).kind, "bridge");
  const theirs = `${namespace.name}-ip`;
  await run("ip", "netns", "add", theirs);
  assert(listNamespaces().includes(theirs));
  deleteNamespace(theirs);
  assert(!(await run("ip", "netns", "list")).includes(theirs));
});

privilegedTest(
  "createNamespace() refuses a name that is taken and keeps its namespace",
  async () => {
    using namespace = new TestNamespace();
    await run("ip", "-n", namespace.name, "link", "add", "br9", "type", "bridge");
    const error = assertThrows(() => createNamespace(namespace.name), SyscallError);
    assertEquals(error.errno, ERRNO.EEXIST);
    using rtnetlink = openRtnetlink({ netns: namespace.name });
    assertEquals((await rtnetlink.link("br9")).kind, "bridge");
  },
);

privilegedTest("withNamespace() comes back, whatever happens inside", async () => {
  using namespace = new TestNamespace();
  const here = () => Deno.readLinkSync("/proc/thread-self/ns/net");
  const home = here();
  assert(withNamespace(namespace.name, here) !== home);
  assertEquals(here(), home);
  assertThrows(() =>
    withNamespace(namespace.name, () => {
      throw new RangeError("inside");
    }), RangeError);
  assertEquals(here(), home);
  assertThrows(() => withNamespace(namespace.name, () => Promise.resolve()), TypeError);
  assertThrows(() => withNamespace("x0-no-such-namespace", here), SyscallError, "ENOENT");
  assertEquals(here(), home);
  await Promise.resolve();
});

privilegedTest("readSysctl() and writeSysctl() work inside a namespace only", async () => {
  using namespace = new TestNamespace();
  using rtnetlink = openRtnetlink({ netns: namespace.name });
  await rtnetlink.createLink({ kind: "bridge", name: "br.9" });
  const key = ["net", "ipv4", "conf", "br.9", "forwarding"];
  assertEquals(readSysctl(key, namespace.name), "0");
  writeSysctl(key, "1", namespace.name);
  assertEquals(readSysctl(key, namespace.name), "1");
  assertThrows(() => readSysctl(key), SyscallError, "ENOENT");
  const bad = assertThrows(() => writeSysctl(key, "maybe", namespace.name), SyscallError);
  assertEquals(bad.errno, ERRNO.EINVAL);
});
