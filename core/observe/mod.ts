// Watches the kernel: snapshots, what changed between them, and metrics. Changes nothing itself.
export { diff } from "./diff.ts";
export { Observer, type ObserverOptions } from "./observer.ts";
