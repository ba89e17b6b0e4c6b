// What nl80211 refuses, in words that say what to do.
import { KernelError } from "../../ffi/netlink/mod.ts";
import { ERRNO } from "../../ffi/sys/mod.ts";
import { KernelFault } from "../ports/mod.ts";
import { toFault } from "./errors.ts";

/** Turns what a binding threw into a KernelFault; a value that the codec refuses was the caller's. */
export function fault(thrown: unknown): unknown {
  if (thrown instanceof RangeError || thrown instanceof TypeError) {
    return new KernelFault("invalid", thrown.message, { cause: thrown });
  }
  return toFault(thrown);
}

/** The kernel's error number; `null` for anything else thrown. */
export function errnoOf(thrown: unknown): number | null {
  return thrown instanceof KernelError ? thrown.errno : null;
}

/** As {@link fault}; says which link is down where that is the reason. */
export function explained(thrown: unknown, name: string, act: string): unknown {
  if (errnoOf(thrown) !== ERRNO.ENETDOWN) return fault(thrown);
  return new KernelFault("invalid", `Cannot ${act} "${name}": its link is down`, {
    cause: thrown,
  });
}
