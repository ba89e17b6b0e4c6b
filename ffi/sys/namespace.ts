// Named network namespaces, as iproute2 keeps them: files under /run/netns with a namespace mounted on
// them. The calling thread enters one inside a synchronous function only, so no other code of the
// process ever runs there; a socket opened inside stays in that namespace for its life.
// Deliberately absent: the mounts of /sys and /etc/netns/NAME that `ip netns exec` makes.
import { ERRNO, SyscallError } from "./errno.ts";
import { checked, cString, lastErrno, libc } from "./libc.ts";
import { MAX_NAMESPACE_NAME_CHARS } from "./limits.ts";

const DIRECTORY = "/run/netns";
const SELF = "/proc/thread-self/ns/net";
const CLONE_NEWNET = 0x40000000;
const O_RDONLY = 0;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_CLOEXEC = 0o2000000;
const MS_BIND = 4096n;
const MS_REC = 16384n;
const MS_SHARED = 1n << 20n;
const MNT_DETACH = 2;

/** The path of namespace `name`. @throws {TypeError} when it cannot be a file name. */
export function namespacePath(name: string): string {
  if (
    name.length === 0 || name.length > MAX_NAMESPACE_NAME_CHARS || name === "." || name === ".." ||
    /[/\0]/.test(name)
  ) throw new TypeError(`Cannot name a network namespace ${JSON.stringify(name)}`);
  return `${DIRECTORY}/${name}`;
}

function open(path: string, flags: number): number {
  return checked(libc().open(cString(path), flags | O_CLOEXEC, 0), "open", path);
}

function enter(fd: number, about: string): void {
  checked(libc().setns(fd, CLONE_NEWNET), "setns", about);
}

/** Runs `action` and brings the thread back to the namespace it was in, whatever happens. */
function comingBack<T>(action: () => T): T {
  const home = open(SELF, O_RDONLY);
  try {
    const result = action();
    if (result instanceof Promise) {
      throw new TypeError(
        "Cannot stay in a network namespace across await: pass a synchronous function",
      );
    }
    return result;
  } finally {
    // If this fails the thread is lost in a foreign namespace: the error must reach the caller.
    try {
      enter(home, "the namespace it came from");
    } finally {
      libc().close(home);
    }
  }
}

/**
 * Runs a synchronous function inside namespace `name`.
 *
 * @throws {SyscallError} ENOENT when there is none, EPERM without CAP_SYS_ADMIN.
 */
export function withNamespace<T>(name: string, action: () => T): T {
  const target = open(namespacePath(name), O_RDONLY);
  try {
    return comingBack(() => {
      enter(target, name);
      return action();
    });
  } finally {
    libc().close(target);
  }
}

/**
 * Makes the directory a shared mount of its own, as `ip netns add` does before its first name: otherwise
 * that would lay a second mount over the names made here, which could then not be removed any more.
 */
function shareDirectory(): void {
  Deno.mkdirSync(DIRECTORY, { recursive: true, mode: 0o755 });
  const directory = cString(DIRECTORY);
  const none = cString("none");
  const share = () => libc().mount(cString(""), directory, none, MS_SHARED | MS_REC, none);
  if (share() === 0) return;
  const errno = lastErrno();
  // EINVAL: it is no mount point yet.
  if (errno !== ERRNO.EINVAL) throw new SyscallError("mount", errno, DIRECTORY);
  checked(libc().mount(directory, directory, none, MS_BIND | MS_REC, none), "mount", DIRECTORY);
  checked(share(), "mount", DIRECTORY);
}

/** Makes a new, empty network namespace called `name`. @throws {SyscallError} EEXIST, EPERM. */
export function createNamespace(name: string): void {
  const path = namespacePath(name);
  shareDirectory();
  libc().close(open(path, O_RDONLY | O_CREAT | O_EXCL));
  try {
    comingBack(() => {
      checked(libc().unshare(CLONE_NEWNET), "unshare", name);
      const none = cString("none");
      checked(libc().mount(cString(SELF), cString(path), none, MS_BIND, none), "mount", path);
    });
  } catch (error) {
    Deno.removeSync(path);
    throw error;
  }
}

/** Removes the name; the namespace ends with its last user. @throws {SyscallError} ENOENT, EPERM. */
export function deleteNamespace(name: string): void {
  const path = namespacePath(name);
  try {
    checked(libc().umount2(cString(path), MNT_DETACH), "umount", path);
  } catch (error) {
    // EINVAL: a name without a mount, left behind by an interrupted creation.
    if (!(error instanceof SyscallError) || error.errno !== ERRNO.EINVAL) throw error;
  }
  Deno.removeSync(path);
}

/** The names of the network namespaces, sorted. */
export function listNamespaces(): string[] {
  try {
    return [...Deno.readDirSync(DIRECTORY)].map((entry) => entry.name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** An open namespace, e.g. to move a device into it (IFLA_NET_NS_FD). */
export class NamespaceHandle implements Disposable {
  readonly fd: number;
  #closed = false;

  /** Opens namespace `name`, or the calling thread's own. @throws {SyscallError} ENOENT */
  constructor(name?: string) {
    this.fd = open(name === undefined ? SELF : namespacePath(name), O_RDONLY);
  }

  /** Closes the handle; the namespace stays. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    libc().close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
