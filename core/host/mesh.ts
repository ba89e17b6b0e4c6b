// The Mesh port over batman-adv's netlink family. A setting counts as made only when the kernel reads
// it back: SET_MESH answers success for what it ignores.
import { Batadv, type MeshChange, translateMac } from "../../ffi/batadv/mod.ts";
import { KernelFault } from "../ports/mod.ts";
import type { Clock, Mesh, MeshHop, MeshInfo, MeshSettings, Random } from "../ports/mod.ts";
import { toFault } from "./errors.ts";
import { FamilyClient, type LinkNames } from "./family.ts";
import { ping, type ProbeContext, throughput, traceroute } from "./mesh_probe.ts";
import { rowsOf } from "./mesh_rows.ts";
import {
  viewAlgorithm,
  viewGateway,
  viewGlobalClient,
  viewHardInterface,
  viewLocalClient,
  viewMesh,
} from "./mesh_view.ts";

/** What {@link hostMesh} needs. */
export interface HostMeshOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly names: LinkNames;
  /** A network namespace under /run/netns; the caller's own when absent. */
  readonly netns?: string;
}

/** The Mesh port with an end. */
export interface HostMesh extends Mesh {
  close(): Promise<void>;
}

/**
 * Reads and changes the batman-adv of this machine. Nothing is opened before the first call.
 *
 * @param open opens the family; tests give it a scripted one.
 */
export function hostMesh(
  options: HostMeshOptions,
  open: () => Promise<Batadv> = () =>
    Batadv.open(options.netns === undefined ? {} : { netns: options.netns }),
): HostMesh {
  return new KernelMesh(options, open);
}

function changeOf(settings: Partial<MeshSettings>): MeshChange {
  const { originatorIntervalMs, ...same } = settings;
  return originatorIntervalMs === undefined
    ? same
    : { ...same, origIntervalMs: originatorIntervalMs };
}

/** A value that the codec refuses was the caller's. */
function fault(thrown: unknown): unknown {
  if (thrown instanceof RangeError || thrown instanceof TypeError) {
    return new KernelFault("invalid", thrown.message, { cause: thrown });
  }
  return toFault(thrown);
}

function refused(what: string, setting: string, wanted: unknown, kept: unknown): KernelFault {
  const said = `Cannot set "${setting}" of ${what} to ${wanted}: the kernel keeps ${kept}`;
  return new KernelFault("invalid", said);
}

class KernelMesh implements HostMesh {
  readonly #options: HostMeshOptions;
  readonly #open: () => Promise<Batadv>;
  readonly #family: FamilyClient<Batadv>;

  constructor(options: HostMeshOptions, open: () => Promise<Batadv>) {
    this.#options = options;
    this.#open = open;
    this.#family = new FamilyClient(open);
  }

  close(): Promise<void> {
    return this.#family.close();
  }

  algorithms(): Promise<readonly string[]> {
    return this.#run((batadv) => batadv.routingAlgorithms());
  }

  info(mesh: string): Promise<MeshInfo> {
    return this.#of(mesh, async (batadv, index) => viewMesh(await batadv.mesh(index)));
  }

  async configure(mesh: string, settings: Partial<MeshSettings>): Promise<void> {
    await this.#of(mesh, (batadv, index) => batadv.setMesh(index, changeOf(settings)));
    const after: MeshSettings = (await this.info(mesh)).settings;
    for (const [name, wanted] of Object.entries(settings)) {
      const kept = after[name as keyof MeshSettings];
      if (wanted !== undefined && kept !== wanted) {
        throw refused(`mesh "${mesh}"`, name, wanted, kept);
      }
    }
  }

