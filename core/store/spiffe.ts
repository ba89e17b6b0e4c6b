// Tables of SPIFFE: registration entries, members' announcements, federation relationships.
import type {
  EndpointProfile,
  EntryTable,
  FederationRecord,
  FederationTable,
  MemberRecord,
  MemberTable,
  OwnBundleRecord,
  OwnBundleTable,
  RegistrationEntry,
} from "../spiffe/mod.ts";
import type { Row } from "./db.ts";
import { StoreError } from "./errors.ts";
import { maybeNumber, maybeText, number, octets, text, WrittenThrough } from "./written_through.ts";

/** Lists are kept as lines: neither selectors nor trust domains hold a line break. */
const lines = (row: Row, name: string): string[] =>
  text(row, name).split("\n").filter((line) => line !== "");

/** Registration entries. */
export class SpiffeEntryRows extends WrittenThrough implements EntryTable {
  get(id: string): RegistrationEntry | null {
    const row = this.db.get("SELECT * FROM spiffe_entries WHERE id = ?", id);
    return row === null ? null : entryOf(row);
  }

  put(entry: RegistrationEntry): void {
    this.write((db) =>
      db.run(
        `INSERT OR REPLACE INTO spiffe_entries (id, path, selectors, x509_lifetime_s,
           jwt_lifetime_s, hint, federates_with, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        entry.id,
        entry.path,
        entry.selectors.join("\n"),
        entry.x509LifetimeS,
        entry.jwtLifetimeS,
        entry.hint,
        entry.federatesWith.join("\n"),
        entry.createdMs,
      )
    );
  }

  remove(id: string): void {
    this.write((db) => db.run("DELETE FROM spiffe_entries WHERE id = ?", id));
  }

  list(limit: number): readonly RegistrationEntry[] {
    return this.db.all("SELECT * FROM spiffe_entries ORDER BY created_ms, id LIMIT ?", limit)
      .map(entryOf);
  }
}

function entryOf(row: Row): RegistrationEntry {
  return {
    id: text(row, "id"),
    path: text(row, "path"),
    selectors: lines(row, "selectors"),
    x509LifetimeS: number(row, "x509_lifetime_s"),
    jwtLifetimeS: number(row, "jwt_lifetime_s"),
    hint: text(row, "hint"),
    federatesWith: lines(row, "federates_with"),
    createdMs: number(row, "created_ms"),
  };
}

/** What members announced. */
export class SpiffeMemberRows extends WrittenThrough implements MemberTable {
  put({ nodeId, octets }: MemberRecord): void {
    this.write((db) =>
      db.run(
        "INSERT OR REPLACE INTO spiffe_members (node_id, octets) VALUES (?, ?)",
        nodeId,
        octets,
      )
    );
  }

  remove(nodeId: string): void {
    this.write((db) => db.run("DELETE FROM spiffe_members WHERE node_id = ?", nodeId));
  }

  list(limit: number): readonly MemberRecord[] {
    return this.db.all("SELECT * FROM spiffe_members ORDER BY node_id LIMIT ?", limit)
      .map((row) => ({ nodeId: text(row, "node_id"), octets: octets(row, "octets") }));
  }
}

const PROFILES: readonly EndpointProfile[] = ["https_spiffe", "https_web"];

/** Trust domains this node federates with. */
export class SpiffeFederationRows extends WrittenThrough implements FederationTable {
  get(trustDomain: string): FederationRecord | null {
    const row = this.db.get("SELECT * FROM spiffe_federations WHERE trust_domain = ?", trustDomain);
    return row === null ? null : federationOf(row);
  }

  put(record: FederationRecord): void {
    this.write((db) =>
      db.run(
        `INSERT OR REPLACE INTO spiffe_federations (trust_domain, url, profile,
           endpoint_spiffe_id, bundle, refreshed_ms) VALUES (?, ?, ?, ?, ?, ?)`,
        record.trustDomain,
        record.url,
        record.profile,
        record.endpointSpiffeId,
        record.bundle,
        record.refreshedMs,
      )
    );
  }

  remove(trustDomain: string): void {
    this.write((db) =>
      db.run("DELETE FROM spiffe_federations WHERE trust_domain = ?", trustDomain)
    );
  }

  list(limit: number): readonly FederationRecord[] {
    return this.db.all("SELECT * FROM spiffe_federations ORDER BY trust_domain LIMIT ?", limit)
      .map(federationOf);
  }
}

function federationOf(row: Row): FederationRecord {
  const profile = PROFILES.find((known) => known === row["profile"]);
  if (profile === undefined) {
    throw new StoreError("corrupt", `Cannot read federation "${row["trust_domain"]}": its profile`);
  }
  return {
    trustDomain: text(row, "trust_domain"),
    url: text(row, "url"),
    profile,
    endpointSpiffeId: maybeText(row, "endpoint_spiffe_id"),
    bundle: maybeText(row, "bundle"),
    refreshedMs: maybeNumber(row, "refreshed_ms"),
  };
}

/** The own bundle's number: one row. */
export class SpiffeOwnBundleRow extends WrittenThrough implements OwnBundleTable {
  get(): OwnBundleRecord | null {
    const row = this.db.get("SELECT * FROM spiffe_own_bundle WHERE id = 1");
    return row === null ? null : { sequence: number(row, "sequence"), digest: text(row, "digest") };
  }

  put({ sequence, digest }: OwnBundleRecord): void {
    this.write((db) =>
      db.run(
        "INSERT OR REPLACE INTO spiffe_own_bundle (id, sequence, digest) VALUES (1, ?, ?)",
        sequence,
        digest,
      )
    );
  }
}
