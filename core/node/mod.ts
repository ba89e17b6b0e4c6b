// The node as one service: what it knows of itself and what can be asked of it.
export { createNode, type DaemonNode, type NodeParts } from "./node.ts";
export type * from "./ports.ts";
export type * from "./types.ts";
