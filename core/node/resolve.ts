// From what a person names to the originator that serves it.
import { isMac, macFromBytes, macToBytes } from "../base/mod.ts";
import { type DatEntry, type IpNeighbour, type Kernel, KernelFault } from "../ports/mod.ts";
import type { MeshSnapshot } from "./types.ts";

/** Where addresses are looked up. */
export interface ResolveSources {
  readonly kernel: Kernel;
  readonly mesh: MeshSnapshot | null;
  readonly ipNeighbours: () => Promise<readonly IpNeighbour[]>;
  readonly datCache: () => Promise<readonly DatEntry[]>;
}

const IP = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:.]*)(%\w+)?$/i;

/** @see NodeService.resolve */
export async function resolveTarget(target: string, sources: ResolveSources): Promise<string> {
  const { kernel, mesh } = sources;
  const wanted = target.trim().toLowerCase();
  if (mesh === null) {
    throw new KernelFault("not-found", `Cannot find "${target}": this node has no mesh interface`);
  }
  const octets = macToBytes(wanted);
  const mac = octets === null ? await macOfIp(wanted, sources) : macFromBytes(octets);
  if (mac === null) {
    const why = IP.test(wanted)
      ? "no such address in the neighbour tables or the distributed ARP table"
      : "it is neither a MAC address nor an IP address";
    throw new KernelFault("not-found", `Cannot find "${target}": ${why}`);
  }
  if (mac === mesh.info.originator || mesh.originators.some((row) => row.originator === mac)) {
    return mac;
  }
  const client = mesh.globalClients.find((row) => row.mac === mac && row.best) ??
    mesh.globalClients.find((row) => row.mac === mac);
  if (client !== undefined) return client.originator;
  const local = mesh.localClients.some((row) => row.mac === mac);
  if (local && mesh.info.originator !== null) return mesh.info.originator;
  // The tables of the snapshot may be seconds old: the kernel has the last word.
  const originator = await kernel.mesh.translate(mesh.info.mesh, mac);
  if (originator !== null) return originator;
  throw new KernelFault("not-found", `Cannot find "${target}": no node announces ${mac}`);
}

async function macOfIp(target: string, sources: ResolveSources): Promise<string | null> {
  if (!IP.test(target)) return null;
  const address = target.replace(/%.*$/, "");
  const neighbours = await sources.ipNeighbours();
  const known = neighbours.find((row) => row.address === address && row.mac !== null)?.mac;
  if (known !== undefined && known !== null && isMac(known)) return known;
  const cache = await sources.datCache();
  return cache.find(({ ip }) => ip === address)?.mac ?? null;
}
