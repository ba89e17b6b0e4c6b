// The Mesh port of one simulated node: its own tables, and frames sent hop by hop through the others'.
import type { Mac } from "../../base/mod.ts";
import type {
  BlaBackbone,
  BlaClaim,
  DatEntry,
  GlobalClient,
  HardInterface,
  LocalClient,
  Mesh,
  MeshGateway,
  MeshHop,
  MeshInfo,
  MeshNeighbour,
  MeshPingReply,
  MeshSettings,
  MeshVlan,
  MulticastFlags,
  Originator,
  ThroughputResult,
} from "../../ports/mod.ts";
import { type Journey, pathThroughputKbps, send, tables } from "../batman/mod.ts";
import { TTL } from "../limits.ts";
import { publish } from "./mesh_state.ts";
import { checkRange, fault, type MeshState, type NodeState } from "./state.ts";

const VERSION = "2024.2 (simulated)";
const PING_BYTES = 98;
const PROBES = 3;
/** Concurrent throughput meters of one node (BATADV_TP_MAX_NUM). */
const METERS_MAX = 5;
const METER_STEP_MS = 100;

function checkSettings(v: boolean, change: Partial<MeshSettings>): void {
  const range = (name: keyof MeshSettings, low: number, high: number) => {
    const value = change[name];
    if (typeof value === "number") checkRange(`the mesh's ${name}`, value, low, high);
  };
  range("hopPenalty", 0, 255);
  range("isolationMark", 0, 0xffffffff);
  range("isolationMask", 0, 0xffffffff);
  range("gatewaySelectionClass", 1, v ? 0xffffffff : 255);
  range("multicastFanout", 1, 0xffffffff);
  range("originatorIntervalMs", 40, 0x7fffffff);
  range("gatewayDownKbps", 0, 0xffffffff);
  range("gatewayUpKbps", 0, 0xffffffff);
  for (const name of ["gatewayDownKbps", "gatewayUpKbps"] as const) {
    if ((change[name] ?? 0) % 100 !== 0) {
      throw fault(
        "invalid",
        `Cannot set the mesh's ${name} to ${change[name]}: units of 100 kbit/s`,
      );
    }
  }
  const mode = change.gatewayMode;
  if (mode !== undefined && !["off", "client", "server"].includes(mode)) {
    throw fault("invalid", `Cannot set the mesh's gatewayMode to "${mode}": there is no such mode`);
  }
}

/** The Mesh port of one simulated node. */
export class SimMesh implements Mesh {
  readonly #node: NodeState;

  constructor(node: NodeState) {
    this.#node = node;
  }

  // deno-lint-ignore require-await
  async algorithms(): Promise<readonly string[]> {
    return ["BATMAN_IV", "BATMAN_V"];
  }

  // deno-lint-ignore require-await
  async info(name: string): Promise<MeshInfo> {
    const { link, mesh } = this.#node.mesh(name);
    const { router } = mesh;
    return {
      mesh: name,
      version: VERSION,
      algorithm: router.algorithm,
      mac: link.mac ?? router.mac,
      originator: router.hardIfs[0]?.port.mac ?? null,
      settings: { ...router.settings },
    };
  }

  // deno-lint-ignore require-await
  async configure(name: string, change: Partial<MeshSettings>): Promise<void> {
    const { mesh } = this.#node.mesh(name);
    const { router } = mesh;
    checkSettings(router.algorithm === "BATMAN_V", change);
    router.settings = { ...router.settings, ...change };
    router.gateway = -1;
    publish(mesh, change.apIsolation !== undefined);
    this.#node.events.emit({ type: "mesh-config", mesh: name });
  }

  // deno-lint-ignore require-await
  async hardInterfaces(name: string): Promise<readonly HardInterface[]> {
    const { mesh } = this.#node.mesh(name);
    const v = mesh.router.algorithm === "BATMAN_V";
    return mesh.router.hardIfs.map((hardIf) => ({
      mesh: name,
      name: hardIf.name,
      index: hardIf.index,
      mac: hardIf.port.mac,
      active: this.#node.links.get(hardIf.name)?.up ?? false,
      hopPenalty: hardIf.hopPenalty,
      elpIntervalMs: v ? hardIf.elpIntervalMs : null,
      throughputOverrideKbps: v ? hardIf.throughputOverrideKbps : null,
    }));
  }

