// The family's two multicast groups: settings changed by anyone ("config"), and the end of throughput
// tests ("tpmeter"). Pure.
// linux v6.12 net/batman-adv/netlink.c (batadv_netlink_notify_*, batadv_netlink_tpmeter_notify).
import { decodeAttributes, encodeAttributes } from "../netlink/mod.ts";
import { inRange, required } from "./fields.ts";
import { MAX_TP_TEST_MS } from "./limits.ts";
import {
  decodeHardInterface,
  decodeMesh,
  decodeVlan,
  type HardInterface,
  type MeshInfo,
  type MeshVlan,
} from "./mesh_codec.ts";
import { ANSWER, COMMANDS, REQUEST, TP_REASONS } from "./spec.ts";

/** How a throughput test ended. "unknown" is a reason this code does not know. */
export type TpOutcome = typeof TP_REASONS[keyof typeof TP_REASONS] | "unknown";

/** The end of a throughput test. */
export interface TpResult {
  /** Which test: the number its start returned. */
  readonly cookie: number;
  readonly destination: string;
  readonly outcome: TpOutcome;
  /** enum batadv_tp_meter_reason. */
  readonly reason: number;
  readonly testTimeMs: number;
  /** Octets the receiver acknowledged. */
  readonly bytes: bigint;
  /** bytes over testTimeMs, in kbit/s; `null` when the test failed or took no time. */
  readonly throughputKbps: number | null;
}

/** What the two groups tell. */
export type BatadvEvent =
  | { readonly kind: "mesh"; readonly mesh: MeshInfo }
  | { readonly kind: "hardInterface"; readonly hardInterface: HardInterface }
  | { readonly kind: "vlan"; readonly vlan: MeshVlan }
  | { readonly kind: "tpResult"; readonly result: TpResult };

const REASONS: Readonly<Record<number, TpOutcome | undefined>> = TP_REASONS;

/** The reply to TP_METER: the new test's cookie. @throws {DecodeError} */
export function decodeTpCookie(attributes: Uint8Array): number {
  const what = "batadv.tpMeter";
  return required(decodeAttributes(ANSWER, attributes, what), "tpmeterCookie", what);
}

/** @throws {DecodeError} */
export function decodeTpResult(attributes: Uint8Array): TpResult {
  const what = "batadv.tpResult";
  const raw = decodeAttributes(ANSWER, attributes, what);
  const reason = required(raw, "tpmeterResult", what);
  const testTimeMs = required(raw, "tpmeterTestTime", what);
  const bytes = required(raw, "tpmeterBytes", what);
  const measured = reason < 128 && testTimeMs > 0;
  return {
    cookie: required(raw, "tpmeterCookie", what),
    destination: required(raw, "origAddress", what),
    outcome: REASONS[reason] ?? "unknown",
    reason,
    testTimeMs,
    bytes,
    // Octets a millisecond times eight are kilobits a second.
    throughputKbps: measured ? Number(bytes) * 8 / testTimeMs : null,
  };
}

/**
 * One message of a group; `null` for a command this code does not know.
 *
 * @throws {DecodeError}
 */
export function decodeEvent(command: number, attributes: Uint8Array): BatadvEvent | null {
  switch (command) {
    case COMMANDS.setMesh.number:
      return { kind: "mesh", mesh: decodeMesh(attributes) };
    case COMMANDS.setHardif.number:
      return { kind: "hardInterface", hardInterface: decodeHardInterface(attributes) };
    case COMMANDS.setVlan.number:
      return { kind: "vlan", vlan: decodeVlan(attributes) };
    case COMMANDS.tpMeter.number:
      return { kind: "tpResult", result: decodeTpResult(attributes) };
    default:
      return null;
  }
}

/** Attributes of TP_METER. @param testTimeMs 0 lets the kernel choose (10 s). */
export function encodeTpStart(
  meshIfindex: number,
  destination: string,
  testTimeMs: number,
): Uint8Array {
  return encodeAttributes(REQUEST, {
    meshIfindex,
    origAddress: destination,
    tpmeterTestTime: inRange(testTimeMs, "testTimeMs", 0, MAX_TP_TEST_MS),
  });
}

/** Attributes of TP_METER_CANCEL. */
export function encodeTpCancel(meshIfindex: number, destination: string): Uint8Array {
  return encodeAttributes(REQUEST, { meshIfindex, origAddress: destination });
}
