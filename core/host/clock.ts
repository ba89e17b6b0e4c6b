// The machine's clocks as the Clock port.
import type { Clock } from "../ports/mod.ts";

/**
 * Milliseconds from the machine's boot to the start of performance.now(). Deadlines on disk are on this
 * clock: a daemon that is restarted within one boot must read them as the one before wrote them.
 */
function bootOffsetMs(): number {
  if (Deno.build.os !== "linux") return 0;
  const uptimeS = Number.parseFloat(Deno.readTextFileSync("/proc/uptime"));
  return uptimeS * 1000 - performance.now();
}

/** Real time. Monotonic time counts from the machine's boot. */
export function hostClock(): Clock {
  const offsetMs = bootOffsetMs();
  return {
    monotonicMs: () => offsetMs + performance.now(),
    wallMs: () => Date.now(),
    sleep(ms, signal) {
      return new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const done = () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, Math.max(0, ms));
        signal?.addEventListener("abort", done, { once: true });
      });
    },
  };
}
