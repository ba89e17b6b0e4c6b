// Regulatory domains between octets and objects. linux v6.12 net/wireless/nl80211.c nl80211_put_regdom().
import { decodeAttributes, DecodeError, encodeAttributes } from "../netlink/mod.ts";
import { DFS_REGIONS, type DfsRegion, REG_RULE_FLAGS } from "./names.ts";
import { attributeTable } from "./spec.ts";

/** What is allowed in one range of frequencies. */
export interface RegRule {
  readonly startKhz: number;
  readonly endKhz: number;
  readonly maxBandwidthKhz: number;
  /** Hundredths of a dBi; 0 when the rule sets none. */
  readonly maxAntennaGainMbi: number;
  /** Hundredths of a dBm. */
  readonly maxEirpMbm: number;
  readonly dfsCacMs: number;
  /** Names of NL80211_RRF_* bits: "no-ir", "dfs", "no-outdoor", "auto-bw", … */
  readonly flags: readonly string[];
}

/** A regulatory domain: the global one, or one radio's own. */
export interface RegDomain {
  /** ISO 3166 code, "00" for the world domain, "98" and "99" for ones the kernel or driver made. */
  readonly alpha2: string;
  readonly dfsRegion: DfsRegion | `unknown-${number}`;
  /** `null` for the global domain. */
  readonly wiphy: number | null;
  readonly selfManaged: boolean;
  readonly rules: readonly RegRule[];
}

function flagNames(flags: number): string[] {
  return REG_RULE_FLAGS.filter(([bit]) => (flags >>> bit & 1) === 1).map(([, name]) => name);
}

/** Reads one GET_REG message. @throws {DecodeError} */
export function decodeRegDomain(attributes: Uint8Array): RegDomain {
  const raw = decodeAttributes(attributeTable, attributes, "nl80211.regulatory");
  if (raw.alpha2 === undefined) {
    throw new DecodeError("nl80211.regulatory.alpha2", 0, 2, 0);
  }
  return {
    alpha2: raw.alpha2,
    dfsRegion: DFS_REGIONS.name(raw.dfsRegion ?? 0),
    wiphy: raw.wiphy ?? null,
    selfManaged: raw.selfManagedReg ?? false,
    rules: (raw.regRules ?? []).map((rule) => ({
      startKhz: rule.startKhz ?? 0,
      endKhz: rule.endKhz ?? 0,
      maxBandwidthKhz: rule.maxBandwidthKhz ?? 0,
      maxAntennaGainMbi: rule.maxAntennaGainMbi ?? 0,
      maxEirpMbm: rule.maxEirpMbm ?? 0,
      dfsCacMs: rule.dfsCacMs ?? 0,
      flags: flagNames(rule.flags ?? 0),
    })),
  };
}

/** REQ_SET_REG request. @throws {TypeError} when `alpha2` is no two-letter code or "00". */
export function encodeSetRegDomain(alpha2: string): Uint8Array {
  if (!/^([A-Z]{2}|00)$/.test(alpha2)) {
    throw new TypeError(`Cannot set country "${alpha2}": not two capital letters or "00"`);
  }
  return encodeAttributes(attributeTable, { alpha2 });
}
