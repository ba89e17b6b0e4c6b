// How SPIFFE of a node is started, and how its parts are asked for.
import type { Clock, ListenForWorkloads, Random } from "../ports/mod.ts";
import type { Backend, Bytes } from "../pq/mod.ts";
import type { IssuingKeys } from "./issuer.ts";
import type { MeshView } from "./members.ts";
import type { MtlsHandler, TlsIdentity } from "./mtls_server.ts";
import type { SpiffeTables } from "./ports.ts";
import type { VerifiedPeer } from "./verify.ts";

/** The world as SPIFFE sees it. */
export interface SpiffePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly backend: Backend;
  /** Verifies tokens of other trust domains, whose keys may be RSA. */
  readonly subtle: SubtleCrypto;
  readonly tables: SpiffeTables;
  readonly listenForWorkloads: ListenForWorkloads;
}

/** How it is started. */
export interface SpiffeOptions {
  /** The node's mesh; a `MeshState` is one. Call `meshChanged()` when it changed. */
  readonly mesh: MeshView;
  readonly keys: IssuingKeys;
  /** A line for people; default nowhere. */
  readonly log?: (line: string) => void;
  /** What others of the mesh must `learn()`: called at the start and when it changes. */
  readonly announced?: (octets: Bytes) => void;
  /** Authorities that https_web endpoints are checked with in place of the system's, PEM. */
  readonly webAuthorities?: readonly string[];
}

/** Where a server listens and what it does. */
export interface MtlsListen {
  /** Default all addresses. */
  readonly hostname?: string;
  /** 0 takes any. */
  readonly port: number;
  readonly handler: MtlsHandler;
  /** Told of each refusal: its code, never more. */
  readonly refused?: (code: string) => void;
}

/** Where a bundle endpoint listens. */
export interface BundleListen {
  /** Default all addresses. */
  readonly hostname?: string;
  /** 0 takes any. */
  readonly port: number;
  /** A certificate of the web's authorities makes it https_web; left out, it is https_spiffe. */
  readonly webIdentity?: TlsIdentity;
}

/** A request over mTLS. */
export interface MtlsRequest {
  /** SPIFFE ID that the server must have, or a judgement of it. */
  readonly expect: string | ((peer: VerifiedPeer) => boolean);
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Default: ends after 15 s. */
  readonly signal?: AbortSignal;
}

/** SPIFFE of a node as it stands. */
export interface SpiffeStatus {
  readonly spiffeId: string;
  /** The node's current X.509-SVID; `null` while there is none. */
  readonly svid: { readonly notAfterMs: number; readonly renewAtMs: number } | null;
  /** Why there is none, or why it is not renewed; `null` when all is well. */
  readonly problem: string | null;
  /** Members whose intermediates are known. */
  readonly members: number;
  readonly entries: number;
  /** Connections to the Workload API now. */
  readonly workloads: number;
  readonly federations: number;
}
