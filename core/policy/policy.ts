// The decision: may somebody do something to somebody. Pure. Default deny; a deny wins over every allow;
// the order of rules means nothing. Not here: how the identities were proved.
import { baseRules } from "./base.ts";
import type { Effect, PolicyDocument, PolicyRule } from "./document.ts";
import { parsePattern, type Pattern, type Principal, trustDomainOf } from "./pattern.ts";
import {
  ANY,
  type Asked,
  type Coverage,
  FIXED_SERVICES,
  ICMP,
  joinRanges,
  NETWORK,
  parsePorts,
  type PortRange,
} from "./service.ts";

/** Somebody wants something of somebody. */
export interface Flow {
  /** Who begins. */
  readonly from: Principal;
  /** Who answers. */
  readonly to: Principal;
  readonly asked: Asked;
}

/** What one rule had to say. A part is the entry that matched, or `null`. */
export interface RuleTrace {
  readonly rule: string;
  readonly effect: Effect;
  /** Whether the rule is the program's own. */
  readonly base: boolean;
  readonly from: string | null;
  readonly to: string | null;
  readonly service: string | null;
  /** All three parts matched. */
  readonly matched: boolean;
}

/** The answer. */
export interface Decision {
  readonly allowed: boolean;
  /** What decided. */
  readonly by: "fixed" | "deny" | "allow" | "default deny";
  /** Name of the rule that decided; `null` for the default. */
  readonly rule: string | null;
  /** Every rule, in the order: fixed, denies, allows; each by name. */
  readonly trace: readonly RuleTrace[];
}

/**
 * Ports through which the program offers something by name: "api:read" → ["tcp/8443"]. Whoever is allowed
 * the service may send packets there; whoever isn't is refused by the program, and need not reach it.
 */
export type Carriers = Readonly<Record<string, readonly string[]>>;

/** A service word, ready to be asked. */
interface ServiceMatcher {
  readonly text: string;
  readonly coverage: Coverage;
  readonly application: (name: string) => boolean;
}

/** A rule, ready to be asked. */
export interface CompiledRule {
  readonly rule: PolicyRule;
  readonly base: boolean;
  readonly fixed: boolean;
  readonly from: readonly Pattern[];
  readonly to: readonly Pattern[];
  readonly services: readonly ServiceMatcher[];
  /** Packets that all its services cover together. */
  readonly coverage: Coverage;
}

const NOTHING: Coverage = { network: false, icmp: false, ranges: [] };
const NO_APPLICATION = () => false;

function coverageOf(ports: readonly string[]): Coverage {
  return {
    network: false,
    icmp: ports.includes(ICMP),
    ranges: joinRanges(ports.map(parsePorts).filter((range) => range !== null)),
  };
}

function serviceMatcher(
  text: string,
  effect: Effect,
  defined: ReadonlyMap<string, readonly string[]>,
  carriers: Carriers,
): ServiceMatcher {
  const network = { ...NOTHING, network: true };
  if (text === ANY) return { text, coverage: network, application: () => true };
  if (text === NETWORK) return { text, coverage: network, application: NO_APPLICATION };
  const ports = defined.get(text) ?? (text === ICMP || parsePorts(text) !== null ? [text] : null);
  if (ports !== null) return { text, coverage: coverageOf(ports), application: NO_APPLICATION };
  // A deny closes no port: another service may come through it, and the program asks again itself.
  const carried = effect === "allow" && Object.hasOwn(carriers, text) ? carriers[text] ?? [] : [];
  return { text, coverage: coverageOf(carried), application: (name) => name === text };
}

const covers = (ranges: readonly PortRange[], transport: string, port: number): boolean =>
  ranges.some((range) =>
    range.transport === transport && range.first <= port && port <= range.last
  );

function serviceMatches({ coverage, application }: ServiceMatcher, asked: Asked): boolean {
  if ("application" in asked) return application(asked.application);
  if (coverage.network) return true;
  if ("port" in asked) return covers(coverage.ranges, asked.transport, asked.port);
  return asked.transport === "icmp" && coverage.icmp;
}

