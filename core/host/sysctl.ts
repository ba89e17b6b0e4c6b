// The Sysctl port over /proc/sys, in a given network namespace.
import { KernelFault, type Sysctl } from "../ports/mod.ts";
import { ERRNO, readSysctl, SyscallError, writeSysctl } from "../../ffi/sys/mod.ts";
import { faulting } from "./errors.ts";

/** Directories of /proc/sys whose next part is a device name, which may contain dots itself. */
const PER_DEVICE = /^(net\.ipv[46]\.(?:conf|neigh))\.(.+)\.([a-z0-9_]+)$/;

/**
 * Splits "net.ipv6.conf.eth0.5.forwarding" into the parts of its path: the dots of a device name stay.
 *
 * @throws {KernelFault} "invalid" for a name that is none.
 */
export function sysctlKey(name: string): readonly string[] {
  const perDevice = PER_DEVICE.exec(name);
  const parts = perDevice === null
    ? name.split(".")
    : [...(perDevice[1] ?? "").split("."), perDevice[2] ?? "", perDevice[3] ?? ""];
  if (parts.some((part) => !/^[^/\0]+$/.test(part) || part === "." || part === "..")) {
    throw new KernelFault("invalid", `Cannot name a kernel parameter "${name}"`);
  }
  return parts;
}

/** Kernel parameters as namespace `netns` (the caller's own by default) sees them. */
export function hostSysctl(netns?: string): Sysctl {
  return {
    read: (name) =>
      faulting(() => {
        try {
          return readSysctl(sysctlKey(name), netns);
        } catch (error) {
          // A namespace that is gone is ENOENT too, and no absent parameter.
          const absent = error instanceof SyscallError && error.errno === ERRNO.ENOENT &&
            error.about?.startsWith("/proc/sys/") === true;
          if (absent) return null;
          throw error;
        }
      }),
    write: (name, value) => faulting(() => writeSysctl(sysctlKey(name), value, netns)),
  };
}
