// Who is who in a mesh: authority, nodes, credentials, SPIFFE IDs, overlay addresses. See
// docs/protocol/identity.md. Not here: how they are proved to a peer (core/handshake).
export {
  acceptRotation,
  authorityHash,
  type AuthorityKey,
  type AuthorityRotation,
  type AuthoritySet,
  type AuthoritySignature,
  decodeAuthority,
  encodeAuthority,
  rotationBody,
  signRotation,
  signStatement,
  type SuiteName,
  suiteOf,
  verifyStatement,
} from "./authority.ts";
export {
  type Credential,
  type CredentialClaims,
  decodeCredential,
  encodeCredential,
  issueCredential,
  signCredential,
  type VerifiedCredential,
  verifyCredential,
} from "./credential.ts";
export { IdentityError, type IdentityErrorCode } from "./errors.ts";
export {
  formatNodeId,
  meshHashOf,
  nodeIdOf,
  type NodePublicKeys,
  overlayAddress,
  overlayPrefix,
  parseNodeId,
} from "./node_id.ts";
export {
  formatSpiffeId,
  nodeSpiffeId,
  parseSpiffeId,
  requireTrustDomain,
  type SpiffeId,
} from "./spiffe_id.ts";
