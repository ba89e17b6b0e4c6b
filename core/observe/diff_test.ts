import { assert, assertEquals } from "@std/assert";
import type { NodeSnapshot } from "../node/mod.ts";
import { diff, summarise } from "./diff.ts";
import {
  COUNTERS,
  LINK,
  MESH,
  mesh,
  N1,
  neighbour,
  originator,
  RADIO,
  snapshot,
  station,
} from "./testing.ts";

const gateway = (best: boolean, originator = N1) => ({
  originator,
  router: N1,
  hardInterface: "wlan0",
  best,
  downKbps: 1,
  upKbps: 1,
  tq: 255,
  throughputKbps: null,
});

const ROWS: readonly {
  readonly name: string;
  readonly before: Partial<NodeSnapshot>;
  readonly after: Partial<NodeSnapshot>;
  /** "severity type subject" of each event. */
  readonly events: readonly string[];
}[] = [
  { name: "nothing", before: {}, after: {}, events: [] },
  {
    name: "link appears",
    before: { links: [] },
    after: {},
    events: ["info link.added wlan0"],
  },
  {
    name: "device goes",
    before: {},
    after: { links: [] },
    events: ["warning link.removed wlan0"],
  },
  {
    name: "carrier lost",
    before: {},
    after: { links: [{ ...LINK, carrier: false }] },
    events: ["warning link.carrier-lost wlan0"],
  },
  {
    name: "carrier back",
    before: { links: [{ ...LINK, carrier: false }] },
    after: {},
    events: ["info link.carrier wlan0"],
  },
  {
    name: "switched off, which takes the carrier along",
    before: {},
    after: { links: [{ ...LINK, up: false, carrier: false }] },
    events: ["notice link.down wlan0"],
  },
  {
    name: "master and MAC",
    before: {},
    after: { links: [{ ...LINK, master: "bat0", mac: N1 }] },
    events: ["info link.master-changed wlan0", "notice link.mac-changed wlan0"],
  },
  {
    name: "counters alone",
    before: {},
    after: { links: [{ ...LINK, counters: { ...COUNTERS, rxBytes: 9 } }] },
    events: [],
  },
  {
    name: "address and duplicate",
    before: {
      addresses: [{
        link: "wlan0",
        address: "10.0.0.1",
        prefixLength: 24,
        scope: "global",
        tentative: false,
        duplicate: false,
      }],
    },
    after: {
      addresses: [
        {
          link: "wlan0",
          address: "10.0.0.1",
          prefixLength: 24,
          scope: "global",
          tentative: false,
          duplicate: true,
        },
        {
          link: "wlan0",
          address: "fd00::1",
          prefixLength: 64,
          scope: "global",
          tentative: false,
          duplicate: false,
        },
      ],
    },
    events: ["info address.added wlan0", "error address.duplicate wlan0"],
  },
  {
    name: "mesh goes",
    before: {},
    after: { mesh: null, problems: [{ part: "mesh", code: "x", message: "gone" }] },
    events: ["error mesh.down bat0"],
  },
  { name: "mesh comes", before: { mesh: null }, after: {}, events: ["notice mesh.up bat0"] },
  {
    name: "settings changed by somebody",
    before: {},
    after: mesh({
      info: { ...MESH.info, settings: { ...MESH.info.settings, gatewayMode: "server" } },
    }),
    events: ["notice mesh.settings-changed bat0"],
  },
  {
    name: "hard interface inactive",
    before: {},
    after: mesh({
      hardInterfaces: MESH.hardInterfaces.map((entry) => ({ ...entry, active: false })),
    }),
    events: ["warning mesh.interface-inactive wlan0"],
  },
  {
    name: "hard interface taken out",
    before: {},
    after: mesh({ hardInterfaces: [] }),
    events: ["warning mesh.interface-removed wlan0"],
  },
  {
    name: "neighbour appears",
    before: {},
    after: mesh({ neighbours: [neighbour()] }),
    events: [`info neighbour.appeared wlan0/${N1}`],
  },
  {
    name: "neighbour silent for less than the limit",
    before: mesh({ neighbours: [neighbour()] }),
    after: mesh({ neighbours: [neighbour(5_000)] }),
    events: [],
  },
  {
    name: "neighbour silent, though the kernel still lists it",
    before: mesh({ neighbours: [neighbour(4_990)] }),
    after: mesh({ neighbours: [neighbour(5_990)] }),
    events: [`warning neighbour.lost wlan0/${N1}`],
  },
  {
    name: "originator appears and goes",
    before: mesh({ originators: [originator({ originator: "02:00:00:00:00:09" })] }),
    after: mesh({ originators: [originator()] }),
    events: [`info originator.appeared ${N1}`, "notice originator.lost 02:00:00:00:00:09"],
  },
  {
    name: "another route to the same originator",
    before: mesh({ originators: [originator()] }),
    after: mesh({ originators: [originator({ nextHop: "02:00:00:00:00:09", tq: 9 })] }),
    events: [],
  },
  {
    name: "gateway chosen",
    before: mesh({ gateways: [gateway(false)] }),
    after: mesh({ gateways: [gateway(true)] }),
    events: [`notice gateway.changed ${N1}`],
  },
  {
    name: "last gateway gone",
    before: mesh({ gateways: [gateway(true)] }),
    after: {},
    events: [`warning gateway.changed ${N1}`],
  },
  {
    name: "radio unplugged",
    before: { radios: [RADIO] },
    after: {},
    events: ["error radio.unplugged phy0"],
  },
  {
    name: "radio plugged",
    before: {},
    after: { radios: [RADIO] },
    events: ["notice radio.plugged phy0"],
  },
  {
    name: "country",
    before: { regulatoryDomain: { country: "00", rules: [] } },
    after: { regulatoryDomain: { country: "DE", rules: [] } },
    events: ["notice radio.country-changed DE"],
  },
  {
    name: "station joins",
    before: {},
    after: { stations: [station()] },
    events: [`info station.joined wlan0/${N1}`],
  },
  {
    name: "station leaves",
    before: { stations: [station()] },
    after: {},
    events: [`info station.left wlan0/${N1}`],
  },
  {
    name: "service fails",
    before: {
      services: [{ name: "a", kind: "hostapd", state: "running", detail: "", restarts: 0 }],
    },
    after: {
      services: [{ name: "a", kind: "hostapd", state: "failed", detail: "x", restarts: 0 }],
    },
    events: ["error service.failed a"],
  },
  {
    name: "part cannot be read",
    before: {},
    after: { problems: [{ part: "links", code: "not-permitted", message: "no" }] },
    events: ["warning observe.failed links"],
  },
];

Deno.test("`diff()` tells what happened, and nothing else", async (t) => {
  for (const { name, before, after, events } of ROWS) {
    await t.step(name, () => {
      const found = diff(snapshot(before), snapshot({ ...after, revision: 2 }));
      assertEquals(
        found.map(({ severity, type, subject }) => `${severity} ${type} ${subject}`),
        [...events],
      );
      for (const { message } of found) {
        assert(message.length > 10 && !message.includes("undefined"));
      }
    });
  }
});

Deno.test("`diff()` says nothing of what the first snapshot finds", () => {
  assertEquals(diff(snapshot({ revision: 0, links: [], mesh: null }), snapshot()), []);
});

Deno.test("`summarise()` tells many events of a type as one", () => {
  const many = Array.from({ length: 300 }, (_, n) => ({
    severity: "info" as const,
    type: "originator.appeared",
    subject: `${n}`,
    message: `Node ${n}`,
  }));
  const [one, ...rest] = summarise(many);
  assertEquals(rest, []);
  assertEquals(one?.message, "Node 0, and 299 more like it");
  assertEquals(one?.data?.["count"], 300);
  assertEquals(summarise(many.slice(0, 12)).length, 12);
});
