/** How two lists of keyed entries differ. */
export interface KeyedChanges<T> {
  readonly added: readonly T[];
  readonly removed: readonly T[];
  /** Before and after of what is in both. */
  readonly kept: readonly (readonly [T, T])[];
}

/** Compares two lists by key; of entries with the same key the last one counts. */
export function changesByKey<T>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (entry: T) => string,
): KeyedChanges<T> {
  const old = new Map(before.map((entry) => [keyOf(entry), entry]));
  const young = new Map(after.map((entry) => [keyOf(entry), entry]));
  const added: T[] = [];
  const kept: (readonly [T, T])[] = [];
  for (const [key, entry] of young) {
    const was = old.get(key);
    if (was === undefined) added.push(entry);
    else kept.push([was, entry]);
  }
  const removed = [...old].filter(([key]) => !young.has(key)).map(([, entry]) => entry);
  return { added, removed, kept };
}
