import { assertEquals, assertThrows } from "@std/assert";
import {
  isEvent,
  parseEvent,
  parseFields,
  parseStation,
  parseStatus,
  unescapeSsid,
} from "./codec.ts";
import { ControlError } from "./errors.ts";

Deno.test("parseFields() keeps the first of a repeated key and skips other lines", () => {
  const fields = parseFields("a=1\nno field\n=x\nb=2=3\na=4\n");
  assertEquals([...fields], [["a", "1"], ["b", "2=3"]]);
});

Deno.test("parseStatus() reads hostapd's and wpa_supplicant's answers", () => {
  const hostapd = parseStatus(
    "state=ENABLED\nfreq=2437\nssid[0]=ap\nbssid[0]=02:00\nnum_sta[0]=2\n",
  );
  assertEquals(
    [hostapd.state, hostapd.frequencyMhz, hostapd.ssid, hostapd.stations, hostapd.mode],
    ["ENABLED", 2437, "ap", 2, null],
  );
  const mesh = parseStatus("freq=2412\nssid=mesh\nmode=mesh\nkey_mgmt=SAE\nwpa_state=COMPLETED\n");
  assertEquals(
    [mesh.state, mesh.mode, mesh.keyManagement, mesh.stations],
    ["COMPLETED", "mesh", "SAE", null],
  );
  assertEquals(parseStatus("").state, "");
});

Deno.test("parseStation() reads one station and the end of the list", () => {
  const station = parseStation(
    "02:00:00:00:03:00\nflags=[AUTH][ASSOC][AUTHORIZED][MFP]\nconnected_time=7\ninactive_msec=12\n" +
      "signal=-30\nAKMSuiteSelector=00-0f-ac-8\n",
  );
  assertEquals(station?.mac, "02:00:00:00:03:00");
  assertEquals(station?.flags, ["AUTH", "ASSOC", "AUTHORIZED", "MFP"]);
  assertEquals([station?.connectedS, station?.inactiveMs, station?.signalDbm], [7, 12, -30]);
  assertEquals(station?.akm, "00-0f-ac-8");
  assertEquals(parseStation(""), null);
  assertEquals(parseStation("FAIL\n"), null);
  assertThrows(() => parseStation("flags=[AUTH]\n"), ControlError, "address");
});

const EVENTS = [
  {
    text: "<3>AP-STA-CONNECTED 02:00:00:00:03:00",
    event: { type: "station-connected", mac: "02:00:00:00:03:00" },
  },
  {
    text: "<3>AP-STA-DISCONNECTED 02:00:00:00:03:00",
    event: { type: "station-disconnected", mac: "02:00:00:00:03:00" },
  },
  {
    text: "<3>MESH-PEER-CONNECTED 02:00:00:00:01:00",
    event: { type: "mesh-peer-connected", mac: "02:00:00:00:01:00" },
  },
  { text: '<3>MESH-GROUP-STARTED ssid="x" id=0', event: { type: "mesh-started" } },
  {
    text: "<3>MESH-SAE-AUTH-FAILURE addr=02:00:00:00:01:00",
    event: { type: "authentication-failed", mac: "02:00:00:00:01:00" },
  },
  {
    text: '<3>CTRL-EVENT-SSID-TEMP-DISABLED id=0 ssid="x" auth_failures=1',
    event: { type: "authentication-failed", mac: null },
  },
  {
    text: "<3>CTRL-EVENT-CONNECTED - Connection to 02:00:00:00:02:00 completed [id=0 id_str=]",
    event: { type: "connected" },
  },
  {
    text: "<3>DFS-RADAR-DETECTED freq=5260 ht_enabled=1",
    event: { type: "radar-detected", frequencyMhz: 5260 },
  },
  { text: "<3>AP-STA-CONNECTED nonsense", event: { type: "other", name: "AP-STA-CONNECTED" } },
  { text: "<2>WPS-AP-AVAILABLE ", event: { type: "other", name: "WPS-AP-AVAILABLE" } },
  { text: "<3>lower case", event: { type: "other", name: "" } },
] as const;

for (const { text, event } of EVENTS) {
  Deno.test(`parseEvent() reads ${JSON.stringify(text)}`, () => {
    assertEquals(isEvent(text), true);
    assertEquals(parseEvent(text), event);
  });
}

Deno.test("parseEvent() takes no answer for an event", () => {
  for (const text of ["OK\n", "PONG\n", "<x>OK", "", "FAIL\n"]) {
    assertEquals(parseEvent(text), null);
    assertEquals(isEvent(text), false);
  }
});

Deno.test("unescapeSsid() restores the octets of a printed name", () => {
  const text = new TextDecoder();
  assertEquals(text.decode(unescapeSsid("ap \\xc3\\xa9")), "ap é");
  assertEquals(text.decode(unescapeSsid('a\\"b\\\\c')), 'a"b\\c');
  assertEquals([...unescapeSsid("\\n\\r\\t\\e\\x00")], [10, 13, 9, 27, 0]);
  assertEquals(text.decode(unescapeSsid("\\q")), "\\q");
});
