// What every Links port must do, real or simulated: one suite. The real one runs it in a network
// namespace of its own (tests/host/links_test.ts), the simulated one in tests/conformance/sim_test.ts.
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Kernel,
  type KernelEvent,
  KernelFault,
  type KernelFaultCode,
  type Link,
  type LinkSpec,
  type RouteSpec,
  type RoutingRule,
} from "../../core/ports/mod.ts";

/** A kernel to try, with nothing in it that the suite's names could clash with. */
export interface LinksFixture extends AsyncDisposable {
  readonly kernel: Kernel;
  /** Lets time pass: real, or virtual. */
  settle(ms: number): Promise<void>;
}

/** What a kernel lacks: kind → why. Its tests are reported as ignored, with the reason in their name. */
export type Missing = Readonly<Partial<Record<LinkSpec["kind"], string>>>;

type Check = (fixture: LinksFixture) => Promise<void>;

const PATIENCE_STEPS = 200;
const STEP_MS = 10;

async function eventually(
  fixture: LinksFixture,
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let i = 0; i < PATIENCE_STEPS; i++) {
    if (await holds()) return;
    await fixture.settle(STEP_MS);
  }
  throw new Error(`Waited in vain for: ${what}`);
}

async function rejectsWith(code: KernelFaultCode, action: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(action, KernelFault);
  assertEquals(error.code, code, error.message);
}

async function names(kernel: Kernel): Promise<string[]> {
  return (await kernel.links.list()).map((link) => link.name);
}

/** A veth pair va–vb, both up. */
async function wire({ kernel: { links } }: LinksFixture): Promise<void> {
  await links.create({ kind: "veth", name: "va", peer: "vb" });
  await links.change("va", { up: true });
  await links.change("vb", { up: true });
}

const listsLoopback: Check = async ({ kernel }) => {
  const links = await kernel.links.list();
  const loopback = links.find((link) => link.loopback);
  assertEquals(loopback?.name, "lo");
  assertEquals(new Set(links.map((link) => link.index)).size, links.length);
  for (const link of links) assertEquals((await kernel.links.get(link.name)).index, link.index);
  await rejectsWith("not-supported", () => kernel.links.delete("lo"));
};

const refusesUnknownLinks: Check = async ({ kernel: { links } }) => {
  const calls: (() => Promise<unknown>)[] = [
    () => links.get("nope"),
    () => links.change("nope", { up: true }),
    () => links.delete("nope"),
    () => links.addAddress("nope", "10.0.0.1", 24),
    () => links.removeAddress("nope", "10.0.0.1", 24),
    () => links.addRoute({ destination: "10.0.0.0/8", link: "nope" }),
    () => links.get("a-name-longer-than-any-link-has"),
    () => links.get(""),
  ];
  for (const call of calls) await rejectsWith("no-such-link", call);
};

const refusesBadNames: Check = async (fixture) => {
  const { links } = fixture.kernel;
  await wire(fixture);
  const before = await names(fixture.kernel);
  for (const name of ["", "sixteen-letters-", "a/b", "a b", "a:b", ".", "..", "br%d"]) {
    await rejectsWith("invalid", () => links.create({ kind: "bridge", name }));
    await rejectsWith("invalid", () => links.change("va", { name }));
    await rejectsWith("invalid", () => links.create({ kind: "veth", name: "vc", peer: name }));
  }
  assertEquals(await names(fixture.kernel), before);
};

function createsAndDeletes(spec: LinkSpec): Check {
  return async (fixture) => {
    const { links } = fixture.kernel;
    if ("parent" in spec) await wire(fixture);
    await links.create(spec);
    const link = await links.get(spec.name);
    assertEquals(
      { kind: link.kind, up: link.up, carrier: link.carrier, master: link.master },
      { kind: spec.kind, up: false, carrier: false, master: null },
    );
    assert(Object.values(link.counters).every((count) => count === 0));
    await rejectsWith("exists", () => links.create(spec));
    await links.delete(spec.name);
    await rejectsWith("no-such-link", () => links.get(spec.name));
  };
}

const vethEndsDependOnEachOther: Check = async (fixture) => {
  const { links } = fixture.kernel;
  await links.create({ kind: "veth", name: "va", peer: "vb" });
  await links.change("va", { up: true });
  assertEquals((await links.get("va")).carrier, false);
  await links.change("vb", { up: true });
  await eventually(fixture, "carrier at both ends", async () => {
    const ends = [await links.get("va"), await links.get("vb")];
    return ends.every((end) => end.carrier && end.operState === "up");
  });
  await links.change("vb", { up: false });
  assertEquals((await links.get("va")).carrier, false);
  await links.delete("vb");
  await rejectsWith("no-such-link", () => links.get("va"));
};

