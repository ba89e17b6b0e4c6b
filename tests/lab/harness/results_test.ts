import { assertEquals } from "@std/assert";
import { addCounts, countJunit, noTests, resultLine } from "./results.ts";

Deno.test("countJunit() counts test cases by what they contain", () => {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="1.2">
  <testsuite name="./a_test.ts" tests="4" disabled="1" errors="0" failures="1">
    <testcase name="one" classname="./a_test.ts" time="0.1" line="1" col="6">
    </testcase>
    <testcase name="two &lt;failure&gt;" classname="./a_test.ts" time="0.1"/>
    <testcase name="three" classname="./a_test.ts" time="0.1">
      <failure message="Uncaught Error">Error: no</failure>
    </testcase>
    <testcase name="three &gt; step" classname="./a_test.ts" time="0.1"><failure/></testcase>
    <testcase name="three &gt; step &gt; below" classname="./a_test.ts" time="0.1"/>
    <testcase name="four" classname="./a_test.ts" time="0"><skipped/></testcase>
  </testsuite>
</testsuites>`;
  assertEquals(countJunit(xml), { passed: 2, failed: 1, skipped: 1 });
  assertEquals(countJunit(""), noTests);
});

Deno.test("resultLine() names skips only when there are any", () => {
  const counts = addCounts({ passed: 2, failed: 0, skipped: 0 }, {
    passed: 1,
    failed: 1,
    skipped: 0,
  });
  assertEquals(resultLine(counts), "3 passed, 1 failed");
  assertEquals(resultLine({ ...counts, skipped: 2 }), "3 passed, 1 failed (2 skipped)");
});
