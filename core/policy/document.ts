// The policy as data and as the octets that the authority signs. A policy has one encoding: lists are
// sorted and without repetition, since their order means nothing.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import { PolicyError } from "./errors.ts";
import {
  MAX_NAME,
  MAX_NOTE,
  MAX_PATTERN,
  MAX_POLICY_BYTES,
  MAX_PORTS,
  MAX_RULES,
  MAX_SERVICES,
  MAX_VERSION,
  MAX_WORDS,
} from "./limits.ts";
import { parsePattern } from "./pattern.ts";
import { ANY, ICMP, isApplicationService, isServiceName, NETWORK, parsePorts } from "./service.ts";

/** What a rule does. A deny wins over every allow. */
export type Effect = "allow" | "deny";

/** A name for ports. */
export interface ServiceDefinition {
  readonly name: string;
  /** "tcp/22", "udp/6000-6010", "icmp". */
  readonly ports: readonly string[];
}

/** One rule: who may or may not do what to whom. */
export interface PolicyRule {
  readonly name: string;
  readonly effect: Effect;
  /** Who begins the connection; see {@link parsePattern}. */
  readonly from: readonly string[];
  /** Who answers it. */
  readonly to: readonly string[];
  /** Names of services, ports, "icmp", "network", "any", or what the program offers ("api:read"). */
  readonly services: readonly string[];
  /** For people. */
  readonly note: string;
}

/** What the authority signs. */
export interface PolicyDocument {
  readonly trustDomain: string;
  /** Grows by each change; 0 only for what holds before anything was signed. */
  readonly version: number;
  /** Wall time of whoever made it; for people. */
  readonly madeMs: number;
  readonly services: readonly ServiceDefinition[];
  readonly rules: readonly PolicyRule[];
}

const FORMAT = 1;
const EFFECTS: readonly Effect[] = ["allow", "deny"];

/** Name of a rule. */
export function isRuleName(text: string): boolean {
  return text.length <= MAX_NAME && /^[a-z0-9][a-z0-9._-]*$/.test(text);
}

/** One line of printable text. */
export function isNote(text: string): boolean {
  return text.length <= MAX_NOTE &&
    !/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text);
}

const byText = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0;
const sortedWords = (words: readonly string[]) => [...new Set(words)].sort(byText);

/** The same policy in its one order. */
export function canonical(document: PolicyDocument): PolicyDocument {
  return {
    ...document,
    services: document.services.map(({ name, ports }) => ({ name, ports: sortedWords(ports) }))
      .toSorted((a, b) => byText(a.name, b.name)),
    rules: document.rules.map((rule) => ({
      ...rule,
      from: sortedWords(rule.from),
      to: sortedWords(rule.to),
      services: sortedWords(rule.services),
    })).toSorted((a, b) => byText(a.name, b.name)),
  };
}

/** Canonical octets: what is signed. @throws {PolicyError} "too-large" */
export function encodePolicyDocument(document: PolicyDocument): Bytes {
  const { trustDomain, version, madeMs, services, rules } = canonical(document);
  const words = (writer: WireWriter, list: readonly string[]) =>
    writer.list(list, (item, word) => item.text(word));
  const bytes = new WireWriter().u8(FORMAT).text(trustDomain).u53(version).u53(madeMs)
    .list(services, (item, { name, ports }) => words(item.text(name), ports))
    .list(rules, (item, { name, effect, from, to, services, note }) => {
      item.text(name).u8(EFFECTS.indexOf(effect));
      words(words(words(item, from), to), services).text(note);
    })
    .finish();
  if (bytes.length > MAX_POLICY_BYTES) {
    throw new PolicyError(
      "too-large",
      `Cannot use this policy: it takes ${bytes.length} octets of at most ${MAX_POLICY_BYTES}`,
    );
  }
  return bytes;
}

/** Reads what {@link encodePolicyDocument} wrote, and nothing else. @throws {PolicyError} "malformed" */
export function decodePolicyDocument(bytes: Uint8Array): PolicyDocument {
  try {
    if (bytes.length > MAX_POLICY_BYTES) throw new WireError("Cannot decode policy: too long");
    const reader = new WireReader(bytes, "policy");
    const format = reader.u8();
    if (format !== FORMAT) throw new WireError(`Cannot decode policy of format ${format}`);
    const document: PolicyDocument = {
      trustDomain: reader.text(255),
      version: reader.u53(),
      madeMs: reader.u53(),
      services: reader.list(MAX_SERVICES, (item) => ({
        name: item.text(MAX_NAME),
        ports: item.list(MAX_PORTS, (port) => port.text(MAX_NAME)),
      })),
      rules: reader.list(MAX_RULES, (item) => ({
        name: item.text(MAX_NAME),
        effect: effectOf(item.u8()),
        from: item.list(MAX_WORDS, (word) => word.text(MAX_PATTERN)),
        to: item.list(MAX_WORDS, (word) => word.text(MAX_PATTERN)),
        services: item.list(MAX_WORDS, (word) => word.text(MAX_NAME)),
        note: item.text(4 * MAX_NOTE),
      })),
    };
    reader.end();
    requireCanonical(document);
    return document;
  } catch (cause) {
    if (cause instanceof WireError) throw new PolicyError("malformed", cause.message, { cause });
    throw cause;
  }
}

function effectOf(index: number): Effect {
  const effect = EFFECTS[index];
  if (effect === undefined) throw new WireError("Cannot decode policy: unknown effect");
  return effect;
}

const ascending = (words: readonly string[]): boolean =>
  words.every((word, i) => i === 0 || byText(words[i - 1] ?? "", word) < 0);

/** Whether `word` may stand among a rule's services. */
export function isServiceWord(word: string, defined: ReadonlySet<string>): boolean {
  return word === ANY || word === NETWORK || word === ICMP || defined.has(word) ||
    parsePorts(word) !== null || isApplicationService(word);
}

function requireCanonical({ version, services, rules }: PolicyDocument): void {
  const defined = new Set(services.map(({ name }) => name));
  const list = (words: readonly string[], good: (word: string) => boolean) =>
    words.length > 0 && ascending(words) && words.every(good);
  const sound = version <= MAX_VERSION && ascending(services.map(({ name }) => name)) &&
    ascending(rules.map(({ name }) => name)) &&
    services.every(({ name, ports }) =>
      isServiceName(name) && list(ports, (port) => port === ICMP || parsePorts(port) !== null)
    ) &&
    rules.every(({ name, from, to, services, note }) =>
      isRuleName(name) && isNote(note) &&
      list(from, (who) => parsePattern(who) !== null) &&
      list(to, (who) => parsePattern(who) !== null) &&
      list(services, (word) => isServiceWord(word, defined))
    );
  if (!sound) throw new WireError("Cannot decode policy: a field has a wrong form or order");
}
