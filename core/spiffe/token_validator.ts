// Believes in a JWT-SVID, or says why not. JWT-SVID §4.
import { SpiffeError } from "./errors.ts";
import type { Federation } from "./federation.ts";
import { type ReadToken, readToken, requireClaims, verifyToken } from "./jwt.ts";
import type { Members } from "./members.ts";
import { requireOwnPath } from "./verify.ts";

/** A token that holds. */
export interface ValidToken {
  readonly spiffeId: string;
  readonly trustDomain: string;
  /** Node that issued it; `null` for another trust domain. */
  readonly nodeId: string | null;
  readonly claims: Readonly<Record<string, unknown>>;
}

function untrusted({ id }: ReadToken): SpiffeError {
  return new SpiffeError(
    "untrusted",
    `Cannot use a JWT-SVID: no key of "${id.trustDomain}" signed it`,
  );
}

/** Checks tokens against the members of the mesh and the bundles of others. */
export class TokenValidator {
  readonly #subtle: SubtleCrypto;
  readonly #trustDomain: string;
  readonly #members: Members;
  readonly #federation: Federation;

  constructor(
    subtle: SubtleCrypto,
    trustDomain: string,
    members: Members,
    federation: Federation,
  ) {
    this.#subtle = subtle;
    this.#trustDomain = trustDomain;
    this.#members = members;
    this.#federation = federation;
  }

  /**
   * Believes in a token.
   *
   * @throws {SpiffeError} or {IdentityError} with the reason.
   */
  async validate(text: string, audience: string, nowMs: number): Promise<ValidToken> {
    const token = readToken(text);
    const own = token.id.trustDomain === this.#trustDomain;
    if (own && token.algorithm !== "ES256") throw untrusted(token);
    requireClaims(token, audience, nowMs, own);
    const nodeId = own ? await this.#member(token, nowMs) : await this.#stranger(token);
    const { subject, claims } = token;
    return { spiffeId: subject, trustDomain: token.id.trustDomain, nodeId, claims };
  }

  async #member(token: ReadToken, nowMs: number): Promise<string> {
    const [member] = this.#members.signers(token.kid, nowMs);
    if (member === undefined || !await verifyToken(this.#subtle, token, member.jwt)) {
      throw untrusted(token);
    }
    this.#members.requireUsable(member, nowMs);
    const { nodeId } = member.credential;
    requireOwnPath(token.id.path, nodeId);
    return nodeId;
  }

  async #stranger(token: ReadToken): Promise<null> {
    const bundle = this.#federation.bundle(token.id.trustDomain);
    if (bundle === null) {
      throw new SpiffeError(
        "unknown-domain",
        `Cannot use a JWT-SVID: there is no bundle of "${token.id.trustDomain}"`,
      );
    }
    for (const key of bundle.jwtAuthorities) {
      if (key.kid === token.kid && await verifyToken(this.#subtle, token, key)) return null;
    }
    throw untrusted(token);
  }
}
