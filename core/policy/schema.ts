// The policy as people write it: keys, and what each wants in the words of an error.
import { z } from "zod";
import { isNote, isRuleName } from "./document.ts";
import {
  MAX_NAME,
  MAX_NOTE,
  MAX_PATTERN,
  MAX_PORTS,
  MAX_RULES,
  MAX_SERVICES,
  MAX_WORDS,
} from "./limits.ts";
import { parsePattern, PATTERN_EXPECTS } from "./pattern.ts";
import { ICMP, isServiceName, parsePorts, PORTS_EXPECTS } from "./service.ts";

function leaf(good: (text: string) => boolean, expects: string, description: string): z.ZodString {
  return z.string().refine(good, expects).meta({ expects, description });
}

const who = leaf((text) => parsePattern(text) !== null, PATTERN_EXPECTS, "Who is meant.");

const service = z.strictObject({
  name: leaf(
    isServiceName,
    `a name of 1 to ${MAX_NAME} lower-case letters, digits and hyphens that is not "any", "network", ` +
      '"icmp", "tcp", "udp" or "other"',
    "Name that rules use.",
  ),
  ports: z.array(
    leaf((text) => text === ICMP || parsePorts(text) !== null, PORTS_EXPECTS, "What it covers."),
  ).min(1).max(MAX_PORTS).meta({ expects: `1 to ${MAX_PORTS} of ${PORTS_EXPECTS}` }),
});

const list = (item: z.ZodString, expects: string) =>
  z.array(item).min(1).max(MAX_WORDS).meta({ expects: `1 to ${MAX_WORDS} of ${expects}` });

const rule = z.strictObject({
  name: leaf(
    isRuleName,
    `a name of 1 to ${MAX_NAME} lower-case letters, digits, dots, hyphens and underscores`,
    "Names the rule in explanations and comparisons.",
  ),
  effect: z.enum(["allow", "deny"]),
  from: list(who, PATTERN_EXPECTS),
  to: list(who, PATTERN_EXPECTS),
  services: list(
    leaf((text) => text.length <= MAX_NAME, "the name of a service", "What it is about."),
    "names of services",
  ),
  note: leaf(isNote, `one line of at most ${MAX_NOTE} characters`, "For people.").default(""),
});

/** The document without what signing adds. */
export const policySchema = z.strictObject({
  mesh: leaf(
    (text) => text.length <= MAX_PATTERN,
    "the name of the mesh",
    "Guards against signing another mesh's policy.",
  ).optional(),
  services: z.array(service).max(MAX_SERVICES).default([]),
  rules: z.array(rule).max(MAX_RULES).default([]),
});

/** What a text says. */
export type PolicyText = z.infer<typeof policySchema>;
