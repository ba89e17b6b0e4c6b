// What a day of a node with 32 neighbours writes to flash, and how long the store takes for its work.
import type { Clock } from "../../core/ports/mod.ts";
import { hostClock, hostFiles } from "../../core/host/mod.ts";
import { Store } from "../../core/store/mod.ts";
import { type BenchOutcome, type BenchRow, rowOf } from "../lib/bench.ts";

const NEIGHBOURS = 32;
const DAY_S = 86_400;
const SAMPLE_S = 5;
const FLUSH_S = 30;
const EVENTS_A_DAY = 1_000;

/** Names as core/observe gives them: per neighbour, per link, per radio, of the mesh, of the process. */
function seriesNames(): readonly { readonly subject: string; readonly metric: string }[] {
  const of = (subject: string, metrics: readonly string[]) =>
    metrics.map((metric) => ({ subject, metric }));
  const neighbours = Array.from(
    { length: NEIGHBOURS },
    (_, n) =>
      of(`mesh0/02:00:00:00:00:${n.toString(16).padStart(2, "0")}`, [
        ...["tq", "signalDbm", "txBitrateKbps", "rxBitrateKbps", "txRetryPercent"],
        ...["txFailedPercent", "expectedThroughputKbps"],
      ]),
  ).flat();
  const links = ["mesh0", "bat0", "br-lan", "eth0"].flatMap((link) =>
    of(link, [
      ...["rxBytesPerS", "txBytesPerS", "rxPacketsPerS", "txPacketsPerS"],
      ...["errorsPerS", "droppedPerS"],
    ])
  );
  return [
    ...neighbours,
    ...links,
    ...of("mesh0", ["noiseDbm", "busyPercent", "receivePercent", "transmitPercent"]),
    ...of("bat0", ["neighbours", "originators", "localClients", "globalClients"]),
    ...of("node", ["rssBytes", "heapUsedBytes"]),
  ];
}

class DayClock implements Clock {
  wall = Date.UTC(2026, 6, 1);
  monotonic = 0;

  monotonicMs(): number {
    return this.monotonic;
  }

  wallMs(): number {
    return this.wall;
  }

  sleep(): Promise<void> {
    return Promise.resolve();
  }

  advance(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }
}

/** Octets this process handed to write calls. */
function writtenByKernel(): number {
  return Number(/^wchar: (\d+)$/m.exec(Deno.readTextFileSync("/proc/self/io"))?.[1]);
}

/** Runs a day through the store. */
export async function bench(): Promise<BenchOutcome> {
  const directory = await Deno.makeTempDir();
  const clock = new DayClock();
  const real = hostClock();
  const store = await Store.open({
    path: `${directory}/node.db`,
    clock,
    files: hostFiles(),
    bootId: "bench",
  });
  const names = seriesNames();
  const values = names.map(() => 0);
  const flushMs: number[] = [];
  const kernelBefore = writtenByKernel();
  try {
    for (let second = 0; second < DAY_S; second += SAMPLE_S) {
      store.metrics.record(names.map(({ subject, metric }, index) => {
        // A walk, as real values are: neither constant nor noise of full width.
        values[index] = (values[index] ?? 0) + Math.random() - 0.5;
        return { subject, metric, value: -60 + (values[index] ?? 0) };
      }));
      if (second % Math.floor(DAY_S / EVENTS_A_DAY) < SAMPLE_S) {
        store.events.add([{
          severity: "info",
          type: "neighbour.quality",
          subject: "mesh0/02:00:00:00:00:01",
          message:
            "The link to 02:00:00:00:00:01 on mesh0 is fair now (TQ 180 of 255), before good",
          data: { from: "good", to: "fair", value: 180 },
        }]);
      }
      clock.advance(SAMPLE_S * 1000);
      if (second % FLUSH_S !== 0) continue;
      const before = real.monotonicMs();
      store.flush();
      flushMs.push(real.monotonicMs() - before);
      if (second % 3600 === 0) await store.maintain();
    }
    const { writtenBytes, databaseBytes } = store.figures();
    const kernel = writtenByKernel() - kernelBefore;
    const queryMs = Array.from({ length: 50 }, () => {
      const before = real.monotonicMs();
      store.metrics.query({
        subject: "mesh0/02:00:00:00:00:05",
        metric: "tq",
        fromMs: clock.wall - DAY_S * 1000,
        toMs: clock.wall,
      });
      return real.monotonicMs() - before;
    });
    const mb = 1_000_000;
    const rows: BenchRow[] = [
      rowOf("written a day", "MB", [writtenBytes / mb], {
        name: "octets of write calls",
        samples: [kernel / mb],
      }),
      rowOf("database after a day", "MB", [databaseBytes / mb]),
      rowOf("flush", "ms", flushMs),
      rowOf("query of a day at 1 of 249 series", "ms", queryMs),
    ];
    return {
      name: "store",
      method: `One day of ${names.length} series sampled every ${SAMPLE_S} s and ${EVENTS_A_DAY} ` +
        `events, batched every ${FLUSH_S} s, on a clock that is moved; the disk is real`,
      rows,
      raw: { series: names.length, writtenBytes, kernel, databaseBytes, flushMs: flushMs.length },
    };
  } finally {
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
}
