import { assertEquals } from "@std/assert";
import { splitElements, summarizeElements } from "./elements.ts";

const element = (id: number, ...body: number[]) => [id, body.length, ...body];
const octets = (...parts: number[][]) => Uint8Array.from(parts.flat());
const ascii = (text: string) => [...new TextEncoder().encode(text)];

const CCMP = [0x00, 0x0f, 0xac, 4];
const SAE = [0x00, 0x0f, 0xac, 8];
const PSK = [0x00, 0x0f, 0xac, 2];
const MFP_REQUIRED = [0xcc, 0x00];

Deno.test("summarizeElements() reads an access point with SAE at 80 MHz", () => {
  const summary = summarizeElements(octets(
    element(0, ...ascii("home")),
    element(3, 36),
    element(7, ...ascii("DE "), 36, 4, 20),
    element(11, 3, 0, 51, 0, 0),
    element(45, ...Array(26).fill(0)),
    element(48, 1, 0, ...CCMP, 1, 0, ...CCMP, 1, 0, ...SAE, ...MFP_REQUIRED),
    element(61, 36, 5, ...Array(20).fill(0)),
    element(191, ...Array(12).fill(0)),
    element(192, 1, 42, 0, 0, 0),
    element(255, 35, ...Array(20).fill(0)),
  ));
  assertEquals(new TextDecoder().decode(summary.ssid ?? undefined), "home");
  assertEquals(summary.rsn, {
    group: "ccmp-128",
    pairwise: ["ccmp-128"],
    akms: ["sae"],
    mfp: "required",
  });
  assertEquals(
    [summary.channel, summary.widthMhz, summary.country, summary.stationCount, summary.utilization],
    [36, 80, "DE", 3, 0.2],
  );
  assertEquals(summary.standards, ["n", "ac", "ax"]);
  assertEquals(summary.malformed, false);
});

Deno.test("summarizeElements() reads a mesh point with SAE", () => {
  const summary = summarizeElements(octets(
    element(0),
    element(113, 1, 1, 0, 1, 1, 4, 9),
    element(114, ...ascii("mesh")),
  ));
  assertEquals(summary.mesh, { authentication: 1, peerings: 2, acceptsPeers: true });
  assertEquals(new TextDecoder().decode(summary.meshId ?? undefined), "mesh");
  assertEquals(summary.ssid?.length, 0);
});

const BAD = [
  { name: "an element longer than the rest", bytes: octets([0, 9, 1, 2]) },
  { name: "an element without a length", bytes: octets(element(3, 1), [48]) },
  { name: "an RSN element that is cut", bytes: octets(element(48, 1, 0, 0, 0x0f)) },
  {
    name: "an RSN element with more suites than it holds",
    bytes: octets(element(48, 1, 0, ...CCMP, 255, 255, ...CCMP)),
  },
  { name: "an SSID of 33 octets", bytes: octets(element(0, ...Array(33).fill(0x61))) },
  { name: "a mesh configuration that is cut", bytes: octets(element(113, 1, 1)) },
] as const;

for (const { name, bytes } of BAD) {
  Deno.test(`summarizeElements() calls ${name} malformed`, () => {
    assertEquals(summarizeElements(bytes).malformed, true);
  });
}

Deno.test("summarizeElements() reads what comes before a cut", () => {
  const summary = summarizeElements(octets(
    element(0, ...ascii("ap")),
    element(48, 1, 0, ...CCMP, 1, 0, ...CCMP, 1, 0, ...PSK),
    [221, 200, 0],
  ));
  assertEquals(summary.rsn?.akms, ["psk"]);
  assertEquals([summary.rsn?.mfp, summary.malformed], ["none", true]);
});

Deno.test("splitElements() gives up on endless elements", () => {
  const { elements, malformed } = splitElements(new Uint8Array(4_096));
  assertEquals([elements.length, malformed], [512, true]);
});
