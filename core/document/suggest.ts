import { MAX_SUGGESTION_DISTANCE } from "./limits.ts";

/** Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + same,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      }
      next.push(best);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The word most like `word`, or `null` when none is near enough. */
export function nearest(word: string, words: readonly string[]): string | null {
  if (word.length > 64) return null;
  const wanted = word.toLowerCase().replaceAll("-", "_");
  let best: { readonly word: string; readonly distance: number } | null = null;
  for (const candidate of words) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (best === null || distance < best.distance) best = { word: candidate, distance };
  }
  if (best === null) return null;
  const allowed = Math.min(MAX_SUGGESTION_DISTANCE, Math.ceil(best.word.length / 3));
  return best.distance <= allowed ? best.word : null;
}
