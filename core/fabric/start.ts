// The door to the fabric. Importing this loads no libp2p: a node that is in no mesh never pays for it.
import type { Fabric, FabricOptions, FabricPorts } from "./types.ts";

/**
 * Starts the fabric of a node that is enrolled.
 *
 * @throws what listening throws; nothing runs then.
 */
export async function startFabric(ports: FabricPorts, options: FabricOptions): Promise<Fabric> {
  const { RunningFabric } = await import("./running.ts");
  return await RunningFabric.start(ports, options);
}
