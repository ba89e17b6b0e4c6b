// Valid documents at random, for properties.
import fc from "fast-check";
import { findContradictions } from "./checks.ts";
import { type Config, configSchema } from "./schema.ts";

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Text without control characters, quotes and backslashes included. */
const text = (max: number) =>
  fc.string({ unit: "grapheme", maxLength: max }).filter((value) =>
    // deno-lint-ignore no-control-regex
    value.length <= max && !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(value)
  );

const ssid = fc.oneof(
  fc.constantFrom("x0tta6bl4", 'a"b', "caf\u00e9", "#1 = [x]", "\\n"),
  text(32).filter((value) => value !== "" && new TextEncoder().encode(value).length <= 32),
);

const passphrase = fc.stringMatching(/^[\x21-\x7e][\x20-\x7e]{6,40}[\x21-\x7e]$/);

const radio = fc.record({
  match: fc.constantFrom("any", "phy0", "phy1"),
  required: fc.boolean(),
  place: fc.constantFrom(
    { band: "2.4GHz", widthMhz: 20 },
    { band: "2.4GHz", channel: 11, widthMhz: 40 },
    { band: "5GHz", widthMhz: 80 },
    { band: "5GHz", channel: 100, widthMhz: 20 },
  ),
  txPowerDbm: maybe(fc.integer({ min: 0, max: 20 })),
  mesh: fc.boolean(),
  how: fc.oneof(
    fc.constantFrom({ mode: "mesh" }, { mode: "ibss" }),
    fc.record({ mode: fc.constant("mesh"), passphrase }),
  ),
  hopPenalty: maybe(fc.integer({ min: 0, max: 255 })),
  elpIntervalMs: maybe(fc.integer({ min: 50, max: 5000 })),
}).map(({ place, how, ...rest }) => ({ ...rest, ...place, ...how }));

const mesh = fc.record({
  enabled: fc.boolean(),
  interface: fc.constantFrom("bat0", "bat1"),
  id: ssid,
  algorithm: fc.constantFrom("BATMAN_IV", "BATMAN_V"),
  originatorIntervalMs: fc.integer({ min: 40, max: 60_000 }),
  hopPenalty: fc.integer({ min: 0, max: 255 }),
  gateway: fc.record({
    mode: fc.constantFrom("off", "client", "server"),
    downKbps: fc.integer({ min: 100, max: 1_000_000 }),
    upKbps: fc.integer({ min: 100, max: 1_000_000 }),
    selectionClass: fc.integer({ min: 1, max: 255 }),
  }),
  bridgeLoopAvoidance: fc.boolean(),
  distributedArpTable: fc.boolean(),
  apIsolation: fc.boolean(),
  isolationMark: fc.integer({ min: 0, max: 0xffff_ffff }),
  multicastFanout: fc.integer({ min: 1, max: 1000 }),
  vlans: fc.uniqueArray(
    fc.record({
      id: fc.integer({ min: 1, max: 4094 }),
      apIsolation: fc.boolean(),
      bridge: maybe(fc.constantFrom("br-guest")),
    }),
    { maxLength: 3, selector: ({ id }) => id },
  ),
  wired: fc.constantFrom([], [{ interface: "eth6", hopPenalty: 5 }], [{ interface: "gone0" }]),
});

const lan = fc.record({
  enabled: fc.boolean(),
  bridge: fc.constantFrom("br-lan", "br0"),
  ports: fc.constantFrom([], ["eth5"]),
  addresses: fc.constantFrom([], ["10.7.0.1/16"], ["10.7.0.1/16", "fd00:7::1/64"]),
  dhcp: fc.constantFrom(
    { enabled: false },
    { enabled: true, rangeStart: "10.7.0.10", rangeEnd: "10.7.9.1", dns: ["9.9.9.9"] },
  ),
  routerAdvertisement: fc.record({ enabled: fc.boolean() }),
});

const wan = fc.constantFrom(
  {},
  { interface: "eth0", method: "dhcp" },
  { interface: "eth0", method: "static", addresses: ["192.0.2.2/24"], gateway: "192.0.2.1" },
);

const document = fc.record({
  node: fc.record({
    name: fc.stringMatching(/^[a-z][a-z0-9]{0,20}$/),
    contact: maybe(text(60)),
    location: maybe(fc.record({
      latitude: fc.double({ min: -90, max: 90, noNaN: true }),
      longitude: fc.double({ min: -180, max: 180, noNaN: true }),
    })),
  }),
  wireless: fc.record({ country: maybe(fc.constantFrom("DE", "US")) }),
  radios: fc.uniqueArray(radio, { maxLength: 2, selector: ({ match }) => match }),
  mesh,
  clientAp: fc.constantFrom([], [{ ssid: "guests" }], [{
    ssid: 'in"side',
    security: "wpa3",
    passphrase: "long enough",
  }]),
  lan,
  wan,
  firewall: fc.record({
    enabled: fc.boolean(),
    sshFrom: fc.subarray(["lan", "wan"]),
    rules: fc.array(
      fc.record({
        comment: text(20),
        protocol: fc.constantFrom("tcp", "udp"),
        ports: fc.constantFrom(["80"], ["1-100", "443"]),
        action: fc.constantFrom("accept", "drop", "reject"),
      }),
      { maxLength: 2 },
    ),
  }),
});

/** Valid configurations. */
export const configs: fc.Arbitrary<Config> = document
  .map((value) => configSchema.safeParse(JSON.parse(JSON.stringify(value))))
  .filter((result) =>
    result.success && findContradictions(result.data).every(({ warning }) => warning)
  )
  .map((result) => {
    if (!result.success) throw result.error;
    return result.data;
  });
