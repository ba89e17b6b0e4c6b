// What the codecs share: required attributes, flag sets, VLAN ids and units.
import { type Attributes, DecodeError } from "../netlink/mod.ts";
import {
  type ANSWER,
  type FlagTable,
  THROUGHPUT_UNIT_KBPS,
  VLAN_HAS_TAG,
  VLAN_ID_MASK,
} from "./spec.ts";

/** The raw attributes of one message. */
export type Raw = Attributes<typeof ANSWER>;

/** A set of flags, each bit under its name, and the raw bits for what is not named. */
export type Flags<T extends FlagTable> = { readonly [K in keyof T]: boolean };

/**
 * The attribute `name` of `raw`.
 *
 * @throws {DecodeError} when the kernel left it out.
 */
export function required<K extends keyof Raw>(
  raw: Raw,
  name: K,
  what: string,
): Exclude<Raw[K], undefined> {
  const value = raw[name];
  if (value === undefined) throw new DecodeError(`${what}.${String(name)}`, 0, 1, 0);
  return value as Exclude<Raw[K], undefined>;
}

/** Splits `bits` by `flags`; bits without a name are dropped. */
export function readFlags<const T extends FlagTable>(flags: T, bits: number): Flags<T> {
  const out: Record<string, boolean> = {};
  for (const [name, bit] of Object.entries(flags)) out[name] = (bits & bit) !== 0;
  return out as Flags<T>;
}

/** Joins named flags into bits; the inverse of {@link readFlags}. */
export function writeFlags<const T extends FlagTable>(flags: T, values: Flags<T>): number {
  let bits = 0;
  for (const [name, bit] of Object.entries(flags)) if (values[name] === true) bits |= bit;
  return bits;
}

/** A VLAN id of batman-adv's tables: `null` for untagged traffic. */
export function readVid(vid: number): number | null {
  return (vid & VLAN_HAS_TAG) === 0 ? null : vid & VLAN_ID_MASK;
}

/** The inverse of {@link readVid}. */
export function writeVid(vid: number | null): number {
  return vid === null ? 0 : VLAN_HAS_TAG | vid;
}

/** Kilobits a second from the kernel's 100 kbit/s units. */
export function readThroughputUnits(units: number): number {
  return units * THROUGHPUT_UNIT_KBPS;
}

/**
 * The kernel's 100 kbit/s units from kilobits a second.
 *
 * @throws {RangeError} when it is no whole, non-negative number of units that fits a u32.
 */
export function writeThroughputUnits(kbps: number, name: string): number {
  const units = kbps / THROUGHPUT_UNIT_KBPS;
  if (!Number.isInteger(units) || units < 0 || units > 0xffff_ffff) {
    throw new RangeError(
      `Cannot set "${name}": ${kbps} kbit/s is not a multiple of ${THROUGHPUT_UNIT_KBPS} in range`,
    );
  }
  return units;
}

/**
 * `value` when it is a whole number from `min` to `max`.
 *
 * @throws {RangeError} otherwise.
 */
export function inRange(value: number, name: string, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(
      `Cannot set "${name}": ${value} is not a whole number from ${min} to ${max}`,
    );
  }
  return value;
}
