// Who is who in a mesh: authority, nodes, credentials, SPIFFE IDs, overlay addresses; the files they are
// kept in, invites, revocations. See docs/protocol/identity.md. Not here: how identities are proved to a
// peer (core/handshake), how they are handed out (core/membership).
export {
  acceptRotation,
  authorityHash,
  type AuthorityKey,
  type AuthorityRotation,
  type AuthoritySet,
  type AuthoritySignature,
  decodeAuthority,
  encodeAuthority,
  readSignatures,
  requireSound,
  rotationBody,
  signRotation,
  signStatement,
  type SuiteName,
  suiteOf,
  verifyStatement,
  writeSignatures,
} from "./authority.ts";
export { fromBase32, toBase32 } from "./base32.ts";
export {
  acceptedSets,
  type AuthorityChain,
  chainFrom,
  decodeChain,
  encodeChain,
  type VerifiedChain,
  verifyChain,
} from "./chain.ts";
export {
  CREDENTIAL,
  type Credential,
  type CredentialClaims,
  decodeClaims,
  decodeCredential,
  encodeClaims,
  encodeCredential,
  issueCredential,
  requireInTime,
  signCredential,
  type VerifiedCredential,
  verifyCredential,
} from "./credential.ts";
export {
  type DocumentKind,
  type DocumentReader,
  fieldOf,
  type Fields,
  readDocument,
  writeDocument,
} from "./document.ts";
export {
  decodeEnrolmentRequest,
  encodeEnrolmentRequest,
  type EnrolmentRequest,
} from "./enrolment_request.ts";
export { IdentityError, type IdentityErrorCode } from "./errors.ts";
export {
  decodeInvite,
  encodeInvite,
  type Invite,
  TOKEN_ID_BYTES,
  TOKEN_SECRET_BYTES,
} from "./invite.ts";
export { type KeySlots, type NodeKeys, NodeKeyStore } from "./keystore.ts";
export {
  type AuthorityKeyFiles,
  type AuthorityKeyHead,
  backUpAuthority,
  createAuthorityKey,
  loadAuthorityKey,
  type PassphraseSealing,
  requirePassphrase,
  restoreAuthority,
} from "./keystore_authority.ts";
export {
  CLOCK_SKEW_MS,
  CREDENTIAL_LIFETIME_MS,
  EARLIEST_SANE_MS,
  MAX_AUTHORITY_KEYS,
  MAX_INVITE_ADDRESSES,
  MIN_PASSPHRASE_CHARACTERS,
  ROTATION_GRACE_MS,
} from "./limits.ts";
export {
  type MeshRecord,
  MeshState,
  type MeshStateOptions,
  readMeshRecord,
  type SeenVersions,
  type VersionRecord,
  writeMeshRecord,
} from "./mesh_state.ts";
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
  acceptRevocations,
  decodeRevocationList,
  decodeRevocations,
  encodeRevocationList,
  encodeRevocations,
  nextRevocations,
  noRevocations,
  type Revocation,
  RevocationIndex,
  type RevocationList,
  revocationOf,
  REVOCATIONS,
  type SignedRevocations,
  signRevocations,
} from "./revocation.ts";
export { readSecretFile } from "./secret_file.ts";
export {
  formatSpiffeId,
  nodeSpiffeId,
  parseSpiffeId,
  requireTrustDomain,
  type SpiffeId,
} from "./spiffe_id.ts";
export { TLS_SECRET_BYTES, type TlsKey, tlsKeyFrom, tlsKeyOf } from "./tls_key.ts";
