import { assert, assertEquals } from "@std/assert";
import { eventually, inTemporary } from "./daemon.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

Deno.test("`demo` joins daemons to one mesh and stops them all", () =>
  inTemporary(async (directory) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", MAIN, "demo", "--nodes", "3", "--port", "0"],
        ...["--data", directory, "--json"],
      ],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const log = new Response(child.stderr).text();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value: line } = await reader.read();
    assert(line !== undefined, "nothing was printed");
    const nodes: { name: string; url: string }[] = JSON.parse(line);
    assertEquals(nodes.map(({ name }) => name), ["demo-1", "demo-2", "demo-3"]);
    for (const { url, name } of nodes) {
      await eventually(`${name} reaches the others`, async () => {
        const answer = await (await fetch(`${url}/api/v1/mesh/originators`)).json();
        const found = new Set(
          answer.items.filter((row: { best: boolean }) => row.best)
            .map((row: { originator: string }) => row.originator),
        );
        return found.size === 2;
      }, 60_000);
      const node = await (await fetch(`${url}/api/v1/node`)).json();
      assertEquals([node.name, node.kernel.kind], [name, "simulated"]);
    }
    child.kill("SIGINT");
    const { code } = await child.status;
    await reader.cancel();
    assertEquals(code, 0, await log);
    for (const { url } of nodes) {
      const alive = await fetch(`${url}/health`).then(
        (answer) => answer.body?.cancel(),
        () => null,
      );
      assertEquals(alive, null, `${url} still answers`);
    }
  }));
