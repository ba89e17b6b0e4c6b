// Counts test results from the JUnit file that `deno test` writes in the guest.

/** Numbers of tests by outcome. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts of no test at all. */
export const noTests: Counts = { passed: 0, failed: 0, skipped: 0 };

/** Counts the tests of a JUnit document by what their `<testcase>` elements contain. Steps of a test
 * have elements too, named "test > step"; they are left out, as in the runner's own count, where a
 * failed step fails its test. */
export function countJunit(xml: string): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let test = "";
  for (const match of xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const name = /\bname="([^"]*)"/.exec(match[1] ?? "")?.[1] ?? "";
    if (test !== "" && name.startsWith(`${test} &gt; `)) continue;
    test = name;
    const body = match[2] ?? "";
    if (/<(failure|error)\b/.test(body)) counts.failed++;
    else if (/<skipped\b/.test(body)) counts.skipped++;
    else counts.passed++;
  }
  return counts;
}

/** Adds up counts. */
export function addCounts(...all: readonly Counts[]): Counts {
  return {
    passed: all.reduce((sum, counts) => sum + counts.passed, 0),
    failed: all.reduce((sum, counts) => sum + counts.failed, 0),
    skipped: all.reduce((sum, counts) => sum + counts.skipped, 0),
  };
}

/** The result line that people and `.ci/run` read: "N passed, N failed", with skips when any. */
export function resultLine(counts: Counts): string {
  const skipped = counts.skipped === 0 ? "" : ` (${counts.skipped} skipped)`;
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}
