// The lab's harness: real kernels under QEMU for tests that need batman-adv, mac80211_hwsim radios or
// WireGuard. It runs on the host; what runs in the guest is in the other files of tests/lab.

export { LabError } from "./errors.ts";
export { buildImage, type Image } from "./image.ts";
export { GUEST_SLOTS_MAX } from "./limits.ts";
export { labDir, projectRoot } from "./paths.ts";
export { type GuestEnd, type GuestOptions, qemuArgv, runGuest } from "./qemu.ts";
export { Qmp } from "./qmp.ts";
export { RemoteGuest, type RemoteResult } from "./remote.ts";
export { addCounts, countJunit, type Counts, noTests, resultLine } from "./results.ts";
export {
  runHostTests,
  runScript,
  runTests,
  type SessionEnd,
  type SessionOptions,
} from "./session.ts";
export { runMesh, type UpOptions } from "./up.ts";
