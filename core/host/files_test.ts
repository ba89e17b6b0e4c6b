import { assert, assertEquals, assertRejects } from "@std/assert";
import { FileError } from "../ports/mod.ts";
import { hostFiles } from "./files.ts";

async function inTemporary(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("`Files.writeAtomic()` replaces the content and sets the mode", () =>
  inTemporary(async (directory) => {
    const files = hostFiles();
    await files.writeAtomic(`${directory}/a`, "one", 0o644);
    await files.writeAtomic(`${directory}/a`, "two");
    assertEquals(await files.readText(`${directory}/a`), "two");
    assertEquals((await files.stat(`${directory}/a`))?.mode, 0o600);
    assertEquals(await files.list(directory), ["a"]);
  }));

Deno.test("`writeNew()` never touches what is there", () =>
  inTemporary(async (directory) => {
    const files = hostFiles();
    await files.writeNew(`${directory}/key`, "first");
    const error = await assertRejects(() => files.writeNew(`${directory}/key`, "2nd"), FileError);
    assertEquals(error.code, "exists");
    assertEquals(await files.readText(`${directory}/key`), "first");
    assertEquals((await files.stat(`${directory}/key`))?.mode, 0o600);
    assertEquals(await files.list(directory), ["key"]);
  }));

Deno.test("`Files` answers null, nothing or an empty list for what is not there", () =>
  inTemporary(async (directory) => {
    const files = hostFiles();
    assertEquals(await files.readText(`${directory}/no`), null);
    assertEquals(await files.stat(`${directory}/no`), null);
    assertEquals(await files.list(`${directory}/no`), []);
    await files.remove(`${directory}/no`);
    const error = await assertRejects(() => files.read(`${directory}/no`), FileError);
    assertEquals(error.code, "not-found");
  }));

Deno.test("`Files` names the reason when a write fails", () =>
  inTemporary(async (directory) => {
    const files = hostFiles();
    await files.makeDirectory(`${directory}/d/e`);
    await Deno.writeTextFile(`${directory}/d/e/x`, "x");
    const error = await assertRejects(() => files.writeAtomic(`${directory}/d`, "x"), FileError);
    assert(error.message.includes(`Cannot write "${directory}/d"`));
    assertEquals(await files.list(`${directory}`), ["d"]);
    assert((await files.space(directory))?.totalBytes ?? 0 > 0);
  }));
