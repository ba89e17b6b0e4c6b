// The node's one configuration: schema, parser with explained errors, editor, diff, and safe apply with
// confirm or roll back. Talks to the machine through core/ports only.
export {
  formatPath,
  fromTomlKey,
  type KeyInfo,
  parsePath,
  type PathPart,
  toTomlKey,
} from "../document/mod.ts";
export { findContradictions } from "./checks.ts";
export { type ConfigError, ConfigFault, type ConfigFaultCode } from "./errors.ts";
export type {
  ConfigEvent,
  ConfigHistory,
  ConfigOutcome,
  ConfigRecord,
  CurrentConfig,
} from "./history.ts";
export { ConfigManager } from "./manager.ts";
export type {
  ApplyOptions,
  ApplyResult,
  ConfigDiff,
  ConfigManagerOptions,
  ConfigStatus,
} from "./manager_types.ts";
export { channelSpec } from "./channel.ts";
export {
  type ConfigWarning,
  defaultConfig,
  parseConfig,
  parseConfigValue,
  type ParseResult,
} from "./parse.ts";
export type { ConfigPaths } from "./pending.ts";
export { type ConfigChange, diffConfigs, redact, REDACTED, redactText } from "./redact.ts";
export type { ApplyReport, Change, ConfigApplier, Difference, PlannedStep } from "./report.ts";
export { type Config, configSchema } from "./schema.ts";
export { allKeys } from "./schema_walk.ts";
export { configJsonSchema, valueAt, writeConfig } from "./write.ts";
export { KernelApplier, type KernelApplierOptions } from "./apply.ts";
export { type EditResult, readValue, setKey } from "./edit.ts";
export { FIREWALL_TABLE, firewallRuleset } from "./firewall.ts";
export { observe, type Observed } from "./observed.ts";
export { type Plan, plan } from "./plan.ts";
export type { Action, Step } from "./step.ts";
