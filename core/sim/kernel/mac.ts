// MAC addresses of simulated interfaces: locally administered, never a real device's.
import { type Mac, macFromBytes } from "../../base/mod.ts";
import type { Random } from "../../ports/mod.ts";

/** The address of interface `which` of node `node`: "02:c0:NN:NN:00:WW". */
export function deviceMac(node: number, which: number): Mac {
  const bytes = Uint8Array.from([0x02, 0xc0, node >> 8, node & 0xff, which >> 8, which & 0xff]);
  return macFromBytes(bytes) ?? "";
}

/** A random locally administered unicast address, as the kernel gives virtual links. */
export function randomMac(random: Random): Mac {
  const bytes = random.bytes(6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return macFromBytes(bytes) ?? "";
}
