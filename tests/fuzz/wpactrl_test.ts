// The text of the control sockets, cut and mutated: an answer or a ControlError, never anything else.
import { assert } from "@std/assert";
import {
  ControlError,
  parseEvent,
  parseStation,
  parseStatus,
  unescapeSsid,
} from "../../ffi/wpactrl/mod.ts";
import { testDecoder } from "./decoder.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (octets: Uint8Array) => new TextDecoder().decode(octets);
const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;

testDecoder("parseEvent()", {
  decode: (octets) => parseEvent(text(octets)),
  samples: [
    "<3>AP-STA-CONNECTED 02:00:00:00:03:00",
    "<3>MESH-PEER-DISCONNECTED 02:00:00:00:01:00",
    "<3>MESH-SAE-AUTH-FAILURE addr=02:00:00:00:01:00",
    "<3>DFS-RADAR-DETECTED freq=5260 ht_enabled=1 chan_offset=0",
    '<3>CTRL-EVENT-SSID-TEMP-DISABLED id=0 ssid="a" auth_failures=1 reason=CONN_FAILED',
    "<2>CTRL-EVENT-TERMINATING ",
  ].map(bytes),
  check: (event) => {
    if (event !== null && "mac" in event && event.mac !== null) assert(MAC.test(event.mac));
    if (event !== null && "frequencyMhz" in event && event.frequencyMhz !== null) {
      assert(Number.isInteger(event.frequencyMhz));
    }
  },
});

testDecoder("parseStation()", {
  decode: (octets) => parseStation(text(octets)),
  samples: [
    "02:00:00:00:03:00\nflags=[AUTH][ASSOC][AUTHORIZED]\naid=1\nconnected_time=7\nsignal=-30\n" +
    "inactive_msec=12\nAKMSuiteSelector=00-0f-ac-8\nrx_packets=12\n",
  ].map(bytes),
  allowed: [ControlError],
  check: (station) => {
    if (station === null) return;
    assert(MAC.test(station.mac));
    for (const value of [station.signalDbm, station.connectedS, station.inactiveMs]) {
      assert(value === null || Number.isSafeInteger(value));
    }
  },
});

testDecoder("parseStatus()", {
  decode: (octets) => parseStatus(text(octets)),
  samples: [
    "state=ENABLED\nphy=phy0\nfreq=2437\nnum_sta[0]=1\nssid[0]=ap\nbssid[0]=02:00:00:00:02:00\n",
    "bssid=02:00:00:00:00:00\nfreq=2412\nssid=m\\xc3\\xa9sh\nmode=mesh\nkey_mgmt=SAE\n" +
    "wpa_state=COMPLETED\naddress=02:00:00:00:00:00\n",
  ].map(bytes),
  check: (status) => {
    for (const value of [status.frequencyMhz, status.stations]) {
      assert(value === null || Number.isSafeInteger(value));
    }
  },
});

testDecoder("unescapeSsid()", {
  decode: (octets) => unescapeSsid(text(octets)),
  samples: ["plain", "m\\xc3\\xa9sh", 'a\\"b\\\\c\\n\\e', "é\\"].map(bytes),
  check: (octets) => assert(octets instanceof Uint8Array),
});
