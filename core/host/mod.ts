// The real machine behind the ports: clocks, randomness, files, and the Linux kernel over netlink.
export { hostClock } from "./clock.ts";
export { hostFiles } from "./files.ts";
export { hostRandom } from "./random.ts";
