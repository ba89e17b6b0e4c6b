// The client against a scripted kernel, with answers of a real one (tests/fixtures/nl80211.json).
import { assertEquals, assertRejects } from "@std/assert";
import fixture from "../../tests/fixtures/nl80211.json" with { type: "json" };
import { decodeGenl, encodeGenl, GenetlinkConn } from "../genetlink/mod.ts";
import {
  decodeAttributes,
  encodeAttributes,
  encodeMessage,
  KernelError,
  type NetlinkMessage,
  NetlinkNotifications,
  NLM_F,
} from "../netlink/mod.ts";
import {
  ack,
  done,
  reply,
  scriptedConn,
  ScriptedKernel,
  type ScriptedStep,
} from "../netlink/testing.ts";
import { Nl80211Client } from "./client.ts";
import { attributeTable, COMMAND } from "./spec.ts";

const FAMILY = {
  id: 40,
  name: "nl80211",
  version: 1,
  groups: new Map([["config", 2], ["scan", 3], ["regulatory", 4], ["mlme", 5]]),
  commands: new Set<number>(),
};
const EINVAL = 22;

type Kind = keyof typeof fixture.messages;

interface Bench {
  readonly client: Nl80211Client;
  readonly kernel: ScriptedKernel;
  readonly listener: ScriptedKernel;
}

function bench(...steps: readonly ScriptedStep[]): Bench {
  const kernel = new ScriptedKernel(steps);
  const listener = new ScriptedKernel();
  const conn = new GenetlinkConn(FAMILY, scriptedConn(kernel), (groups) => {
    const listening = new NetlinkNotifications(listener);
    for (const group of groups) listener.join(group);
    return listening;
  });
  return { client: new Nl80211Client(conn), kernel, listener };
}

function requestOf(message: NetlinkMessage) {
  const { command, payload } = decodeGenl(message);
  return { command, attributes: decodeAttributes(attributeTable, payload, "request") };
}

/** Answers a dump with the fixture's messages, several to a datagram as the kernel does. */
function dumps(kind: Kind, command: number, expected: object): ScriptedStep {
  return {
    expect: (message) => {
      assertEquals(requestOf(message), { command, attributes: expected });
      assertEquals((message.flags & NLM_F.DUMP) === NLM_F.DUMP, true);
    },
    answer: (message) => {
      const messages = fixture.messages[kind].map((hex) => ({
        type: FAMILY.id,
        flags: NLM_F.MULTI,
        payload: encodeGenl(command, 1, Uint8Array.fromHex(hex)),
      }));
      const datagrams = [];
      for (let at = 0; at < messages.length; at += 7) {
        datagrams.push(reply(message, messages.slice(at, at + 7)));
      }
      return [...datagrams, done(message)];
    },
  };
}

function takes(command: number, attributes: object): ScriptedStep {
  return {
    expect: (message) => assertEquals(requestOf(message), { command, attributes }),
    answer: (message) => [ack(message)],
  };
}

Deno.test("Nl80211Client.wiphys() merges one radio out of many messages", async () => {
  const { client, kernel } = bench(dumps("wiphy", COMMAND.getWiphy, { splitWiphyDump: true }));
  using _ = client;
  const [radio, ...others] = await client.wiphys();
  assertEquals(others, []);
  assertEquals([radio?.index, radio?.name, radio?.maxScanSsids], [0, "phy0", 4]);
  assertEquals(radio?.bands.map((band) => [band.band, band.channels.length]), [
    ["2.4GHz", 14],
    ["5GHz", 40],
    ["6GHz", 59],
    ["S1G", 51],
  ]);
  assertEquals(radio?.bands.map((band) => Math.max(0, ...band.widthsMhz)), [40, 160, 320, 0]);
  assertEquals(radio?.features.sae, true);
  assertEquals(kernel.remaining, 0);
});

Deno.test("Nl80211Client.stations(), interfaces(), meshConfig(), regDomains(), scanResults() read", async () => {
  const { client } = bench(
    dumps("station", COMMAND.getStation, { ifindex: 2 }),
    dumps("interface", COMMAND.getInterface, {}),
    dumps("reg", COMMAND.getReg, {}),
    dumps("scan", COMMAND.getScan, { ifindex: 5 }),
  );
  using _ = client;
  const [station] = await client.stations(2);
  assertEquals(
    [station?.mac, station?.plinkState, station?.signalDbm, station?.txRate?.mcs],
    ["02:00:00:00:01:00", "established", -30, 15],
  );
  assertEquals((await client.interfaces()).map((item) => [item.name, item.mode, item.ssid]), [
    ["wlan3", "station", null],
    ["wlan2", "ap", "ap é"],
    ["wlan1", "mesh", null],
    ["wlan0", "mesh", null],
  ]);
  assertEquals((await client.regDomains()).map((domain) => domain.alpha2), ["00"]);
  const [bss] = await client.scanResults(5);
  assertEquals([bss?.ssid, bss?.security, bss?.signalMbm], ["ap é", "wpa3", -3000]);
});