const changesOnlyWhatIsAsked: Check = async (fixture) => {
  const { links } = fixture.kernel;
  await wire(fixture);
  const before = await links.get("va");
  await links.change("va", { mtu: 1400 });
  await links.change("va", { mac: "02:00:00:00:aa:01" });
  const after = await links.get("va");
  assertEquals(
    { ...after, counters: null, operState: null },
    { ...before, mtu: 1400, mac: "02:00:00:00:aa:01", counters: null, operState: null },
  );
  await links.change("va", { up: false });
  await links.change("va", { name: "renamed" });
  const renamed = await links.get("renamed");
  assertEquals([renamed.index, renamed.mtu, renamed.up], [before.index, 1400, false]);
  await rejectsWith("no-such-link", () => links.get("va"));
  await rejectsWith("exists", () => links.change("renamed", { name: "vb" }));
};

const refusesBadValues: Check = async (fixture) => {
  const { links } = fixture.kernel;
  await wire(fixture);
  await rejectsWith("invalid", () => links.change("va", { mtu: 10 }));
  await rejectsWith("invalid", () => links.change("va", { mtu: -1 }));
  await rejectsWith("invalid", () => links.change("va", { mac: "03:00:00:00:00:01" }));
  await rejectsWith("invalid", () => links.change("va", { mac: "00:00:00:00:00:00" }));
  await rejectsWith("invalid", () => links.change("va", { mac: "02:00:00:00:00" }));
};

const enslaves: Check = async (fixture) => {
  const { links } = fixture.kernel;
  await wire(fixture);
  await links.create({ kind: "bridge", name: "br-test" });
  await links.change("va", { master: "br-test" });
  assertEquals((await links.get("va")).master, "br-test");
  assertEquals((await links.get("vb")).master, null);
  await rejectsWith("no-such-link", () => links.change("vb", { master: "nope" }));
  await rejectsWith("not-supported", () => links.change("vb", { master: "va" }));
  await links.change("va", { mtu: 1450 });
  assertEquals((await links.get("va")).master, "br-test");
  await links.change("va", { master: null });
  assertEquals((await links.get("va")).master, null);
  await links.change("va", { master: "br-test" });
  await links.delete("br-test");
  assertEquals((await links.get("va")).master, null);
};

const vlanKnowsItsParent: Check = async (fixture) => {
  const { links } = fixture.kernel;
  await wire(fixture);
  const spec: LinkSpec = { kind: "vlan", name: "va.5", parent: "va", id: 5 };
  await links.create(spec);
  const { parent, id } = await links.get("va.5");
  assertEquals([parent, id], ["va", 5]);
  await rejectsWith("exists", () => links.create({ ...spec, name: "other" }));
  for (const bad of [0, 4095, 70_000, 1.5]) {
    await rejectsWith("invalid", () => links.create({ ...spec, name: "other", id: bad }));
  }
  await rejectsWith(
    "no-such-link",
    () => links.create({ ...spec, name: "other", parent: "nope", id: 6 }),
  );
  await links.delete("va");
  await rejectsWith("no-such-link", () => links.get("va.5"));
};

const vxlanKnowsItsParent: Check = async (fixture) => {
  const { links } = fixture.kernel;
  await wire(fixture);
  await links.create({
    kind: "vxlan",
    name: "vx",
    parent: "va",
    id: 0xffffff,
    local: "fd00::1",
    remote: "fd00::2",
  });
  const { parent, id } = await links.get("vx");
  assertEquals([parent, id], ["va", 0xffffff]);
  const other: LinkSpec = { kind: "vxlan", name: "vy", id: 7 };
  await links.create({ ...other, local: "10.0.0.1", remote: "10.0.0.2", port: 4790 });
  assertEquals((await links.get("vy")).parent, null);
  const third = { ...other, name: "vz" };
  await rejectsWith("invalid", () => links.create({ ...third, id: 0x1000000 }));
  await rejectsWith("invalid", () => links.create({ ...third, id: 8, remote: "somewhere" }));
  await rejectsWith("no-such-link", () => links.create({ ...third, id: 8, parent: "nope" }));
};

const keepsAddresses: Check = async (fixture) => {
  const { links } = fixture.kernel;
  await wire(fixture);
  const mine = async () =>
    (await links.addresses()).filter((row) => row.link === "va" && row.scope === "global");
  await links.addAddress("va", "10.20.0.1", 24);
  await links.addAddress("va", "fd20:0::0001", 64);
  assertEquals((await mine()).map(({ address, prefixLength }) => `${address}/${prefixLength}`), [
    "10.20.0.1/24",
    "fd20::1/64",
  ]);
  await rejectsWith("exists", () => links.addAddress("va", "10.20.0.1", 24));
  await rejectsWith("exists", () => links.addAddress("va", "fd20::1", 64));
  await links.removeAddress("va", "10.20.0.1", 24);
  await rejectsWith("not-found", () => links.removeAddress("va", "10.20.0.1", 24));
  await links.removeAddress("va", "fd20::1", 64);
  assertEquals(await mine(), []);
  for (
    const [address, length] of [
      ["10.0.0.300", 24],
      ["", 24],
      ["10.0.0.1", 33],
      ["10.0.0.1", 300],
      ["fd00::1", 129],
      ["fd00::1", -1],
    ] as const
  ) {
    await rejectsWith("invalid", () => links.addAddress("va", address, length));
  }
};

