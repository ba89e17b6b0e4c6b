// Interface names and indices of one network namespace. rtnetlink speaks in indices, the ports in names.
import { ERRNO } from "../../ffi/sys/mod.ts";
import { KernelError } from "../../ffi/netlink/mod.ts";
import type { Rtnetlink } from "../../ffi/rtnetlink/mod.ts";
import { faulting } from "./errors.ts";
import type { LinkNames } from "./family.ts";

/** Asks the kernel each time: a name may change at any moment, and an answer takes microseconds. */
export function rtnetlinkNames(rtnetlink: Rtnetlink): LinkNames {
  return {
    indexOf: (name) => faulting(() => rtnetlink.index(name)),
    nameOf: (index) =>
      faulting(async () => {
        try {
          return (await rtnetlink.link(index, { stats: false })).name;
        } catch (error) {
          if (error instanceof KernelError && error.errno === ERRNO.ENODEV) return null;
          throw error;
        }
      }),
  };
}

/** Index → name of all links, for a table that names many of them. */
export async function allNames(rtnetlink: Rtnetlink): Promise<ReadonlyMap<number, string>> {
  const links = await rtnetlink.links({ stats: false });
  return new Map(links.map((link) => [link.index, link.name]));
}
