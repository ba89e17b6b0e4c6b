// SPIFFE of one node, joined: issues with the node's keys, learns from members, serves workloads, federates.
import type { Bytes } from "../pq/mod.ts";
import { type Bundle, encodeBundle } from "./bundle.ts";
import { type BundleEndpoint, startBundleEndpoint } from "./bundle_endpoint.ts";
import { bundleFetcher } from "./bundle_fetch.ts";
import { Changes } from "./changes.ts";
import { selfCertificate } from "./credential_certificate.ts";
import { Entries } from "./entries.ts";
import { SpiffeError } from "./errors.ts";
import { Federation } from "./federation.ts";
import type { IssuingKeys } from "./issuer.ts";
import { jwkOfDer } from "./jwk_of_der.ts";
import { JWT_SVID_LIFETIME_MS, REQUEST_TIMEOUT_MS } from "./limits.ts";
import { Members, requireNowMs } from "./members.ts";
import { tlsFetch } from "./mtls_client.ts";
import { type MtlsServer, startMtlsServer, type TlsIdentity } from "./mtls_server.ts";
import type {
  BundleListen,
  MtlsListen,
  MtlsRequest,
  SpiffeOptions,
  SpiffePorts,
  SpiffeStatus,
} from "./options.ts";
import { OwnBundle } from "./own_bundle.ts";
import { Renewal } from "./renewal.ts";
import { svidPem, type X509Svid } from "./svid.ts";
import { TokenValidator, type ValidToken } from "./token_validator.ts";
import { PeerVerifier, type VerifiedPeer } from "./verify.ts";
import { startWorkloadServer, type WorkloadServer } from "./workload_server.ts";
import { loadX509, type X509Library } from "./x509_library.ts";

interface Rotating {
  rotate(identity: TlsIdentity): void;
}

/** Keeps what is open in `set` until it is closed; closing twice is no error. */
function tracked<T extends { close(): Promise<void> }>(
  set: Set<T>,
  one: T,
  closed: () => void = () => {},
): T {
  const close = one.close.bind(one);
  let closing: Promise<void> | null = null;
  one.close = () => {
    set.delete(one);
    closed();
    return closing ??= close();
  };
  set.add(one);
  return one;
}

/** SPIFFE of one node. Made with {@link Spiffe.start}. */
export class Spiffe {
  readonly entries: Entries;
  readonly federation: Federation;
  readonly members: Members;
  readonly #ports: SpiffePorts;
  readonly #options: SpiffeOptions;
  readonly #ownBundle: OwnBundle;
  readonly #verifier: PeerVerifier;
  readonly #validator: TokenValidator;
  readonly #renewal: Renewal;
  /** What workloads are told changed. */
  readonly #changes = new Changes();
  readonly #stop = new AbortController();
  readonly #listeners = new Set<(svid: X509Svid) => void>();
  readonly #rotating = new Set<Rotating>();
  readonly #servers = new Set<MtlsServer>();
  readonly #workloads = new Set<WorkloadServer>();
  readonly #endpoints = new Set<BundleEndpoint>();
  #running: Promise<unknown> = Promise.resolve();