  // deno-lint-ignore require-await
  async configureHardInterface(
    name: string,
    hardInterface: string,
    settings: {
      readonly hopPenalty?: number;
      readonly elpIntervalMs?: number;
      readonly throughputOverrideKbps?: number;
    },
  ): Promise<void> {
    const { mesh } = this.#node.mesh(name);
    const hardIf = mesh.hardIfs.get(hardInterface);
    if (hardIf === undefined) {
      this.#node.link(hardInterface, "configure");
      throw fault(
        "invalid",
        `Cannot configure "${hardInterface}": it is not in the mesh "${name}"`,
      );
    }
    const { hopPenalty, elpIntervalMs, throughputOverrideKbps } = settings;
    const v = mesh.router.algorithm === "BATMAN_V";
    if (!v && (elpIntervalMs !== undefined || throughputOverrideKbps !== undefined)) {
      throw fault("not-supported", `Cannot configure "${hardInterface}": that is for BATMAN_V`);
    }
    if (hopPenalty !== undefined) checkRange("the hop penalty", hopPenalty, 0, 255);
    if (elpIntervalMs !== undefined) checkRange("the ELP interval", elpIntervalMs, 40, 0x7fffffff);
    if (throughputOverrideKbps !== undefined) {
      checkRange("the throughput override", throughputOverrideKbps, 0, 0xffffffff);
      if (throughputOverrideKbps % 100 !== 0) {
        throw fault("invalid", "Cannot set the throughput override: units of 100 kbit/s");
      }
    }
    hardIf.hopPenalty = hopPenalty ?? hardIf.hopPenalty;
    hardIf.elpIntervalMs = elpIntervalMs ?? hardIf.elpIntervalMs;
    hardIf.throughputOverrideKbps = throughputOverrideKbps ?? hardIf.throughputOverrideKbps;
    this.#node.events.emit({ type: "mesh-config", mesh: name });
  }

