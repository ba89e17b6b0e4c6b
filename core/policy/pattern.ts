// Whom a rule means: a role, one SPIFFE ID, or all below a path. A role means members of this mesh only:
// what another trust domain calls its workloads gives nothing here.
import { IdentityError, parseSpiffeId } from "../identity/mod.ts";
import { MAX_PATTERN } from "./limits.ts";

/** Somebody whose identity was proved. */
export interface Principal {
  readonly spiffeId: string;
  /** As the credential states them; none for a workload. */
  readonly roles: readonly string[];
}

/** A pattern that was read. */
export interface Pattern {
  /** As written; the canonical form. */
  readonly text: string;
  /** Trust domain that it names, or `null` for a role. */
  readonly trustDomain: string | null;
  /** @param trustDomain the mesh's. */
  readonly matches: (principal: Principal, trustDomain: string) => boolean;
}

/** In the words of an error. */
export const PATTERN_EXPECTS =
  '"role:<name>", a SPIFFE ID, or one that ends in "/*" (one step below) or "/**" (all below)';

const ROLE = /^role:([a-z0-9][a-z0-9-]{0,63})$/;

/** Reads a pattern; `null` when `text` is none. */
export function parsePattern(text: string): Pattern | null {
  if (text.length > MAX_PATTERN) return null;
  const role = ROLE.exec(text)?.[1];
  if (role !== undefined) {
    return {
      text,
      trustDomain: null,
      matches: ({ spiffeId, roles }, mesh) =>
        spiffeId.startsWith(`spiffe://${mesh}/`) && roles.includes(role),
    };
  }
  const [, base = "", stars] = /^(.*?)(?:\/(\*\*?))?$/.exec(text) ?? [];
  const trustDomain = trustDomainOf(base);
  if (trustDomain === null) return null;
  if (stars === undefined) {
    return { text, trustDomain, matches: ({ spiffeId }) => spiffeId === text };
  }
  const prefix = `${base}/`;
  return {
    text,
    trustDomain,
    matches: ({ spiffeId }) =>
      spiffeId.startsWith(prefix) && spiffeId.length > prefix.length &&
      (stars === "**" || !spiffeId.includes("/", prefix.length)),
  };
}

/** Trust domain of a SPIFFE ID; `null` when `text` is none. */
export function trustDomainOf(text: string): string | null {
  try {
    return parseSpiffeId(text).trustDomain;
  } catch (thrown) {
    if (thrown instanceof IdentityError) return null;
    throw thrown;
  }
}
