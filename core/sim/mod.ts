// The simulated ports: kernel, radio medium, clock and randomness of a mesh that is not there. It is
// for tests, demonstrations and machines without batman-adv; whatever it does, it says it is simulated.
export { VirtualClock } from "./clock.ts";
export type { Position } from "./medium/mod.ts";
export { SimHost, type SimHostOptions, type SimLink, SimNetwork } from "./net.ts";
export { type SentPacket, SimPackets } from "./net_packets.ts";
export type { MeshPreset } from "./preset.ts";
export { SeededRandom } from "./random.ts";
export { type RealTime, simulate, Simulation, type SimulationOptions } from "./simulation.ts";
export {
  type AttachedMedium,
  attachSharedMedium,
  type MediumControl,
  type MediumServer,
  serveMedium,
} from "./shared/mod.ts";
export type { Topology, Wire } from "./topology.ts";
