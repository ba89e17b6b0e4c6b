// What every Links port must do, real or simulated: one suite. The real one runs it in a network
// namespace of its own (tests/host/links_test.ts), the simulated one in tests/conformance/sim_test.ts.
import { assert, assertEquals } from "@std/assert";
import type { KernelEvent, Link, LinkSpec } from "../../core/ports/mod.ts";
import {
  type Check,
  eventually,
  type LinksFixture,
  names,
  rejectsWith,
  wire,
} from "./links_fixture.ts";
import { TABLE_CHECKS } from "./links_tables.ts";

export type { LinksFixture } from "./links_fixture.ts";

/** What a kernel lacks: kind → why. Its tests are reported as ignored, with the reason in their name. */
export type Missing = Readonly<Partial<Record<LinkSpec["kind"], string>>>;

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
  for (const [title, check] of Object.entries(TABLE_CHECKS)) test(title, undefined, check);
}
