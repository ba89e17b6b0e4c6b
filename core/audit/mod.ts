// The audit log of a node's trust decisions, hash-chained, with signed heads. Not the event log: that one
// is for operation, is pruned, and proves nothing. See docs/protocol/audit.md.
export { AuditError, type AuditErrorCode } from "./errors.ts";
export { auditLine, exportAudit, parseAuditLine, verdictInWords, verifyExport } from "./export.ts";
export {
  AUDIT_HEAD,
  type AuditSigner,
  compareHeads,
  decodeAuditHead,
  encodeAuditHead,
  type HeadOrder,
  headWithin,
  provesFork,
  signAuditHead,
  type SignedAuditHead,
  verifyAuditHead,
} from "./head.ts";
export { HeadBook, type HeadVerdict, type KnownHead } from "./head_book.ts";
export { MAX_HEAD_LINKS, USUAL_HEAD_LINKS } from "./limits.ts";
export {
  type AuditEntry,
  type AuditHead,
  type AuditKind,
  type AuditStretch,
  type AuditVerdict,
  hashOfEntry,
} from "./chain.ts";
export { AuditLog } from "./log.ts";
export type { AuditTable, HeadRecord, HeadTable } from "./ports.ts";