  private constructor(ports: SpiffePorts, options: SpiffeOptions, x509: X509Library) {
    const { mesh, keys, webAuthorities, announced = () => {}, log = () => {} } = options;
    const { clock, random, backend, tables, subtle } = ports;
    const { trustDomain } = mesh;
    this.#ports = ports;
    this.#options = options;
    this.members = new Members(mesh, backend, clock, tables.members);
    this.#ownBundle = new OwnBundle(mesh, this.members, tables.ownBundle, this.#changes);
    this.entries = new Entries(
      tables.entries,
      random,
      { trustDomain, nodeId: mesh.credential.nodeId },
      () => this.#entriesChanged(),
    );
    const fetch = bundleFetcher({
      verify: (chain) => this.verify(chain, "server"),
      ...(webAuthorities === undefined ? {} : { webAuthorities }),
    });
    this.federation = new Federation(
      { table: tables.federations, clock, x509, ownTrustDomain: trustDomain, fetch },
      this.#changes,
    );
    this.#verifier = new PeerVerifier(
      x509,
      trustDomain,
      this.members,
      (domain) => this.federation.authorities(domain),
    );
    this.#validator = new TokenValidator(subtle, trustDomain, this.members, this.federation);
    const { members } = this;
    const rotated = (svid: X509Svid) => this.#rotated(svid);
    this.#renewal = new Renewal(
      { clock, random, backend, mesh, members, announced, log, rotated },
      keys,
    );
  }

  /**
   * Starts: reads what is known of the members, issues the node's SVID, begins to renew. A clock that is not
   * set or keys that don't fit the credential are told by {@link status} and mended by themselves.
   */
  static async start(ports: SpiffePorts, options: SpiffeOptions): Promise<Spiffe> {
    const spiffe = new Spiffe(ports, options, await loadX509());
    await spiffe.members.load();
    await spiffe.#renewal.refresh();
    const { signal } = spiffe.#stop;
    spiffe.#running = Promise.all([
      spiffe.#renewal.run(signal),
      spiffe.federation.run(signal),
    ]);
    return spiffe;
  }

  #entriesChanged(): void {
    this.#renewal.forgetOthers(new Set(this.entries.list().map(({ id }) => id)));
    this.#changes.bump();
  }

  #rotated(svid: X509Svid): void {
    const identity = svidPem(svid);
    for (const one of this.#rotating) one.rotate(identity);
    for (const listener of this.#listeners) listener(svid);
    this.#changes.bump();
  }

  /** The node's X.509-SVID. @throws {SpiffeError} "clock-not-set", "wrong-key", "expired", "stopped". */
  svid(): X509Svid {
    return this.#renewal.svid();
  }

  /** A token of the node itself. @throws {SpiffeError} as {@link svid}, "malformed". */
  jwtSvid(audiences: readonly string[]): string {
    const { spiffeId } = this.#options.mesh.credential;
    return this.#renewal.issuer().jwt(spiffeId, audiences, JWT_SVID_LIFETIME_MS);
  }

  /** Calls `listener` with each new SVID of the node. @returns what ends that. */
  onRotate(listener: (svid: X509Svid) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** This trust domain's bundle. @throws {SpiffeError} "clock-not-set"; {IdentityError} "rollback". */
  bundle(): Bundle {
    return this.#ownBundle.at(requireNowMs(this.#ports.clock));
  }

  /** The bundle as the document that bundle endpoints serve. */
  bundleDocument(): string {
    return encodeBundle(this.bundle(), jwkOfDer);
  }

  /** The node's ML-DSA key and SPIFFE ID as a certificate that it signs itself, DER. */
  credentialCertificate(): Promise<Bytes> {
    const { mesh } = this.#options;
    const { postQuantum } = this.#renewal.keys;
    return selfCertificate(mesh.chain.current, postQuantum, mesh.credential);
  }

  /**
   * Takes in what another member announced.
   *
   * @returns whether anything was new.
   * @throws {SpiffeError} or {IdentityError} when it is not to be believed.
   */
  async learn(octets: Uint8Array): Promise<boolean> {
    const nodeId = await this.members.learn(octets);
    if (nodeId !== null) this.#changes.bump();
    return nodeId !== null;
  }

  /**
   * The mesh's state changed: a credential, revocations, the authority, or the node's keys. Connections of
   * whoever does not hold any more end, bundles and SVIDs follow.
   */
  async meshChanged(keys?: IssuingKeys): Promise<void> {
    // Whoever was revoked is cut off and out of the bundle first; the rest may take its time.
    this.#changes.bump();
    for (const server of this.#servers) server.reverify();
    await this.#renewal.refresh(keys);
    this.members.dropRevoked();
    this.#changes.bump();
  }

  /** Believes in a chain that a TLS peer showed. @throws {SpiffeError} or {IdentityError} */
  verify(chain: readonly Uint8Array[], role: "server" | "client"): VerifiedPeer {
    return this.#verifier.verify(chain, role, requireNowMs(this.#ports.clock));
  }

  /** Believes in a JWT-SVID. @throws {SpiffeError} or {IdentityError} */
  async validate(token: string, audience: string): Promise<ValidToken> {
    return await this.#validator.validate(token, audience, requireNowMs(this.#ports.clock));
  }

  /** Serves the Workload API on a unix socket. @param path absolute; its directory exists. */
  async workloadApi(path: string): Promise<WorkloadServer> {
    const { clock, listenForWorkloads } = this.#ports;
    const server = await startWorkloadServer(path, {
      clock,
      listen: listenForWorkloads,
      changes: this.#changes,
      sources: {
        clock,
        trustDomain: this.#options.mesh.trustDomain,
        entries: this.entries,
        federation: this.federation,
        issuer: () => this.#renewal.issuer(),
        ownBundle: (nowMs) => this.#ownBundle.at(nowMs),
        validate: (token, audience) => this.validate(token, audience),
      },
    });
    return tracked(this.#workloads, server);
  }

  /** Serves the bundle: https_spiffe with the node's SVID, https_web with a certificate that is given. */
  async bundleEndpoint(
    { hostname = "::", port, webIdentity }: BundleListen,
  ): Promise<BundleEndpoint> {
    const endpoint = await startBundleEndpoint(
      { hostname, port, document: () => this.bundleDocument() },
      webIdentity ?? svidPem(this.svid()),
    );
    if (webIdentity === undefined) this.#rotating.add(endpoint);
    return tracked(this.#endpoints, endpoint, () => this.#rotating.delete(endpoint));
  }

  /** Serves HTTP to peers with SVIDs. @throws {SpiffeError} as {@link svid}. */
  async mtlsServer({ hostname = "::", ...options }: MtlsListen): Promise<MtlsServer> {
    const server = await startMtlsServer({
      ...options,
      hostname,
      verify: (chain) => this.verify(chain, "client"),
    }, svidPem(this.svid()));
    this.#rotating.add(server);
    return tracked(this.#servers, server, () => this.#rotating.delete(server));
  }

  /**
   * Asks a peer over mTLS. Nothing is sent before it was verified to be whom it must be.
   *
   * @throws {SpiffeError} "wrong-id", "unreachable", …; {IdentityError}.
   */
  async mtlsFetch(url: string | URL, request: MtlsRequest): Promise<Response> {
    const { expect, signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS), ...rest } = request;
    const target = new URL(url);
    return await tlsFetch({ url: target, signal, ...rest }, {
      identity: svidPem(this.svid()),
      verify: (chain) => {
        const peer = this.verify(chain, "server");
        if (typeof expect === "string" ? peer.spiffeId === expect : expect(peer)) return;
        throw new SpiffeError(
          "wrong-id",
          `Cannot use "${target.host}": it is "${peer.spiffeId}", which is not who it must be`,
        );
      },
    });
  }

  status(): SpiffeStatus {
    const svid = this.#renewal.current;
    let workloads = 0;
    for (const { connections } of this.#workloads) workloads += connections;
    return {
      spiffeId: this.#options.mesh.credential.spiffeId,
      svid: svid === null ? null : { notAfterMs: svid.notAfterMs, renewAtMs: svid.renewAtMs },
      problem: this.#renewal.problem?.message ?? null,
      members: this.members.count,
      entries: this.entries.list().length,
      workloads,
      federations: this.federation.list().length,
    };
  }

  /** Ends everything that was started here and overwrites the keys that were made. */
  async stop(): Promise<void> {
    this.#stop.abort();
    const open = [...this.#servers, ...this.#workloads, ...this.#endpoints];
    await Promise.all(open.map((one) => one.close()));
    await this.#running;
    this.#renewal.wipe();
  }
}
