// Started by disk_test.ts in a mount namespace of its own: a daemon whose disk is full when it starts, has
// room for a while, and is full again. Prints what it found as JSON.
import { eventually, runToEnd } from "./daemon.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const DISK_MIB = 4;

interface Status {
  readonly health: {
    readonly checks: readonly { readonly name: string; readonly state: string }[];
  };
}

const [disk = ""] = Deno.args;
const data = `${disk}/n`;
const document = `${data}/config.toml`;
const ballast = `${disk}/ballast`;

function fill(): void {
  const file = Deno.openSync(ballast, { write: true, create: true });
  const block = new Uint8Array(4096);
  try {
    for (;;) file.writeSync(block);
  } catch (error) {
    // StorageFull has no class of its own in Deno.
    if (!String(error).includes("No space left")) throw error;
  } finally {
    file.close();
  }
}

/** Runs a command of the program against the daemon. */
function cli(...words: string[]) {
  return runToEnd(["--data", data, ...words]);
}

async function stateOf(check: string): Promise<string | undefined> {
  const { code, out } = await cli("--json", "status");
  if (code !== 0) return undefined;
  const { health } = JSON.parse(out) as Status;
  return health.checks.find(({ name }) => name === check)?.state;
}

const mounted = await new Deno.Command("mount", {
  args: ["-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "x", disk],
}).output();
if (!mounted.success) throw new Error(new TextDecoder().decode(mounted.stderr));
Deno.mkdirSync(data);
Deno.writeTextFileSync(document, '[node]\nname = "tower"\n');
fill();
const child = new Deno.Command(Deno.execPath(), {
  args: [
    ...["run", "-A", "--quiet", MAIN, "run", "--sim", "2"],
    ...["--data", data, "--listen", "127.0.0.1:0"],
  ],
  stdout: "null",
  stderr: "piped",
}).spawn();
const said = new Response(child.stderr).text();
try {
  await eventually("it starts on a full disk", async () => await stateOf("database") !== undefined);
  const atStart = await stateOf("database");
  Deno.removeSync(ballast);
  await eventually("it writes again", async () => await stateOf("database") === "ok", 90_000);
  const events = JSON.parse((await cli("--json", "events")).out) as readonly { type: string }[];
  fill();
  const refused = await cli("config", "set", "node.name", "elsewhere");
  const kept = Deno.readTextFileSync(document);
  Deno.removeSync(ballast);
  const taken = await cli("config", "set", "node.name", "elsewhere");
  child.kill("SIGTERM");
  const { code } = await child.status;
  const types = events.map(({ type }) => type).filter((type) => type.startsWith("node."));
  console.log(JSON.stringify({
    atStart,
    types,
    refused: { code: refused.code, log: refused.log },
    kept,
    taken: taken.code,
    code,
    said: await said,
  }));
} catch (error) {
  child.kill("SIGKILL");
  throw new Error(`${error}\n${await said}`);
}
