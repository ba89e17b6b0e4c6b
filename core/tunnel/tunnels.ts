// All tunnels of a node: joins handshakes, the kernel's WireGuard, discovery, packets that wait and the
// packet filter. docs/protocol/tunnels.md says why it is as it is.
import { InvariantError, messageOf } from "../base/mod.ts";
import { type Arrival, type PartyKeys, PeerKeeper } from "../handshake/mod.ts";
import { parseNodeId } from "../identity/mod.ts";
import type { SocketAddress, TcpConnection } from "../ports/mod.ts";
import { TunnelError } from "./errors.ts";
import { DEMAND_EVERY_MS, RETRY_MS, SETTLE_MS, SILENT_ENOUGH_MS, SWEEP_MAX_MS } from "./limits.ts";
import type { PeerAppeared, TunnelOptions, TunnelPorts } from "./options.ts";
import { settingsOf } from "./options.ts";
import type { Wanted } from "./packet_waiter.ts";
import { type Parts, partsOf, setUp, tearDown } from "./parts.ts";
import { statusOf } from "./report.ts";
import type { TunnelsStatus } from "./status.ts";
import type { Tunnel } from "./tunnel_table.ts";

/** Runs until {@link stop}. */
export class Tunnels {
  readonly #ports: TunnelPorts;
  readonly #parts: Parts;
  readonly #keeper: PeerKeeper;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #connections = new Set<TcpConnection>();
  readonly #listeners = new Set<(peer: PeerAppeared) => void>();
  readonly #hints = new Set<(nodeId: string, address: SocketAddress) => void>();
  /** Peers that are being removed: they can't be kept again before that is done. */
  readonly #leaving = new Set<string>();
  readonly #totals = { idled: 0, lost: 0, displaced: 0, refused: 0 };
  #error: string | null = null;

