// Tables that core/spiffe keeps its things in. Implemented by core/store.
import type { Bytes } from "../pq/mod.ts";

/** A member's announcement as it is kept. */
export interface MemberRecord {
  readonly nodeId: string;
  readonly octets: Bytes;
}

/** Announcements. Each change is on the disk when the call returns. */
export interface MemberTable {
  put(record: MemberRecord): void;
  remove(nodeId: string): void;
  list(limit: number): readonly MemberRecord[];
}

/** Who gets which identity. */
export interface RegistrationEntry {
  /** 16 hexadecimal digits. */
  readonly id: string;
  /** Path of the SPIFFE ID, "/web". */
  readonly path: string;
  /** All of them must fit the caller: "unix:uid:1000", "unix:gid:33", "unix:path:/usr/bin/x". */
  readonly selectors: readonly string[];
  /** Lifetime of its X.509-SVIDs. */
  readonly x509LifetimeS: number;
  /** Lifetime of its JWT-SVIDs. */
  readonly jwtLifetimeS: number;
  /** Tells a workload with several identities which is which; may be empty. */
  readonly hint: string;
  /** Trust domains whose bundles it gets. */
  readonly federatesWith: readonly string[];
  readonly createdMs: number;
}

/** Registration entries. Each change is on the disk when the call returns. */
export interface EntryTable {
  get(id: string): RegistrationEntry | null;
  put(entry: RegistrationEntry): void;
  remove(id: string): void;
  /** Oldest first. */
  list(limit: number): readonly RegistrationEntry[];
}

/** How a bundle endpoint proves itself (SPIFFE Federation §5.2). */
export type EndpointProfile = "https_spiffe" | "https_web";

/** Another trust domain whose bundle is fetched. */
export interface FederationRecord {
  readonly trustDomain: string;
  readonly url: string;
  readonly profile: EndpointProfile;
  /** Whom the endpoint must be; `null` with https_web. */
  readonly endpointSpiffeId: string | null;
  /** Last bundle document; `null` before the first. */
  readonly bundle: string | null;
  /** Wall time of the last success; `null` before the first. */
  readonly refreshedMs: number | null;
}

/** Federation relationships. Each change is on the disk when the call returns. */
export interface FederationTable {
  get(trustDomain: string): FederationRecord | null;
  put(record: FederationRecord): void;
  remove(trustDomain: string): void;
  list(limit: number): readonly FederationRecord[];
}

/** This trust domain's own bundle as it was last shown to others. */
export interface OwnBundleRecord {
  readonly sequence: number;
  /** Hash of what it said, hexadecimal. */
  readonly digest: string;
}

/** Keeps the number of the own bundle, so that it never falls. */
export interface OwnBundleTable {
  get(): OwnBundleRecord | null;
  put(record: OwnBundleRecord): void;
}

/** All tables of core/spiffe. */
export interface SpiffeTables {
  readonly members: MemberTable;
  readonly entries: EntryTable;
  readonly federations: FederationTable;
  readonly ownBundle: OwnBundleTable;
}
