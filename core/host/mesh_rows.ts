// Tables of a mesh whose radios are all gone. batman-adv then answers ENOENT for most of them, which to us
// is a mesh that hears nobody: its interface, settings and clients' addresses are still there.
// linux v6.12 net/batman-adv: batadv_primary_if_get_selected() in originator.c, translation-table.c, …
import type { Batadv } from "../../ffi/batadv/mod.ts";
import { KernelError } from "../../ffi/netlink/mod.ts";
import { ERRNO } from "../../ffi/sys/mod.ts";

/**
 * Reads rows of the mesh with index `mesh`; none when no interface carries it.
 *
 * @throws {KernelError} ENOENT when the kernel does not know the family's number any more: it is the same
 * answer, so the mesh itself is asked for.
 */
export async function rowsOf<T>(
  batadv: Batadv,
  mesh: number,
  read: () => Promise<readonly T[]>,
): Promise<readonly T[]> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== ERRNO.ENOENT) throw error;
    await batadv.mesh(mesh);
    return [];
  }
}
