import { CodedError } from "../base/mod.ts";

/** Why an identity, credential or invite was refused. */
export type IdentityErrorCode =
  | "malformed" // octets or text that are no such thing
  | "wrong-mesh" // belongs to another mesh
  | "untrusted" // signatures missing, too few, or false
  | "expired"
  | "not-yet-valid"
  | "revoked"
  | "wrong-node" // the credential names other keys than these
  | "role-missing"
  | "insecure-file" // a secret file that others may read
  | "exists" // a key would be overwritten
  | "missing" // a key file that must be there is not
  | "checksum" // half-written, mistyped or changed on its way
  | "wrong-passphrase"
  | "token-unknown"
  | "token-expired"
  | "token-used" // somebody else used it, or is about to
  | "token-exhausted" // tried too often
  | "not-enrolled" // the node belongs to no mesh yet
  | "enrolled" // the node belongs to a mesh already
  | "no-authority" // too few of the authority's keys are at hand
  | "refused" // a member refused the request
  | "no-answer" // no member could be reached
  | "rollback"; // state older than what was seen before

/** What `core/identity` throws. Messages name nodes and meshes, never key material. */
export class IdentityError extends CodedError<IdentityErrorCode> {}
