import { assertEquals, assertThrows } from "@std/assert";
import {
  blockCenterMhz,
  channelAttributes,
  channelFrequencyMhz,
  channelNumber,
  channelOf,
} from "./channel.ts";

const CHANNELS = [
  [2412, 1, "2.4GHz"],
  [2472, 13, "2.4GHz"],
  [2484, 14, "2.4GHz"],
  [5180, 36, "5GHz"],
  [5885, 177, "5GHz"],
  [5935, 2, "6GHz"],
  [5955, 1, "6GHz"],
  [7115, 233, "6GHz"],
] as const;

for (const [mhz, number, band] of CHANNELS) {
  Deno.test(`channelNumber() and channelFrequencyMhz() agree on ${mhz} MHz`, () => {
    assertEquals(channelNumber(mhz), number);
    assertEquals(channelFrequencyMhz(number, band), mhz);
  });
}

Deno.test("channelNumber() knows no channel between channels", () => {
  for (const mhz of [0, 2411, 2413, 2412.5, 2483, 5001, 5946, 7116, NaN]) {
    assertEquals(channelNumber(mhz), null, String(mhz));
  }
  for (const number of [0, -1, 1.5, 15]) assertEquals(channelFrequencyMhz(number, "2.4GHz"), null);
});

// IEEE 802.11-2020 annex E: the middles of the aligned blocks.
const BLOCKS = [
  [5180, 40, 5190],
  [5200, 40, 5190],
  [5220, 80, 5210],
  [5320, 160, 5250],
  [5500, 80, 5530],
  [5720, 80, 5690],
  [5745, 80, 5775],
  [5955, 160, 6025],
  [6115, 320, null],
  [7115, 40, null],
  [5700, 160, null],
  [5190, 40, null],
] as const;

for (const [mhz, width, center] of BLOCKS) {
  Deno.test(`blockCenterMhz() puts ${mhz} MHz at ${width} MHz around ${center}`, () => {
    assertEquals(blockCenterMhz(mhz, width), center);
  });
}

Deno.test("channelAttributes() works out the centre where there is one choice, and asks otherwise", () => {
  assertEquals(channelAttributes({ frequencyMhz: 2412, width: "20" }), {
    frequencyMhz: 2412,
    channelWidth: 1,
    centerFrequency1Mhz: 2412,
  });
  assertEquals(
    channelAttributes({ frequencyMhz: 5180, width: "80" }).centerFrequency1Mhz,
    5210,
  );
  assertThrows(() => channelAttributes({ frequencyMhz: 2412, width: "40" }), TypeError, "centre");
  assertThrows(
    () => channelAttributes({ frequencyMhz: 5180, width: "80+80" }),
    TypeError,
    "second centre",
  );
});

Deno.test("channelOf() reads what channelAttributes() wrote, and older messages", () => {
  const attributes = channelAttributes({ frequencyMhz: 5180, width: "80" });
  assertEquals(channelOf(attributes), {
    frequencyMhz: 5180,
    number: 36,
    width: "80",
    center1Mhz: 5210,
  });
  assertEquals(channelOf({ frequencyMhz: 2412, channelType: 1 })?.width, "20");
  assertEquals(channelOf({ frequencyMhz: 2412, channelWidth: 99 })?.width, "unknown-99");
  assertEquals(channelOf({}), null);
});
