// The life of a node in a mesh.
export type * from "./ports.ts";
