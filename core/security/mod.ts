// Trust as one service: membership, policy, tunnels, fabric, identities of programs and the audit log, started
// when the node belongs to a mesh. What each of them is lies in a folder of its own.
export {
  announcedAddresses,
  dialTargets,
  formatEndpoint,
  isLinkLocal,
  parseEndpoint,
} from "./addresses.ts";
export {
  type PolicyAnswer,
  PolicyDesk,
  type PolicyDeskPorts,
  type PolicyOutcome,
  type PolicyQuestion,
  type PolicyView,
} from "./policy_desk.ts";
export type { SecurityPorts, SecurityTables } from "./ports.ts";
export { Security } from "./security.ts";
export type { FabricStatus, SecurityStatus } from "./status.ts";