const addressBringsRoute: Check = async (fixture) => {
  const { links } = fixture.kernel;
  await wire(fixture);
  await links.addAddress("va", "10.21.0.1", 24);
  const connected = async () =>
    (await links.routes()).find((row) => row.destination === "10.21.0.0/24");
  assertEquals((await connected())?.link, "va");
  assertEquals((await connected())?.protocol, 2);
  assertEquals((await connected())?.gateway, null);
  await links.change("va", { up: false });
  assertEquals(await connected(), undefined);
};

const keepsRoutes: Check = async (fixture) => {
  const { links } = fixture.kernel;
  await wire(fixture);
  await links.addAddress("va", "10.22.0.1", 24);
  const find = async (destination: string, table = 254) =>
    (await links.routes()).find((row) => row.destination === destination && row.table === table);
  const route: RouteSpec = { destination: "10.99.0.0/16", gateway: "10.22.0.2", metric: 7 };
  await links.addRoute(route);
  assertEquals(await find("10.99.0.0/16"), {
    destination: "10.99.0.0/16",
    gateway: "10.22.0.2",
    link: "va",
    table: 254,
    metric: 7,
    protocol: 4,
    type: "unicast",
    source: null,
  });
  await rejectsWith("exists", () => links.addRoute(route));
  await links.removeRoute(route);
  assertEquals(await find("10.99.0.0/16"), undefined);
  await rejectsWith("not-found", () => links.removeRoute(route));
  await links.addRoute({ ...route, destination: "0.0.0.0/0", table: 1_000, protocol: 16 });
  assertEquals((await find("0.0.0.0/0", 1_000))?.protocol, 16);
  assertEquals(await find("0.0.0.0/0"), undefined);
  await links.addRoute({ destination: "10.98.0.0/16", type: "unreachable" });
  const nowhere = await find("10.98.0.0/16");
  assertEquals([nowhere?.type, nowhere?.link], ["unreachable", null]);
  await links.addRoute({ destination: "10.97.0.0/16", link: "va" });
  assertEquals((await find("10.97.0.0/16"))?.gateway, null);
};

const keepsIpv6Routes: Check = async (fixture) => {
  const { links } = fixture.kernel;
  await wire(fixture);
  const route: RouteSpec = { destination: "fd99::/16", link: "va", metric: 300 };
  await links.addRoute(route);
  const find = async () =>
    (await links.routes()).find((row) => row.destination === "fd99::/16" && row.table === 254);
  assertEquals(
    [(await find())?.link, (await find())?.metric, (await find())?.type],
    ["va", 300, "unicast"],
  );
  await rejectsWith("exists", () => links.addRoute(route));
  await links.removeRoute(route);
  assertEquals(await find(), undefined);
  await rejectsWith("not-found", () => links.removeRoute(route));
};

const refusesBadRoutes: Check = async (fixture) => {
  const { links } = fixture.kernel;
  await wire(fixture);
  const unreachable: RouteSpec = { destination: "10.99.0.0/16", gateway: "192.0.2.1" };
  await rejectsWith("unreachable", () => links.addRoute(unreachable));
  for (const destination of ["10.99.0.0", "10.99.0.0/33", "x/8", "", "10.99.0.0/-1"]) {
    await rejectsWith("invalid", () => links.addRoute({ destination, link: "va" }));
  }
  const gateway = { destination: "10.99.0.0/16", gateway: "nobody", link: "va" };
  await rejectsWith("invalid", () => links.addRoute(gateway));
};

const keepsRules: Check = async ({ kernel: { links } }) => {
  const rule: RoutingRule = {
    family: "ipv4",
    priority: 500,
    source: "10.23.0.0/16",
    destination: null,
    inputLink: null,
    mark: 9,
    table: 1_000,
  };
  const find = async () => (await links.rules()).filter((row) => row.priority === 500);
  await links.addRule(rule);
  assertEquals(await find(), [rule]);
  await rejectsWith("exists", () => links.addRule(rule));
  const six: RoutingRule = {
    ...rule,
    family: "ipv6",
    source: null,
    destination: "fd00::/8",
    inputLink: "va",
    mark: null,
    table: 254,
  };
  await links.addRule(six);
  assertEquals((await find()).find((row) => row.family === "ipv6"), six);
  await links.removeRule(rule);
  await rejectsWith("not-found", () => links.removeRule(rule));
  await links.removeRule(six);
  assertEquals(await find(), []);
  await rejectsWith("invalid", () => links.addRule({ ...rule, source: "fd00::/8" }));
};

