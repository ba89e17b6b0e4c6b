// Tunnels, fabric and packet filter for people and pages. Nothing here is secret.
import type { FabricFigures, FabricPeer, SeenStatus } from "../fabric/mod.ts";
import type { HealthCheck } from "../node/mod.ts";
import type { DeniedPackets } from "../policy/mod.ts";
import type { TunnelsStatus } from "../tunnel/mod.ts";
import type { MeshRuntime } from "./runtime.ts";

/** The fabric now. */
export interface FabricStatus {
  readonly peers: readonly FabricPeer[];
  /** What other nodes said of themselves last. */
  readonly statuses: readonly SeenStatus[];
  readonly figures: FabricFigures;
}

/** Everything that runs for a member. */
export interface SecurityStatus {
  /** `null` while they don't run; {@link checks} says why. */
  readonly tunnels: TunnelsStatus | null;
  readonly fabric: FabricStatus | null;
  /** Packets on the overlay that no rule allowed; `null` when that can't be told. */
  readonly denied: DeniedPackets | null;
  readonly checks: readonly HealthCheck[];
  /** The kernel is simulated: nothing is encrypted or sent through these tunnels. */
  readonly simulated: boolean;
}

/** Gathers it. @param runtime `null` while the node is in no mesh. */
export async function statusOf(
  runtime: MeshRuntime | null,
  simulated: boolean,
): Promise<SecurityStatus> {
  if (runtime === null) {
    return { tunnels: null, fabric: null, denied: null, checks: [], simulated };
  }
  const { tunnels, fabric } = runtime;
  const [status, denied] = await Promise.all([tunnels?.status() ?? null, runtime.denied()]);
  return {
    tunnels: status,
    fabric: fabric === null ? null : {
      peers: fabric.peers(),
      statuses: fabric.statuses(),
      figures: fabric.figures,
    },
    denied,
    checks: runtime.checks(),
    simulated,
  };
}
