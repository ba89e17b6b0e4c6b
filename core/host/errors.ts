// What ffi/* throws, in the words of the Kernel port. The one place where errno becomes a code.
import { KernelFault, type KernelFaultCode } from "../ports/mod.ts";
import { ERRNO, SyscallError } from "../../ffi/sys/mod.ts";
import { DecodeError, KernelError, NetlinkTimeout } from "../../ffi/netlink/mod.ts";
import { FamilyMissingError, GroupMissingError } from "../../ffi/genetlink/mod.ts";

const CODES: ReadonlyMap<number, KernelFaultCode> = new Map([
  [ERRNO.EPERM, "not-permitted"],
  [ERRNO.EACCES, "not-permitted"],
  [ERRNO.EOPNOTSUPP, "not-supported"],
  [ERRNO.EAFNOSUPPORT, "not-supported"],
  [ERRNO.EPROTONOSUPPORT, "not-supported"],
  [ERRNO.ENOPROTOOPT, "not-supported"],
  [ERRNO.ENOSYS, "not-supported"],
  [ERRNO.ENODEV, "no-such-link"],
  [ERRNO.ENXIO, "no-such-link"],
  [ERRNO.ENOENT, "not-found"],
  [ERRNO.ESRCH, "not-found"],
  [ERRNO.EADDRNOTAVAIL, "not-found"],
  [ERRNO.EEXIST, "exists"],
  [ERRNO.EBUSY, "busy"],
  [ERRNO.EAGAIN, "busy"],
  [ERRNO.EINTR, "busy"],
  [ERRNO.ENOBUFS, "busy"],
  [ERRNO.EINVAL, "invalid"],
  [ERRNO.ERANGE, "invalid"],
  [ERRNO.ENETUNREACH, "unreachable"],
  [ERRNO.EHOSTUNREACH, "unreachable"],
  [ERRNO.ENETDOWN, "unreachable"],
  [ERRNO.ETIMEDOUT, "timeout"],
  [ERRNO.ECANCELED, "cancelled"],
]);

/** The code of an error number. */
export function faultCode(errno: number): KernelFaultCode {
  return CODES.get(errno) ?? "unexpected";
}

/** Turns whatever a binding threw into a KernelFault; anything that is no binding's error is returned as it is. */
export function toFault(thrown: unknown): unknown {
  if (thrown instanceof KernelError || thrown instanceof SyscallError) {
    return new KernelFault(faultCode(thrown.errno), thrown.message, { cause: thrown });
  }
  if (thrown instanceof FamilyMissingError || thrown instanceof GroupMissingError) {
    return new KernelFault("not-supported", thrown.message, { cause: thrown });
  }
  if (thrown instanceof NetlinkTimeout) {
    return new KernelFault("timeout", thrown.message, { cause: thrown });
  }
  if (thrown instanceof DecodeError) {
    return new KernelFault("unexpected", thrown.message, { cause: thrown });
  }
  return thrown;
}

/** Runs `action`; what a binding throws in it rejects as KernelFault. */
export async function faulting<T>(action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (thrown) {
    throw toFault(thrown);
  }
}
