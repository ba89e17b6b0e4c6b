// Everything of trust over HTTP. What stands behind it is handed in.
import type { KnownHead } from "../../core/audit/mod.ts";
import type { Membership } from "../../core/membership/mod.ts";
import type { PolicyDesk, SecurityStatus } from "../../core/security/mod.ts";
import { addAudit } from "./audit.ts";
import type { Api } from "./context.ts";
import { addMembership } from "./membership.ts";
import type { Clock } from "../../core/ports/mod.ts";
import type { Spiffe } from "../../core/spiffe/mod.ts";
import { addPolicy } from "./policy.ts";
import { addSpiffe } from "./spiffe.ts";
import { addTunnels } from "./tunnels.ts";

/** What the API shows and does of trust. */
export interface SecurityService {
  readonly membership: Membership;
  /** `null` while the node is in no mesh. */
  readonly policy: PolicyDesk | null;
  /** What other nodes signed about their audit logs. */
  auditHeads(): readonly KnownHead[];
  status(): Promise<SecurityStatus>;
  /** `null` while no certificates are issued. */
  readonly spiffe: Spiffe | null;
}

/** Adds all routes of trust. */
export function addSecurity(api: Api, security: SecurityService, clock: Clock): void {
  const { membership } = security;
  addMembership(api, membership);
  addPolicy(api, () => security.policy);
  addTunnels(api, () => security.status());
  addSpiffe(api, () => security.spiffe, clock);
  addAudit(api, membership.context.audit, () => security.auditHeads());
}
