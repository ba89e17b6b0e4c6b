import { CodedError } from "../base/mod.ts";

/** Why the kernel, real or simulated, did not do as asked. */
export type KernelFaultCode =
  | "not-permitted" // EPERM, EACCES: privileges are missing
  | "not-supported" // EOPNOTSUPP, no such family or module: this kernel cannot
  | "no-such-link" // ENODEV: the interface is not there (or was unplugged)
  | "not-found" // ENOENT, ESRCH: no such address, route, station, peer …
  | "exists" // EEXIST
  | "busy" // EBUSY, EAGAIN: try again
  | "invalid" // EINVAL, ERANGE: the kernel refuses the value; the message says which
  | "unreachable" // no route to the destination originator, or no answer
  | "timeout" // the kernel or a peer did not answer in time
  | "cancelled" // the caller's signal fired
  | "unexpected"; // any other errno, named in the message

/** The one error the Kernel port's methods reject with, apart from InvariantError. */
export class KernelFault extends CodedError<KernelFaultCode> {
  constructor(
    code: KernelFaultCode,
    message: string,
    options: { readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(code, message, { retryable: code === "busy" || code === "timeout", ...options });
  }
}

/** Why a file operation failed. */
export type FileErrorCode =
  | "not-found"
  | "exists"
  | "not-permitted"
  | "no-space"
  | "read-only"
  | "not-a-file"
  | "io";

/** What {@link Files} rejects with. */
export class FileError extends CodedError<FileErrorCode> {}
