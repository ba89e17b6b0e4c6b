// The simulated mesh as the daemon's kernel: this node boots bare and is configured like a real one; the
// others follow its document as it was at start, and have a client each.
import { CliError, EXIT } from "../cli/mod.ts";
import { messageOf } from "../base/mod.ts";
import { channelSpec, type Config } from "../config/mod.ts";
import {
  type Clock,
  type Kernel,
  KernelFault,
  type ServiceKind,
  type Services,
} from "../ports/mod.ts";
import { attachSharedMedium, type MeshPreset, simulate, type Simulation } from "../sim/mod.ts";
import type { KernelDeps, KernelWish } from "./kernel.ts";

/** Clients are added up to this many; a simulation of a thousand nodes is about routing. */
const MAX_CLIENTS = 50;

/** Opens the simulated mesh that the command line asks for. @throws {CliError} */
export async function openSimulated(
  wish: KernelWish,
  { clock, config }: KernelDeps,
): Promise<{ readonly kernel: Kernel; readonly services: Services }> {
  if (wish.attach === null) return ownMesh(wish, clock, config);
  const { path, node } = wish.attach;
  try {
    const { unixDialer } = await import("../host/mod.ts");
    const { kernel } = await attachSharedMedium({ node, dial: unixDialer(path), clock });
    return { kernel, services: simulatedServices() };
  } catch (thrown) {
    throw new CliError(
      EXIT.failed,
      `Cannot join the simulated medium at "${path}" as node ${node}: ${messageOf(thrown)}`,
      null,
      thrown,
    );
  }
}

function ownMesh(
  { nodes, seed }: KernelWish,
  clock: Clock,
  config: Config,
): { readonly kernel: Kernel; readonly services: Services } {
  const simulation = simulate({
    nodes,
    seed,
    topology: nodes <= 20 ? "random" : "grid",
    bare: [0],
    wallMs: clock.wallMs(),
    mesh: presetOf(config),
  });
  addClients(simulation);
  const pace = simulation.startRealTime(clock);
  const kernel = simulation.kernel(0);
  return {
    kernel: {
      info: kernel.info,
      links: kernel.links,
      mesh: kernel.mesh,
      radios: kernel.radios,
      wireguard: kernel.wireguard,
      firewall: kernel.firewall,
      sysctl: kernel.sysctl,
      capabilities: () => kernel.capabilities(),
      watch: (signal) => kernel.watch(signal),
      async close() {
        await kernel.close();
        await pace.stop();
      },
    },
    services: simulatedServices(),
  };
}

/** The other nodes' mesh as a document describes this one's. */
export function presetOf({ mesh, radios, wireless }: Config): Partial<MeshPreset> {
  const [radio] = radios;
  return {
    meshId: mesh.id,
    algorithm: mesh.algorithm,
    meshInterface: mesh.interface,
    originatorIntervalMs: mesh.originatorIntervalMs,
    ...wireless.country === undefined ? {} : { country: wireless.country },
    ...radio === undefined ? {} : channelOf(radio),
  };
}

function channelOf(radio: Config["radios"][number]) {
  const { frequencyMhz, widthMhz } = channelSpec(radio);
  return { frequencyMhz, widthMhz };
}

/** Gives each node but the first a client. */
function addClients(simulation: Simulation): void {
  for (let node = 1; node < Math.min(simulation.nodes, MAX_CLIENTS); node++) {
    const octet = node.toString(16).padStart(2, "0");
    simulation.addClient(node, `02:c1:1e:00:00:${octet}`, {
      wireless: true,
      ip: `10.11.0.${node}`,
    });
  }
}

/** A simulated node has no programs beside it. */
function simulatedServices(): Services {
  return {
    installed: (kind: ServiceKind) =>
      Promise.resolve({ ok: false, detail: `${kind} does not run beside a simulated node` }),
    ensure: ({ kind }) =>
      Promise.reject(
        new KernelFault("not-supported", `Cannot run ${kind}: this node is simulated`),
      ),
    stop: () => Promise.resolve(),
    status: () => Promise.resolve([]),
    close: () => Promise.resolve(),
  };
}
