// SPIFFE for the mesh: X.509-SVIDs and JWT-SVIDs, the Workload API, bundles and federation, mTLS between
// nodes. See docs/protocol/spiffe.md. Not here: who is of the mesh (core/identity, core/membership), what
// an identity may do (core/policy).
export type {
  EndpointProfile,
  EntryTable,
  FederationRecord,
  FederationTable,
  MemberRecord,
  MemberTable,
  OwnBundleRecord,
  OwnBundleTable,
  RegistrationEntry,
  SpiffeTables,
} from "./ports.ts";
export { SpiffeError, type SpiffeErrorCode } from "./errors.ts";
export { type Announcement, decodeAnnouncement } from "./announcement.ts";
export { type Bundle, decodeBundle, encodeBundle, POST_QUANTUM_USE } from "./bundle.ts";
export type { BundleEndpoint } from "./bundle_endpoint.ts";
export {
  authorityCertificate,
  credentialCertificate,
  selfCertificate,
} from "./credential_certificate.ts";
export { certificatesOfPem, pem } from "./der.ts";
export type { Entries, EntryDraft } from "./entries.ts";
export type { Federation, FederationDraft, FederationStatus } from "./federation.ts";
export type { IssuingKeys } from "./issuer.ts";
export type { Jwk } from "./jwk.ts";
export type { Member, Members, MeshView } from "./members.ts";
export type { MtlsHandler, MtlsServer, TlsIdentity } from "./mtls_server.ts";
export type {
  BundleListen,
  MtlsListen,
  MtlsRequest,
  SpiffeOptions,
  SpiffePorts,
  SpiffeStatus,
} from "./options.ts";
export { Spiffe } from "./spiffe.ts";
export { svidPem, type X509Svid } from "./svid.ts";
export type { ValidToken } from "./token_validator.ts";
export type { VerifiedPeer } from "./verify.ts";
export { WORKLOAD_METHODS, WORKLOAD_PROTO } from "./workload_proto.ts";
export type { WorkloadServer } from "./workload_server.ts";
