import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Capability } from "../ports/mod.ts";
import { CliError, EXIT } from "./exit_codes.ts";
import { createProgram, runCli } from "./program.ts";
import type { ApiAnswer, Terminal } from "./terminal.ts";

type Routes = Readonly<Record<string, unknown>>;

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly requests: readonly string[];
}

const MISSING: Capability = {
  id: "batman-adv",
  state: "missing",
  detail: "no such family",
  needed: "the mesh",
  remedy: "modprobe batman-adv",
};

/** Runs a command line against scripted answers; `null` as routes stands for no daemon. */
async function run(args: readonly string[], routes: Routes | null): Promise<Run> {
  let out = "";
  let err = "";
  const requests: string[] = [];
  const terminal: Terminal = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readInput: () => Promise.resolve("[node]\nname = 'a'\n"),
    readFile: (path) => Promise.reject(new CliError(EXIT.failed, `Cannot read "${path}"`)),
    interactive: false,
    columns: 80,
    interrupted: new AbortController().signal,
  };
  const answer = (method: string, path: string, body?: unknown): Promise<ApiAnswer> => {
    requests.push(`${method} ${path}${body === undefined ? "" : ` ${JSON.stringify(body)}`}`);
    if (routes === null) {
      return Promise.reject(new CliError(EXIT.noDaemon, "No daemon answers", "Start one"));
    }
    const key = `${method} ${path.replace(/\?.*/, "")}`;
    const found = routes[key];
    if (found === undefined) {
      return Promise.resolve({ status: 404, body: `{"title":"no route ${key}"}` });
    }
    const { status = 200, text, json } = found as {
      status?: number;
      text?: string;
      json?: unknown;
    };
    return Promise.resolve({ status, body: text ?? JSON.stringify(json) });
  };
  const program = createProgram({
    terminal,
    local: { version: "1.2.3", capabilities: () => Promise.resolve([MISSING]) },
    connect: () => ({
      request: answer,
      async *lines(method, path, body) {
        const { body: text } = await answer(method, path, body);
        yield* text.split("\n");
      },
    }),
  });
  const code = await runCli(program, args, terminal);
  return { code, out, err, requests };
}

const neighbour = {
  neighbour: "02:00:00:00:00:02",
  hardInterface: "wlan0",
  lastSeenMs: 120,
  throughputKbps: 54_000,
};

Deno.test("runCli() prints a table, and the same rows as JSON with --json on either side", async () => {
  const routes = { "GET /api/v1/mesh/neighbours": { json: { items: [neighbour] } } };
  const table = await run(["neighbors"], routes);
  assertEquals(table.code, EXIT.ok);
  assertStringIncludes(table.out, "02:00:00:00:00:02  wlan0");
  assertStringIncludes(table.out, "54 Mbit/s");
  for (const args of [["--json", "neighbors"], ["neighbors", "--json"]]) {
    assertEquals(JSON.parse((await run(args, routes)).out), [neighbour]);
  }
});

Deno.test("runCli() exits as documented", async (t) => {
  const rows: { name: string; args: string[]; routes: Routes | null; code: number }[] = [
    { name: "unknown command", args: ["orignators"], routes: {}, code: EXIT.usage },
    { name: "missing argument", args: ["ping"], routes: {}, code: EXIT.usage },
    { name: "option out of range", args: ["ping", "x", "-c", "0"], routes: {}, code: EXIT.usage },
    { name: "no daemon", args: ["links"], routes: null, code: EXIT.noDaemon },
    { name: "help", args: ["--help"], routes: null, code: EXIT.ok },
    { name: "version without a daemon", args: ["version"], routes: null, code: EXIT.ok },
    { name: "doctor finds something missing", args: ["doctor"], routes: null, code: EXIT.failed },
    {
      name: "invalid configuration",
      args: ["config", "apply", "-"],
      routes: { "POST /api/v1/config/apply": { status: 422, json: { detail: "line 1" } } },
      code: EXIT.invalidConfig,
    },
    {
      name: "apply while another waits",
      args: ["config", "apply", "-"],
      routes: { "POST /api/v1/config/apply": { status: 409, json: { detail: "busy" } } },
      code: EXIT.busy,
    },
    {
      name: "no answer to ping",
      args: ["ping", "-c", "1", "02:00:00:00:00:09"],
      routes: { "POST /api/v1/diagnostics/ping": { status: 504, json: { detail: "timeout" } } },
      code: EXIT.failed,
    },
  ];
  for (const { name, args, routes, code } of rows) {
    await t.step(name, async () => {
      const result = await run(args, routes);
      assertEquals(result.code, code, result.err);
      assert(!/\n\s+at .*\.ts:\d/.test(result.err), "no stack trace");
      if (code !== EXIT.ok) assert(result.err.length > 0, "says why");
    });
  }
});

Deno.test("runCli() names the command that was probably meant", async () => {
  assertStringIncludes((await run(["orignators"], {})).err, "originators");
});

Deno.test("doctor names what is missing and what mends it", async () => {
  const { out } = await run(["doctor"], null);
  assertStringIncludes(out, "MISSING   batman-adv");
  assertStringIncludes(out, "modprobe batman-adv");
});

Deno.test("runCli() shows control characters of a hostile name instead of sending them", async () => {
  const evil = { ...neighbour, hardInterface: "wl\u001b[2Jan\u202e0" };
  const { out } = await run(["neighbors"], {
    "GET /api/v1/mesh/neighbours": { json: { items: [evil] } },
  });
  assert(!out.includes("\u001b") && !out.includes("\u202e"));
  assertStringIncludes(out, "wl\\u{1b}[2Jan\\u{202e}0");
});

Deno.test("config apply sends the document and tells how to keep it", async () => {
  const { out, requests, code } = await run(["config", "apply", "-", "--confirm-within", "9"], {
    "POST /api/v1/config/apply": {
      json: {
        revision: 7,
        remainingS: 9,
        warnings: [],
        report: {
          changed: [{ sentence: "set the hop penalty" }],
          differing: [{ key: "radios[0].channel", wanted: "13", found: "1", reason: "forbidden" }],
        },
      },
    },
  });
  assertEquals(code, EXIT.ok);
  assertStringIncludes(requests[0] ?? "", `"confirmWithinS":9`);
  assertStringIncludes(out, "config confirm 7");
  assertStringIncludes(out, "NOT as wished: radios[0].channel is 1, wanted 13: forbidden");
});

Deno.test("completion lists every command for each shell", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { out, code } = await run(["completion", shell], null);
    assertEquals(code, EXIT.ok);
    for (const name of ["status", "originators", "speedtest", "rollback", "bla-claims"]) {
      assertStringIncludes(out, name);
    }
  }
});
