// The Kernel port of simulated nodes.
export { defaultRules } from "./addressing.ts";
export { SimKernel } from "./kernel.ts";
export { addLink, removeLink, setUp } from "./links.ts";
export { deviceMac } from "./mac.ts";
export { publish, putClient } from "./mesh_state.ts";
export { addRadio } from "./radios.ts";
export { fault, type LinkState, NodeState, type World } from "./state.ts";
