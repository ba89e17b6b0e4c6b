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
  | "wrong-passphrase"
  | "token" // an invite's token is unknown, used up or expired
  | "rollback"; // state older than what was seen before

/** What `core/identity` throws. Messages name nodes and meshes, never key material. */
export class IdentityError extends CodedError<IdentityErrorCode> {}
