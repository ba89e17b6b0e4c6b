// SPIFFE IDs. SPIFFE-ID standard §2: spiffe://trust-domain/path, no query, fragment, port or user.
import { IdentityError } from "./errors.ts";
import { MAX_SPIFFE_ID_BYTES, MAX_TRUST_DOMAIN_BYTES } from "./limits.ts";

/** A parsed SPIFFE ID. */
export interface SpiffeId {
  readonly trustDomain: string;
  /** "/node/…", or "" for the trust domain's own ID. */
  readonly path: string;
}

const TRUST_DOMAIN = /^[a-z0-9._-]+$/;
const SEGMENT = /^[A-Za-z0-9._-]+$/;

function refuse(text: string, why: string): never {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  throw new IdentityError("malformed", `Cannot use "${shown}" as SPIFFE ID: ${why}`);
}

/** Checks that `name` is a trust domain name. @throws {IdentityError} "malformed" */
export function requireTrustDomain(name: string): void {
  if (name.length > MAX_TRUST_DOMAIN_BYTES || !TRUST_DOMAIN.test(name)) {
    throw new IdentityError(
      "malformed",
      `Cannot use "${name.slice(0, 80)}" as trust domain: 1 to ${MAX_TRUST_DOMAIN_BYTES} of ` +
        "a-z, 0-9, dot, dash and underscore are allowed",
    );
  }
}

/** Reads a SPIFFE ID. @throws {IdentityError} "malformed" */
export function parseSpiffeId(text: string): SpiffeId {
  if (text.length > MAX_SPIFFE_ID_BYTES) refuse(text, "it is too long");
  if (!text.startsWith("spiffe://")) refuse(text, 'it does not begin with "spiffe://"');
  const rest = text.slice("spiffe://".length);
  const slash = rest.indexOf("/");
  const trustDomain = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? "" : rest.slice(slash);
  if (trustDomain.length > MAX_TRUST_DOMAIN_BYTES || !TRUST_DOMAIN.test(trustDomain)) {
    refuse(text, "its trust domain is none");
  }
  if (path !== "") {
    for (const segment of path.slice(1).split("/")) {
      if (!SEGMENT.test(segment) || segment === "." || segment === "..") {
        refuse(text, "its path has an empty, relative or invalid segment");
      }
    }
  }
  return { trustDomain, path };
}

/** Canonical text of a SPIFFE ID. */
export function formatSpiffeId({ trustDomain, path }: SpiffeId): string {
  return `spiffe://${trustDomain}${path}`;
}

/** SPIFFE ID of a node. */
export function nodeSpiffeId(trustDomain: string, nodeId: string): string {
  return `spiffe://${trustDomain}/node/${nodeId}`;
}
