// Checks of the Links port: addresses, routes and rules.
import { assertEquals } from "@std/assert";
import type { RouteSpec, RoutingRule } from "../../core/ports/mod.ts";
import { type Check, rejectsWith, wire } from "./links_fixture.ts";

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

/** Title → check. */
export const TABLE_CHECKS: Readonly<Record<string, Check>> = {
  "addAddress() and removeAddress() keep addresses": keepsAddresses,
  "an address brings the route to its prefix": addressBringsRoute,
  "addRoute() and removeRoute() keep IPv4 routes": keepsRoutes,
  "addRoute() and removeRoute() keep IPv6 routes": keepsIpv6Routes,
  "addRoute() refuses bad routes": refusesBadRoutes,
  "addRule() and removeRule() keep rules": keepsRules,
};