function compile(
  rule: PolicyRule,
  defined: ReadonlyMap<string, readonly string[]>,
  carriers: Carriers,
  origin: { readonly base: boolean; readonly fixed: boolean },
): CompiledRule {
  const patterns = (words: readonly string[]) =>
    words.map(parsePattern).filter((pattern) => pattern !== null);
  const services = rule.services.map((word) =>
    serviceMatcher(word, rule.effect, defined, carriers)
  );
  return {
    rule,
    ...origin,
    from: patterns(rule.from),
    to: patterns(rule.to),
    services,
    coverage: {
      network: services.some(({ coverage }) => coverage.network),
      icmp: services.some(({ coverage }) => coverage.icmp),
      ranges: joinRanges(services.flatMap(({ coverage }) => coverage.ranges)),
    },
  };
}

/** A document, ready to be asked. */
export class Policy {
  readonly document: PolicyDocument;
  readonly carriers: Carriers;
  /** In the order in which they are asked: fixed, denies, allows. */
  readonly rules: readonly CompiledRule[];

  constructor(document: PolicyDocument, carriers: Carriers = {}) {
    this.document = document;
    this.carriers = carriers;
    const defined = new Map(document.services.map(({ name, ports }) => [name, ports]));
    const own = document.rules.map((rule) =>
      compile(rule, defined, carriers, { base: false, fixed: false })
    );
    const base = baseRules(document.trustDomain).map(({ rule, fixed }) =>
      compile(rule, new Map(), carriers, { base: true, fixed })
    );
    const byName = (a: CompiledRule, b: CompiledRule) => a.rule.name < b.rule.name ? -1 : 1;
    const denies = own.filter(({ rule }) => rule.effect === "deny").toSorted(byName);
    const allows = own.filter(({ rule }) => rule.effect === "allow").toSorted(byName);
    this.rules = [
      ...base.filter(({ fixed }) => fixed),
      ...denies,
      ...allows,
      ...base.filter(({ fixed }) => !fixed),
    ];
  }

  /** Whether anybody may be meant by `who`. */
  meets(patterns: readonly Pattern[], who: Principal): boolean {
    return patterns.some((pattern) => pattern.matches(who, this.document.trustDomain));
  }

  #trace({ rule, base, fixed, from, to, services }: CompiledRule, flow: Flow): RuleTrace {
    const { trustDomain } = this.document;
    const who = (patterns: readonly Pattern[], principal: Principal) =>
      patterns.find((pattern) => pattern.matches(principal, trustDomain))?.text ?? null;
    const taken = !fixed && "application" in flow.asked &&
      FIXED_SERVICES.includes(flow.asked.application);
    const parts = {
      from: who(from, flow.from),
      to: who(to, flow.to),
      service: taken
        ? null
        : services.find((service) => serviceMatches(service, flow.asked))?.text ?? null,
    };
    return {
      rule: rule.name,
      effect: rule.effect,
      base,
      ...parts,
      matched: parts.from !== null && parts.to !== null && parts.service !== null,
    };
  }

  #decided(decisive: CompiledRule | undefined, trace: readonly RuleTrace[]): Decision {
    if (decisive === undefined) return { allowed: false, by: "default deny", rule: null, trace };
    const { rule: { name, effect }, fixed } = decisive;
    return { allowed: effect === "allow", by: fixed ? "fixed" : effect, rule: name, trace };
  }

  /** Decides, and says what every rule had to do with it. */
  decide(flow: Flow): Decision {
    // Who has no SPIFFE ID is nobody, whatever a pattern's text may match.
    const known = trustDomainOf(flow.from.spiffeId) !== null &&
      trustDomainOf(flow.to.spiffeId) !== null;
    const trace = known ? this.rules.map((rule) => this.#trace(rule, flow)) : [];
    return this.#decided(this.rules[trace.findIndex(({ matched }) => matched)], trace);
  }

  /** The decision alone: the same answer as {@link decide}, for where it is asked often. */
  allows(flow: Flow): boolean {
    if (trustDomainOf(flow.from.spiffeId) === null || trustDomainOf(flow.to.spiffeId) === null) {
      return false;
    }
    const decisive = this.rules.find((rule) => this.#trace(rule, flow).matched);
    return decisive?.rule.effect === "allow";
  }
}

/** Decides one flow by a document; see {@link Policy.decide}. */
export function decide(document: PolicyDocument, flow: Flow, carriers: Carriers = {}): Decision {
  return new Policy(document, carriers).decide(flow);
}
