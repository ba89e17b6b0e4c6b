// An invite: one string, the same in a QR code. It says which mesh (by name and by the hash of its
// authority), where a member is, and holds a token that lets one node in. Whoever reads it can use it:
// it is handed over like a key.
//
//   x0t1: base32( format, mesh, suite, authority hash, token id, token secret, expiry, addresses, checksum )
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import { type Bytes, equalBytes, hashOf } from "../pq/mod.ts";
import type { SuiteName } from "./authority.ts";
import { fromBase32, toBase32 } from "./base32.ts";
import { IdentityError } from "./errors.ts";
import {
  MAX_ADDRESS_BYTES,
  MAX_INVITE_ADDRESSES,
  MAX_INVITE_CHARACTERS,
  MAX_TRUST_DOMAIN_BYTES,
} from "./limits.ts";
import { requireTrustDomain } from "./spiffe_id.ts";

const PREFIX = "x0t1:";
const FORMAT = 1;
const CHECKSUM_BYTES = 4;
const HASH_BYTES = 48;
const SUITE_NAMES: readonly SuiteName[] = ["category3", "category5"];

/** Octets of a token's id. */
export const TOKEN_ID_BYTES = 8;
/** Octets of a token's secret: 160 bits. */
export const TOKEN_SECRET_BYTES = 20;

/** What an invite says. */
export interface Invite {
  readonly trustDomain: string;
  readonly suite: SuiteName;
  /** Hash of the authority's set when the invite was made. */
  readonly authority: Bytes;
  readonly tokenId: Bytes;
  readonly tokenSecret: Bytes;
  /** Wall time, whole seconds. */
  readonly expiresMs: number;
  /** "host:port" of members, tried in order. */
  readonly addresses: readonly string[];
}

const checksumOf = (body: Uint8Array) => hashOf(body).slice(0, CHECKSUM_BYTES);

/** The invite as text. */
export function encodeInvite(invite: Invite): string {
  requireTrustDomain(invite.trustDomain);
  const body = new WireWriter().u8(FORMAT).text(invite.trustDomain)
    .u8(SUITE_NAMES.indexOf(invite.suite))
    .fixed(invite.authority, HASH_BYTES)
    .fixed(invite.tokenId, TOKEN_ID_BYTES)
    .fixed(invite.tokenSecret, TOKEN_SECRET_BYTES)
    .u32(Math.floor(invite.expiresMs / 1000))
    .list(invite.addresses, (writer, address) => writer.text(address))
    .finish();
  return PREFIX + toBase32(Uint8Array.from([...body, ...checksumOf(body)]));
}

/**
 * Reads an invite; white space and case don't matter.
 *
 * @throws {IdentityError} "malformed" when it is none, "checksum" when it was mistyped or changed.
 */
export function decodeInvite(text: string): Invite {
  const compact = text.replace(/\s+/g, "").toLowerCase();
  if (!compact.startsWith(PREFIX) || compact.length > MAX_INVITE_CHARACTERS) {
    throw new IdentityError(
      "malformed",
      `Cannot use this as an invite: one begins with "${PREFIX}"`,
    );
  }
  const bytes = fromBase32(compact.slice(PREFIX.length));
  const damaged = "Cannot use this invite: a character is wrong or missing; copy all of it";
  if (bytes === null || bytes.length <= CHECKSUM_BYTES) {
    throw new IdentityError("checksum", damaged);
  }
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  if (!equalBytes(checksumOf(body), bytes.subarray(-CHECKSUM_BYTES))) {
    throw new IdentityError("checksum", damaged);
  }
  return decodeBody(body);
}

function decodeBody(body: Uint8Array): Invite {
  try {
    const reader = new WireReader(body, "invite");
    const format = reader.u8();
    if (format !== FORMAT) throw new WireError(`Cannot use an invite of format ${format}`);
    const trustDomain = reader.text(MAX_TRUST_DOMAIN_BYTES);
    const suite = SUITE_NAMES[reader.u8()];
    if (suite === undefined) throw new WireError("Cannot use an invite of an unknown suite");
    const invite: Invite = {
      trustDomain,
      suite,
      authority: reader.fixed(HASH_BYTES),
      tokenId: reader.fixed(TOKEN_ID_BYTES),
      tokenSecret: reader.fixed(TOKEN_SECRET_BYTES),
      expiresMs: reader.u32() * 1000,
      addresses: reader.list(MAX_INVITE_ADDRESSES, (item) => item.text(MAX_ADDRESS_BYTES)),
    };
    reader.end();
    requireTrustDomain(trustDomain);
    return invite;
  } catch (cause) {
    if (cause instanceof WireError) throw new IdentityError("malformed", cause.message, { cause });
    throw cause;
  }
}
