import type { Clock } from "../ports/mod.ts";

/**
 * Reads at most once in `maxAgeMs`, however many ask; those who ask while a reading is under way share it.
 * A reading that fails is not kept.
 */
export function cached<T>(
  clock: Clock,
  maxAgeMs: number,
  read: () => Promise<T>,
): () => Promise<T> {
  let value: { readonly at: number; readonly promise: Promise<T> } | null = null;
  return () => {
    const now = clock.monotonicMs();
    if (value !== null && now - value.at < maxAgeMs) return value.promise;
    const promise = read();
    const entry = { at: now, promise };
    value = entry;
    promise.catch(() => {
      if (value === entry) value = null;
    });
    return promise;
  };
}
