// What a new policy changes, in sentences.
import type { PolicyDocument, PolicyRule, ServiceDefinition } from "./document.ts";
import { canonical } from "./document.ts";
import { MAX_CHANGES } from "./limits.ts";
import { ruleInWords } from "./text.ts";

function changedWords(what: string, before: readonly string[], after: readonly string[]): string[] {
  const added = after.filter((word) => !before.includes(word)).map((word) => `+${word}`);
  const gone = before.filter((word) => !after.includes(word)).map((word) => `-${word}`);
  return added.length + gone.length === 0 ? [] : [`${what} ${[...added, ...gone].join(" ")}`];
}

function changedRule(before: PolicyRule, after: PolicyRule): string[] {
  return [
    ...(before.effect === after.effect ? [] : [`${before.effect} becomes ${after.effect}`]),
    ...changedWords("from", before.from, after.from),
    ...changedWords("to", before.to, after.to),
    ...changedWords("services", before.services, after.services),
    ...(before.note === after.note ? [] : ["another note"]),
  ];
}

function compared<T extends { readonly name: string }>(
  what: string,
  before: readonly T[],
  after: readonly T[],
  words: (item: T) => string,
  changes: (a: T, b: T) => readonly string[],
): string[] {
  const old = new Map(before.map((item) => [item.name, item]));
  const young = new Map(after.map((item) => [item.name, item]));
  const names = [...new Set([...old.keys(), ...young.keys()])].sort();
  return names.flatMap((name) => {
    const [a, b] = [old.get(name), young.get(name)];
    if (a === undefined) return b === undefined ? [] : [`${what} "${name}" is new: ${words(b)}`];
    if (b === undefined) return [`${what} "${name}" is gone: ${words(a)}`];
    const list = changes(a, b);
    return list.length === 0 ? [] : [`${what} "${name}" changes: ${list.join("; ")}`];
  });
}

/** What `after` changes about `before`; empty when they say the same. */
export function diffPolicies(before: PolicyDocument, after: PolicyDocument): readonly string[] {
  const [a, b] = [canonical(before), canonical(after)];
  const out = [
    ...compared<ServiceDefinition>(
      "Service",
      a.services,
      b.services,
      ({ ports }) => ports.join(", "),
      (x, y) => changedWords("ports", x.ports, y.ports),
    ),
    ...compared<PolicyRule>("Rule", a.rules, b.rules, ruleInWords, changedRule),
  ];
  return out.length <= MAX_CHANGES
    ? out
    : [...out.slice(0, MAX_CHANGES), `${out.length - MAX_CHANGES} further changes`];
}