  private constructor(ports: TunnelPorts, options: TunnelOptions) {
    this.#ports = ports;
    const settings = settingsOf(options);
    this.#parts = partsOf(ports, settings, options, {
      mayTake: (arrival) => this.#mayTake(arrival),
      heard: (nodeId, address) => this.#heard(nodeId, address),
      installed: (tunnel, dialled, moved) => this.#installed(tunnel, dialled, moved),
      removed: (nodeId) => this.#parts.waiter?.refuse(nodeId),
      wanted: (nodeId) => this.#wanted(nodeId),
    });
    const { sessions, dialler, table, overlay } = this.#parts;
    this.#keeper = new PeerKeeper({
      clock: ports.clock,
      random: ports.random,
      sessions,
      nodeId: overlay.nodeId,
      sink: table,
      connect: async (nodeId, signal) => {
        const { connection, asked } = await dialler.connect(nodeId, signal);
        sessions.leadsTo(connection, { asked, found: connection.remote });
        return connection;
      },
      ...(options.timing === undefined ? {} : { timing: options.timing }),
    });
  }

  /**
   * Makes the links and begins to serve.
   *
   * @throws {TunnelError} "not-supported", "name-taken", "listen", "invalid"
   * @throws {KernelFault} when the kernel refuses what cannot be done without; nothing is left behind.
   */
  static async start(ports: TunnelPorts, options: TunnelOptions = {}): Promise<Tunnels> {
    const tunnels = new Tunnels(ports, options);
    await setUp(ports, tunnels.#parts);
    tunnels.#run(() => tunnels.#accept());
    tunnels.#run(() => tunnels.#upkeep());
    tunnels.#run(() => tunnels.#watchLinks());
    return tunnels;
  }

  /** Everything about the tunnels now. Never rejects; what can't be read is `null`. */
  status(): Promise<TunnelsStatus> {
    return statusOf(this.#ports, this.#parts, this.#keeper.peers, {
      totals: this.#totals,
      error: this.#error,
    });
  }

  /**
   * Brings a tunnel up, as a packet to that node would.
   *
   * @throws {TunnelError} "invalid", "untrusted", "full", "stopped"
   */
  demand(nodeId: string): void {
    const { table, overlay, membership } = this.#parts;
    if (this.#stop.signal.aborted) throw new TunnelError("stopped", "Cannot dial: stopped");
    this.#requireNode(nodeId);
    if (nodeId === overlay.nodeId) {
      throw new TunnelError("invalid", `Cannot make a tunnel to "${nodeId}": that is this node`);
    }
    if (membership.isCut(nodeId)) {
      throw new TunnelError("untrusted", `Cannot make a tunnel to "${nodeId}": it is out`);
    }
    const known = table.get(nodeId);
    if (known?.up === true || this.#leaving.has(nodeId)) return;
    if (known === undefined && !this.#makeRoom()) {
      throw new TunnelError("full", `Cannot make a tunnel to "${nodeId}": all are in use`);
    }
    const tunnel = table.ensure(nodeId);
    const nowMs = this.#ports.clock.monotonicMs();
    tunnel.use = { ...tunnel.use, activeMs: nowMs };
    if (nowMs - tunnel.demandedMs < DEMAND_EVERY_MS) return;
    tunnel.demandedMs = nowMs;
    this.#keeper.add(nodeId);
    this.#keeper.demand(nodeId);
  }

  /**
   * Where a node takes handshakes, besides what is found out. It is dialled when it is demanded.
   *
   * @param nodeId `null` when it is not known who is there: it is asked until somebody answers.
   * @param host an address or a name.
   * @throws {TunnelError} "invalid"; "full" when too many addresses without a name are open.
   */
  addPeerAddress(nodeId: string | null, host: string, port: number): void {
    const { overlay, book, prober } = this.#parts;
    if (nodeId !== null) this.#requireNode(nodeId);
    const sound = /^[^\s/]{1,255}$/.test(host) && Number.isInteger(port) && port > 0 &&
      port <= 65_535;
    if (!sound || overlay.contains(host)) {
      throw new TunnelError("invalid", `Cannot use "${host} port ${port}" as a peer's address`);
    }
    if (nodeId === overlay.nodeId) return;
    if (nodeId !== null) book.give(nodeId, { host, port });
    else if (!prober.add({ host, port })) {
      throw new TunnelError("full", `Cannot ask at "${host}": too many addresses are open`);
    }
    if (nodeId === null) return;
    this.#parts.dialler.heard(nodeId);
    // Where packets can't wait, tunnels to those that are known are kept.
    if (this.#parts.waiter === null && this.#parts.table.get(nodeId) === undefined) {
      this.#wanted(nodeId);
    }
  }

  /** Cuts a node off, at once: it was revoked. Resolves when the kernel has removed it. */
  async revoked(nodeId: string): Promise<void> {
    const { membership, book, table, device } = this.#parts;
    this.#requireNode(nodeId);
    membership.cut(nodeId);
    const publicKey = table.get(nodeId)?.publicKey ?? null;
    await this.#remove(nodeId);
    book.forget(nodeId);
    // The keeper tells nobody whether the kernel did as asked.
    if (publicKey !== null) await device.remove(publicKey);
  }

  /**
   * The node's credential, its keys, the authority or the revocations changed: peers that are no longer
   * believed are cut off, and nothing that was cached counts.
   *
   * @param keys the new keys, when they were rotated; tunnels then come up anew.
   */
  async membershipChanged(keys?: PartyKeys): Promise<void> {
    const { membership, table, device } = this.#parts;
    membership.changed(keys);
    if (keys !== undefined) await device.setKey(keys.wireguardPrivate);
    for (const { nodeId, credential, up } of table.all()) {
      if (credential === null) continue;
      if (!membership.believes(credential)) await this.#remove(nodeId);
      else if (keys !== undefined && up) await this.#anew(nodeId);
    }
  }

  /** Tells of peers whose tunnel came up or moved elsewhere. @returns ends it. */
  onPeer(listener: (peer: PeerAppeared) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Tells where a node may be, as discovery heard it: a hint that nobody has proved. The port is that of
   * handshakes. @returns ends it.
   */
  onHint(listener: (nodeId: string, address: SocketAddress) => void): () => void {
    this.#hints.add(listener);
    return () => this.#hints.delete(listener);
  }

  /** Ends all tunnels and removes what was made in the kernel. */
  async stop(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#parts.listener?.close();
    for (const connection of this.#connections) connection.close();
    await this.#keeper.close();
    await tearDown(this.#parts);
    await Promise.all(this.#running);
  }

  #requireNode(nodeId: string): void {
    try {
      parseNodeId(nodeId);
    } catch (cause) {
      throw new TunnelError("invalid", messageOf(cause), { cause });
    }
  }

  /** Runs something beside; a failure is shown, a bug of ours ends the program. */
  #run(work: () => Promise<void>): void {
    const done = work().catch((error) => {
      if (error instanceof InvariantError) throw error;
      this.#error = messageOf(error);
    }).finally(() => this.#running.delete(done));
    this.#running.add(done);
  }

  async #accept(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const connection = await this.#parts.listener?.accept() ?? null;
        if (connection === null) return;
        this.#connections.add(connection);
        this.#run(() =>
          this.#keeper.answer(connection, connection.remote.host)
            .finally(() => this.#connections.delete(connection))
        );
      } catch (error) {
        // Out of descriptors: others must end first.
        this.#error = messageOf(error);
        await this.#ports.clock.sleep(RETRY_MS, signal);
      }
    }
  }

  #mayTake({ outcome }: Arrival): boolean {
    const { membership, table } = this.#parts;
    const { nodeId } = outcome.peer;
    if (!membership.believes(outcome.peer) || this.#leaving.has(nodeId)) return false;
    return table.get(nodeId) !== undefined || this.#makeRoom(true);
  }

  #wanted(nodeId: string): Wanted {
    try {
      this.demand(nodeId);
      return this.#parts.table.get(nodeId)?.routed === true ? "go" : "wait";
    } catch (error) {
      if (!(error instanceof TunnelError)) throw error;
      this.#totals.refused++;
      return "refuse";
    }
  }

  /**
   * Whether there is room for one more. The longest silent tunnel may have to go; for a peer that has
   * proved itself, one that never came up, too.
   */
  #makeRoom(proved = false): boolean {
    const { table, settings, waiter } = this.#parts;
    const max = waiter === null ? settings.maxKept : settings.maxTunnels;
    if (table.size < max) return true;
    const vain = proved
      ? table.all().find(({ up, nodeId }) => !up && waiter?.has(nodeId) !== true)
      : null;
    const silent = waiter === null ? null : table.longestSilent(SILENT_ENOUGH_MS);
    const going = vain?.nodeId ?? silent;
    if (going === null) return false;
    this.#totals.displaced++;
    this.#run(() => this.#remove(going));
    return true;
  }

  #heard(nodeId: string, address: SocketAddress): void {
    const { book, dialler, macs, waiter, table, membership, overlay } = this.#parts;
    if (nodeId === overlay.nodeId || membership.isCut(nodeId)) return;
    book.hint(nodeId, address, this.#ports.clock.monotonicMs());
    dialler.heard(nodeId);
    for (const listener of this.#hints) listener(nodeId, address);
    if (macs !== null) this.#run(() => macs.saw(address.host));
    if (waiter === null && table.get(nodeId) === undefined) this.#wanted(nodeId);
  }

  async #installed(tunnel: Tunnel, dialled: boolean, moved: boolean): Promise<void> {
    const { macs } = this.#parts;
    const { nodeId, address, credential, underlay } = tunnel;
    // Who answered installed first: the peer needs a moment before it understands what is sent to it.
    if (dialled) await this.#open(tunnel);
    else if (!tunnel.routed) this.#run(() => this.#openSoon(tunnel));
    if (underlay !== null && macs !== null) this.#run(() => macs.saw(underlay.host));
    if (credential === null || !moved) return;
    for (const listener of this.#listeners) listener({ nodeId, address, credential, underlay });
  }

  async #openSoon(tunnel: Tunnel): Promise<void> {
    await this.#ports.clock.sleep(SETTLE_MS, this.#stop.signal);
    if (tunnel.up && this.#parts.table.get(tunnel.nodeId) === tunnel) await this.#open(tunnel);
  }

  /** What waits goes first, then the route turns, then what came in between. */
  async #open(tunnel: Tunnel): Promise<void> {
    const { waiter, table } = this.#parts;
    if (waiter === null || tunnel.routed) return;
    await waiter.release(tunnel.nodeId);
    await table.route(tunnel);
    await waiter.release(tunnel.nodeId);
  }

  async #remove(nodeId: string): Promise<void> {
    if (this.#leaving.has(nodeId)) return;
    this.#leaving.add(nodeId);
    try {
      await this.#keeper.remove(nodeId);
      await this.#parts.table.remove(nodeId);
    } finally {
      this.#leaving.delete(nodeId);
    }
  }

  async #anew(nodeId: string): Promise<void> {
    await this.#remove(nodeId);
    this.#wanted(nodeId);
  }

  async #upkeep(): Promise<void> {
    const { settings } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#ports.clock.sleep(Math.min(SWEEP_MAX_MS, settings.idleS * 250), signal);
      if (signal.aborted) return;
      try {
        await this.#sweep();
        this.#error = null;
      } catch (error) {
        if (error instanceof InvariantError) throw error;
        this.#error = messageOf(error);
        await this.#mend(error);
      }
    }
  }

  async #sweep(): Promise<void> {
    const { table, waiter, membership, book, settings } = this.#parts;
    const { idle, dead, missing } = await table.sweep(settings.idleS);
    for (const nodeId of idle) {
      if (waiter?.has(nodeId) === true) continue;
      // Where packets can't wait a tunnel is kept for as long as it is up.
      if (waiter === null && table.get(nodeId)?.up === true) continue;
      this.#totals.idled++;
      await this.#remove(nodeId);
    }
    for (const nodeId of [...dead, ...missing]) {
      this.#totals.lost++;
      await this.#anew(nodeId);
    }
    for (const { nodeId, credential } of table.all()) {
      if (credential !== null && !membership.believes(credential)) await this.#remove(nodeId);
    }
    book.sweep(this.#ports.clock.monotonicMs());
  }

  /** Somebody removed the tunnels' link: it is made again, and every tunnel anew. */
  async #mend(error: unknown): Promise<void> {
    const { device, membership, table } = this.#parts;
    if ((error as { code?: unknown }).code !== "no-such-link") return;
    try {
      await device.setUp(membership.keys.wireguardPrivate);
      for (const { nodeId } of table.all()) await this.#anew(nodeId);
    } catch (again) {
      if (again instanceof InvariantError) throw again;
      this.#error = messageOf(again);
    }
  }

  async #watchLinks(): Promise<void> {
    const { device, settings } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        for await (const event of this.#ports.kernel.watch(signal)) {
          const ours = event.type === "link" && settings.links.includes(event.link.name);
          if (ours || event.type === "lost") await device.followMtu();
        }
      } catch (error) {
        this.#error = messageOf(error);
      }
      await this.#ports.clock.sleep(RETRY_MS, signal);
    }
  }
}
