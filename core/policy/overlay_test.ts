import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type Firewall,
  type FirewallElement,
  type FirewallSet,
  KernelFault,
} from "../ports/mod.ts";
import { documents, MESH, packets, principals } from "./_arbitrary.ts";
import { passes, readRuleset } from "./_nft.ts";
import { ipv6Octets, ipv6Text } from "./address.ts";
import { closedPolicy, startingPolicy } from "./base.ts";
import { PolicyError } from "./errors.ts";
import { type OverlayMember, overlayRules, setChanges } from "./overlay.ts";
import { OverlayFirewall } from "./overlay_firewall.ts";
import { Policy } from "./policy.ts";
import type { Asked } from "./service.ts";

const RUNS = { numRuns: Number(Deno.env.get("POLICY_RUNS") ?? 300) };
const LINK = "x0-mesh";

const address = (index: number) => `fd00:1:2:3:4:5:6:${(index + 1).toString(16)}`;
const member = (index: number, ...roles: string[]): OverlayMember => ({
  spiffeId: `spiffe://${MESH}/node/${"abcdefghij"[index % 10]?.repeat(15)}${
    index >= 10 ? "2" : "3"
  }`,
  roles,
  address: address(index),
});

const members = fc.array(principals, { minLength: 1, maxLength: 6 }).map((list) =>
  list.map((principal, index): OverlayMember => ({ ...principal, address: address(index) }))
);

Deno.test("ipv6Octets() reads what addresses may look like, and nothing else", () => {
  const rows: readonly [string, string][] = [
    ["::", "0:0:0:0:0:0:0:0"],
    ["::1", "0:0:0:0:0:0:0:1"],
    ["fd00::", "fd00:0:0:0:0:0:0:0"],
    ["FD00:0a::b", "fd00:a:0:0:0:0:0:b"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ];
  for (const [text, canonical] of rows) assertEquals(ipv6Text(ipv6Octets(text)), canonical);
  const bad = [
    "",
    ":",
    "1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "::12345",
    "g::",
    ":::",
    "1:2:3:4:5:6:7:8::",
    "::1%eth0",
    "fd00::/48",
    "10.0.0.1",
    "::ffff:1.2.3.4",
    "::1 }",
  ];
  for (const text of bad) assertThrows(() => ipv6Octets(text), PolicyError);
});

Deno.test("overlayRules() decides every first packet as decide() does", () =>
  fc.assert(
    fc.property(documents, members, principals, fc.array(packets, { minLength: 1, maxLength: 8 }), (
      document,
      known,
      self,
      asks,
    ) => {
      const policy = new Policy(document, { "api:read": ["tcp/25"], "api:write": ["tcp/25-26"] });
      const rules = readRuleset(overlayRules(policy, self, known, LINK).text);
      for (const from of known) {
        for (const asked of asks) {
          const arriving = { source: from.address, destination: null, asked };
          assertEquals(passes(rules, arriving), policy.decide({ from, to: self, asked }).allowed);
          for (const to of known) {
            const passing = { source: from.address, destination: to.address, asked };
            assertEquals(passes(rules, passing), policy.decide({ from, to, asked }).allowed);
          }
        }
      }
      for (const asked of asks) {
        const stranger = { source: "fd00::bad", destination: null, asked };
        assert(!passes(rules, stranger));
        assert(!passes(rules, { ...stranger, source: address(0), destination: "fd00::bad" }));
      }
    }),
    RUNS,
  ));

Deno.test("overlayRules() without rules lets only answers through", () => {
  const known = [member(0, "node"), member(1, "node")];
  const { text } = overlayRules(new Policy(closedPolicy(MESH)), member(0, "node"), known, LINK);
  const rules = readRuleset(text);
  assertEquals(rules.chains.get("arriving"), [
    "ct state established ct direction reply accept",
    "meta l4proto 58 ct state related accept",
    'counter name "denied" drop',
  ]);
  assertEquals(rules.chains.get("input"), [
    "type filter hook input priority filter - 10; policy accept;",
    `iifname "${LINK}" jump arriving`,
  ]);
  assertEquals(rules.chains.get("forward"), [
    "type filter hook forward priority filter - 10; policy accept;",
    `iifname "${LINK}" jump passing`,
    `oifname "${LINK}" jump passing`,
  ]);
  const open = readRuleset(
    overlayRules(new Policy(startingPolicy(MESH)), member(0, "node"), known, LINK).text,
  );
  const asked: Asked = { transport: "other" };
  assert(passes(open, { source: address(1), destination: null, asked }));
});

Deno.test("overlayRules() keeps its mark while members come and go, and changes it with the rules", () =>
  fc.assert(
    fc.property(documents, documents, members, members, principals, (one, two, a, b, self) => {
      const before = overlayRules(new Policy(one), self, a, LINK);
      const after = overlayRules(new Policy(one), self, b, LINK);
      assertEquals(after.mark, before.mark);
      assert(before.text.includes(`chain ${before.mark} {`));
      const sets = new Map([...before.sets].map(([name, set]) => [name, new Set(set)]));
      for (const { set, add, remove } of setChanges(before.sets, after.sets)) {
        for (const text of remove) assert(sets.get(set)?.delete(text));
        for (const text of add) {
          assert(sets.get(set)?.has(text) === false);
          sets.get(set)?.add(text);
        }
      }
      const sorted = (map: ReadonlyMap<string, ReadonlySet<string>>) =>
        [...map].map(([name, set]) => [name, [...set].sort()]);
      assertEquals(sorted(sets), sorted(after.sets));
      const other = overlayRules(new Policy(two), self, a, LINK);
      const chains = (text: string) =>
        text.replace(/^ {2}chain is_.*$/m, "").replace(/elements.*/g, "");
      assertEquals(other.mark === before.mark, chains(other.text) === chains(before.text));
    }),
    { numRuns: 100 },
  ));

Deno.test("overlayRules() refuses links, addresses and numbers that cannot be", () => {
  const policy = new Policy(startingPolicy(MESH));
  const self = member(0, "node");
  for (const link of ["", 'a"b', "a b", "a;b", "a".repeat(16), "a\n"]) {
    assertThrows(() => overlayRules(policy, self, [], link), PolicyError);
  }
  const bad = { ...self, address: "fd00::1 } ; flush ruleset" };
  assertThrows(() => overlayRules(policy, self, [bad], LINK), PolicyError);
  const crowd = Array.from({ length: 20_001 }, () => self);
  assertThrows(() => overlayRules(policy, self, crowd, LINK), PolicyError);
});

/** A firewall that keeps what it is told, and can be told to fail. */
class RecordingFirewall implements Firewall {
  readonly calls: string[] = [];
  text: string | null = null;
  failing: "elements" | "apply" | null = null;

  available() {
    return Promise.resolve({ ok: true, detail: "" });
  }

  apply(ruleset: string): Promise<void> {
    if (this.failing === "apply") return Promise.reject(new KernelFault("busy", "Cannot apply"));
    this.calls.push("apply");
    this.text = ruleset;
    return Promise.resolve();
  }

  table(): Promise<string | null> {
    return Promise.resolve(this.text);
  }

  deleteTable(): Promise<void> {
    this.calls.push("delete");
    this.text = null;
    return Promise.resolve();
  }

  addElements({ set }: FirewallSet, elements: readonly FirewallElement[]): Promise<void> {
    return this.#elements(`+ ${set}`, elements.map(({ key }) => key));
  }

  removeElements({ set }: FirewallSet, keys: readonly Uint8Array[]): Promise<void> {
    return this.#elements(`- ${set}`, keys);
  }

  #elements(what: string, keys: readonly Uint8Array[]): Promise<void> {
    if (this.failing === "elements") return Promise.reject(new KernelFault("not-found", "no set"));
    this.calls.push(`${what} ${keys.map(ipv6Text).join(" ")}`);
    return Promise.resolve();
  }
}

