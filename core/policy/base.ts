// What holds without any rule of the document. It is shown with every policy, since what is allowed and not
// written anywhere would be a surprise.
import type { PolicyDocument, PolicyRule } from "./document.ts";

/** A rule of the program's own. */
export interface BaseRule {
  readonly rule: PolicyRule;
  /** Whether no deny can take it away. */
  readonly fixed: boolean;
}

/** The rules every mesh has. */
export function baseRules(trustDomain: string): readonly BaseRule[] {
  const members = [`spiffe://${trustDomain}/node/*`];
  const rule = (name: string, from: readonly string[], services: string, note: string) => ({
    name: `base:${name}`,
    effect: "allow" as const,
    from,
    to: members,
    services: [services],
    note,
  });
  return [
    {
      rule: rule("handshake", members, "mesh:handshake", "members prove who they are"),
      fixed: true,
    },
    {
      rule: rule("documents", members, "fabric:documents", "what the authority signs reaches all"),
      fixed: true,
    },
    {
      rule: rule("status", members, "fabric:status", "members see how members are"),
      fixed: false,
    },
    {
      rule: rule("admin-read", ["role:admin"], "api:read", "admins read every member's API"),
      fixed: false,
    },
    {
      rule: rule("admin-write", ["role:admin"], "api:write", "admins change every member"),
      fixed: false,
    },
  ];
}

/**
 * What holds in a mesh whose authority has signed no policy yet: nodes reach each other over the overlay,
 * other roles reach nobody.
 */
export function startingPolicy(trustDomain: string): PolicyDocument {
  return {
    trustDomain,
    version: 0,
    madeMs: 0,
    services: [],
    rules: [{
      name: "nodes",
      effect: "allow",
      from: ["role:node"],
      to: ["role:node"],
      services: ["network"],
      note: "Holds until the authority signs a policy; it replaces this rule",
    }],
  };
}

/** What holds while it isn't known what the authority wants: the base alone. */
export function closedPolicy(trustDomain: string): PolicyDocument {
  return { trustDomain, version: 0, madeMs: 0, services: [], rules: [] };
}
