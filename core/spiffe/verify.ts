// Believes in a chain of certificates that a peer proved to have the key of, or says why not. Never trusts
// what the TLS stack made of it: a resumed session skips its checks (docs/protocol/spiffe.md).
// X509-SVID §5, RFC 5280 §6 as far as SPIFFE needs it.
import { sha256 } from "@noble/hashes/sha2.js";
import type { SpiffeId } from "../identity/mod.ts";
import {
  type CertificateView,
  isIssuedBy,
  requireAuthority,
  requireCurrent,
  requireLeaf,
  viewCertificate,
} from "./certificate_view.ts";
import { SpiffeError } from "./errors.ts";
import {
  MAX_CERTIFICATE_BYTES,
  MAX_CHAIN,
  MAX_CHECKED_PAIRS,
  MAX_READ_CERTIFICATES,
} from "./limits.ts";
import type { Members } from "./members.ts";
import type { X509Library } from "./x509_library.ts";

/** Who is at the other end. */
export interface VerifiedPeer {
  readonly spiffeId: string;
  readonly trustDomain: string;
  readonly path: string;
  /** Node whose intermediate issued it; `null` for another trust domain. */
  readonly nodeId: string | null;
  /** Roles of that node; none for another trust domain. */
  readonly roles: readonly string[];
  readonly notAfterMs: number;
}

/** X.509 authorities of another trust domain; `null` when it is not federated with. */
export type ForeignAuthorities = (trustDomain: string) => readonly CertificateView[] | null;

/**
 * A path below /node is a node's own: only that node's intermediate may issue it.
 *
 * @throws {SpiffeError} "untrusted"
 */
export function requireOwnPath(path: string, nodeId: string): void {
  const [, first, second] = path.split("/");
  if (first === "node" && second !== nodeId) {
    throw new SpiffeError(
      "untrusted",
      `Cannot accept "${path}" from "${nodeId}": it is another node's`,
    );
  }
}

/** Checks chains against the members of the mesh and the bundles of others. */
export class PeerVerifier {
  readonly #x509: X509Library;
  readonly #trustDomain: string;
  readonly #members: Members;
  readonly #foreign: ForeignAuthorities;
  /** Signatures that were checked: certificates do not change, so neither does the answer. */
  readonly #checked = new Map<string, boolean>();
  /** Certificates that were read, by what they are: a peer shows the same with each request. */
  readonly #read = new Map<string, CertificateView>();

  constructor(
    x509: X509Library,
    trustDomain: string,
    members: Members,
    foreign: ForeignAuthorities,
  ) {
    this.#x509 = x509;
    this.#trustDomain = trustDomain;
    this.#members = members;
    this.#foreign = foreign;
  }

  /**
   * Believes in a chain.
   *
   * @param chain DER, leaf first.
   * @param role what the peer is in TLS.
   * @throws {SpiffeError} or {IdentityError} with the reason.
   */
  verify(chain: readonly Uint8Array[], role: "server" | "client", nowMs: number): VerifiedPeer {
    const [first, ...rest] = chain;
    if (first === undefined) {
      throw new SpiffeError("untrusted", "Cannot accept a peer: it shows no certificate");
    }
    if (chain.length > MAX_CHAIN) {
      throw new SpiffeError("malformed", `Cannot accept a chain of ${chain.length} certificates`);
    }
    const leaf = this.#view(first);
    const id = requireLeaf(leaf, role);
    requireCurrent(leaf, nowMs);
    return id.trustDomain === this.#trustDomain
      ? this.#member(leaf, id, nowMs)
      : this.#stranger(leaf, id, rest, nowMs);
  }

  #member(leaf: CertificateView, id: SpiffeId, nowMs: number): VerifiedPeer {
    const issuer = this.#members.issuers(leaf.issuerKeyId ?? "", nowMs)
      .find(({ intermediate }) => this.#issued(leaf, intermediate));
    if (issuer === undefined) {
      throw new SpiffeError(
        "untrusted",
        `Cannot accept "${leaf.uris[0]}": no known member of the mesh issued it`,
      );
    }
    this.#members.requireUsable(issuer, nowMs);
    requireCurrent(issuer.intermediate, nowMs);
    const { nodeId, claims } = issuer.credential;
    requireOwnPath(id.path, nodeId);
    return peerOf(leaf, id, nodeId, claims.roles);
  }

