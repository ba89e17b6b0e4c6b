// Tables of membership: tokens, requests, versions seen, audit log. Every change is on the disk when its
// call returns, or it throws: what decides about trust is never in memory only.
import type { AuditEntry, AuditKind, AuditTable } from "../audit/mod.ts";
import { WireReader, WireWriter } from "../base/mod.ts";
import {
  readSignatures,
  type SeenVersions,
  type VersionRecord,
  writeSignatures,
} from "../identity/mod.ts";
import type {
  RequestKind,
  RequestState,
  RequestTable,
  SigningRequest,
  TokenRecord,
  TokenTable,
} from "../membership/mod.ts";
import type { Row } from "./db.ts";
import { StoreError } from "./errors.ts";
import { maybeNumber, maybeText, number, octets, text, WrittenThrough } from "./written_through.ts";

/** Highest versions seen, a mesh a row. */
export class VersionRows extends WrittenThrough implements VersionRecord {
  read(mesh: string): SeenVersions | null {
    const row = this.db.get("SELECT * FROM mesh_versions WHERE mesh = ?", mesh);
    return row === null ? null : {
      authority: number(row, "authority"),
      revocations: number(row, "revocations"),
      serial: number(row, "serial"),
    };
  }

  raise(mesh: string, { authority, revocations, serial }: SeenVersions): void {
    this.write((db) =>
      db.run(
        `INSERT INTO mesh_versions (mesh, authority, revocations, serial) VALUES (?, ?, ?, ?)
         ON CONFLICT (mesh) DO UPDATE SET authority = max(authority, excluded.authority),
           revocations = max(revocations, excluded.revocations),
           serial = max(serial, excluded.serial)`,
        mesh,
        authority,
        revocations,
        serial,
      )
    );
  }
}

/** Invites' tokens. */
export class TokenRows extends WrittenThrough implements TokenTable {
  get(id: string): TokenRecord | null {
    const row = this.db.get("SELECT * FROM invite_tokens WHERE id = ?", id);
    return row === null ? null : tokenOf(row);
  }

  put(record: TokenRecord): void {
    this.write((db) =>
      db.run(
        `INSERT OR REPLACE INTO invite_tokens (id, created_ms, expires_ms, authority, roles,
           auto_approve, tries, max_tries, node_id, used_ms, cancelled_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        record.id,
        record.createdMs,
        record.expiresMs,
        record.authority,
        record.roles.join(" "),
        record.autoApprove ? 1 : 0,
        record.tries,
        record.maxTries,
        record.nodeId,
        record.usedMs,
        record.cancelledMs,
      )
    );
  }

  list(limit: number): readonly TokenRecord[] {
    return this.db.all("SELECT * FROM invite_tokens ORDER BY created_ms DESC, id LIMIT ?", limit)
      .map(tokenOf);
  }
}

function tokenOf(row: Row): TokenRecord {
  return {
    id: text(row, "id"),
    createdMs: number(row, "created_ms"),
    expiresMs: number(row, "expires_ms"),
    authority: text(row, "authority"),
    roles: text(row, "roles").split(" ").filter((role) => role !== ""),
    autoApprove: number(row, "auto_approve") === 1,
    tries: number(row, "tries"),
    maxTries: number(row, "max_tries"),
    nodeId: maybeText(row, "node_id"),
    usedMs: maybeNumber(row, "used_ms"),
    cancelledMs: maybeNumber(row, "cancelled_ms"),
  };
}

/** What waits for the authority. */
export class RequestRows extends WrittenThrough implements RequestTable {
  get(id: string): SigningRequest | null {
    const row = this.db.get("SELECT * FROM signing_requests WHERE id = ?", id);
    return row === null ? null : requestOf(row);
  }

  put(request: SigningRequest): void {
    this.write((db) =>
      db.run(
        `INSERT OR REPLACE INTO signing_requests (id, kind, state, created_ms, name, node_id,
           token_id, approved, body, authority, signatures)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        request.id,
        request.kind,
        request.state,
        request.createdMs,
        request.name,
        request.nodeId,
        request.tokenId,
        request.approved ? 1 : 0,
        request.body,
        request.authority,
        writeSignatures(new WireWriter(), request.signatures).finish(),
      )
    );
  }

  list(limit: number): readonly SigningRequest[] {
    return this.db.all("SELECT * FROM signing_requests ORDER BY created_ms DESC, id LIMIT ?", limit)
      .map(requestOf);
  }

  ofNode(nodeId: string): SigningRequest | null {
    const row = this.db.get(
      `SELECT * FROM signing_requests WHERE node_id = ? AND kind = 'credential'
         AND state <> 'refused' ORDER BY created_ms DESC, id LIMIT 1`,
      nodeId,
    );
    return row === null ? null : requestOf(row);
  }
}

const KINDS: readonly RequestKind[] = ["credential", "revocations"];
const STATES: readonly RequestState[] = ["pending", "granted", "delivered", "refused"];

function requestOf(row: Row): SigningRequest {
  const kind = KINDS.find((known) => known === row["kind"]);
  const state = STATES.find((known) => known === row["state"]);
  if (kind === undefined || state === undefined) {
    throw new StoreError("corrupt", `Cannot read request "${row["id"]}": unknown kind or state`);
  }
  return {
    id: text(row, "id"),
    kind,
    state,
    createdMs: number(row, "created_ms"),
    name: text(row, "name"),
    nodeId: text(row, "node_id"),
    tokenId: maybeText(row, "token_id"),
    approved: number(row, "approved") === 1,
    body: octets(row, "body"),
    authority: octets(row, "authority"),
    signatures: readSignatures(new WireReader(octets(row, "signatures"), "signatures")),
  };
}

/** The audit log. */
export class AuditRows extends WrittenThrough implements AuditTable {
  append(entry: AuditEntry): void {
    this.write((db) => {
      const count = db.number("SELECT coalesce(max(id), 0) FROM audit_log");
      if (entry.index !== count + 1) {
        throw new StoreError("io", `Cannot append audit entry ${entry.index} after ${count}`);
      }
      db.run(
        `INSERT INTO audit_log (id, at_ms, kind, actor, subject, detail, previous, hash)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        entry.index,
        entry.atMs,
        entry.kind,
        entry.actor,
        entry.subject,
        entry.detail,
        entry.previous,
        entry.hash,
      );
    });
  }

  last(): AuditEntry | null {
    const row = this.db.get("SELECT * FROM audit_log ORDER BY id DESC LIMIT 1");
    return row === null ? null : auditOf(row);
  }

  from(index: number, limit: number): readonly AuditEntry[] {
    return this.db.all("SELECT * FROM audit_log WHERE id >= ? ORDER BY id LIMIT ?", index, limit)
      .map(auditOf);
  }
}

function auditOf(row: Row): AuditEntry {
  return {
    index: number(row, "id"),
    atMs: number(row, "at_ms"),
    // A kind of a later release is shown as it is; its hash is checked all the same.
    kind: text(row, "kind") as AuditKind,
    actor: text(row, "actor"),
    subject: text(row, "subject"),
    detail: text(row, "detail"),
    previous: octets(row, "previous"),
    hash: octets(row, "hash"),
  };
}
