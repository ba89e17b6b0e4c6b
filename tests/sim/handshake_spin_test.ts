// The spin model of who installs which PSK (docs/protocol/handshake.pml), verified, and variants of it that
// must fail. Takes a minute and a gigabyte: X0_SPIN=1 asks for it, spin and a C compiler are needed.
import { assert, assertEquals } from "@std/assert";

const MODEL = new URL("../../docs/protocol/handshake.pml", import.meta.url).pathname;
const ASKED = Deno.env.get("X0_SPIN") === "1";
const REASON = ASKED ? "" : ": X0_SPIN is not 1";

async function run(cwd: string, command: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

interface Verdict {
  readonly errors: number;
  readonly states: number;
}

/** Generates, compiles and runs a verifier. */
async function verify(
  model: string,
  compile: readonly string[],
  options: readonly string[],
): Promise<Verdict> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/model.pml`, model);
    const made = await run(folder, "spin", ["-a", "model.pml"]);
    const flags = ["-O2", "-w", "-DMEMLIM=4000", "-DNOREDUCE", ...compile];
    const compiled = await run(folder, "cc", [...flags, "-o", "pan", "pan.c"]);
    const said = await run(folder, "./pan", options);
    const errors = /errors: (\d+)/.exec(said)?.[1];
    const states = /(\d+) states, stored/.exec(said)?.[1];
    assert(errors !== undefined && states !== undefined, `${made}\n${compiled}\n${said}`);
    assert(!/max search depth too small|out of memory/.test(said), said);
    return { errors: Number(errors), states: Number(states) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Breadth first, assertions alone. */
const safety = (model: string) => verify(model.replace(/^ltl live.*$/m, ""), ["-DBFS"], []);

Deno.test({
  name: `spin: both ends agree on the PSK or one of them goes on trying${REASON}`,
  ignore: !ASKED,
  async fn() {
    const { errors, states } = await safety(await Deno.readTextFile(MODEL));
    console.log(`safety: ${states} states`);
    assertEquals(errors, 0);
    assert(states > 1_000_000);
  },
});

Deno.test({
  name: `spin: no deadlock and no livelock; once the network works, both come to agree${REASON}`,
  ignore: !ASKED,
  async fn() {
    const { errors, states } = await verify(
      await Deno.readTextFile(MODEL),
      ["-DCOLLAPSE", "-DNFAIR=3"],
      ["-m3000000", "-a", "-f"],
    );
    console.log(`liveness under weak fairness: ${states} states`);
    assertEquals(errors, 0);
    assert(states > 1_000_000);
  },
});

const VARIANTS: readonly { readonly name: string; readonly from: string; readonly to: string }[] = [
  { name: "forgets that a failed M3 may still arrive", from: "n[r_].doubt || ", to: "" },
  { name: "takes an old M3 after a newer handshake", from: "c[AT].stale || ", to: "" },
  {
    name: "takes an M3 while its own is out",
    from: " || (n[r_].dialing && n[r_].proved) ->",
    to: " ->",
  },
];

for (const { name, from, to } of VARIANTS) {
  Deno.test({
    name: `spin: a machine that ${name} is caught${REASON}`,
    ignore: !ASKED,
    async fn() {
      const model = await Deno.readTextFile(MODEL);
      assert(model.includes(from));
      assertEquals((await safety(model.replace(from, to))).errors, 1);
    },
  });
}
