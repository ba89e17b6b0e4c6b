// Runs in a lab guest. Small meshes of nodes, each a network namespace with one mac80211_hwsim radio
// or with a wire for each neighbour. Set-up uses the reference tools (`ip`, `iw`, `batctl`), so that
// tests of the project's own code start from a state it did not make.

export { diamond, type Edge, type LabNode, line, Topology } from "./topology/base.ts";
export { command, type CommandResult, shell } from "./topology/command.ts";
export type { LinkQuality, Medium } from "./topology/medium.ts";
export { airTopology, type RadioOptions, radioTopology } from "./topology/radios.ts";
export type { AirTopology } from "./topology/radios.ts";
export { wireTopology } from "./topology/wires.ts";
export type { WireTopology } from "./topology/wires.ts";
