// The family's commands as methods: joins the codecs and a generic netlink connection. Interfaces are
// named by index here; whoever knows names (rtnetlink) translates. Ping and traceroute are not here:
// they are frames, not netlink (icmp_client.ts).
import { type Genetlink, openGenetlink } from "../genetlink/mod.ts";
import {
  DecodeError,
  encodeAttributes,
  isLost,
  type Lost,
  NetlinkTimeout,
  type OpenNetlinkOptions,
} from "../netlink/mod.ts";
import {
  type BatadvEvent,
  decodeEvent,
  decodeTpCookie,
  encodeTpCancel,
  encodeTpStart,
  type TpResult,
} from "./events_codec.ts";
import {
  decodeHardInterface,
  decodeMesh,
  decodeRoutingAlgorithm,
  decodeVlan,
  encodeHardInterfaceChange,
  encodeMeshChange,
  encodeVlanChange,
  encodeVlanQuery,
  type HardInterface,
  type HardInterfaceChange,
  type MeshChange,
  type MeshInfo,
  type MeshVlan,
} from "./mesh_codec.ts";
import { type CommandName, COMMANDS, FAMILY, GROUPS, REQUEST } from "./spec.ts";
import {
  type BlaBackbone,
  type BlaClaim,
  type DatEntry,
  decodeBlaBackbone,
  decodeBlaClaim,
  decodeDatEntry,
  decodeGateway,
  decodeGlobalClient,
  decodeLocalClient,
  decodeMcastFlags,
  decodeNeighbor,
  decodeOriginator,
  type Gateway,
  type GlobalClient,
  type LocalClient,
  type McastFlags,
  type Neighbor,
  type Originator,
} from "./tables_codec.ts";

/** How a throughput test is run. */
export interface ThroughputOptions {
  /** 0 lets the kernel choose (10 s). */
  readonly testTimeMs: number;
  /** Cancels the test in the kernel; the result then says "cancelled" and tells what was measured. */
  readonly signal?: AbortSignal;
  /** Ends the waiting for a result that does not come. */
  readonly giveUp?: AbortSignal;
}

/** A listener to the family's groups. */
export interface BatadvEvents extends Disposable {
  /** From the call of events() on, until `signal` fires or close() is called. */
  notifications(signal?: AbortSignal): AsyncGenerator<BatadvEvent | Lost, void, void>;
  close(): void;
}

/** batman-adv of one network namespace. Methods reject with KernelError, NetlinkTimeout or DecodeError. */
export class Batadv implements Disposable {
  readonly #genl: Genetlink;

  /** Takes ownership of `genl`. */
  constructor(genl: Genetlink) {
    this.#genl = genl;
  }

  /** @throws {FamilyMissingError} this kernel has no batman-adv; {SyscallError} no socket. */
  static async open(options: OpenNetlinkOptions = {}): Promise<Batadv> {
    return new Batadv(await openGenetlink(FAMILY, options));
  }

  close(): void {
    this.#genl.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Names of the routing algorithms this kernel has. */
  routingAlgorithms(): Promise<string[]> {
    return this.#dump("getRoutingAlgos", new Uint8Array(0), decodeRoutingAlgorithm);
  }

  mesh(meshIfindex: number): Promise<MeshInfo> {
    return this.#get("getMesh", encodeAttributes(REQUEST, { meshIfindex }), decodeMesh);
  }

  /** The kernel ignores in silence what it cannot do: read back what matters. @throws {RangeError} */
  setMesh(meshIfindex: number, change: MeshChange): Promise<void> {
    return this.#set("setMesh", () => encodeMeshChange(meshIfindex, change));
  }

  hardInterfaces(meshIfindex: number): Promise<HardInterface[]> {
    return this.#table("getHardif", meshIfindex, decodeHardInterface);
  }

  hardInterface(meshIfindex: number, hardIfindex: number): Promise<HardInterface> {
    const query = encodeAttributes(REQUEST, { meshIfindex, hardIfindex });
    return this.#get("getHardif", query, decodeHardInterface);
  }

  /** @throws {RangeError} */
  setHardInterface(
    meshIfindex: number,
    hardIfindex: number,
    change: HardInterfaceChange,
  ): Promise<void> {
    return this.#set(
      "setHardif",
      () => encodeHardInterfaceChange(meshIfindex, hardIfindex, change),
    );
  }

  /** @throws {KernelError} ENOENT when the mesh has no such VLAN. */
  async vlan(meshIfindex: number, vid: number): Promise<MeshVlan> {
    const query = encodeVlanQuery(meshIfindex, vid);
    return await this.#get("getVlan", query, decodeVlan);
  }

  /** @throws {KernelError} ENOENT when the mesh has no such VLAN. */
  setVlan(meshIfindex: number, vid: number, apIsolation: boolean): Promise<void> {
    return this.#set("setVlan", () => encodeVlanChange(meshIfindex, vid, apIsolation));
  }

  /** The clients that this node announces. */
  localClients(meshIfindex: number): Promise<LocalClient[]> {
    return this.#table("getTranstableLocal", meshIfindex, decodeLocalClient);
  }

