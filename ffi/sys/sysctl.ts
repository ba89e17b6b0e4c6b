// Files under /proc/sys as a given network namespace sees them.
import { ERRNO, SyscallError } from "./errno.ts";
import { checked, cString, libc } from "./libc.ts";
import { MAX_SYSCTL_BYTES } from "./limits.ts";
import { withNamespace } from "./namespace.ts";

const O_RDONLY = 0;
const O_WRONLY = 1;
const O_CLOEXEC = 0o2000000;

/**
 * The path of a setting under /proc/sys, e.g. ["net", "ipv6", "conf", "eth0.5", "forwarding"]. A list,
 * because a device name may contain the dots that the dotted form uses as separators.
 *
 * @throws {TypeError} for a part that is empty, "." or "..", or contains "/" or NUL.
 */
export function sysctlPath(key: readonly string[]): string {
  for (const part of key) {
    if (part === "" || part === "." || part === ".." || /[/\0]/.test(part)) {
      throw new TypeError(`Cannot name a setting ${JSON.stringify(key.join("/"))}`);
    }
  }
  if (key.length === 0) throw new TypeError("Cannot name a setting: no parts");
  return `/proc/sys/${key.join("/")}`;
}

function at<T>(netns: string | undefined, action: () => T): T {
  return netns === undefined ? action() : withNamespace(netns, action);
}

/** Reads a setting, without its trailing newline. @throws {SyscallError} ENOENT when there is none. */
export function readSysctl(key: readonly string[], netns?: string): string {
  const path = sysctlPath(key);
  return at(netns, () => {
    const fd = checked(libc().open(cString(path), O_RDONLY | O_CLOEXEC, 0), "open", path);
    try {
      const bytes = new Uint8Array(MAX_SYSCTL_BYTES);
      const length = checked(libc().read(fd, bytes, BigInt(bytes.length)), "read", path);
      return new TextDecoder().decode(bytes.subarray(0, length)).replace(/\n$/, "");
    } finally {
      libc().close(fd);
    }
  });
}

/** Writes a setting. @throws {SyscallError} ENOENT, EACCES, EINVAL. */
export function writeSysctl(key: readonly string[], value: string, netns?: string): void {
  const path = sysctlPath(key);
  const bytes = new TextEncoder().encode(`${value}\n`);
  at(netns, () => {
    const fd = checked(libc().open(cString(path), O_WRONLY | O_CLOEXEC, 0), "open", path);
    try {
      const written = checked(libc().write(fd, bytes, BigInt(bytes.length)), "write", path);
      if (written !== bytes.length) throw new SyscallError("write", ERRNO.EIO, path);
    } finally {
      libc().close(fd);
    }
  });
}
