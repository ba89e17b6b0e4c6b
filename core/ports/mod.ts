// The interfaces between the product and the world. Types only, apart from the two error classes.
export type * from "./clock.ts";
export * from "./errors.ts";
export type * from "./files.ts";
export type * from "./firewall.ts";
export type * from "./kernel.ts";
export type * from "./links.ts";
export type * from "./mesh.ts";
export type * from "./net.ts";
export type * from "./radios.ts";
export type * from "./random.ts";
export type * from "./services.ts";
export type * from "./stream.ts";
export type * from "./wireguard.ts";
export type * from "./workloads.ts";
