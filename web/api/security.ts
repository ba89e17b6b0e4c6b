// Everything of trust over HTTP. What stands behind it is handed in.
import type { KnownHead } from "../../core/audit/mod.ts";
import type { Membership } from "../../core/membership/mod.ts";
import type { PolicyDesk, SecurityStatus } from "../../core/security/mod.ts";
import { addAudit } from "./audit.ts";
import type { Api } from "./context.ts";
import { addMembership } from "./membership.ts";
import { addPolicy } from "./policy.ts";
import { addTunnels } from "./tunnels.ts";

/** What the API shows and does of trust. */
export interface SecurityService {
  readonly membership: Membership;
  /** `null` while the node is in no mesh. */
  readonly policy: PolicyDesk | null;
  /** What other nodes signed about their audit logs. */
  auditHeads(): readonly KnownHead[];
  status(): Promise<SecurityStatus>;
}

/** Adds all routes of trust. */
export function addSecurity(api: Api, security: SecurityService): void {
  const { membership } = security;
  addMembership(api, membership);
  addPolicy(api, () => security.policy);
  addTunnels(api, () => security.status());
  addAudit(api, membership.context.audit, () => security.auditHeads());
}
