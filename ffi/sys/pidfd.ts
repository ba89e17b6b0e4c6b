// A handle on the process at the other end of a unix socket, which cannot come to mean another process as
// its number can. linux v6.5 include/uapi/asm-generic/socket.h (SO_PEERPIDFD), pidfd_open(2).
import { ERRNO, SyscallError } from "./errno.ts";
import { checked, libc } from "./libc.ts";
import { SOL_SOCKET } from "./socket.ts";

const SO_PEERPIDFD = 77;

/** A process, by descriptor. */
export interface PidHandle {
  readonly fd: number;
  close(): void;
}

/**
 * The process that connected the unix socket `fd`; "unsupported" where the kernel is older than 6.5, "gone"
 * when the process has ended.
 *
 * @throws {SyscallError} for another reason.
 */
export function peerPidfd(fd: number): PidHandle | "unsupported" | "gone" {
  const cell = Int32Array.of(-1);
  const length = Uint32Array.of(cell.byteLength);
  try {
    checked(libc().getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, cell, length), "getsockopt", "pidfd");
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    if (error.errno === ERRNO.ENOPROTOOPT) return "unsupported";
    const ended: readonly number[] = [ERRNO.EINVAL, ERRNO.ESRCH, ERRNO.ENODATA];
    if (ended.includes(error.errno)) return "gone";
    throw error;
  }
  const [pidfd = -1] = cell;
  return { fd: pidfd, close: () => void libc().close(pidfd) };
}
