// Small worlds for property tests: few names, so that rules meet flows often.
import fc from "fast-check";
import { canonical, isNote, type PolicyDocument, type PolicyRule } from "./document.ts";
import type { Principal } from "./pattern.ts";
import type { Flow } from "./policy.ts";
import { APPLICATION_SERVICES, type Asked, FIXED_SERVICES } from "./service.ts";

/** The mesh of these worlds. */
export const MESH = "test.mesh";

const ROLES = ["node", "admin", "guest", "gateway"];
const IDS = [
  `spiffe://${MESH}/node/aaaaaaaaaaaaaaaa`,
  `spiffe://${MESH}/node/bbbbbbbbbbbbbbbb`,
  `spiffe://${MESH}/node/cccccccccccccccc`,
  `spiffe://${MESH}/workload/web`,
  `spiffe://${MESH}/workload/db/main`,
  "spiffe://other.mesh/node/aaaaaaaaaaaaaaaa",
];

const patterns = fc.constantFrom(
  ...ROLES.map((role) => `role:${role}`),
  ...IDS,
  `spiffe://${MESH}/node/*`,
  `spiffe://${MESH}/workload/*`,
  `spiffe://${MESH}/workload/**`,
  `spiffe://${MESH}/**`,
  "spiffe://other.mesh/**",
);

const port = fc.integer({ min: 20, max: 32 });
const range = fc.tuple(port, port).map(([a, b]) =>
  a === b ? `${a}` : `${Math.min(a, b)}-${Math.max(a, b)}`
);
const ports = fc.tuple(fc.constantFrom("tcp", "udp"), range).map((parts) => parts.join("/"));

const SERVICES = ["ssh", "web", "media"];
const definition = fc.array(fc.oneof(ports, fc.constant("icmp")), { minLength: 1, maxLength: 3 });

const DECIDED = Object.keys(APPLICATION_SERVICES).filter((name) => !FIXED_SERVICES.includes(name));

const words = (item: fc.Arbitrary<string>) => fc.array(item, { minLength: 1, maxLength: 3 });

const note = fc.string({ maxLength: 12, unit: "grapheme" }).filter(isNote);

/** A rule of that name and effect. */
export function ruleNamed(
  name: string,
  effects: readonly ("allow" | "deny")[] = ["allow", "deny"],
): fc.Arbitrary<PolicyRule> {
  return fc.record({
    name: fc.constant(name),
    effect: fc.constantFrom(...effects),
    from: words(patterns),
    to: words(patterns),
    services: words(
      fc.oneof(
        { arbitrary: fc.constantFrom(...SERVICES), weight: 4 },
        { arbitrary: ports, weight: 3 },
        fc.constantFrom("icmp", "network", "any"),
        fc.constantFrom(...DECIDED),
      ),
    ),
    note,
  });
}

/** Policies of version 1 and on. */
export const documents: fc.Arbitrary<PolicyDocument> = fc.record({
  trustDomain: fc.constant(MESH),
  version: fc.integer({ min: 1, max: 1_000_000 }),
  madeMs: fc.nat(),
  services: fc.tuple(definition, definition, definition).map((lists) =>
    SERVICES.map((name, i) => ({ name, ports: lists[i] ?? [] }))
  ),
  rules: fc.nat({ max: 6 }).chain((count) =>
    fc.tuple(...Array.from({ length: count }, (_, i) => ruleNamed(`r${i}`)))
  ),
}).map(canonical);

/** Nodes, workloads, and somebody of another mesh. */
export const principals: fc.Arbitrary<Principal> = fc.record({
  spiffeId: fc.constantFrom(...IDS),
  roles: fc.subarray(ROLES),
});

/** What packets can ask. */
export const packets: fc.Arbitrary<Asked> = fc.oneof(
  {
    arbitrary: fc.record({ transport: fc.constantFrom("tcp", "udp"), port }),
    weight: 6,
  },
  fc.constantFrom<Asked>({ transport: "icmp" }, { transport: "other" }),
);

/** Any question. */
export const flows: fc.Arbitrary<Flow> = fc.record({
  from: principals,
  to: principals,
  asked: fc.oneof(
    packets,
    fc.constantFrom(...Object.keys(APPLICATION_SERVICES), "later:service")
      .map((application) => ({ application })),
  ),
});