Deno.test("Nl80211Client.joinMesh() asks for what was given and nothing else", async () => {
  const { client } = bench(takes(COMMAND.joinMesh, {
    ifindex: 3,
    meshId: new TextEncoder().encode("mesh"),
    frequencyMhz: 2412,
    channelWidth: 1,
    centerFrequency1Mhz: 2412,
    beaconIntervalTu: 100,
    multicastRate100Kbps: 120,
    meshConfig: { forwarding: 0 },
  }));
  using _ = client;
  await client.joinMesh(3, {
    meshId: "mesh",
    channel: { frequencyMhz: 2412, width: "20" },
    beaconIntervalTu: 100,
    multicastRateKbps: 12_000,
    config: { forwarding: 0 },
  });
});

Deno.test("Nl80211Client's changes are the requests the kernel knows", async () => {
  const channel = { frequencyMhz: 5180, width: "80" } as const;
  const placed = { frequencyMhz: 5180, channelWidth: 3, centerFrequency1Mhz: 5210 };
  const { client, kernel } = bench(
    takes(COMMAND.setWiphy, { ifindex: 3, ...placed }),
    takes(COMMAND.setWiphy, { wiphy: 1, txPowerSetting: 2, txPowerMbm: 1000 }),
    takes(COMMAND.setWiphy, { wiphy: 1, txPowerSetting: 0 }),
    takes(COMMAND.newInterface, { wiphy: 1, ifname: "mesh0", iftype: 7 }),
    takes(COMMAND.delInterface, { ifindex: 3 }),
    takes(COMMAND.setInterface, { ifindex: 3, iftype: 1 }),
    takes(COMMAND.setWiphyNetns, { wiphy: 1, netnsFd: 9 }),
    takes(COMMAND.channelSwitch, { ifindex: 3, channelSwitchCount: 5, ...placed }),
    takes(COMMAND.joinIbss, {
      ifindex: 3,
      ssid: new TextEncoder().encode("x"),
      ...placed,
      frequencyFixed: true,
      basicRates: Uint8Array.of(12, 24),
    }),
    takes(COMMAND.delStation, { ifindex: 3, mac: "02:00:00:00:00:01" }),
    takes(COMMAND.triggerScan, {
      ifindex: 3,
      scanSsids: [new Uint8Array(0)],
      scanFrequencies: [2412],
      scanFlags: 2,
    }),
    takes(COMMAND.reqSetReg, { alpha2: "DE" }),
  );
  using _ = client;
  await client.setChannel({ ifindex: 3 }, channel);
  await client.setTxPower({ wiphy: 1 }, { setting: "fixed", mbm: 1000 });
  await client.setTxPower({ wiphy: 1 }, { setting: "auto" });
  await client.createInterface(1, "mesh0", "mesh");
  await client.deleteInterface(3);
  await client.setMode(3, "ibss");
  await client.moveWiphy(1, 9);
  await client.switchChannel(3, channel, { count: 5 });
  await client.joinIbss(3, {
    ssid: "x",
    channel,
    fixedFrequency: true,
    basicRatesKbps: [6000, 12_000],
  });
  await client.removeStation(3, "02:00:00:00:00:01");
  await client.triggerScan(3, { frequenciesMhz: [2412], flush: true });
  await client.requestRegDomain("DE");
  assertEquals(kernel.remaining, 0);
  await assertRejects(() => client.requestRegDomain("de"), TypeError, "two capital letters");
});

Deno.test("Nl80211Client passes the kernel's refusal on", async () => {
  const { client } = bench({ answer: (message) => [ack(message, EINVAL)] });
  using _ = client;
  const error = await assertRejects(() => client.leaveMesh(3), KernelError, "leave mesh");
  assertEquals(error.errno, EINVAL);
});

Deno.test("Nl80211Client.listen() yields typed events and says when some were lost", async () => {
  const { client, listener } = bench();
  using _ = client;
  const event = (command: number, values: Parameters<typeof encodeAttributes>[1]) =>
    encodeMessage({
      type: FAMILY.id,
      flags: 0,
      seq: 0,
      payload: encodeGenl(command, 1, encodeAttributes(attributeTable, values)),
    });
  const mac = "02:00:00:00:00:01";
  listener.push(
    event(COMMAND.newWiphy, { wiphy: 4, wiphyName: "phy4" }),
    event(COMMAND.delStation, { ifindex: 3, mac }),
    event(COMMAND.regChange, { regInitiator: 1, regType: 0, alpha2: "DE" }),
    event(COMMAND.scanAborted, { wiphy: 4, ifindex: 3 }),
    event(COMMAND.radarDetect, { wiphy: 4, radarEvent: 0, frequencyMhz: 5260, channelWidth: 1 }),
    event(200, { wiphy: 4 }),
    { errno: 105 },
    event(COMMAND.delWiphy, { wiphy: 4 }),
  );
  using listening = client.listen();
  assertEquals(listener.groups, [2, 3, 4, 5]);
  const seen: string[] = [];
  for await (const item of listening.events()) {
    seen.push("type" in item ? item.type : "lost");
    if (seen.at(-1) === "wiphy-removed") break;
  }
  assertEquals(seen, [
    "wiphy",
    "station-removed",
    "regulatory",
    "scan-aborted",
    "radar",
    "lost",
    "wiphy-removed",
  ]);
});
