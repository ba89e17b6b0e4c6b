// batman-adv's routing as every simulated node runs it.
export type { AnnouncedClient } from "./announcements.ts";
export { Engine } from "./engine.ts";
export { type Journey, pathThroughputKbps, send } from "./forward.ts";
export type { HardIf, Router } from "./router.ts";
export * as tables from "./tables.ts";