  /** The clients that other nodes announce: one row for each announcer. */
  globalClients(meshIfindex: number): Promise<GlobalClient[]> {
    return this.#table("getTranstableGlobal", meshIfindex, decodeGlobalClient);
  }

  /** Every known way to every originator; those in use have `best`. */
  originators(meshIfindex: number): Promise<Originator[]> {
    return this.#table("getOriginators", meshIfindex, decodeOriginator);
  }

  neighbors(meshIfindex: number): Promise<Neighbor[]> {
    return this.#table("getNeighbors", meshIfindex, decodeNeighbor);
  }

  gateways(meshIfindex: number): Promise<Gateway[]> {
    return this.#table("getGateways", meshIfindex, decodeGateway);
  }

  blaClaims(meshIfindex: number): Promise<BlaClaim[]> {
    return this.#table("getBlaClaim", meshIfindex, decodeBlaClaim);
  }

  blaBackbones(meshIfindex: number): Promise<BlaBackbone[]> {
    return this.#table("getBlaBackbone", meshIfindex, decodeBlaBackbone);
  }

  datCache(meshIfindex: number): Promise<DatEntry[]> {
    return this.#table("getDatCache", meshIfindex, decodeDatEntry);
  }

  mcastFlags(meshIfindex: number): Promise<McastFlags[]> {
    return this.#table("getMcastFlags", meshIfindex, decodeMcastFlags);
  }

  /** Settings that change and tests that end, whoever caused it. @throws {SyscallError} */
  events(): BatadvEvents {
    const listening = this.#genl.listen(GROUPS.config, GROUPS.tpMeter);
    return {
      async *notifications(signal) {
        for await (const item of listening.notifications(signal)) {
          if (isLost(item)) yield item;
          else {
            const event = decodeEvent(item.command, item.payload);
            if (event !== null) yield event;
          }
        }
      },
      close: () => listening.close(),
      [Symbol.dispose]: () => listening.close(),
    };
  }

  /** Starts a throughput test; resolves with its cookie. Its result comes as an event only. */
  async startThroughput(
    meshIfindex: number,
    destination: string,
    testTimeMs: number,
  ): Promise<number> {
    const start = encodeTpStart(meshIfindex, destination, testTimeMs);
    return await this.#get("tpMeter", start, decodeTpCookie);
  }

  /** Ends a running test towards `destination`; its result still comes, as if it were complete. */
  cancelThroughput(meshIfindex: number, destination: string): Promise<void> {
    return this.#set("tpMeterCancel", () => encodeTpCancel(meshIfindex, destination));
  }

  /**
   * Runs a throughput test to its end. Listens before it starts, because a refusal (no route, too many
   * tests) comes as an event at once, not as an error of the start. The kernel calls a cancelled test
   * complete (tp_meter.c, batadv_tp_batctl_notify()); here it is "cancelled", with what it measured.
   *
   * @throws {NetlinkTimeout} `giveUp` fired first.
   */
  async throughput(
    meshIfindex: number,
    destination: string,
    options: ThroughputOptions,
  ): Promise<TpResult> {
    const { testTimeMs, signal, giveUp } = options;
    using events = this.events();
    const cookie = await this.startThroughput(meshIfindex, destination, testTimeMs);
    let failed: unknown = null;
    const cancel = () => {
      this.cancelThroughput(meshIfindex, destination).catch((error) => {
        failed = error;
        events.close();
      });
    };
    if (signal?.aborted) cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      for await (const event of events.notifications(giveUp)) {
        if (isLost(event) || event.kind !== "tpResult") continue;
        if (event.result.cookie !== cookie) continue;
        const { outcome } = event.result;
        return signal?.aborted && outcome === "complete"
          ? { ...event.result, outcome: "cancelled" }
          : event.result;
      }
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
    if (failed !== null) throw failed;
    throw new NetlinkTimeout("batadv.throughput");
  }

  #table<T>(
    name: CommandName,
    meshIfindex: number,
    decode: (attributes: Uint8Array) => T,
  ): Promise<T[]> {
    return this.#dump(name, encodeAttributes(REQUEST, { meshIfindex }), decode);
  }

  async #dump<T>(
    name: CommandName,
    attributes: Uint8Array,
    decode: (attributes: Uint8Array) => T,
  ): Promise<T[]> {
    const { number } = COMMANDS[name];
    const messages = await this.#genl.command(`batadv.${name}`, number, attributes, { dump: true });
    return messages.map((message) => decode(message.payload));
  }

  async #get<T>(
    name: CommandName,
    attributes: Uint8Array,
    decode: (attributes: Uint8Array) => T,
  ): Promise<T> {
    const [answer] = await this.#genl.command(`batadv.${name}`, COMMANDS[name].number, attributes);
    if (answer === undefined) throw new DecodeError(`batadv.${name}`, 0, 1, 0);
    return decode(answer.payload);
  }

  async #set(name: CommandName, encode: () => Uint8Array): Promise<void> {
    await this.#genl.command(`batadv.${name}`, COMMANDS[name].number, encode());
  }
}