Deno.test("`OverlayFirewall` changes elements for members and the table for rules", async () => {
  const firewall = new RecordingFirewall();
  const overlay = new OverlayFirewall(firewall, LINK);
  const policy = new Policy(startingPolicy(MESH));
  const self = member(0, "node");
  const view = (...list: OverlayMember[]) => ({ policy, self, members: list });
  assertEquals(await overlay.update(view(self, member(1, "node"))), "replaced");
  assertEquals(await overlay.update(view(member(1, "node"), self)), "unchanged");
  assertEquals(await overlay.update(view(self, member(2, "node"), member(3, "guest"))), "elements");
  assertEquals(firewall.calls, [
    "apply",
    `- role_node ${ipv6Text(ipv6Octets(address(1)))}`,
    `+ role_node ${ipv6Text(ipv6Octets(address(2)))}`,
  ]);
  assertEquals(await overlay.update({ ...view(self), self: member(0) }), "replaced");
  assert(await overlay.present());
  firewall.text = "";
  assert(!await overlay.present());
  assertEquals(await overlay.update({ ...view(self), self: member(0) }), "replaced");
  await overlay.remove();
  assertEquals(firewall.calls.slice(-2), ["apply", "delete"]);
  await overlay.remove();
  assertEquals(firewall.calls.at(-1), "delete");
  assertEquals(await overlay.denied(), null);
});

Deno.test("`OverlayFirewall` replaces the table when elements fail, and again after a failure", async () => {
  const firewall = new RecordingFirewall();
  const overlay = new OverlayFirewall(firewall, LINK);
  const policy = new Policy(startingPolicy(MESH));
  const self = member(0, "node");
  const all = [self, member(1, "node")];
  await overlay.update({ policy, self, members: all });
  firewall.failing = "elements";
  assertEquals(await overlay.update({ policy, self, members: [self] }), "replaced");
  firewall.failing = "apply";
  const closed = new Policy(closedPolicy(MESH));
  const failed = overlay.update({ policy: closed, self, members: all });
  await assertRejects(() => failed, KernelFault);
  firewall.failing = null;
  assertEquals(await overlay.update({ policy: closed, self, members: all }), "replaced");
  const order = [1, 2, 3].map((index) =>
    overlay.update({ policy, self, members: [self, member(index, "node")] })
  );
  assertEquals(await Promise.all(order), ["replaced", "elements", "elements"]);
});
