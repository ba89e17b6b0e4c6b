// Messages of a real kernel (tests/fixtures/rtnetlink.json) in the words of the port.
import { assert, assertEquals } from "@std/assert";
import {
  decodeAddress,
  decodeLink,
  decodeNeighbour,
  decodeRoute,
  decodeRule,
} from "../../ffi/rtnetlink/mod.ts";
import fixture from "../../tests/fixtures/rtnetlink.json" with { type: "json" };
import { viewAddress, viewLink, viewNeighbour, viewRoute, viewRule } from "./link_view.ts";

const decoded = <T>(messages: readonly string[], decode: (bytes: Uint8Array) => T | null): T[] =>
  messages.map((hex) => decode(Uint8Array.fromHex(hex))).filter((value) => value !== null);

const messages = decoded(fixture.links, decodeLink);
const names = new Map(messages.map((link) => [link.index, link.name]));
const links = new Map(messages.map((link) => [link.name, viewLink(link, names)]));

Deno.test("viewLink() names kind, master and parent", () => {
  assertEquals([...links.values()].map(({ name, kind }) => [name, kind]), [
    ["lo", "device"],
    ["v0", "veth"],
    ["br0", "bridge"],
    ["vx6", "vxlan"],
    ["mv0", "macvlan"],
  ]);
  const { parent, id } = links.get("vx6") ?? {};
  assertEquals([parent, id], ["v0", 77]);
  assertEquals([links.get("mv0")?.parent, links.get("mv0")?.master], ["v0", "br0"]);
  assertEquals(links.get("lo")?.loopback, true);
});

Deno.test("viewLink() does not take an index of another namespace for a link of this one", () => {
  const veth = messages.find((link) => link.name === "v0");
  assert(veth?.linkNetnsId === 0);
  assertEquals(viewLink(veth, names).parent, null);
});

Deno.test("viewLink() gives a link that is down no carrier", () => {
  const bridge = messages.find((link) => link.name === "br0");
  assert(bridge !== undefined);
  assertEquals(viewLink({ ...bridge, flags: 0, carrier: true }, names).carrier, false);
});

Deno.test("viewRoute() makes one row a path", () => {
  const routes = decoded(fixture.routes, decodeRoute).flatMap((route) => viewRoute(route, names));
  const paths = routes.filter((route) => route.destination === "10.10.0.0/16");
  assertEquals(paths.map(({ gateway, link }) => [gateway, link]), [
    ["10.1.0.2", "v0"],
    ["10.1.0.3", "v0"],
  ]);
  const blackhole = routes.find((route) => route.destination === "10.12.0.0/16");
  assertEquals([blackhole?.type, blackhole?.link, blackhole?.gateway], ["blackhole", null, null]);
  const overSix = routes.find((route) => route.destination === "10.11.0.0/16");
  assertEquals(overSix?.gateway, "fd00::2");
});

Deno.test("viewAddress() and viewNeighbour() leave out what is on a link that is gone", () => {
  const addresses = decoded(fixture.addresses, decodeAddress);
  assertEquals(
    addresses.map((address) => viewAddress(address, names)?.scope),
    addresses.map(({ scope }) => scope === 254 ? "host" : scope === 253 ? "link" : "global"),
  );
  for (const address of addresses) assertEquals(viewAddress(address, new Map()), null);
  const neighbours = decoded(fixture.neighbours, decodeNeighbour);
  assert(neighbours.some((item) => viewNeighbour(item, names)?.state === "permanent"));
  for (const item of neighbours) assertEquals(viewNeighbour(item, new Map()), null);
});

Deno.test("viewRule() keeps what a rule selects by", () => {
  const rules = decoded(fixture.rules, decodeRule).map(viewRule);
  assertEquals(rules.find((rule) => rule.priority === 100), {
    family: "ipv4",
    priority: 100,
    source: "10.1.0.0/24",
    destination: null,
    inputLink: null,
    mark: 5,
    table: 1_000,
  });
});
