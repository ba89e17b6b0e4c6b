// Radio medium and wires of one simulation.
export { distanceM, type Position } from "./grid.ts";
export { Medium } from "./medium.ts";
export { type AirLink, type HeardStation, Port, type Tuning } from "./port.ts";
