// Who may do what in a mesh: the document, its decision, its signatures, its packet filter. See
// docs/protocol/policy.md. Not here: how identities are proved (core/handshake), how policies travel
// (core/fabric).
export { type BaseRule, baseRules, closedPolicy, startingPolicy } from "./base.ts";
export { diffPolicies } from "./diff.ts";
export {
  canonical,
  decodePolicyDocument,
  type Effect,
  encodePolicyDocument,
  type PolicyDocument,
  type PolicyRule,
  type ServiceDefinition,
} from "./document.ts";
export { PolicyError, type PolicyErrorCode } from "./errors.ts";
export { type AskedReading, explain, type Explanation, parseAsked } from "./explain.ts";
export { MAX_POLICY_BYTES, MAX_SIGNED_BYTES } from "./limits.ts";
export {
  type OverlayMember,
  type OverlayRules,
  overlayRules,
  type OverlaySets,
  POLICY_TABLE,
  type SetChange,
  setChanges,
} from "./overlay.ts";
export {
  type DeniedPackets,
  OverlayFirewall,
  type OverlayUpdate,
  type OverlayView,
} from "./overlay_firewall.ts";
export { parsePattern, type Pattern, type Principal } from "./pattern.ts";
export {
  type Carriers,
  type CompiledRule,
  decide,
  type Decision,
  type Flow,
  Policy,
  type RuleTrace,
} from "./policy.ts";
export type { PolicyVersions } from "./ports.ts";
export {
  APPLICATION_SERVICES,
  type Asked,
  type Coverage,
  FIXED_SERVICES,
  formatAsked,
  parsePorts,
  type PortRange,
  type Transport,
} from "./service.ts";
export {
  acceptPolicy,
  comparePolicies,
  decodePolicy,
  encodePolicy,
  gatherSignatures,
  isSigned,
  POLICY,
  policyRank,
  readPolicyFile,
  type SignedPolicy,
  signPolicy,
  writePolicyFile,
} from "./signed.ts";
export { type PolicyDraft, PolicyStore, type PolicyStoreOptions } from "./store.ts";
export {
  parsePolicy,
  parsePolicyValue,
  type PolicyHead,
  type PolicyReading,
  policyValue,
  ruleInWords,
  writePolicy,
} from "./text.ts";
