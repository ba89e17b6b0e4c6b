// Trust as one service: membership from the start, everything else once the node belongs to a mesh.
import { messageOf } from "../base/mod.ts";
import type { KnownHead } from "../audit/mod.ts";
import { Membership } from "../membership/mod.ts";
import type { HealthCheck } from "../node/mod.ts";
import type { ByteStream, SocketAddress } from "../ports/mod.ts";
import { announcedAddresses, dialTargets, isLinkLocal, parseEndpoint } from "./addresses.ts";
import type { Spiffe } from "../spiffe/mod.ts";
import { Contacts } from "./contacts.ts";
import type { PolicyDesk } from "./policy_desk.ts";
import type { SecurityPorts } from "./ports.ts";
import { MeshRuntime } from "./runtime.ts";
import { type SecurityStatus, statusOf } from "./status.ts";

/** Trust on one node. */
export class Security {
  readonly #ports: SecurityPorts;
  readonly membership: Membership;
  readonly #contacts: Contacts;
  #runtime: MeshRuntime | null = null;
  #starting: Promise<void> = Promise.resolve();
  #unsubscribe: () => void = () => {};
  readonly #listeners = new Set<() => void>();

  private constructor(ports: SecurityPorts, membership: Membership, contacts: Contacts) {
    this.#ports = ports;
    this.membership = membership;
    this.#contacts = contacts;
  }

  /** Reads what is on the disk and starts what a member runs. Rejects when the directory can't be used. */
  static async open(ports: SecurityPorts): Promise<Security> {
    const { files, clock, directory, log } = ports;
    const contacts = await Contacts.open({ files, clock, path: `${directory}/contacts`, log });
    const membership = await Membership.open(ports, {
      name: () => ports.config().node.name,
      addresses: () => announced(ports),
      members: () => contacts.endpoints,
      dial: (address, signal) => dialMember(ports, address, signal),
      met: (nodeId, address) => {
        const endpoint = parseEndpoint(address);
        if (endpoint !== null && !isLinkLocal(endpoint.host)) contacts.met(nodeId, endpoint);
      },
      note: ports.note,
      log,
    });
    const security = new Security(ports, membership, contacts);
    // What a member runs starts beside: the node answers meanwhile, and tells what is not up yet.
    security.#begin();
    return security;
  }

  #begin(): void {
    this.#unsubscribe = this.membership.subscribe((change) => {
      if (change === "member") this.#start();
      else this.#runtime?.follow(change);
      if (change === "member") this.#record();
      this.#tell();
    });
    if (this.membership.member !== null) this.#start();
  }

  #record(): void {
    const { member } = this.membership;
    if (member === null) return;
    const { trustDomain, credential: { spiffeId } } = member.state;
    this.#ports.record({
      severity: "info",
      type: "mesh.joined",
      subject: trustDomain,
      message: `This node is a member of ${trustDomain}: ${spiffeId}`,
    });
  }

  #start(): void {
    this.#starting = this.#starting.then(async () => {
      if (this.#runtime !== null || this.membership.member === null) return;
      this.#runtime = await MeshRuntime.start(this.#ports, this.membership, this.#contacts);
      this.#tell();
    }).catch((thrown) => this.#ports.log(`Trust could not be started: ${messageOf(thrown)}`));
  }

  /** Calls `listener` after each change. @returns ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** The policy's desk; `null` while the node is in no mesh. */
  get policy(): PolicyDesk | null {
    return this.#runtime?.policy ?? null;
  }

  /** Certificates and tokens of this node and its programs; `null` while they aren't issued. */
  get spiffe(): Spiffe | null {
    return this.#runtime?.spiffe ?? null;
  }

  /** What other nodes signed about their audit logs. */
  auditHeads(): readonly KnownHead[] {
    return this.#runtime?.heads?.list() ?? [];
  }

  /** Tunnels, fabric and packet filter now. */
  status(): Promise<SecurityStatus> {
    return statusOf(this.#runtime, this.#ports.kernel.info.kind === "simulated");
  }

  /** Brings a tunnel up. @throws {TunnelError} */
  demand(nodeId: string): boolean {
    const tunnels = this.#runtime?.tunnels ?? null;
    tunnels?.demand(nodeId);
    return tunnels !== null;
  }

  /** Health of membership and of each part. */
  checks(): readonly HealthCheck[] {
    const { audit } = this.membership.context;
    const rollback = audit.rollback;
    return [
      ...membershipChecks(this.membership),
      ...(rollback === null
        ? []
        : [{ name: "audit log", state: "failed" as const, reason: rollback }]),
      ...this.#runtime?.checks() ?? [],
    ];
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.#unsubscribe();
    await this.#starting;
    await this.#runtime?.close();
    await this.#contacts.close();
    await this.membership.close();
  }
}

function membershipChecks(membership: Membership): readonly HealthCheck[] {
  const name = "membership";
  const { member, problem } = membership;
  if (problem !== null) return [{ name, state: "failed", reason: problem }];
  if (member === null) return [];
  const { state } = member;
  if (state.missing !== null) {
    const reason =
      "Older state than was seen before: nobody is trusted until a member brings the " +
      "current one";
    return [{ name, state: "failed", reason }];
  }
  if (state.revoked(state.credential.claims)) {
    return [{ name, state: "failed", reason: "This node was revoked" }];
  }
  return [{ name, state: "ok", reason: `Member of ${state.trustDomain}` }];
}

async function announced({ kernel, config }: SecurityPorts): Promise<readonly string[]> {
  const { overlay, lan, mesh } = config();
  if (overlay.announce.length > 0) return overlay.announce;
  if (kernel.info.kind === "simulated") return [`127.0.0.1:${overlay.port}`];
  const [addresses, links] = await Promise.all([kernel.links.addresses(), kernel.links.list()]);
  return announcedAddresses(addresses, links, {
    port: overlay.port,
    overlay: overlay.interface,
    meshLinks: [mesh.interface, lan.bridge],
  });
}

/** Connects to the first of an address's places that answers. */
async function dialMember(
  { network, kernel }: SecurityPorts,
  address: string,
  signal: AbortSignal,
): Promise<ByteStream> {
  const endpoint = parseEndpoint(address);
  if (endpoint === null) throw new Error(`"${address}" is no address`);
  const targets = isLinkLocal(endpoint.host)
    ? dialTargets(endpoint, await kernel.links.list())
    : [endpoint];
  if (targets.length === 0) throw new Error("no link is up");
  const done = new AbortController();
  const either = AbortSignal.any([done.signal, signal]);
  const connecting = targets.map(async (target: SocketAddress) => {
    const connection = await network.dial(target, either);
    // Another was quicker.
    if (done.signal.aborted) {
      connection.close();
      throw new Error("not needed");
    }
    done.abort();
    return connection;
  });
  try {
    return await Promise.any(connecting);
  } catch (thrown) {
    const [first] = thrown instanceof AggregateError ? thrown.errors : [thrown];
    throw first;
  }
}
