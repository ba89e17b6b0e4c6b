// Every decoder of ffi/nl80211 against real answers of a 6.12 kernel, cut and mutated.
import { assert, assertEquals } from "@std/assert";
import { decodeAttributes, encodeAttributes } from "../../ffi/netlink/mod.ts";
import { decodeEvent } from "../../ffi/nl80211/codec_event.ts";
import { decodeInterface } from "../../ffi/nl80211/codec_interface.ts";
import { decodeMeshConfig } from "../../ffi/nl80211/codec_mesh.ts";
import { decodeRegDomain } from "../../ffi/nl80211/codec_regulatory.ts";
import { decodeBss } from "../../ffi/nl80211/codec_scan.ts";
import { decodeStation } from "../../ffi/nl80211/codec_station.ts";
import { decodeSurvey } from "../../ffi/nl80211/codec_survey.ts";
import { decodeWiphyPart, mergeWiphys, type Wiphy } from "../../ffi/nl80211/codec_wiphy.ts";
import { splitElements, summarizeElements } from "../../ffi/nl80211/elements.ts";
import { attributeTable, COMMAND } from "../../ffi/nl80211/spec.ts";
import { meshAnswerTable } from "../../ffi/nl80211/spec_mesh.ts";
import { ssidBytes, ssidText } from "../../ffi/nl80211/values.ts";
import fixture from "../fixtures/nl80211.json" with { type: "json" };
import { testDecoder } from "./decoder.ts";

type Kind = keyof typeof fixture.messages;

function samples(kind: Kind): Uint8Array[] {
  const messages = fixture.messages[kind].map((hex) => Uint8Array.fromHex(hex));
  assert(messages.length > 0, `fixture has no ${kind}`);
  return messages;
}

/** A finite number, or absent. */
function finite(...values: readonly (number | null | undefined)[]): void {
  for (const value of values) {
    assert(value === undefined || value === null || Number.isFinite(value));
  }
}

const wiphyParts = samples("wiphy");
// Identity, first band, a channel, combinations: one of each size, since the rest repeats them.
const wiphySamples = [...new Map(wiphyParts.map((part) => [part.length, part])).values()];

testDecoder<ReturnType<typeof decodeWiphyPart>>("decodeWiphyPart()", {
  decode: decodeWiphyPart,
  samples: wiphySamples,
  encode: (value) => encodeAttributes(attributeTable, value),
});

testDecoder<Wiphy[]>("mergeWiphys()", {
  decode: (bytes) => mergeWiphys([decodeWiphyPart(bytes)]),
  samples: wiphySamples,
  check: (radios) => {
    for (const radio of radios) {
      finite(radio.index, radio.maxScanSsids, radio.maxApStations);
      for (const band of radio.bands) {
        finite(...band.widthsMhz, ...band.bitratesKbps, band.ht?.streams, band.vht?.streams);
        assert((band.ht?.streams ?? 0) <= 4 && (band.vht?.streams ?? 0) <= 8);
        for (const channel of band.channels) finite(channel.frequencyMhz, channel.maxPowerMbm);
      }
    }
  },
});

testDecoder("decodeInterface()", {
  decode: decodeInterface,
  samples: samples("interface"),
  check: (value) => {
    finite(value.wiphy, value.ifindex, value.txPowerMbm, value.channel?.frequencyMhz);
    if (value.ssid !== null) assert(value.ssid.length > 0);
  },
});

testDecoder("decodeStation()", {
  decode: decodeStation,
  samples: samples("station"),
  check: (value) => {
    assert(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(value.mac));
    finite(value.rxBytes, value.txBytes, value.signalDbm, value.txRate?.kbps, value.rxRate?.kbps);
    assert(Number.isSafeInteger(value.rxBytes ?? 0));
  },
});

testDecoder("decodeSurvey()", {
  decode: decodeSurvey,
  samples: [
    encodeAttributes(attributeTable, {
      ifindex: 3,
      survey: { frequencyMhz: 2412, noiseDbm: -92, inUse: true, activeMs: 125n, busyMs: 2n ** 60n },
    }),
  ],
  check: (value) => finite(value?.frequencyMhz, value?.activeMs, value?.busyMs, value?.noiseDbm),
});

testDecoder("decodeMeshConfig()", {
  decode: decodeMeshConfig,
  samples: samples("mesh"),
  encode: ({ holdingTimeoutMs: holding, ...config }) =>
    encodeAttributes(meshAnswerTable, {
      meshConfig: holding === undefined
        ? config
        : { ...config, holdingTimeoutMs: Uint8Array.of(holding & 0xff, holding >> 8) },
    }),
  check: (value) => finite(...Object.values(value)),
});

testDecoder("decodeRegDomain()", {
  decode: decodeRegDomain,
  samples: samples("reg"),
  check: (value) => {
    for (const rule of value.rules) finite(rule.startKhz, rule.endKhz, rule.maxEirpMbm);
  },
});

testDecoder("decodeBss()", {
  decode: decodeBss,
  samples: samples("scan"),
  check: (value) => finite(value.signalMbm, value.frequencyMhz, value.network.utilization),
});

const scanElements = samples("scan").map((sample) =>
  decodeAttributes(attributeTable, sample, "t").bss?.elements ?? new Uint8Array(0)
);

testDecoder("summarizeElements()", {
  decode: summarizeElements,
  samples: scanElements,
  check: (value) => {
    assert((value.ssid?.length ?? 0) <= 32);
    if (value.ssid !== null) assertEquals(ssidBytes(ssidText(value.ssid)), value.ssid);
    finite(value.utilization, value.stationCount, value.channel);
  },
});

testDecoder("splitElements()", { decode: splitElements, samples: scanElements });

testDecoder("decodeEvent()", {
  decode: (bytes) => Object.values(COMMAND).map((command) => decodeEvent(command, bytes)),
  samples: [...samples("interface"), ...samples("station")].map((sample) =>
    // One message that has what every kind of event needs.
    new Uint8Array([...encodeAttributes(attributeTable, { wiphy: 1, iftype: 7 }), ...sample])
  ).filter((sample) => decodeAttributes(attributeTable, sample, "t").mac !== undefined),
});
