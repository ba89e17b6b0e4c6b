// Reads the Kernel port into the parts of a snapshot. A part that fails is empty (or as it was, when the
// kernel was only busy) and named in the problems; the others are read all the same.
import { CodedError, messageOf } from "../base/mod.ts";
import type { MeshSnapshot, NodeSnapshot, SnapshotProblem } from "../node/mod.ts";
import type { Kernel, Link, Services, Station, Survey, WirelessInterface } from "../ports/mod.ts";

/** A snapshot without number and time. */
export type Parts = Omit<NodeSnapshot, "revision" | "takenAtMs">;

/** Before the first reading. */
export const NOTHING: Parts = Object.freeze({
  links: [],
  addresses: [],
  mesh: null,
  radios: [],
  wirelessInterfaces: [],
  stations: [],
  surveys: [],
  regulatoryDomain: null,
  services: [],
  problems: [],
});

/** What to read. */
export interface ReadOptions {
  readonly kernel: Kernel;
  /** `null` where the kernel needs no helpers. */
  readonly services: Services | null;
  /** Name of the mesh interface; `null` takes the first one there is. */
  readonly meshName: string | null;
  readonly previous: Parts;
  /** Also the parts that change seldom; else they are as before. */
  readonly slow: boolean;
}

/** Faults after which the part is believed to be as it was. */
const PASSING = new Set(["busy", "timeout"]);

class Reading {
  readonly problems: SnapshotProblem[] = [];

  /** Runs `read`; on failure the fallback, and a problem. */
  async part<T>(name: string, before: T, empty: T, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (thrown) {
      const code = thrown instanceof CodedError ? thrown.code : "unexpected";
      this.problems.push({ part: name, code, message: messageOf(thrown) });
      return PASSING.has(code) ? before : empty;
    }
  }
}

function faultCode(thrown: unknown): string {
  return thrown instanceof CodedError ? thrown.code : "";
}

/** Reads everything that is due. Never rejects. */
export async function readParts(options: ReadOptions): Promise<Parts> {
  const { kernel, services, previous, slow } = options;
  const reading = new Reading();
  const [links, addresses, wireless, statuses] = await Promise.all([
    reading.part("links", previous.links, [], () => kernel.links.list()),
    reading.part("addresses", previous.addresses, [], () => kernel.links.addresses()),
    slow ? readRadios(kernel, reading, previous) : Promise.resolve(previous),
    slow && services !== null
      ? reading.part("services", previous.services, [], () => services.status())
      : Promise.resolve(previous.services),
  ]);
  const [mesh, air] = await Promise.all([
    readMesh(options, reading, links),
    readAir(kernel, reading, previous, wireless.wirelessInterfaces, slow),
  ]);
  // Problems of parts that were not read now still hold.
  const kept = slow
    ? []
    : previous.problems.filter(({ part }) => part === "radios" || part === "services");
  return {
    links,
    addresses,
    mesh,
    radios: wireless.radios,
    wirelessInterfaces: wireless.wirelessInterfaces,
    regulatoryDomain: wireless.regulatoryDomain,
    stations: air.stations,
    surveys: air.surveys,
    services: statuses,
    problems: [...reading.problems, ...kept],
  };
}

async function readMesh(
  { kernel, meshName, previous }: ReadOptions,
  reading: Reading,
  links: readonly Link[],
): Promise<MeshSnapshot | null> {
  const found = links.filter(({ kind }) => kind === "batadv");
  const link = found.find(({ name }) => name === meshName) ??
    (meshName === null ? found[0] : undefined);
  if (link === undefined) {
    const wanted = meshName === null ? "no mesh interface" : `no mesh interface "${meshName}"`;
    reading.problems.push({
      part: "mesh",
      code: "no-such-link",
      message: `There is ${wanted}`,
    });
    return null;
  }
  const { mesh } = kernel;
  const { name } = link;
  return await reading.part<MeshSnapshot | null>("mesh", previous.mesh, null, async () => {
    const [
      info,
      hardInterfaces,
      originators,
      neighbours,
      gateways,
      localClients,
      globalClients,
    ] = await Promise.all([
      mesh.info(name),
      mesh.hardInterfaces(name),
      mesh.originators(name),
      mesh.neighbours(name),
      mesh.gateways(name),
      mesh.localClients(name),
      mesh.globalClients(name),
    ]);
    return {
      info,
      hardInterfaces,
      originators,
      neighbours,
      gateways,
      localClients,
      globalClients,
    };
  });
}

type RadioParts = Pick<Parts, "radios" | "wirelessInterfaces" | "regulatoryDomain">;

async function readRadios(
  kernel: Kernel,
  reading: Reading,
  previous: Parts,
): Promise<RadioParts> {
  const none: RadioParts = { radios: [], wirelessInterfaces: [], regulatoryDomain: null };
  return await reading.part("radios", previous, none, async () => {
    try {
      const [radios, wirelessInterfaces, regulatoryDomain] = await Promise.all([
        kernel.radios.list(),
        kernel.radios.interfaces(),
        kernel.radios.regulatoryDomain(),
      ]);
      return { radios, wirelessInterfaces, regulatoryDomain };
    } catch (thrown) {
      // A kernel without wireless support is a wired node, not a fault; doctor tells of it.
      if (faultCode(thrown) === "not-supported") return none;
      throw thrown;
    }
  });
}

async function readAir(
  kernel: Kernel,
  reading: Reading,
  previous: Parts,
  interfaces: readonly WirelessInterface[],
  slow: boolean,
): Promise<{ readonly stations: readonly Station[]; readonly surveys: readonly Survey[] }> {
  const [stations, surveys] = await Promise.all([
    each(
      reading,
      "stations",
      previous.stations,
      interfaces,
      (name) => kernel.radios.stations(name),
    ),
    slow
      ? each(reading, "surveys", previous.surveys, interfaces, (name) => kernel.radios.survey(name))
      : Promise.resolve(previous.surveys),
  ]);
  return { stations, surveys };
}

async function each<T extends { readonly interface: string }>(
  reading: Reading,
  part: string,
  before: readonly T[],
  interfaces: readonly WirelessInterface[],
  read: (name: string) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const lists = await Promise.all(
    interfaces.map(({ name }) =>
      reading.part(part, before.filter((entry) => entry.interface === name), [], async () => {
        try {
          return await read(name);
        } catch (thrown) {
          // Unplugged since the list was read, or a driver or mode that keeps no such figures.
          const code = faultCode(thrown);
          if (code === "no-such-link" || code === "not-supported" || code === "not-found") {
            return [];
          }
          throw thrown;
        }
      })
    ),
  );
  return lists.flat();
}
