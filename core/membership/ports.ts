// What the membership service keeps in the database. Implemented by core/store.
import type { AuthoritySignature } from "../identity/mod.ts";
import type { Bytes } from "../pq/mod.ts";

/** A token's record. Holds no secret: that follows from the member's key and the id. */
export interface TokenRecord {
  /** 16 hexadecimal digits. */
  readonly id: string;
  readonly createdMs: number;
  readonly expiresMs: number;
  /** Hash of the authority's set that the invite pins, hexadecimal. */
  readonly authority: string;
  /** Roles that the node gets. */
  readonly roles: readonly string[];
  /** Whether whoever brings it needs nobody's approval. */
  readonly autoApprove: boolean;
  /** Enrolments begun with it by nodes it is not reserved for. */
  readonly tries: number;
  readonly maxTries: number;
  /** Node id for which a credential is being or was made, or `null`. */
  readonly nodeId: string | null;
  /** Set when the node confirmed that it has its credential. */
  readonly usedMs: number | null;
  /** Set when it was withdrawn. */
  readonly cancelledMs: number | null;
}

/** Tokens. Each change is on the disk when the call returns. */
export interface TokenTable {
  get(id: string): TokenRecord | null;
  put(record: TokenRecord): void;
  /** Newest first. */
  list(limit: number): readonly TokenRecord[];
}

/** What waits for signatures. */
export type RequestKind = "credential" | "revocations";

/** What became of a request. */
export type RequestState = "pending" | "granted" | "delivered" | "refused";

/** Something the authority is asked to sign, and the signatures so far. */
export interface SigningRequest {
  /** 16 hexadecimal digits. */
  readonly id: string;
  readonly kind: RequestKind;
  readonly state: RequestState;
  readonly createdMs: number;
  /** What the node calls itself; for people. */
  readonly name: string;
  /** Node id that it is about. */
  readonly nodeId: string;
  readonly tokenId: string | null;
  /** Whether a person approved it, or its token did. */
  readonly approved: boolean;
  /** The statement's octets. */
  readonly body: Bytes;
  /** Hash of the authority's set that signs. */
  readonly authority: Bytes;
  readonly signatures: readonly AuthoritySignature[];
}

/** Requests. Each change is on the disk when the call returns. */
export interface RequestTable {
  get(id: string): SigningRequest | null;
  put(request: SigningRequest): void;
  /** Newest first. */
  list(limit: number): readonly SigningRequest[];
  /** The newest request of a node that is not refused. */
  ofNode(nodeId: string): SigningRequest | null;
}
