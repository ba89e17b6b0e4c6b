// What the service of membership is told, and what it tells.
import type { EnrolmentDialer } from "./asking.ts";

/** What changed. "member": this node entered a mesh. */
export type MembershipChange =
  | "member"
  | "join"
  | "credential"
  | "keys"
  | "authority"
  | "revocations"
  | "requests";

/** What the service is told by whoever runs it. */
export interface MembershipOptions {
  /** What this node calls itself. */
  name(): string;
  /** "host:port" where other nodes reach this one, best first. */
  addresses(): Promise<readonly string[]>;
  /** "host:port" of other members, as they are known now. */
  members(): readonly string[];
  readonly dial: EnrolmentDialer;
  /** A member was authenticated at "host:port". */
  met(nodeId: string, address: string): void;
  /** What a person may want to know. */
  readonly note: (message: string) => void;
  /** What went wrong. */
  readonly log: (message: string) => void;
}
