// Reads the text of the overlay's packet filter back and decides packets by it, for tests. It knows the
// few statements that overlay.ts writes and refuses everything else. The kernel is asked in
// tests/host/policy_test.ts.
import { ipv6Octets, ipv6Text } from "./address.ts";
import type { Asked } from "./service.ts";

/** A packet that begins something. */
export interface Packet {
  readonly source: string;
  /** `null`: to this node. */
  readonly destination: string | null;
  readonly asked: Asked;
}

interface Ruleset {
  readonly sets: ReadonlyMap<string, ReadonlySet<string>>;
  readonly chains: ReadonlyMap<string, readonly string[]>;
}

/** Reads one table. */
export function readRuleset(text: string): Ruleset {
  const body = /^table inet (\w+)\ndelete table inet \1\ntable inet \1 \{\n([\s\S]*)\n\}\n$/.exec(
    text,
  );
  if (body === null) throw new Error("Cannot read the ruleset: not one replaced table");
  const sets = new Map<string, ReadonlySet<string>>();
  const chains = new Map<string, readonly string[]>();
  for (
    const [whole, kind, name = "", inner = ""] of (body[2] ?? "").matchAll(
      /^ {2}(counter|set|chain) (\S+) \{\n((?: {4}.*\n)*) {2}\}$/gm,
    )
  ) {
    const lines = inner.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    if (kind === "chain") chains.set(name, lines);
    if (kind === "set") {
      const elements = /^elements = \{ (.*) \}$/.exec(lines[1] ?? "elements = { }")?.[1] ?? "";
      if (lines[0] !== "type ipv6_addr" || lines.length > 2) {
        throw new Error(`Cannot read ${whole}`);
      }
      const addresses = elements.split(", ").filter((address) => address !== "");
      sets.set(name, new Set(addresses.map((address) => ipv6Text(ipv6Octets(address)))));
    }
  }
  return { sets, chains };
}

/** Whether the filter lets a packet through that begins something. */
export function passes({ sets, chains }: Ruleset, packet: Packet): boolean {
  const lines = chains.get(packet.destination === null ? "arriving" : "passing");
  if (lines === undefined) throw new Error("Cannot decide: a chain is missing");
  const within = (name: string, address: string | null) => {
    const set = sets.get(name);
    if (set === undefined) throw new Error(`Cannot decide: set ${name} is missing`);
    return address !== null && set.has(ipv6Text(ipv6Octets(address)));
  };
  for (const line of lines) {
    // Of a first packet, connection tracking says neither.
    if (/^(meta l4proto 58 )?ct state (established|related) .*accept$/.test(line)) continue;
    const match =
      /^(?:ip6 saddr @(\S+) (?:ip6 daddr @(\S+) )?(.*?) ?counter (accept|drop) comment "[\w.:-]+"|counter name "\w+" (drop))$/
        .exec(line);
    if (match === null) throw new Error(`Cannot read the rule: ${line}`);
    const [, from, to, what = "", verdict, last] = match;
    if (last !== undefined) return false;
    if (!within(from ?? "", packet.source)) continue;
    if (to !== undefined && !within(to, packet.destination)) continue;
    if (covers(what, packet.asked)) return verdict === "accept";
  }
  throw new Error("Cannot decide: the chain has no end");
}

function covers(what: string, asked: Asked): boolean {
  if (what === "") return true;
  if ("application" in asked) return false;
  if (what === "icmpv6 type echo-request") return asked.transport === "icmp";
  const match = /^(tcp|udp) dport \{ ([\d, -]+) \}$/.exec(what);
  if (match === null) throw new Error(`Cannot read the match: ${what}`);
  if (!("port" in asked) || asked.transport !== match[1]) return false;
  return (match[2] ?? "").split(", ").some((item) => {
    const [first = NaN, last = first] = item.split("-").map(Number);
    return first <= asked.port && asked.port <= last;
  });
}
