// One simulated medium for several daemons on one machine.
export { type AttachedMedium, attachSharedMedium } from "./client.ts";
export type { MediumControl } from "./protocol.ts";
export { type MediumServer, serveMedium } from "./server.ts";
