// A store on a file system that fills up and turns read-only. Needs the right to mount in a namespace;
// where there is none the test says so and is skipped.
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { inTemporary } from "./daemon.ts";

const SCRIPT = new URL("./disk_store.ts", import.meta.url).pathname;
const DAEMON = new URL("./disk_daemon.ts", import.meta.url).pathname;
const UNSHARE = ["--map-root-user", "--mount"];

async function mayMount(): Promise<boolean> {
  try {
    const args = [...UNSHARE, "mount", "-t", "tmpfs", "x", "/mnt"];
    return (await new Deno.Command("unshare", { args, stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

const possible = await mayMount();

Deno.test({
  name: possible
    ? "`Store` on a full and on a read-only disk goes on, says so, and recovers"
    : "`Store` on a full disk (skipped: this user may not mount in a namespace)",
  ignore: !possible,
  fn: () =>
    inTemporary(async (directory) => {
      const { success, stdout, stderr } = await new Deno.Command("unshare", {
        args: [...UNSHARE, Deno.execPath(), "run", "-A", "--quiet", SCRIPT, directory],
      }).output();
      const decoder = new TextDecoder();
      assertEquals(success, true, decoder.decode(stderr));
      const clock = "ok";
      assertEquals(JSON.parse(decoder.decode(stdout)), [
        { step: "new", database: "ok", disk: "ok", clock, events: 100, waiting: 0 },
        { step: "full", database: "failed", disk: "failed", clock, events: 500, waiting: 400 },
        { step: "room", database: "ok", disk: "ok", clock, events: 500, waiting: 0 },
        { step: "read-only", database: "failed", disk: "ok", clock, events: 510, waiting: 10 },
        { step: "writable", database: "ok", disk: "ok", clock, events: 510, waiting: 0 },
        { step: "reopened", database: "ok", disk: "ok", clock, events: 510, waiting: 0 },
      ]);
    }),
});

Deno.test({
  name: possible
    ? "`run` on a full disk starts, says so, keeps everything and writes it once there is room"
    : "`run` on a full disk (skipped: this user may not mount in a namespace)",
  ignore: !possible,
  fn: () =>
    inTemporary(async (directory) => {
      const { success, stdout, stderr } = await new Deno.Command("unshare", {
        args: [...UNSHARE, Deno.execPath(), "run", "-A", "--quiet", DAEMON, directory],
      }).output();
      const decoder = new TextDecoder();
      assertEquals(success, true, decoder.decode(stderr));
      const found = JSON.parse(decoder.decode(stdout));
      assertEquals([found.atStart, found.types], ["failed", ["node.started"]], found.said);
      assertEquals(found.refused.code, 1);
      assertMatch(found.refused.log, /Cannot apply the configuration: .*No space left on device/);
      assertEquals(found.kept, '[node]\nname = "tower"\n');
      assertEquals([found.taken, found.code], [0, 0], found.said);
      assertStringIncludes(found.said, "database or disk is full; history is in memory only");
      assertStringIncludes(found.said, "Other programs cannot be told where the API listens");
    }),
});
