// The command line against a running daemon on a simulated mesh: two processes and a unix socket.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { EXIT } from "../../core/cli/mod.ts";
import { startDaemon } from "./daemon.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const DEADLINE_MS = 60_000;

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function command(args: readonly string[], stdin: "piped" | "null"): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", ...args],
    cwd: ROOT,
    stdin,
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  });
}

async function run(args: readonly string[], input?: string): Promise<Run> {
  const child = command(args, input === undefined ? "null" : "piped").spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** A daemon with five simulated nodes. */
async function withDaemon(body: (data: string) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir();
  const daemon = await startDaemon(data);
  try {
    await body(data);
  } finally {
    const { code, log } = await daemon.stop();
    await Deno.remove(data, { recursive: true });
    assertEquals(code, 0, log);
  }
}

Deno.test("command line: every command against a running daemon", async (t) => {
  await withDaemon(async (data) => {
    const cli = (args: readonly string[], input?: string) => run(["--data", data, ...args], input);
    const json = async (...args: string[]) => {
      const { out, code, err } = await cli([...args, "--json"]);
      assertEquals(code, EXIT.ok, err);
      return JSON.parse(out);
    };

    await t.step("status names the simulation", async () => {
      assertStringIncludes((await cli(["status"])).out, "SIMULATED");
      assertEquals((await json("status")).node.kernel.kind, "simulated");
    });
    await t.step("tables print as text and as JSON", async () => {
      const lists = [["links"], ["originators"], ["neighbors"], ["gateways"], ["clients"]];
      const tables = ["bla-claims", "bla-backbones", "dat", "multicast", "routes", "ip-neighbours"];
      for (const args of [...lists, ...tables.map((name) => ["tables", name])]) {
        const { out, code, err } = await cli(args);
        assertEquals(code, EXIT.ok, `${args.join(" ")}: ${err}`);
        assert(out.trim() !== "", args.join(" "));
        assert(Array.isArray(await json(...args)), args.join(" "));
      }
      assert((await json("radios")).radios.length > 0);
    });
    await t.step("ping, traceroute and speedtest reach an originator", async () => {
      const [{ originator }] = await json("originators");
      assertEquals((await json("ping", "-c", "2", originator)).sent, 2);
      assertEquals((await json("traceroute", originator)).at(-1).reached, true);
      assert((await json("speedtest", "-d", "300", originator)).kbps > 0);
      const lost = await cli(["ping", "-c", "1", "02:00:00:00:00:99"]);
      assertEquals(lost.code, EXIT.failed);
      assertMatch(lost.err, /02:00:00:00:00:99/);
    });
    await t.step("config: set, diff, confirm, show, history, roll back", async () => {
      const set = await cli(["config", "set", "mesh.hop_penalty", "40"]);
      assertEquals(set.code, EXIT.ok, set.err);
      assertStringIncludes(set.out, "config confirm 1");
      assertEquals((await cli(["config", "set", "mesh.hop_penalty", "41"])).code, EXIT.busy);
      assertEquals((await cli(["config", "confirm"])).code, EXIT.ok);
      assertEquals(await json("config", "show", "mesh.hop_penalty"), 40);
      const changed = await json(
        "config",
        "set",
        "mesh.hop_penalty",
        "50",
        "--confirm-within",
        "600",
      );
      assertEquals(changed.revision, 2);
      assertEquals((await cli(["config", "rollback"])).code, EXIT.ok);
      assertEquals(await json("config", "show", "mesh.hop_penalty"), 40);
      assertEquals((await cli(["config", "rollback"])).code, EXIT.busy);
      const outcomes = (await json("config", "history")).map((row: { outcome: string }) =>
        row.outcome
      );
      assertEquals(outcomes, ["rolled-back", "confirmed"]);
    });
    await t.step("config: errors name line and key, all at once, and change nothing", async () => {
      const bad = await cli(["config", "apply", "-"], "[mesh]\nhop_penalty = 999\nhop = 1\n");
      assertEquals(bad.code, EXIT.invalidConfig);
      assertMatch(bad.err, /line 2.*hop_penalty/);
      assertMatch(bad.err, /line 3.*unknown key/);
      assertEquals(await json("config", "show", "mesh.hop_penalty"), 40);
      const typo = await cli(["config", "set", "mesh.hop_penality", "4"]);
      assertEquals(typo.code, EXIT.invalidConfig);
      assertStringIncludes(typo.err, "did you mean mesh.hop_penalty");
    });
    await t.step("config: what export gives, import takes", async () => {
      const { out } = await cli(["config", "export"]);
      const { code, err } = await cli(["config", "import", "-", "--yes"], out);
      assertEquals(code, EXIT.ok, err);
    });
    await t.step("events lists what happened, oldest first", async () => {
      const events = await json("events", "--type", "config");
      assert(events.length >= 3);
      const ids = events.map((event: { id: number }) => event.id);
      assertEquals(ids, ids.toSorted((a: number, b: number) => a - b));
    });
    await t.step("a user's mistakes show no stack", async () => {
      for (const args of [["frobnicate"], ["ping"], ["config", "apply", "/no/such/file"]]) {
        const { code, err } = await cli(args);
        assert(code !== EXIT.ok && err.trim() !== "", args.join(" "));
        assert(!/\n\s+at /.test(err), err);
      }
    });
  });
});

Deno.test("command line: events --follow prints new events until it is interrupted", async () => {
  await withDaemon(async (data) => {
    const follow = command(["events", "--follow", "--data", data, "-n", "1"], "null").spawn();
    const err = new Response(follow.stderr).text();
    let seen = "";
    const reading = (async () => {
      for await (const text of follow.stdout.pipeThrough(new TextDecoderStream())) {
        seen += text;
        if (seen.includes("config.confirmed")) return;
      }
    })();
    // A first line shows that it listens; the change comes after that.
    const end = Date.now() + DEADLINE_MS;
    while (seen === "" && Date.now() < end) await new Promise((done) => setTimeout(done, 50));
    assertEquals(
      (await run(["config", "set", "mesh.hop_penalty", "35", "--yes", "--data", data])).code,
      0,
    );
    await reading;
    follow.kill("SIGINT");
    const { code } = await follow.status;
    assertEquals(code, 0, await err);
  });
});

Deno.test("command line: without a daemon it says so; version and doctor work", async () => {
  const data = await Deno.makeTempDir();
  const none = await run(["links", "--data", data]);
  assertEquals(none.code, EXIT.noDaemon);
  assertStringIncludes(none.err, "x0tta6bl4 run");
  assertMatch((await run(["version"])).out, /^\d+\.\d+\.\d+/);
  const doctor = await run(["doctor", "--json", "--data", data]);
  assertEquals(JSON.parse(doctor.out).source, "this machine");
  await Deno.remove(data);
});

Deno.test("command line: bash accepts the completion and offers commands", async () => {
  const script = (await run(["completion", "bash"])).out;
  const ask = async (words: string) => {
    const { stdout, stderr, code } = await new Deno.Command("bash", {
      args: [
        "-c",
        `${script}\nCOMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); ` +
        `_x0tta6bl4; printf '%s\\n' "\${COMPREPLY[@]}"`,
      ],
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trim().split("\n");
  };
  assertEquals(await ask("x0tta6bl4 orig"), ["originators"]);
  assertEquals((await ask("x0tta6bl4 config con")).includes("confirm"), true);
});
