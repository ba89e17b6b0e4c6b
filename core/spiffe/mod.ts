// SPIFFE for the mesh: X.509-SVIDs and JWT-SVIDs, the Workload API, bundles and federation, mTLS between
// nodes. See docs/protocol/spiffe.md. Not here: who is of the mesh (core/identity, core/membership), what
// an identity may do (core/policy).
export type {
  CallerProcess,
  EndpointProfile,
  EntryTable,
  FederationRecord,
  FederationTable,
  ListenForWorkloads,
  MemberRecord,
  MemberTable,
  OwnBundleRecord,
  OwnBundleTable,
  RegistrationEntry,
  SpiffeTables,
  WorkloadConnection,
  WorkloadListener,
} from "./ports.ts";
export { SpiffeError, type SpiffeErrorCode } from "./errors.ts";
