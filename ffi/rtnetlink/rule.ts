// Routing-policy rules between octets and plain objects. Pure.
// linux v6.12 uapi/linux/fib_rules.h, net/core/fib_rules.c.
import {
  decodeHeader,
  decodeRt,
  encodeRt,
  familyNumber,
  type IpFamily,
  ipFamily,
  parsePrefix,
  prefixText,
  ROUTE_HEADER,
} from "./header.ts";
import { RULE } from "./spec.ts";

/** FR_ACT_TO_TBL: look the table up. */
const TO_TABLE = 1;

/** FIB_RULE_INVERT: the rule holds for what does not match. */
const INVERT = 0x2;

/** A rule as the kernel reports it. */
export interface RuleMessage {
  readonly family: IpFamily;
  readonly priority: number;
  /** `null` for any. */
  readonly source: string | null;
  readonly destination: string | null;
  readonly inputName: string | null;
  readonly outputName: string | null;
  readonly mark: number | null;
  readonly markMask: number | null;
  /** 0 when the action is not to look a table up. */
  readonly table: number;
  /** FR_ACT_*: 1 table, 2 goto, 3 nop, 6 blackhole, 7 unreachable, 8 prohibit. */
  readonly action: number;
  readonly inverted: boolean;
  /** Priority of the rule to go to. */
  readonly goto: number | null;
  /** Routes with a prefix this long or shorter do not count; `null` for none. */
  readonly suppressPrefixLength: number | null;
  readonly protocol: number | null;
}

/** Reads a NEWRULE or DELRULE message; `null` for a family that is not IP. @throws {DecodeError} */
export function decodeRule(payload: Uint8Array): RuleMessage | null {
  const family = ipFamily(decodeHeader(ROUTE_HEADER, payload, "rule").family);
  if (family === null) return null;
  const { header, attributes: a } = decodeRt(ROUTE_HEADER, RULE, payload, "rule");
  const prefix = (address: string | undefined, length: number, what: string) =>
    address === undefined && length === 0 ? null : prefixText(address, length, family, what);
  const { suppressPrefixLength: suppress } = a;
  return {
    family,
    priority: a.priority ?? 0,
    source: prefix(a.source, header.sourceLength, "rule.source"),
    destination: prefix(a.destination, header.destinationLength, "rule.destination"),
    inputName: a.inputName ?? null,
    outputName: a.outputName ?? null,
    mark: a.mark ?? null,
    markMask: a.markMask ?? null,
    table: a.table ?? header.table,
    action: header.type,
    inverted: (header.flags & INVERT) !== 0,
    goto: a.goto ?? null,
    // The kernel reports -1 for "none".
    suppressPrefixLength: suppress === undefined || suppress < 0 ? null : suppress,
    protocol: a.protocol ?? null,
  };
}

/** A rule to add or remove. */
export interface RuleSpec {
  readonly family: IpFamily;
  readonly priority: number;
  readonly source?: string;
  readonly destination?: string;
  readonly inputName?: string;
  readonly outputName?: string;
  readonly mark?: number;
  readonly markMask?: number;
  readonly table: number;
  /** Default FR_ACT_TO_TBL. */
  readonly action?: number;
  readonly suppressPrefixLength?: number;
}

/** A NEWRULE or DELRULE request. @throws {TypeError} for text that is no prefix. */
export function encodeRule(spec: RuleSpec): Uint8Array {
  const source = spec.source === undefined ? null : parsePrefix(spec.source);
  const destination = spec.destination === undefined ? null : parsePrefix(spec.destination);
  for (const prefix of [source, destination]) {
    if (prefix !== null && prefix.family !== spec.family) {
      throw new TypeError(
        `Cannot use "${prefix.address}/${prefix.length}" in an ${spec.family} rule`,
      );
    }
  }
  return encodeRt(ROUTE_HEADER, RULE, {
    header: {
      family: familyNumber(spec.family),
      destinationLength: destination?.length ?? 0,
      sourceLength: source?.length ?? 0,
      tos: 0,
      table: spec.table < 256 ? spec.table : 0,
      protocol: 0,
      scope: 0,
      type: spec.action ?? TO_TABLE,
      flags: 0,
    },
    attributes: {
      ...(destination === null || destination.length === 0
        ? {}
        : { destination: destination.address }),
      ...(source === null || source.length === 0 ? {} : { source: source.address }),
      ...(spec.inputName === undefined ? {} : { inputName: spec.inputName }),
      ...(spec.outputName === undefined ? {} : { outputName: spec.outputName }),
      priority: spec.priority,
      ...(spec.mark === undefined ? {} : { mark: spec.mark }),
      ...(spec.markMask === undefined ? {} : { markMask: spec.markMask }),
      ...(spec.suppressPrefixLength === undefined
        ? {}
        : { suppressPrefixLength: spec.suppressPrefixLength }),
      table: spec.table,
    },
  });
}

/** A request for all rules. */
export function encodeRuleDump(): Uint8Array {
  const header = {
    family: 0,
    destinationLength: 0,
    sourceLength: 0,
    tos: 0,
    table: 0,
    protocol: 0,
    scope: 0,
    type: 0,
    flags: 0,
  };
  return encodeRt(ROUTE_HEADER, RULE, { header, attributes: {} });
}
