// What a restart must not forget: which gossip was seen, and the number of this node's run.
import { messageOf } from "../base/mod.ts";
import { EARLIEST_SANE_MS } from "../identity/mod.ts";
import { ReplayWindows } from "./replay.ts";
import type { FabricPorts } from "./types.ts";

/** What a run begins with. */
export interface Remembered {
  readonly windows: ReplayWindows;
  /** This run's number. */
  readonly run: number;
}

/**
 * Loads what was seen before. The run is larger than the last one that was written down, and than the second
 * it begins in where the clock is set, so that a node whose memory was lost is heard again.
 */
export async function remembered(
  { memory, clock, log }: Pick<FabricPorts, "memory" | "clock" | "log">,
): Promise<Remembered> {
  const windows = new ReplayWindows();
  const saved = await memory.load();
  let last = 0;
  try {
    if (saved !== null) last = windows.restore(saved);
  } catch (error) {
    log.warn(`Cannot read what gossip was seen: beginning anew (${messageOf(error)})`);
  }
  const wallMs = clock.wallMs();
  const second = wallMs >= EARLIEST_SANE_MS ? Math.floor(wallMs / 1000) : 0;
  const run = Math.max(last + 1, second);
  // Written down before the first message, so that no later run repeats it.
  await memory.save(windows.encode(run));
  return { windows, run };
}
