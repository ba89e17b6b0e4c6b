// Names and indices of network interfaces where a synchronous answer is needed: for the scope of a
// link-local address. Everything else about links is rtnetlink's.
import { cString, libc } from "./libc.ts";
import { withNamespace } from "./namespace.ts";
import type { SocketPlace } from "./socket.ts";

/** IFNAMSIZ, linux v6.12 uapi/linux/if.h. */
const IFNAMSIZ = 16;

function inside<T>({ netns }: SocketPlace, action: () => T): T {
  return netns === undefined ? action() : withNamespace(netns, action);
}

/** Index of the interface with this name; `null` when there is none. */
export function interfaceIndex(name: string, place: SocketPlace = {}): number | null {
  const index = inside(place, () => libc().if_nametoindex(cString(name)));
  return index === 0 ? null : index;
}

/** Name of the interface with this index; `null` when there is none. */
export function interfaceName(index: number, place: SocketPlace = {}): string | null {
  const buffer = new Uint8Array(IFNAMSIZ);
  const found = inside(place, () => libc().if_indextoname(index, buffer));
  if (found === null) return null;
  return new TextDecoder().decode(buffer.subarray(0, buffer.indexOf(0)));
}