const watches: Check = async (fixture) => {
  const { kernel } = fixture;
  const stop = new AbortController();
  const seen: KernelEvent[] = [];
  const watching = (async () => {
    for await (const event of kernel.watch(stop.signal)) seen.push(event);
  })();
  await wire(fixture);
  await kernel.links.addAddress("va", "10.24.0.1", 24);
  await kernel.links.removeAddress("va", "10.24.0.1", 24);
  await kernel.links.delete("va");
  const isLink = (link: Link) => link.name === "va" && link.up && link.carrier;
  const isAddress = (event: KernelEvent, type: "address" | "address-removed") =>
    event.type === type && event.link === "va" && event.address === "10.24.0.1" &&
    event.prefixLength === 24;
  await eventually(
    fixture,
    "all five changes",
    () =>
      seen.some((event) => event.type === "link" && isLink(event.link)) &&
      seen.some((event) => isAddress(event, "address")) &&
      seen.some((event) => isAddress(event, "address-removed")) &&
      seen.some((event) => event.type === "link-removed" && event.name === "va") &&
      seen.some((event) => event.type === "link-removed" && event.name === "vb"),
  );
  stop.abort();
  await watching;
  assert(!seen.some((event) => event.type === "lost"));
};

const watchesUntilTold: Check = async ({ kernel }) => {
  for await (const event of kernel.watch(AbortSignal.abort())) throw new Error(event.type);
  const stop = new AbortController();
  const watching = Array.fromAsync(kernel.watch(stop.signal));
  stop.abort();
  await watching;
};

const CHECKS: Readonly<Record<string, { needs?: LinkSpec["kind"]; check: Check }>> = {
  "list() has the loopback, which cannot be deleted": { check: listsLoopback },
  "an unknown link is no-such-link in every call": { check: refusesUnknownLinks },
  "create() and change() refuse bad names": { check: refusesBadNames },
  "the ends of a veth depend on each other": { check: vethEndsDependOnEachOther },
  "change() changes only what is asked": { check: changesOnlyWhatIsAsked },
  "change() refuses bad values": { check: refusesBadValues },
  "change() enslaves and releases": { check: enslaves },
  "a vlan knows parent and id": { needs: "vlan", check: vlanKnowsItsParent },
  "a vxlan knows parent and id": { needs: "vxlan", check: vxlanKnowsItsParent },
  "addAddress() and removeAddress() keep addresses": { check: keepsAddresses },
  "an address brings the route to its prefix": { check: addressBringsRoute },
  "addRoute() and removeRoute() keep IPv4 routes": { check: keepsRoutes },
  "addRoute() and removeRoute() keep IPv6 routes": { check: keepsIpv6Routes },
  "addRoute() refuses bad routes": { check: refusesBadRoutes },
  "addRule() and removeRule() keep rules": { check: keepsRules },
  "watch() reports links and addresses": { check: watches },
  "watch() ends when its signal fires": { check: watchesUntilTold },
};

const KINDS: readonly LinkSpec[] = [
  { kind: "batadv", name: "bat-test", algorithm: "BATMAN_IV" },
  { kind: "batadv", name: "bat-test5", algorithm: "BATMAN_V" },
  { kind: "bridge", name: "br-test" },
  { kind: "dummy", name: "dummy-test" },
  { kind: "wireguard", name: "wg-test" },
  { kind: "veth", name: "veth-test", peer: "veth-peer" },
  { kind: "vlan", name: "vlan-test", parent: "va", id: 12 },
  { kind: "vxlan", name: "vxlan-test", parent: "va", id: 12 },
];

/** Registers the suite for one implementation. */
export function linksConformance(
  name: string,
  open: () => Promise<LinksFixture>,
  missing: Missing = {},
): void {
  const test = (title: string, needs: LinkSpec["kind"] | undefined, check: Check) => {
    const reason = needs === undefined ? undefined : missing[needs];
    Deno.test({
      name: `${name}: ${title}${reason === undefined ? "" : ` [skipped: ${reason}]`}`,
      ignore: reason !== undefined,
      async fn() {
        await using fixture = await open();
        await check(fixture);
      },
    });
  };
  for (const spec of KINDS) {
    const title = `create() and delete() of a ${spec.kind} (${spec.name})`;
    test(title, spec.kind, createsAndDeletes(spec));
  }
  for (const [title, { needs, check }] of Object.entries(CHECKS)) test(title, needs, check);
}
