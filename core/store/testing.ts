// What the store's tests share: a clock set by hand and a temporary directory with a store in it.
import type { Clock, Files } from "../ports/mod.ts";
import { Store, type StoreOptions } from "./store.ts";

/** A clock that stands until it is moved. */
export class ManualClock implements Clock {
  wall = Date.UTC(2026, 10, 22, 12);
  monotonic = 1_000;

  monotonicMs(): number {
    return this.monotonic;
  }

  wallMs(): number {
    return this.wall;
  }

  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) resolve();
      else signal?.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** Time passes. */
  advance(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }
}

/** Options for a store in `directory`. */
export function storeOptions(
  directory: string,
  files: Files,
  clock: Clock,
  more: Partial<StoreOptions> = {},
): StoreOptions {
  return { path: `${directory}/node.db`, clock, files, bootId: "boot-1", ...more };
}

/** Opens a store in `directory`. */
export function openStore(
  directory: string,
  files: Files,
  clock: Clock,
  more: Partial<StoreOptions> = {},
): Promise<Store> {
  return Store.open(storeOptions(directory, files, clock, more));
}