  #stranger(
    leaf: CertificateView,
    id: SpiffeId,
    rest: readonly Uint8Array[],
    nowMs: number,
  ): VerifiedPeer {
    const roots = this.#foreign(id.trustDomain);
    if (roots === null) {
      throw new SpiffeError(
        "unknown-domain",
        `Cannot accept "${leaf.uris[0]}": there is no bundle of "${id.trustDomain}"`,
      );
    }
    const shown = rest.map((der) => this.#view(der));
    if (!this.#reaches(leaf, shown, roots, nowMs, 0)) {
      throw new SpiffeError(
        "untrusted",
        `Cannot accept "${leaf.uris[0]}": no authority of "${id.trustDomain}" issued it`,
      );
    }
    return peerOf(leaf, id, null, []);
  }

  /** Whether a root is reached from `below`, over certificates that are each used at most once. */
  #reaches(
    below: CertificateView,
    shown: readonly CertificateView[],
    roots: readonly CertificateView[],
    nowMs: number,
    depth: number,
  ): boolean {
    // Key identifiers tell most of a large bundle apart without a signature (RFC 5280 §4.2.1.1).
    const fits = ({ keyId }: CertificateView) =>
      keyId === null || below.issuerKeyId === null || keyId === below.issuerKeyId;
    const mayIssue = (view: CertificateView) =>
      fits(view) && view.authority && view.usage?.certSign === true &&
      (view.pathLength === null || view.pathLength >= depth) &&
      nowMs >= view.notBeforeMs && nowMs <= view.notAfterMs && this.#issued(below, view);
    if (roots.some(mayIssue)) return true;
    if (depth + 1 >= MAX_CHAIN) return false;
    return shown.some((view) =>
      mayIssue(view) &&
      this.#reaches(view, shown.filter((other) => other !== view), roots, nowMs, depth + 1)
    );
  }

  #issued(below: CertificateView, above: CertificateView): boolean {
    const key = `${below.fingerprint}${above.fingerprint}`;
    const known = this.#checked.get(key);
    if (known !== undefined) return known;
    const holds = isIssuedBy(below, above);
    remember(this.#checked, key, holds, MAX_CHECKED_PAIRS);
    return holds;
  }

  #view(der: Uint8Array): CertificateView {
    const key = der.length > MAX_CERTIFICATE_BYTES ? "" : sha256(der).toHex();
    const known = this.#read.get(key);
    if (known !== undefined) return known;
    const view = viewCertificate(this.#x509, der);
    remember(this.#read, key, view, MAX_READ_CERTIFICATES);
    return view;
  }
}

/** Puts an answer in; the oldest makes room. */
function remember<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  if (map.size >= max) {
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
  map.set(key, value);
}

function peerOf(
  leaf: CertificateView,
  id: SpiffeId,
  nodeId: string | null,
  roles: readonly string[],
): VerifiedPeer {
  return {
    spiffeId: leaf.uris[0] ?? "",
    trustDomain: id.trustDomain,
    path: id.path,
    nodeId,
    roles,
    notAfterMs: leaf.notAfterMs,
  };
}

/**
 * Signing certificates of a foreign bundle, checked for form.
 *
 * @param known those of the bundle before: reading a thousand anew takes a second.
 * @throws {SpiffeError} "malformed"
 */
export function viewAuthorities(
  x509: X509Library,
  ders: readonly Uint8Array[],
  known: readonly CertificateView[] = [],
): readonly CertificateView[] {
  const before = new Map(known.map((view) => [view.fingerprint, view]));
  return ders.map((der) => {
    const same = before.get(sha256(der).toHex());
    if (same !== undefined) return same;
    const view = viewCertificate(x509, der);
    requireAuthority(view);
    return view;
  });
}