  // deno-lint-ignore require-await
  async vlan(name: string, vlan: number): Promise<MeshVlan> {
    return { vlan, apIsolation: this.#vlan(name, vlan).apIsolation };
  }

  // deno-lint-ignore require-await
  async configureVlan(
    name: string,
    vlan: number,
    settings: { readonly apIsolation: boolean },
  ): Promise<void> {
    this.#vlan(name, vlan).apIsolation = settings.apIsolation;
    publish(this.#node.mesh(name).mesh, true);
    this.#node.events.emit({ type: "mesh-config", mesh: name });
  }

  #vlan(name: string, vlan: number): { apIsolation: boolean } {
    const found = this.#node.mesh(name).mesh.vlans.get(vlan);
    if (found === undefined) {
      throw fault("not-found", `Cannot use VLAN ${vlan} of "${name}": there is no such VLAN`);
    }
    return found;
  }

  // deno-lint-ignore require-await
  async originators(name: string): Promise<readonly Originator[]> {
    const { engine, clock } = this.#node.world;
    return tables.originators(engine, this.#mesh(name).router, clock.monotonicMs());
  }

  // deno-lint-ignore require-await
  async neighbours(name: string): Promise<readonly MeshNeighbour[]> {
    return tables.neighbours(this.#mesh(name).router, this.#node.world.clock.monotonicMs());
  }

  // deno-lint-ignore require-await
  async gateways(name: string): Promise<readonly MeshGateway[]> {
    return tables.gateways(this.#node.world.engine, this.#mesh(name).router);
  }

  // deno-lint-ignore require-await
  async localClients(name: string): Promise<readonly LocalClient[]> {
    const nowMs = this.#node.world.clock.monotonicMs();
    return [...this.#mesh(name).clients.values()].map((client) => ({
      mac: client.mac,
      vlan: client.vlan,
      flags: client.own ? ["no-purge"] : client.wireless ? ["wireless"] : [],
      lastSeenMs: client.own ? null : Math.round(nowMs - client.seenMs),
    }));
  }

  // deno-lint-ignore require-await
  async globalClients(name: string): Promise<readonly GlobalClient[]> {
    return tables.globalClients(this.#node.world.engine, this.#mesh(name).router);
  }

  // deno-lint-ignore require-await
  async claims(name: string): Promise<readonly BlaClaim[]> {
    this.#mesh(name);
    return [];
  }

  // deno-lint-ignore require-await
  async backbones(name: string): Promise<readonly BlaBackbone[]> {
    this.#mesh(name);
    return [];
  }

  // deno-lint-ignore require-await
  async datCache(name: string): Promise<readonly DatEntry[]> {
    const nowMs = this.#node.world.clock.monotonicMs();
    return [...this.#mesh(name).datCache].map(([ip, entry]) => ({
      ip,
      mac: entry.mac,
      vlan: entry.vlan,
      lastSeenMs: Math.round(nowMs - entry.seenMs),
    }));
  }

  // deno-lint-ignore require-await
  async multicastFlags(name: string): Promise<readonly MulticastFlags[]> {
    const { router } = this.#mesh(name);
    const { engine } = this.#node.world;
    const rows: MulticastFlags[] = [];
    for (let id = 0; id < engine.originators; id++) {
      if (id !== router.id && tables.heard(engine, router, id) !== null) {
        rows.push({ originator: engine.macOf(id), flags: 0 });
      }
    }
    return rows;
  }

  async ping(
    name: string,
    originator: Mac,
    options: { readonly timeoutMs: number },
  ): Promise<MeshPingReply> {
    const { mesh, id } = this.#destination(name, originator, "ping");
    const there = this.#send(mesh, id);
    const answerer = there.routers.at(-1);
    const back = there.end === "arrived" && answerer
      ? send(this.#node.world.random, answerer, mesh.router.id, PING_BYTES)
      : null;
    const rttMs = there.elapsedMs + (back?.elapsedMs ?? 0);
    if (back?.end !== "arrived" || rttMs > options.timeoutMs) {
      await this.#node.world.clock.sleep(options.timeoutMs);
      throw fault("timeout", `Cannot ping "${originator}": no answer in ${options.timeoutMs} ms`);
    }
    await this.#node.world.clock.sleep(rttMs);
    return { originator, rttMs: Math.round(rttMs * 1000) / 1000, ttl: back.ttl };
  }

  async *traceroute(
    name: string,
    originator: Mac,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): AsyncIterable<MeshHop> {
    const { mesh, id } = this.#destination(name, originator, "trace");
    const { clock, random } = this.#node.world;
    for (let hop = 1; hop <= TTL; hop++) {
      const rttsMs: number[] = [];
      let answerer: Mac | null = null;
      let reached = false;
      for (let probe = 0; probe < PROBES; probe++) {
        if (options.signal?.aborted) {
          throw fault("cancelled", `Cannot trace "${originator}": cancelled`);
        }
        const there = send(random, mesh.router, id, PING_BYTES, hop);
        const last = there.end === "arrived" || there.end === "ttl"
          ? there.routers.at(-1)
          : undefined;
        const back = last ? send(random, last, mesh.router.id, PING_BYTES) : null;
        if (last === undefined || back?.end !== "arrived") {
          await clock.sleep(options.timeoutMs, options.signal);
          continue;
        }
        const rttMs = there.elapsedMs + back.elapsedMs;
        await clock.sleep(rttMs, options.signal);
        rttsMs.push(Math.round(rttMs * 1000) / 1000);
        answerer = last.hardIfs[0]?.port.mac ?? null;
        reached = there.end === "arrived";
      }
      yield { hop, originator: answerer, rttsMs, reached };
      if (reached) return;
    }
  }

  async throughput(
    name: string,
    originator: Mac,
    options: { readonly durationMs: number; readonly signal?: AbortSignal },
  ): Promise<ThroughputResult> {
    const cancelled = () => fault("cancelled", `Cannot measure to "${originator}": cancelled`);
    if (options.signal?.aborted) throw cancelled();
    const { mesh, id } = this.#destination(name, originator, "measure to");
    if (mesh.measuring.has(originator) || mesh.measuring.size >= METERS_MAX) {
      throw fault("busy", `Cannot measure to "${originator}": a measurement is running`);
    }
    const { clock } = this.#node.world;
    mesh.measuring.add(originator);
    try {
      const startMs = clock.monotonicMs();
      let bytes = 0;
      let leftMs = options.durationMs;
      while (leftMs > 0) {
        const stepMs = Math.min(METER_STEP_MS, leftMs);
        leftMs -= stepMs;
        await clock.sleep(stepMs, options.signal);
        if (options.signal?.aborted) throw cancelled();
        bytes += (pathThroughputKbps(mesh.router, id) * stepMs) / 8;
      }
      bytes = Math.floor(bytes);
      if (bytes === 0) {
        throw fault("unreachable", `Cannot measure to "${originator}": nothing arrived`);
      }
      const durationMs = clock.monotonicMs() - startMs;
      return { originator, durationMs, bytes, kbps: (bytes * 8) / durationMs };
    } finally {
      mesh.measuring.delete(originator);
    }
  }

  // deno-lint-ignore require-await
  async translate(name: string, mac: Mac): Promise<Mac | null> {
    const { link, mesh } = this.#node.mesh(name);
    const own = mesh.router.hardIfs[0]?.port.mac ?? null;
    const local = [...mesh.clients.values()].some((client) => client.mac === mac);
    if (local || mac === link.mac) return own;
    return tables.translate(this.#node.world.engine, mesh.router, mac);
  }

  #mesh(name: string): MeshState {
    return this.#node.mesh(name).mesh;
  }

  #send(mesh: MeshState, id: number): Journey {
    return send(this.#node.world.random, mesh.router, id, PING_BYTES);
  }

  #destination(name: string, originator: Mac, act: string): { mesh: MeshState; id: number } {
    const mesh = this.#mesh(name);
    const id = this.#node.world.engine.idOf(originator);
    if (id < 0 || id === mesh.router.id || mesh.router.nextHop(id) === null) {
      throw fault("unreachable", `Cannot ${act} "${originator}": there is no route`);
    }
    return { mesh, id };
  }
}
