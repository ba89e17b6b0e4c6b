// One scan from its start to its end, which the kernel announces.
import { isLost } from "../../ffi/netlink/mod.ts";
import type { Nl80211Client } from "../../ffi/nl80211/mod.ts";
import { ERRNO } from "../../ffi/sys/mod.ts";
import { type Clock, KernelFault } from "../ports/mod.ts";
import { errnoOf, explained } from "./radios_fault.ts";

/** Which interface scans, and how long that may take. */
export interface ScanOnce {
  readonly name: string;
  readonly index: number;
  readonly timeoutMs: number;
}

/**
 * Resolves when a scan that this started, or that was running, has ended.
 *
 * @throws {KernelFault} "invalid" with the link down, "busy" when it was interrupted, "timeout".
 */
export async function scanOnce(client: Nl80211Client, clock: Clock, scan: ScanOnce): Promise<void> {
  const { name, index, timeoutMs } = scan;
  const ending = new AbortController();
  const sleeping = new AbortController();
  const timer = clock.sleep(timeoutMs, sleeping.signal).then(() => ending.abort());
  using listening = client.listen("scan");
  try {
    const serving = (await client.interface(index))?.mode === "ap";
    await client.triggerScan(index, { whileServing: serving }).catch((thrown) => {
      // Somebody else's scan is running: its end is ours.
      if (errnoOf(thrown) !== ERRNO.EBUSY) throw explained(thrown, name, "scan with");
    });
    for await (const event of listening.events(ending.signal)) {
      if (isLost(event)) return;
      if (event.type !== "scan-done" && event.type !== "scan-aborted") continue;
      if (event.ifindex !== index) continue;
      if (event.type === "scan-done") return;
      throw new KernelFault("busy", `Cannot scan with "${name}": the scan was interrupted`);
    }
    throw new KernelFault("timeout", `Cannot scan with "${name}": no end in ${timeoutMs} ms`);
  } finally {
    sleeping.abort();
    await timer;
  }
}
