// Everything of trust over HTTP. What stands behind it is handed in.
import type { Membership } from "../../core/membership/mod.ts";
import type { Api } from "./context.ts";
import { addMembership } from "./membership.ts";

/** What the API shows and does of trust. */
export interface SecurityService {
  readonly membership: Membership;
}

/** Adds all routes of trust. */
export function addSecurity(api: Api, { membership }: SecurityService): void {
  addMembership(api, membership);
}
