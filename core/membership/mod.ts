// The life of a node in a mesh: founding, inviting, joining, approving, revoking, rotating, renewing.
export type { EnrolmentDialer } from "./asking.ts";
export type { RotateOptions } from "./authority_work.ts";
export type { Member, MembershipPorts, MembershipTables } from "./context.ts";
export { trustedNowMs } from "./context.ts";
export type { EnrolmentServer } from "./enrolment_server.ts";
export type { CreateOptions } from "./founding.ts";
export type { InviteOptions, MadeInvite } from "./invites.ts";
export type * from "./ports.ts";
export type { JoinOutcome } from "./joining.ts";
export { describeCarried, signCarried } from "./requests.ts";
export { Membership } from "./service.ts";
export type { MembershipChange, MembershipOptions } from "./service_types.ts";
export type { JoinStatus, MembershipStatus, MemberStatus, RequestView } from "./status.ts";
