// Runs on the host: guests that end badly must never count as success.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { runScript, runTests, type SessionOptions } from "../harness/mod.ts";

function session(): SessionOptions & { readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, log: (line) => lines.push(line), memMib: 768 };
}

Deno.test("runScript() gives the script's exit status", async () => {
  assertEquals((await runScript("exit 3", [], session())).status, 3);
});

Deno.test("runScript() tells a kernel panic, with the console's last lines", async () => {
  const options = session();
  const end = await runScript("echo before; echo c >/proc/sysrq-trigger; sleep 9", [], options);
  assertEquals(end.status, undefined);
  assertStringIncludes(end.failure ?? "", "Kernel panic");
  assertStringIncludes(options.lines.join("\n"), "| before");
});

Deno.test("runScript() tells that a guest was still running at its limit", async () => {
  const end = await runScript("sleep 600", [], { ...session(), timeoutS: 15 });
  assertEquals(end.status, undefined);
  assertStringIncludes(end.failure ?? "", "still running after 15 s");
});

Deno.test("runTests() counts a failing, a passing and a skipped test", async () => {
  const counts = await runTests(["tests/lab/host/sample.ts"], session());
  assertEquals(counts, { passed: 1, failed: 1, skipped: 1 });
});

Deno.test("runTests() counts a file that cannot be loaded as a failure", async () => {
  const counts = await runTests(["tests/lab/host/sample_throws.ts"], session());
  assertEquals(counts, { passed: 0, failed: 1, skipped: 0 });
});
