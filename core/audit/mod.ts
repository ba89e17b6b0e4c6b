// The audit log of a node's trust decisions, hash-chained, with signed heads. Not the event log: that one
// is for operation, is pruned, and proves nothing.
export { AuditError, type AuditErrorCode } from "./errors.ts";
export {
  AUDIT_HEAD,
  type AuditSigner,
  decodeAuditHead,
  encodeAuditHead,
  signAuditHead,
  type SignedAuditHead,
  verifyAuditHead,
} from "./head.ts";
export {
  type AuditEntry,
  type AuditHead,
  type AuditKind,
  AuditLog,
  type AuditVerdict,
  hashOfEntry,
} from "./log.ts";
export type { AuditTable, HeadRecord, HeadTable } from "./ports.ts";
