// Fakes for the tests of this folder: a disk that can lose power at any write, a clock moved by hand, a
// machine that remembers what was applied.
import { type Clock, FileError, type Files } from "../ports/mod.ts";
import type { ConfigHistory, ConfigRecord } from "./history.ts";
import type { ApplyReport, ConfigApplier, PlannedStep } from "./report.ts";
import type { Config } from "./schema.ts";

/** The power went. */
export class PowerCut extends Error {}

/** Where the power goes: at the n-th write (from 1), before it reaches the disk or after. */
export interface CutPoint {
  readonly write: number;
  readonly when: "before" | "after";
}

/** What survives a power cut, and whether there is power. */
export class World {
  readonly disk = new Map<string, string>();
  readonly records: ConfigRecord[] = [];
  /** The configuration in the kernel; gone with the power. */
  kernel: Config | null = null;
  powered = true;
  writes = 0;
  cut: CutPoint | null = null;
  /** Thrown by every write, e.g. a full disk. */
  failing: FileError | null = null;

  /** Turns the power on again: the disk is as it was, the kernel is empty. */
  reboot(cut: CutPoint | null = null): void {
    this.kernel = null;
    this.powered = true;
    this.writes = 0;
    this.cut = cut;
  }

  write(action: () => void): Promise<void> {
    if (!this.powered) return Promise.reject(new PowerCut());
    if (this.failing !== null) return Promise.reject(this.failing);
    this.writes++;
    const now = this.cut !== null && this.cut.write === this.writes;
    if (!now || this.cut?.when === "after") action();
    if (!now) return Promise.resolve();
    this.powered = false;
    this.kernel = null;
    return Promise.reject(new PowerCut());
  }
}

/** Files on a world's disk; each write is atomic, as the port demands. */
export function worldFiles(world: World): Files {
  const { disk } = world;
  const text = (data: Uint8Array | string) =>
    typeof data === "string" ? data : new TextDecoder().decode(data);
  return {
    read: (path) => {
      const found = disk.get(path);
      return found === undefined
        ? Promise.reject(new FileError("not-found", `Cannot read "${path}": no such file`))
        : Promise.resolve(new TextEncoder().encode(found));
    },
    readText: (path) =>
      world.powered ? Promise.resolve(disk.get(path) ?? null) : Promise.reject(new PowerCut()),
    writeAtomic: (path, data) => world.write(() => void disk.set(path, text(data))),
    writeNew: (path, data) =>
      world.write(() => {
        if (disk.has(path)) throw new FileError("exists", `Cannot make "${path}": it is there`);
        disk.set(path, text(data));
      }),
    remove: (path) => world.write(() => void disk.delete(path)),
    rename: (from, to) =>
      world.write(() => {
        disk.set(to, disk.get(from) ?? "");
        disk.delete(from);
      }),
    makeDirectory: () => Promise.resolve(),
    list: () => Promise.resolve([...disk.keys()]),
    stat: () => Promise.resolve(null),
    space: () => Promise.resolve(null),
  };
}

/** Remembers what was applied; `report` is what it says of each apply. */
export class WorldApplier implements ConfigApplier {
  report: ApplyReport = { changed: [], unchanged: 0, differing: [] };
  readonly calls: { readonly config: Config; readonly previous: Config | null }[] = [];
  /** Held back until resolved, to test what happens meanwhile. */
  gate: Promise<void> = Promise.resolve();

  constructor(readonly world: World) {}

  async apply(config: Config, previous: Config | null): Promise<ApplyReport> {
    this.calls.push({ config, previous });
    await this.gate;
    if (this.world.powered) this.world.kernel = config;
    return this.report;
  }

  preview(): Promise<readonly PlannedStep[]> {
    return Promise.resolve([]);
  }
}

/** A history in memory. */
export function worldHistory(world: World): ConfigHistory {
  return {
    append: (record) => void (world.powered && world.records.unshift(record)),
    list: (limit) => world.records.slice(0, limit),
    get: (revision) => world.records.find((record) => record.revision === revision) ?? null,
  };
}

/** A clock that only {@link advance} moves. */
export class HandClock implements Clock {
  #nowMs = 1000;
  #sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((wake) => {
      this.#sleepers.push({ at: this.#nowMs + ms, wake });
      signal?.addEventListener("abort", () => wake(), { once: true });
    });
  }

  /** Lets time pass and everything that waited for it run. */
  async advance(ms: number): Promise<void> {
    this.#nowMs += ms;
    const due = this.#sleepers.filter(({ at }) => at <= this.#nowMs);
    this.#sleepers = this.#sleepers.filter(({ at }) => at > this.#nowMs);
    for (const { wake } of due) wake();
    for (let turn = 0; turn < 200; turn++) await Promise.resolve();
  }
}