  hardInterfaces(mesh: string): ReturnType<Mesh["hardInterfaces"]> {
    return this.#of(mesh, async (batadv, index) => {
      const algorithm = viewAlgorithm((await batadv.mesh(index)).algorithm, mesh);
      const hard = await batadv.hardInterfaces(index);
      return hard.map((item) => viewHardInterface(item, algorithm));
    });
  }

  configureHardInterface(
    ...[mesh, name, settings]: Parameters<Mesh["configureHardInterface"]>
  ): Promise<void> {
    return this.#of(mesh, async (batadv, index) => {
      const hardIndex = await this.#options.names.indexOf(name);
      await batadv.setHardInterface(index, hardIndex, settings);
      const after = await batadv.hardInterface(index, hardIndex);
      for (const [setting, wanted] of Object.entries(settings)) {
        const kept = after[setting as keyof typeof settings];
        if (wanted !== undefined && kept !== wanted) {
          throw refused(`hard interface "${name}"`, setting, wanted, kept);
        }
      }
    });
  }

  vlan(mesh: string, vlan: number): ReturnType<Mesh["vlan"]> {
    return this.#of(mesh, async (batadv, index) => {
      const { vid, apIsolation } = await batadv.vlan(index, vlan);
      return { vlan: vid, apIsolation };
    });
  }

  configureVlan(...[mesh, vlan, settings]: Parameters<Mesh["configureVlan"]>): Promise<void> {
    return this.#of(mesh, async (batadv, index) => {
      await batadv.setVlan(index, vlan, settings.apIsolation);
      const { apIsolation } = await batadv.vlan(index, vlan);
      if (apIsolation !== settings.apIsolation) {
        throw refused(
          `VLAN ${vlan} of mesh "${mesh}"`,
          "apIsolation",
          settings.apIsolation,
          apIsolation,
        );
      }
    });
  }

  originators(mesh: string): ReturnType<Mesh["originators"]> {
    const nameOf = this.#namer();
    return this.#rows(mesh, (batadv, index) => batadv.originators(index), async (row) => ({
      originator: row.originator,
      nextHop: row.neighbor,
      hardInterface: row.hardName ?? await nameOf(row.hardIfindex),
      best: row.best,
      lastSeenMs: row.lastSeenMs,
      tq: row.tq,
      throughputKbps: row.throughputKbps,
    }));
  }

  neighbours(mesh: string): ReturnType<Mesh["neighbours"]> {
    const nameOf = this.#namer();
    return this.#rows(mesh, (batadv, index) => batadv.neighbors(index), async (row) => ({
      neighbour: row.neighbor,
      hardInterface: row.hardName ?? await nameOf(row.hardIfindex),
      lastSeenMs: row.lastSeenMs,
      throughputKbps: row.throughputKbps,
    }));
  }

  gateways(mesh: string): ReturnType<Mesh["gateways"]> {
    const nameOf = this.#namer();
    return this.#rows(
      mesh,
      (batadv, index) => batadv.gateways(index),
      async (row) => viewGateway(row, row.hardName ?? await nameOf(row.hardIfindex ?? 0)),
    );
  }

  localClients(mesh: string): ReturnType<Mesh["localClients"]> {
    return this.#rows(mesh, (batadv, index) => batadv.localClients(index), viewLocalClient);
  }

  globalClients(mesh: string): ReturnType<Mesh["globalClients"]> {
    return this.#rows(mesh, (batadv, index) => batadv.globalClients(index), viewGlobalClient);
  }

  claims(mesh: string): ReturnType<Mesh["claims"]> {
    return this.#rows(mesh, (batadv, index) => batadv.blaClaims(index), (row) => ({
      client: row.address,
      vlan: row.vid,
      backbone: row.backbone,
      own: row.own,
      crc: row.crc,
    }));
  }

  backbones(mesh: string): ReturnType<Mesh["backbones"]> {
    return this.#rows(mesh, (batadv, index) => batadv.blaBackbones(index), (row) => ({
      backbone: row.backbone,
      vlan: row.vid,
      own: row.own,
      lastSeenMs: row.lastSeenMs,
      crc: row.crc,
    }));
  }

  datCache(mesh: string): ReturnType<Mesh["datCache"]> {
    return this.#rows(mesh, (batadv, index) => batadv.datCache(index), (row) => ({
      ip: row.ip,
      mac: row.address,
      vlan: row.vid,
      lastSeenMs: row.lastSeenMs,
    }));
  }

  multicastFlags(mesh: string): ReturnType<Mesh["multicastFlags"]> {
    return this.#rows(mesh, (batadv, index) => batadv.mcastFlags(index), (row) => ({
      originator: row.originator,
      flags: row.rawFlags,
    }));
  }

  ping(...[mesh, originator, options]: Parameters<Mesh["ping"]>): ReturnType<Mesh["ping"]> {
    return this.#of(
      mesh,
      (batadv, index) => ping(this.#context(batadv, mesh, index), originator, options),
    );
  }

  async *traceroute(
    ...[mesh, originator, options]: Parameters<Mesh["traceroute"]>
  ): AsyncGenerator<MeshHop, void, void> {
    // Its own connection: a trace may take minutes and must not hold up a renewal of the shared one.
    try {
      const index = await this.#options.names.indexOf(mesh);
      using batadv = await this.#open();
      yield* traceroute(this.#context(batadv, mesh, index), originator, options);
    } catch (thrown) {
      throw fault(thrown);
    }
  }

  throughput(
    ...[mesh, originator, options]: Parameters<Mesh["throughput"]>
  ): ReturnType<Mesh["throughput"]> {
    return this.#of(
      mesh,
      (batadv, index) => throughput(this.#context(batadv, mesh, index), originator, options),
    );
  }

  translate(mesh: string, mac: string): Promise<string | null> {
    return this.#of(mesh, async (batadv, index) => {
      const [info, originators, local, global] = await Promise.all([
        batadv.mesh(index),
        batadv.originators(index),
        batadv.localClients(index),
        batadv.globalClients(index),
      ]);
      const self = info.primary?.address ?? null;
      return translateMac(mac, { self, originators, local, global });
    });
  }

  #context(batadv: Batadv, mesh: string, meshIfindex: number): ProbeContext {
    const { clock, random, netns } = this.#options;
    return { batadv, clock, random, netns, mesh, meshIfindex };
  }

  /** Names by index, each asked for once; "#7" for a link that is gone. Kernels before 5.19 need it. */
  #namer(): (index: number) => Promise<string> {
    const known = new Map<number, Promise<string>>();
    return (index) => {
      const found = known.get(index) ??
        this.#options.names.nameOf(index).then((name) => name ?? `#${index}`);
      known.set(index, found);
      return found;
    };
  }

  async #run<T>(action: (batadv: Batadv) => Promise<T>): Promise<T> {
    try {
      return await this.#family.use(action);
    } catch (thrown) {
      throw fault(thrown);
    }
  }

  #rows<T, R>(
    mesh: string,
    read: (batadv: Batadv, index: number) => Promise<readonly T[]>,
    view: (row: T) => R | Promise<R>,
  ): Promise<readonly R[]> {
    return this.#of(mesh, async (batadv, index) => {
      const rows = await rowsOf(batadv, index, () => read(batadv, index));
      return await Promise.all(rows.map((row) => view(row)));
    });
  }

  #of<T>(mesh: string, action: (batadv: Batadv, index: number) => Promise<T>): Promise<T> {
    return this.#run(async (batadv) =>
      await action(batadv, await this.#options.names.indexOf(mesh))
    );
  }
}
