// What member and joiner say once the handshake is done. Always sealed.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import { IdentityError, type IdentityErrorCode } from "../identity/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";

/** What a member answers to a request. */
export type EnrolmentAnswer =
  | { readonly kind: "pending"; readonly requestId: string }
  | { readonly kind: "refused"; readonly code: IdentityErrorCode; readonly sentence: string }
  | {
    readonly kind: "granted";
    readonly requestId: string;
    readonly credential: Bytes;
    /** From the mesh's first authority on. */
    readonly chain: Bytes;
    readonly revocations: Bytes;
    readonly meshPsk: Bytes;
  };

/** Reasons a member gives; an unknown one of a later release reads as "refused". */
const CODES: readonly IdentityErrorCode[] = [
  "refused",
  "wrong-mesh",
  "revoked",
  "expired",
  "untrusted",
  "malformed",
  "token-unknown",
  "token-expired",
  "token-used",
  "token-exhausted",
  "rollback",
];

const long = (writer: WireWriter, bytes: Uint8Array) =>
  writer.u32(bytes.length).fixed(bytes, bytes.length);

function readLong(reader: WireReader): Bytes {
  const length = reader.u32();
  if (length > MAX_MESSAGE_BYTES) throw new WireError("Cannot decode an answer: it is too long");
  return reader.fixed(length);
}

/** Octets of an answer. */
export function encodeAnswer(answer: EnrolmentAnswer): Bytes {
  const writer = new WireWriter();
  switch (answer.kind) {
    case "pending":
      return writer.u8(1).text(answer.requestId).finish();
    case "refused":
      return writer.u8(2).text(answer.code).text(answer.sentence).finish();
    case "granted":
      writer.u8(3).text(answer.requestId);
      for (const part of [answer.credential, answer.chain, answer.revocations]) long(writer, part);
      return writer.fixed(answer.meshPsk, 32).finish();
  }
}

/** @throws {IdentityError} "malformed" */
export function decodeAnswer(bytes: Uint8Array): EnrolmentAnswer {
  try {
    const reader = new WireReader(bytes, "enrolment answer");
    const answer = readAnswer(reader);
    reader.end();
    return answer;
  } catch (cause) {
    if (cause instanceof WireError) throw new IdentityError("malformed", cause.message, { cause });
    throw cause;
  }
}

function readAnswer(reader: WireReader): EnrolmentAnswer {
  const kind = reader.u8();
  switch (kind) {
    case 1:
      return { kind: "pending", requestId: reader.text(64) };
    case 2: {
      const named = reader.text(64);
      const code = CODES.find((known) => known === named) ?? "refused";
      return { kind: "refused", code, sentence: reader.text(1_000) };
    }
    case 3:
      return {
        kind: "granted",
        requestId: reader.text(64),
        credential: readLong(reader),
        chain: readLong(reader),
        revocations: readLong(reader),
        meshPsk: reader.fixed(32),
      };
    default:
      throw new WireError(`Cannot decode an answer of kind ${kind}`);
  }
}
