// What runs while the node is a member: policy, packet filter, tunnels, fabric, and what travels on it. Starts
// with membership and ends with the program.
import { messageOf } from "../base/mod.ts";
import { type Fabric, startFabric } from "../fabric/mod.ts";
import { MemberParty, MODE, type Mode, type ModeService } from "../handshake/mod.ts";
import type { Member, Membership, MembershipChange } from "../membership/mod.ts";
import type { HealthCheck } from "../node/mod.ts";
import type { DeniedPackets, OverlayView, PolicyStore } from "../policy/mod.ts";
import type { SocketAddress } from "../ports/mod.ts";
import { Spiffe } from "../spiffe/mod.ts";
import { type PeerAppeared, Tunnels } from "../tunnel/mod.ts";
import { parseEndpoint } from "./addresses.ts";
import { Announcements } from "./announcements.ts";
import { AuditHeads } from "./audit_heads.ts";
import { FAREWELL_MS } from "./limits.ts";
import type { Contacts } from "./contacts.ts";
import { Directory } from "./directory.ts";
import { DOCUMENTS, meshDocuments } from "./documents.ts";
import { PolicyDesk } from "./policy_desk.ts";
import { PolicyFilter } from "./policy_filter.ts";
import type { SecurityPorts } from "./ports.ts";
import { fabricMemory, openPolicy, openPorts } from "./runtime_parts.ts";
import { SignatureErrands } from "./signing.ts";
import { Supervised } from "./supervised.ts";

/** The fabric with what travels on it. */
interface FabricParts {
  readonly fabric: Fabric;
  readonly heads: AuditHeads;
  readonly errands: SignatureErrands;
}

