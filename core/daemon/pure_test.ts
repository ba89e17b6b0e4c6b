import { assert, assertEquals, assertThrows } from "@std/assert";
import { CliError } from "../cli/mod.ts";
import { formatListen, listenError, parseListen } from "./listen.ts";
import { createLogger, formatEntry } from "./log.ts";
import { absolute, dataPaths } from "./paths.ts";
import { parseDemoOptions, parseRunOptions } from "./run_options.ts";

Deno.test("`parseListen()` reads addresses", async (t) => {
  const rows = [
    ["127.0.0.1:8080", "127.0.0.1", 8080],
    ["[::]:80", "::", 80],
    ["[fe80::1%eth0]:80", "fe80::1%eth0", 80],
    [":8080", "127.0.0.1", 8080],
    ["8080", "127.0.0.1", 8080],
    ["*:0", "0.0.0.0", 0],
    ["localhost:65535", "localhost", 65535],
  ] as const;
  for (const [text, hostname, port] of rows) {
    await t.step(text, () => assertEquals(parseListen(text), { hostname, port }));
  }
  for (const text of ["", "x", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "::1:80", "a:b:1", "-1"]) {
    await t.step(`refuses "${text}"`, () => {
      assertEquals(assertThrows(() => parseListen(text), CliError).exitCode, 2);
    });
  }
  assertEquals(formatListen({ hostname: "::1", port: 80 }), "[::1]:80");
});

Deno.test("`listenError()` gives scripts a status", () => {
  const status = (cause: unknown) => listenError("a:1", cause).exitCode;
  assertEquals(status(new Deno.errors.AddrInUse("x")), 4);
  assertEquals(status(new Deno.errors.PermissionDenied("x")), 5);
  assertEquals(status(new Deno.errors.AddrNotAvailable("x")), 1);
  assertEquals(status("?"), 1);
});

Deno.test("`formatEntry()` writes one line, whatever is logged", () => {
  const entry = (format: "text" | "logfmt" | "json", message: string) =>
    formatEntry(format, 0, "warning", message, { port: 80, who: 'a "b"\n' });
  const evil = 'x\n\x1b[31m level=info "q"';
  assertEquals(
    entry("logfmt", evil),
    'time=1970-01-01T00:00:00.000Z level=warning msg="x [31m level=info \\"q\\"" port=80 who="a \\"b\\" "',
  );
  assertEquals(entry("text", "hello"), '00:00:00 warning: hello (port=80 who="a \\"b\\" ")');
  assertEquals(JSON.parse(entry("json", evil)).message, evil);
  for (const format of ["text", "logfmt", "json"] as const) {
    assert(!entry(format, evil).includes("\n") && !entry(format, evil).includes("\x1b"));
  }
  const lines: string[] = [];
  createLogger("logfmt", () => 0, (line) => lines.push(line)).info("ready");
  assertEquals(lines, ["time=1970-01-01T00:00:00.000Z level=info msg=ready\n"]);
});

Deno.test("`absolute()` tidies paths", () => {
  assertEquals(absolute("/a//b/./c/"), "/a/b/c");
  assertEquals(absolute("x"), `${Deno.cwd()}/x`);
  assertEquals(dataPaths("/d/").socket, "/d/api.sock");
});

Deno.test("`parseRunOptions()` chooses the kernel", () => {
  assertEquals(parseRunOptions({}).kernel.kind, "auto");
  assertEquals(parseRunOptions({ kernel: true }).kernel.kind, "linux");
  assertEquals(parseRunOptions({ sim: "7", seed: "3" }).kernel, {
    kind: "simulated",
    nodes: 7,
    seed: 3,
    attach: null,
    netns: null,
  });
  assertEquals(parseRunOptions({ attach: "/s", node: "2" }).kernel.attach, { path: "/s", node: 2 });
  for (const raw of [{ sim: "0" }, { sim: "1e3" }, { sim: "-1" }, { seed: "x" }, { log: "xml" }]) {
    assertEquals(assertThrows(() => parseRunOptions(raw), CliError).exitCode, 2);
  }
  assertThrows(() => parseDemoOptions({ nodes: "21" }), CliError, "from 1 to 20");
});
