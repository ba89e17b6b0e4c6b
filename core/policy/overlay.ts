// The policy as a packet filter on the overlay's link, as nft text with one set of addresses for each
// group of identities. Addresses stand for identities here: WireGuard lets a peer send from its own
// overlay address only, and that one follows from its key.
//
// Only who begins is judged: packets in the original direction of a connection meet the rules each time,
// so that a new policy also ends connections that are open. Answers pass by connection tracking.
// nft syntax: nft(8), 1.0.
import { hashOf } from "../pq/mod.ts";
import { ipv6Octets, ipv6Text } from "./address.ts";
import { PolicyError } from "./errors.ts";
import { MAX_MEMBERS } from "./limits.ts";
import type { Pattern, Principal } from "./pattern.ts";
import type { CompiledRule, Policy } from "./policy.ts";
import type { PortRange, Transport } from "./service.ts";

/** The table that holds all of it. */
export const POLICY_TABLE = "x0_policy";

/** A member as the packet filter knows it. */
export interface OverlayMember extends Principal {
  /** Overlay address. */
  readonly address: string;
}

/** Members by set. */
export type OverlaySets = ReadonlyMap<string, ReadonlySet<string>>;

/** The filter, and how to recognise it in the kernel. */
export interface OverlayRules {
  /** nft text that replaces the whole table in one transaction. */
  readonly text: string;
  /** Name of an empty chain that changes with the rules, not with the members. */
  readonly mark: string;
  /** Addresses in each set. */
  readonly sets: OverlaySets;
}

function setName(patterns: readonly Pattern[]): string {
  const [only, ...more] = patterns.map(({ text }) => text);
  if (more.length === 0 && only?.startsWith("role:") === true) {
    return `role_${only.slice("role:".length)}`;
  }
  const key = new TextEncoder().encode(patterns.map(({ text }) => text).join("\n"));
  return `who_${hashOf(key).toHex().slice(0, 16)}`;
}

function portsOf(ranges: readonly PortRange[], transport: Transport): string | null {
  const own = ranges.filter((range) => range.transport === transport);
  if (own.length === 0) return null;
  const items = own.map(({ first, last }) => first === last ? `${first}` : `${first}-${last}`);
  return `${transport} dport { ${items.join(", ")} }`;
}

/** Matches for the packets that a rule covers. */
function matchesOf({ coverage }: CompiledRule): readonly string[] {
  if (coverage.network) return [""];
  return [
    ...(coverage.icmp ? ["icmpv6 type echo-request"] : []),
    portsOf(coverage.ranges, "tcp"),
    portsOf(coverage.ranges, "udp"),
  ].filter((match) => match !== null);
}

/** Lines of one rule. @param to match on the receiver, or "" where it is this node. */
function linesOf(rule: CompiledRule, to: string): string[] {
  const verdict = rule.rule.effect === "allow" ? "accept" : "drop";
  const who = `ip6 saddr @${setName(rule.from)}${to}`;
  return matchesOf(rule).map((match) =>
    `${[who, match].filter((part) => part !== "").join(" ")} counter ${verdict} ` +
    `comment "${rule.rule.name}"`
  );
}

const ANSWERS = [
  "ct state established ct direction reply accept",
  "meta l4proto 58 ct state related accept",
];

function chain(name: string, lines: readonly string[]): string {
  return [`  chain ${name} {`, ...lines.map((line) => `    ${line}`), "  }"].join("\n");
}

/** Chains, without sets. */
function chainsOf(policy: Policy, self: Principal, link: string): readonly string[] {
  const rules = policy.rules.filter((rule) => matchesOf(rule).length > 0);
  const here = rules.filter((rule) => policy.meets(rule.to, self));
  return [
    chain("arriving", [
      ...ANSWERS,
      ...here.flatMap((rule) => linesOf(rule, "")),
      'counter name "denied" drop',
    ]),
    chain("passing", [
      ...ANSWERS,
      ...rules.flatMap((rule) => linesOf(rule, ` ip6 daddr @${setName(rule.to)}`)),
      'counter name "denied_passing" drop',
    ]),
    chain("input", [
      "type filter hook input priority filter - 10; policy accept;",
      `iifname "${link}" jump arriving`,
    ]),
    chain("forward", [
      "type filter hook forward priority filter - 10; policy accept;",
      `iifname "${link}" jump passing`,
      `oifname "${link}" jump passing`,
    ]),
  ];
}

/** Addresses of each set that the rules name. */
function setsOf(policy: Policy, members: readonly OverlayMember[]): OverlaySets {
  if (members.length > MAX_MEMBERS) {
    throw new PolicyError("too-large", `Cannot filter for ${members.length} members`);
  }
  const known = members.map((member) => ({
    member,
    address: ipv6Text(ipv6Octets(member.address)),
  }));
  const sets = new Map<string, ReadonlySet<string>>();
  const add = (patterns: readonly Pattern[]): void => {
    const name = setName(patterns);
    if (sets.has(name)) return;
    const meant = known.filter(({ member }) => policy.meets(patterns, member));
    sets.set(name, new Set(meant.map(({ address }) => address)));
  };
  for (const rule of policy.rules) {
    if (matchesOf(rule).length === 0) continue;
    add(rule.from);
    add(rule.to);
  }
  return sets;
}

/** Refuses what nft would read as more than a link's name. */
function requireLink(link: string): void {
  if (/^[A-Za-z0-9_.-]{1,15}$/.test(link)) return;
  throw new PolicyError("malformed", `Cannot filter on the link ${JSON.stringify(link)}`);
}

/**
 * The packet filter of a policy.
 *
 * @param self this node.
 * @param members everybody whose packets may come, and to whom packets may be passed on.
 * @param link name of the overlay's link.
 * @throws {PolicyError} "malformed" for an address or link, "too-large" for too many members.
 */
export function overlayRules(
  policy: Policy,
  self: Principal,
  members: readonly OverlayMember[],
  link: string,
): OverlayRules {
  requireLink(link);
  const sets = setsOf(policy, members);
  const chains = chainsOf(policy, self, link).join("\n");
  const shape = `${[...sets.keys()].join("\n")}\n${chains}`;
  const mark = `is_${hashOf(new TextEncoder().encode(shape)).toHex().slice(0, 16)}`;
  const table = `inet ${POLICY_TABLE}`;
  const setTexts = [...sets].map(([name, addresses]) =>
    [
      `  set ${name} {`,
      "    type ipv6_addr",
      ...(addresses.size === 0 ? [] : [`    elements = { ${[...addresses].join(", ")} }`]),
      "  }",
    ].join("\n")
  );
  const text = [
    `table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
    "  counter denied {",
    "  }",
    "  counter denied_passing {",
    "  }",
    chain(mark, []),
    ...setTexts,
    chains,
    "}",
    "",
  ].join("\n");
  return { text, mark, sets };
}

/** What changes in one set. */
export interface SetChange {
  readonly set: string;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** What to change so that the sets are as `after`; both must be of the same rules. */
export function setChanges(before: OverlaySets, after: OverlaySets): readonly SetChange[] {
  const out: SetChange[] = [];
  for (const [set, addresses] of after) {
    const old = before.get(set) ?? new Set();
    const add = [...addresses].filter((address) => !old.has(address));
    const remove = [...old].filter((address) => !addresses.has(address));
    if (add.length + remove.length > 0) out.push({ set, add, remove });
  }
  return out;
}
