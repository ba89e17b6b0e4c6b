// The cheap check in front of an enrolment: one HMAC, no state, no KEM, no signature.
import { type Bytes, equalBytes, type Suite } from "../pq/mod.ts";
import type { EnrolMember } from "./enrol_responder.ts";
import { NO_TOKEN, splitEnrolM1, TOKEN_ID_BYTES } from "./enrol_messages.ts";
import { HandshakeError } from "./errors.ts";
import { earlySecret, mac1Holds } from "./key_schedule.ts";
import { m1Bytes } from "./messages.ts";

/** Octets of an enrolment's M1 with its mac. */
export function enrolM1Bytes(suite: Suite): number {
  return m1Bytes(suite) + TOKEN_ID_BYTES;
}

/** Whether the mac of an enrolment's M1 holds; a message of another form has none. */
export function enrolGateHolds(
  suite: Suite,
  token: EnrolMember["token"],
  m1: Uint8Array,
): boolean {
  try {
    const split = splitEnrolM1(m1, suite);
    const id: Bytes | null = equalBytes(split.tokenId, NO_TOKEN) ? null : split.tokenId;
    const found = token(id);
    if (found === null) return false;
    const early = earlySecret(suite, found.secret);
    const holds = mac1Holds(early, split.body, split.mac);
    early.fill(0);
    return holds;
  } catch (error) {
    if (error instanceof HandshakeError) return false;
    throw error;
  }
}