/** One membership, running. */
export class MeshRuntime {
  readonly #ports: SecurityPorts;
  readonly #membership: Membership;
  readonly #contacts: Contacts;
  readonly #party: MemberParty;
  readonly directory: Directory;
  readonly policy: PolicyDesk;
  readonly #store: PolicyStore;
  readonly #filter: PolicyFilter;
  readonly #tunnels: Supervised<Tunnels>;
  readonly #fabric: Supervised<FabricParts>;
  readonly #announcements: Announcements;
  readonly #spiffe: Supervised<Spiffe>;
  #revoked: ReadonlySet<string>;
  #attached: Promise<void> = Promise.resolve();
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    ports: SecurityPorts,
    membership: Membership,
    contacts: Contacts,
    store: PolicyStore,
    changes: { policy: () => void },
  ) {
    this.#ports = ports;
    this.#membership = membership;
    this.#contacts = contacts;
    this.#store = store;
    changes.policy = () => this.#policyChanged();
    const { clock, kernel, log } = ports;
    this.directory = new Directory(membership, () => this.#filter.changed());
    const { random, backend } = ports;
    this.#party = new MemberParty({ clock, random, backend, ...this.#member });
    this.policy = new PolicyDesk({
      membership,
      store,
      principalOf: (nodeId) => {
        const credential = this.directory.get(nodeId);
        return credential === null
          ? null
          : { spiffeId: credential.spiffeId, roles: credential.claims.roles };
      },
    });
    this.#filter = new PolicyFilter({
      clock,
      firewall: kernel.firewall,
      link: ports.config().overlay.interface,
      view: () => this.#view(),
      log,
    });
    this.#revoked = this.#revokedNow();
    this.#announcements = new Announcements({
      clock,
      fabric: () => this.fabric,
      saw: (credential) => this.directory.saw(credential),
      met: () => {
        this.heads?.hurry();
        this.#fabric.value?.errands.hurry();
      },
      log,
    });
    this.#spiffe = new Supervised({
      name: "spiffe",
      clock,
      start: () => this.#startSpiffe(),
      stop: async (spiffe) => {
        await this.#announcements.stop();
        await spiffe.stop();
      },
      started: (spiffe) => this.#announcements.start(spiffe),
      log,
    });
    this.#tunnels = new Supervised({
      name: "tunnels",
      clock,
      start: () => this.#startTunnels(),
      stop: (tunnels) => tunnels.stop(),
      log,
    });
    this.#fabric = new Supervised({
      name: "fabric",
      clock,
      start: () => this.#startFabric(),
      stop: async ({ fabric, heads, errands }) => {
        await Promise.all([heads.stop(), errands.stop()]);
        await fabric.stop();
      },
      started: ({ fabric }) => {
        this.#introduceAll();
        this.#attached = this.#announcements.attach(fabric);
      },
      log,
    });
  }

  /** Starts everything. What can't be started is tried again; see {@link checks}. */
  static async start(
    ports: SecurityPorts,
    membership: Membership,
    contacts: Contacts,
  ): Promise<MeshRuntime> {
    const changes = { policy: () => {} };
    const store = await openPolicy(ports, membership, () => changes.policy());
    const runtime = new MeshRuntime(ports, membership, contacts, store, changes);
    await Promise.all([runtime.#tunnels.tried, runtime.#fabric.tried]);
    return runtime;
  }

  get tunnels(): Tunnels | null {
    return this.#tunnels.value;
  }

  get fabric(): Fabric | null {
    return this.#fabric.value?.fabric ?? null;
  }

  /** Certificates and tokens; `null` while they aren't issued. */
  get spiffe(): Spiffe | null {
    return this.#spiffe.value;
  }

  get heads(): AuditHeads | null {
    return this.#fabric.value?.heads ?? null;
  }

  /** Packets on the overlay that no rule allowed. */
  denied(): Promise<DeniedPackets | null> {
    return this.#filter.denied();
  }

  get #member(): Member {
    const { member } = this.#membership;
    if (member === null) throw new Error("Cannot go on: this node is in no mesh any more");
    return member;
  }

  #view(): OverlayView {
    const { state: { credential: { spiffeId, claims } } } = this.#member;
    return {
      policy: this.#store.policy,
      self: { spiffeId, roles: claims.roles },
      members: this.directory.members(),
    };
  }

  async #startTunnels(): Promise<Tunnels> {
    const { clock, random, kernel, network, packets, backend, config } = this.#ports;
    const { overlay, mesh, lan, ...rest } = config();
    if (!overlay.enabled) throw new Error("overlay.enabled is false in the configuration");
    // Who may reach what comes first: no tunnel is ever open to everybody.
    await this.#filter.start();
    const open = openPorts(rest);
    const enrolment = this.#membership.enrolment;
    const modes = new Map<Mode, ModeService>();
    if (enrolment !== null) modes.set(MODE.enrol, enrolment);
    const { keys, state } = this.#member;
    const tunnels = await Tunnels.start({
      clock,
      random,
      kernel,
      network,
      ...(packets === undefined ? {} : { packets }),
      keys,
      state,
      backend,
    }, {
      links: [lan.enabled ? lan.bridge : mesh.interface],
      port: overlay.port,
      discoveryPort: overlay.discoveryPort,
      tunnelLink: overlay.interface,
      waitingLink: `${overlay.interface.slice(0, 11)}wait`,
      idleS: overlay.idleS,
      openTcp: [overlay.fabricPort, ...open.tcp],
      openUdp: open.udp,
      modes,
    });
    tunnels.onPeer((peer) => this.#appeared(peer));
    tunnels.onHint((nodeId, address) => this.#introduce(nodeId, address.host));
    this.#tell(tunnels);
    return tunnels;
  }

  /** Tells where members are that were met before or are named in the configuration. */
  #tell(tunnels: Tunnels): void {
    const add = (nodeId: string | null, { host, port }: SocketAddress) => {
      try {
        tunnels.addPeerAddress(nodeId, host, port);
      } catch (thrown) {
        this.#ports.log(messageOf(thrown));
      }
    };
    for (const [nodeId, address] of this.#contacts.all) add(nodeId, address);
    for (const text of this.#ports.config().overlay.peers) {
      const address = parseEndpoint(text);
      if (address !== null) add(null, address);
    }
  }

  #appeared({ nodeId, credential, underlay }: PeerAppeared): void {
    this.directory.saw(credential);
    if (underlay === null) return;
    this.#contacts.met(nodeId, underlay);
    this.#introduce(nodeId, underlay.host);
  }

  #introduce(nodeId: string, host: string): void {
    const { fabricPort } = this.#ports.config().overlay;
    this.fabric?.introduce(nodeId, { host, port: fabricPort });
  }

  #introduceAll(): void {
    for (const [nodeId, { host }] of this.#contacts.all) this.#introduce(nodeId, host);
  }

  async #startFabric(): Promise<FabricParts> {
    const { clock, random, network, backend, config, version, uptimeS, log } = this.#ports;
    const { overlay, node, lan, mesh } = config();
    if (!overlay.enabled) throw new Error("overlay.enabled is false in the configuration");
    const membership = this.#membership;
    const fabric = await startFabric({
      clock,
      random,
      network,
      backend,
      party: () => this.#party.party((credential) => this.directory.saw(credential)),
      cache: this.#party.cache,
      memory: fabricMemory(this.#ports),
      log: { info: () => {}, warn: log },
    }, {
      listen: [{ host: "::", port: overlay.fabricPort }],
      links: () => [lan.enabled ? lan.bridge : mesh.interface],
      documents: meshDocuments(membership, this.policy, log),
      status: () => ({ name: node.name, version, uptimeS: Math.floor(uptimeS()), addresses: [] }),
    });
    const heads = new AuditHeads({
      membership,
      fabric,
      directory: this.directory,
      nodeId: () => this.#member.state.credential.nodeId,
      table: this.#ports.tables.auditHeads,
      forked: (nodeId, message) =>
        this.#ports.record({ severity: "error", type: "audit.fork", subject: nodeId, message }),
      log,
    });
    const errands = new SignatureErrands(membership, fabric, clock, log);
    await heads.start();
    await errands.start();
    return { fabric, heads, errands };
  }

  async #startSpiffe(): Promise<Spiffe> {
    const { clock, random, backend, subtle, tables, listenForWorkloads, log } = this.#ports;
    const { state, keys } = this.#member;
    const spiffe = await Spiffe.start(
      { clock, random, backend, subtle, tables: tables.spiffe, listenForWorkloads },
      {
        mesh: state,
        keys,
        announced: (octets) => this.#announcements.announced(octets),
        log,
      },
    );
    try {
      await this.#serveSpiffe(spiffe);
    } catch (thrown) {
      await spiffe.stop();
      throw thrown;
    }
    return spiffe;
  }

  /** What the configuration wants served. */
  async #serveSpiffe(spiffe: Spiffe): Promise<void> {
    const { spiffe: wanted } = this.#ports.config();
    if (wanted.workloadApi) {
      const path = wanted.workloadSocket === ""
        ? `${this.#ports.directory}/workload.sock`
        : wanted.workloadSocket;
      await spiffe.workloadApi(path);
    }
    if (wanted.bundleEndpoint) await spiffe.bundleEndpoint({ port: wanted.bundlePort });
  }

  #revokedNow(): ReadonlySet<string> {
    const { entries } = this.#member.state.revocations.list;
    return new Set(entries.map(({ spiffeId }) => spiffeId.slice(spiffeId.lastIndexOf("/") + 1)));
  }

  #policyChanged(): void {
    const { version } = this.policy;
    this.#filter.changed();
    this.fabric?.changed(DOCUMENTS.policy);
    this.heads?.hurry();
    this.#ports.record({
      severity: "info",
      type: "policy.changed",
      subject: "policy",
      message: `Policy ${version} is in force`,
    });
  }

  /** Follows what changed in membership, one change after the other. */
  follow(change: MembershipChange): void {
    this.#last = this.#last.then(() => this.#follow(change)).catch((thrown) =>
      this.#ports.log(`Following a change of membership failed: ${messageOf(thrown)}`)
    );
  }

  async #follow(change: MembershipChange): Promise<void> {
    this.heads?.hurry();
    switch (change) {
      case "requests":
        return this.#fabric.value?.errands.hurry();
      case "revocations":
        return await this.#followRevocations();
      case "authority":
        await this.#renewPolicy();
        this.fabric?.changed(DOCUMENTS.authority);
        this.fabric?.changed(DOCUMENTS.revocations);
        return await this.#believeAnew();
      case "credential":
        return await this.#believeAnew();
      case "keys":
        await this.spiffe?.meshChanged(this.#member.keys);
        await this.tunnels?.membershipChanged(this.#member.keys);
        this.#party.changed(this.#member.keys);
        return await this.fabric?.recheck();
    }
  }

  async #believeAnew(): Promise<void> {
    this.#party.changed();
    await this.spiffe?.meshChanged();
    await this.tunnels?.membershipChanged();
    await this.fabric?.recheck();
    this.#filter.changed();
  }

  async #followRevocations(): Promise<void> {
    const before = this.#revoked;
    const now = this.#revoked = this.#revokedNow();
    const fresh = [...now].filter((nodeId) => !before.has(nodeId));
    this.directory.prune();
    this.#filter.changed();
    // Told first, so that who is out learns it too; then cut off, whether it heard or not.
    this.fabric?.changed(DOCUMENTS.revocations);
    for (const nodeId of fresh) await this.tunnels?.revoked(nodeId);
    await this.spiffe?.meshChanged();
    await this.#ports.clock.sleep(FAREWELL_MS);
    for (const nodeId of fresh) {
      this.fabric?.disconnect(nodeId);
      this.#contacts.forget(nodeId);
      this.#ports.record({
        severity: "warning",
        type: "node.revoked",
        subject: nodeId,
        message: `Node ${nodeId} was revoked: it is cut off`,
      });
    }
    await this.fabric?.recheck();
  }

  /** Who joins after a rotation knows the new keys only: they sign the policy again, where they lie open. */
  async #renewPolicy(): Promise<void> {
    const missing = await this.policy.renew();
    if (missing !== null) this.#ports.log(missing);
  }

  /** Health of each part. */
  checks(): readonly HealthCheck[] {
    const { problem } = this.#filter;
    const policy = problem ?? this.#store.problem;
    return [
      this.#tunnels.check(),
      this.#fabric.check(),
      this.#spiffe.check(),
      policy === null
        ? { name: "policy", state: "ok", reason: `Policy ${this.policy.version} is in force` }
        : { name: "policy", state: "failed", reason: policy },
    ];
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#attached;
    await this.#spiffe.close();
    await this.#fabric.close();
    await this.#tunnels.close();
    await this.#filter.stop();
  }
}
