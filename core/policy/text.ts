// The policy as text: read with explained errors, and written so that it reads back the same.
import {
  type DocumentError,
  type DocumentForm,
  type DocumentResult,
  type Finding,
  nearest,
  parseDocument,
  parseDocumentValue,
} from "../document/mod.ts";
import { baseRules } from "./base.ts";
import {
  canonical,
  encodePolicyDocument,
  isServiceWord,
  type PolicyDocument,
  type PolicyRule,
} from "./document.ts";
import { PolicyError } from "./errors.ts";
import { parsePattern } from "./pattern.ts";
import { policySchema, type PolicyText } from "./schema.ts";
import { ANY, APPLICATION_SERVICES, FIXED_SERVICES, ICMP, NETWORK } from "./service.ts";

/** What reading a text gave. */
export type PolicyReading =
  | {
    readonly ok: true;
    readonly document: PolicyDocument;
    readonly warnings: readonly DocumentError[];
  }
  | { readonly ok: false; readonly errors: readonly DocumentError[] };

/** What signing adds to a text. */
export interface PolicyHead {
  readonly trustDomain: string;
  readonly version: number;
  readonly madeMs: number;
}

type Report = (
  path: Finding["path"],
  expected: string,
  found: string,
  more?: { readonly warning?: boolean; readonly suggestion?: string | null },
) => void;

function checkNames(text: PolicyText, report: Report): void {
  for (const key of ["services", "rules"] as const) {
    const seen = new Set<string>();
    for (const [i, { name }] of text[key].entries()) {
      if (seen.has(name)) report([key, i, "name"], "a name of its own", `"${name}" again`);
      seen.add(name);
    }
  }
}

function checkServiceWord(
  path: Finding["path"],
  word: string,
  defined: ReadonlySet<string>,
  report: Report,
): void {
  const known = [...defined, ANY, NETWORK, ICMP, ...Object.keys(APPLICATION_SERVICES)];
  if (FIXED_SERVICES.includes(word)) {
    report(path, "a service that rules may decide", `"${word}", which every member always has`);
  } else if (
    !isServiceWord(word, defined) ||
    (word.includes(":") && !Object.hasOwn(APPLICATION_SERVICES, word))
  ) {
    const suggestion = nearest(word, known.filter((name) => !FIXED_SERVICES.includes(name)));
    report(
      path,
      'a service of this policy, "tcp/<port>", "udp/<port>", "icmp", "network", "any", "api:read", ' +
        '"api:write" or "fabric:status"',
      `"${word}"`,
      { suggestion: suggestion === null ? null : `"${suggestion}"` },
    );
  }
}

function checkRules(text: PolicyText, trustDomain: string, report: Report): void {
  const defined = new Set(text.services.map(({ name }) => name));
  const used = new Set(text.rules.flatMap(({ services }) => services));
  for (const [i, rule] of text.rules.entries()) {
    for (const [j, word] of rule.services.entries()) {
      checkServiceWord(["rules", i, "services", j], word, defined, report);
    }
    if (rule.effect === "allow" && rule.services.includes(ANY)) {
      report(
        ["rules", i, "services"],
        '"network", if packets are meant',
        '"any", which lets them change each other through the API too',
        { warning: true },
      );
    }
    for (const side of ["from", "to"] as const) {
      for (const [j, who] of rule[side].entries()) {
        const domain = parsePattern(who)?.trustDomain ?? null;
        if (domain === null || domain === trustDomain) continue;
        report(["rules", i, side, j], `somebody of "${trustDomain}"`, `another mesh's "${who}"`, {
          warning: true,
        });
      }
    }
  }
  for (const [i, { name }] of text.services.entries()) {
    if (used.has(name)) continue;
    report(["services", i, "name"], "a service that a rule uses", `"${name}"`, { warning: true });
  }
}

function documentOf(text: PolicyText, head: PolicyHead): PolicyDocument {
  return canonical({ ...head, services: text.services, rules: text.rules });
}

function formFor(head: PolicyHead): DocumentForm<PolicyText> {
  const contradictions = (text: PolicyText): readonly Finding[] => {
    const out: Finding[] = [];
    const report: Report = (path, expected, found, more = {}) =>
      out.push({
        path,
        expected,
        found,
        warning: more.warning ?? false,
        suggestion: more.suggestion ?? null,
      });
    if (text.mesh !== undefined && text.mesh !== head.trustDomain) {
      report(["mesh"], `"${head.trustDomain}", this mesh`, `"${text.mesh}"`);
    }
    checkNames(text, report);
    checkRules(text, head.trustDomain, report);
    try {
      encodePolicyDocument(documentOf(text, head));
    } catch (thrown) {
      if (!(thrown instanceof PolicyError)) throw thrown;
      report([], "a smaller policy", thrown.message);
    }
    return out;
  };
  return { schema: policySchema, contradictions };
}

function readingOf(read: DocumentResult<PolicyText>, head: PolicyHead): PolicyReading {
  return read.ok
    ? { ok: true, document: documentOf(read.value, head), warnings: read.warnings }
    : read;
}

/** Reads a policy in TOML. */
export function parsePolicy(text: string, head: PolicyHead): PolicyReading {
  return readingOf(parseDocument(formFor(head), text), head);
}

/** Reads a policy from a plain value, as the API takes it. */
export function parsePolicyValue(value: unknown, head: PolicyHead): PolicyReading {
  return readingOf(parseDocumentValue(formFor(head), value), head);
}

/** The plain value of a policy: {@link parsePolicyValue} reads it back. */
export function policyValue({ trustDomain, services, rules }: PolicyDocument): PolicyText {
  return {
    mesh: trustDomain,
    services: services.map(({ name, ports }) => ({ name, ports: [...ports] })),
    rules: rules.map((rule) => ({
      ...rule,
      from: [...rule.from],
      to: [...rule.to],
      services: [...rule.services],
    })),
  };
}

// JSON's escapes are TOML's, but for DEL, which TOML wants escaped; a note has no control characters.
const quoted = (text: string): string => JSON.stringify(text);
const array = (words: readonly string[]): string => `[${words.map(quoted).join(", ")}]`;

/** One rule as a line: "allow role:a → role:b: ssh". */
export function ruleInWords({ effect, from, to, services }: PolicyRule): string {
  return `${effect} ${from.join(", ")} → ${to.join(", ")}: ${services.join(", ")}`;
}

/** The policy in TOML; {@link parsePolicy} reads it back. The program's own rules stand in comments. */
export function writePolicy(document: PolicyDocument): string {
  const { trustDomain, version, services, rules } = document;
  const out = [
    version === 0
      ? `# What holds in ${trustDomain} without a signed policy.`
      : `# Policy ${version} of ${trustDomain}.`,
    "# Whatever no rule allows is denied; a deny wins over every allow. Always there:",
    ...baseRules(trustDomain).map(({ rule, fixed }) =>
      `#   ${rule.name}: ${ruleInWords(rule)}${fixed ? " (cannot be denied)" : ""}`
    ),
    `mesh = ${quoted(trustDomain)}`,
  ];
  for (const { name, ports } of services) {
    out.push("", "[[services]]", `name = ${quoted(name)}`, `ports = ${array(ports)}`);
  }
  for (const { name, effect, from, to, services: words, note } of rules) {
    out.push("", "[[rules]]", `name = ${quoted(name)}`, `effect = ${quoted(effect)}`);
    out.push(`from = ${array(from)}`, `to = ${array(to)}`, `services = ${array(words)}`);
    if (note !== "") out.push(`note = ${quoted(note)}`);
  }
  return `${out.join("\n")}\n`;
}
