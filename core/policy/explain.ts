// Answers for `policy test`: which rules were looked at, and why each did or did not decide.
import type { Flow, Policy, RuleTrace } from "./policy.ts";
import type { Principal } from "./pattern.ts";
import {
  ANY,
  type Asked,
  formatAsked,
  ICMP,
  isApplicationService,
  NETWORK,
  parsePorts,
  type PortRange,
} from "./service.ts";

/** One decision in sentences. */
export interface Explanation {
  readonly allowed: boolean;
  /** The answer first, then what every rule had to do with it. */
  readonly sentences: readonly string[];
}

function named({ spiffeId, roles }: Principal): string {
  return `${spiffeId} (${roles.length === 0 ? "no role" : `roles ${roles.join(", ")}`})`;
}

function missed({ from, to, service }: RuleTrace): string {
  const parts = [
    ...(from === null ? ["it is not about this sender"] : []),
    ...(to === null ? ["it is not about this receiver"] : []),
    ...(service === null ? ["it is not about this service"] : []),
  ];
  return parts.join(", ");
}

function sentenceOf(trace: RuleTrace): string {
  const rule = `Rule "${trace.rule}" (${trace.effect})`;
  return trace.matched
    ? `${rule} matches: from ${trace.from}, to ${trace.to}, service ${trace.service}.`
    : `${rule} does not match: ${missed(trace)}.`;
}

/** Why a flow is allowed or denied. */
export function explain(policy: Policy, flow: Flow): Explanation {
  const { allowed, by, rule, trace } = policy.decide(flow);
  const what = `${formatAsked(flow.asked)} from ${named(flow.from)} to ${named(flow.to)}`;
  const why = {
    "fixed": `rule "${rule}" of the program, which no rule can take away`,
    "deny": `rule "${rule}", since a deny wins over every allow`,
    "allow": `rule "${rule}"`,
    "default deny": trace.length === 0
      ? "nobody without a SPIFFE ID is allowed anything"
      : "no rule allows it (default deny)",
  }[by];
  const verdict = `${allowed ? "Allowed" : "Denied"}: ${what}: ${why}.`;
  return { allowed, sentences: [verdict, ...trace.map(sentenceOf)] };
}

/** What a word of `policy test` asks: one or more things that may be decided differently. */
export type AskedReading =
  | { readonly ok: true; readonly asked: readonly Asked[] }
  | { readonly ok: false; readonly why: string };

/** Ports at which the answer may change, within a range. */
function cuts({ rules }: Policy, { transport, first, last }: PortRange): readonly Asked[] {
  const starts = new Set([first]);
  for (const { services } of rules) {
    for (const range of services.flatMap(({ coverage }) => coverage.ranges)) {
      if (range.transport !== transport) continue;
      for (const port of [range.first, range.last + 1]) {
        if (port > first && port <= last) starts.add(port);
      }
    }
  }
  return [...starts].sort((a, b) => a - b).map((port) => ({ transport, port }));
}

/**
 * Reads what is asked: a service of the policy, "tcp/22", "tcp/1-1024", "icmp", "api:read" … A range is
 * asked at every port where the answer may change.
 */
export function parseAsked(policy: Policy, text: string): AskedReading {
  const one = (word: string): readonly Asked[] => {
    if (word === ICMP) return [{ transport: "icmp" }];
    const range = parsePorts(word);
    return range === null ? [] : cuts(policy, range);
  };
  if (isApplicationService(text)) return { ok: true, asked: [{ application: text }] };
  const ports = policy.document.services.find(({ name }) => name === text)?.ports ?? [text];
  const asked = ports.flatMap(one);
  if (asked.length > 0) return { ok: true, asked };
  const why = text === ANY || text === NETWORK
    ? `Cannot ask for "${text}": it is many services; name one`
    : `Cannot ask for "${text.slice(0, 80)}": this policy defines no such service`;
  return { ok: false, why };
}
