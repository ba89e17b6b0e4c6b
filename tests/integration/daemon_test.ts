// The daemon from the outside: the program as a child process.
import { DatabaseSync } from "node:sqlite";
import {
  assert,
  assertEquals,
  assertMatch,
  assertObjectMatch,
  assertStringIncludes,
} from "@std/assert";
import { loadLibc, openUnixDatagram } from "../../ffi/sys/mod.ts";
import { eventually, inTemporary, runToEnd, startDaemon } from "./daemon.ts";

function hasBatmanAdv(): boolean {
  try {
    return Deno.statSync("/sys/module/batman_adv").isDirectory;
  } catch {
    return false;
  }
}

// Loaded once for the process: within a test it would count as that test's leak.
loadLibc();

Deno.test("`run` serves on TCP and on an owner-only socket, and stops in order", () =>
  inTemporary(async (directory) => {
    const daemon = await startDaemon(directory);
    const health = await daemon.json("/health");
    assertObjectMatch(health as object, { version: "0.1.0" });
    await eventually("the mesh is up", async () => {
      const { status } = await daemon.json("/health") as { status: string };
      return status === "ok";
    });
    const mode = (name: string) => (Deno.statSync(`${directory}/${name}`).mode ?? 0) & 0o777;
    assertEquals(mode("api.sock"), 0o600);
    assertEquals(mode("node.db"), 0o600);
    const client = Deno.createHttpClient({ proxy: { transport: "unix", path: daemon.socket } });
    const answer = await fetch("http://localhost/api/v1/node", { client });
    assertObjectMatch(await answer.json(), { kernel: { kind: "simulated" } });
    client.close();
    // A stream that is open must not hold up the stop.
    const stream = await daemon.fetch("/api/v1/events/stream");
    const { code, log } = await daemon.stop();
    await stream.body?.cancel().catch(() => {});
    assertEquals(code, 0, log);
    assertStringIncludes(log, "Nothing here is real");
    assertStringIncludes(log, `Listening on ${daemon.url}`);
    assertMatch(log, /Stopped"?\n$/);
    for (const left of ["api.sock", "address.json", "node.db-wal"]) {
      assert(!Deno.readDirSync(directory).some(({ name }) => name === left), left);
    }
  }));

Deno.test("`run` keeps events over a restart and over SIGKILL", () =>
  inTemporary(async (directory) => {
    const first = await startDaemon(directory);
    assertEquals((await first.stop()).code, 0);
    const second = await startDaemon(directory);
    await second.stop("SIGKILL");
    const third = await startDaemon(directory);
    // The second one's start was not written yet when it was killed: batches are 30 s apart.
    const { items } = await third.json("/api/v1/events?type=node.") as {
      items: { type: string }[];
    };
    assertEquals(items.map(({ type }) => type), ["node.started", "node.stopped", "node.started"]);
    const health = await third.json("/health/ready") as {
      checks: { name: string; state: string }[];
    };
    assertEquals(health.checks.find(({ name }) => name === "database")?.state, "ok");
    assertEquals((await third.stop("SIGINT")).code, 0);
  }));

Deno.test("`run` refuses a data directory and a port in use, and says who has them", () =>
  inTemporary(async (directory) => {
    const daemon = await startDaemon(directory);
    const same = await runToEnd(["run", "--sim", "1", "--data", directory]);
    assertEquals(same.code, 7);
    assertStringIncludes(same.log, `another daemon (process ${daemon.pid}) uses it`);
    const address = new URL(daemon.url).host;
    const port = await runToEnd([
      ...["run", "--sim", "1", "--data", `${directory}/other`, "--listen", address],
    ]);
    assertEquals(port.code, 4);
    assertStringIncludes(port.log, `Cannot listen on "${address}": another program uses that port`);
    assert(!port.log.includes("    at "), port.log);
    // What refused to start left nothing behind that would stop the next.
    const after = await startDaemon(`${directory}/other`, ["--sim", "1"]);
    assertEquals((await after.stop()).code, 0);
    assertEquals((await daemon.stop()).code, 0);
  }));

Deno.test("`run` explains what is wrong with its options and documents", async (t) => {
  const rows: readonly {
    readonly name: string;
    readonly args: readonly string[];
    readonly code: number;
    readonly says: RegExp;
    readonly document?: string;
  }[] = [
    { name: "no number", args: ["--sim", "many"], code: 2, says: /Cannot use "many" for --sim/ },
    {
      name: "no address",
      args: ["--listen", "here"],
      code: 2,
      says: /"here": that is not HOST:PORT/,
    },
    { name: "unknown option", args: ["--simm", "5"], code: 2, says: /--sim/ },
    { name: "both", args: ["--kernel", "--sim", "2"], code: 2, says: /choose one/ },
    {
      name: "foreign address",
      args: ["--sim", "1", "--listen", "192.0.2.1:80"],
      code: 1,
      says: /no interface of this machine has that address/,
    },
    {
      name: "unknown key",
      args: ["--sim", "1", "--config", "CONFIG"],
      code: 3,
      says: /config\.toml":\n.*hop_penaltyy/,
      document: "[mesh]\nhop_penaltyy = 30\n",
    },
    {
      name: "no TOML",
      args: ["--sim", "1", "--config", "CONFIG"],
      code: 3,
      says: /Cannot use the configuration/,
      document: "mesh = [",
    },
    {
      name: "missing document",
      args: ["--sim", "1", "--config", "/nonexistent/x.toml"],
      code: 3,
      says: /"\/nonexistent\/x\.toml": there is no such file/,
    },
    {
      name: "long path",
      args: ["--sim", "1", "--data", `/tmp/${"x".repeat(120)}`],
      code: 2,
      says: /the path of its socket has 134 octets/,
    },
  ];
  for (const { name, args, code, says, document } of rows) {
    await t.step(name, () =>
      inTemporary(async (directory) => {
        const path = `${directory}/config.toml`;
        if (document !== undefined) await Deno.writeTextFile(path, document);
        const placed = args.map((word) => word === "CONFIG" ? path : word);
        const ended = await runToEnd(["run", "--data", directory, ...placed]);
        assertEquals(ended.code, code, ended.log);
        assertMatch(ended.log, says);
        assert(!/^\s+at /m.test(ended.log), ended.log);
      }));
  }
});

Deno.test("`run` without --sim on a machine without batman-adv says why nothing is real", async (t) => {
  let lacking = { code: 0, log: "", out: "" };
  await inTemporary(async (directory) => {
    // A machine that has it would be reconfigured: there this test stops at once.
    if (hasBatmanAdv()) return;
    lacking = await runToEnd(["run", "--kernel", "--data", directory]);
  });
  if (lacking.code === 0) {
    await t.step({ name: "skipped: this machine has batman-adv", ignore: true, fn: () => {} });
    return;
  }
  await t.step("--kernel fails and says what is missing", () => {
    assert(lacking.code === 1 || lacking.code === 5, lacking.log);
    assertMatch(lacking.log, /Cannot use this machine's kernel: .*(batman-adv|CAP_NET_ADMIN)/);
  });
  await t.step("without it the mesh is simulated", () =>
    inTemporary(async (directory) => {
      const daemon = await startDaemon(directory, []);
      const node = await daemon.json("/api/v1/node") as { simulatedBecause: string };
      assertMatch(node.simulatedBecause, /batman-adv|CAP_NET_ADMIN/);
      assertStringIncludes((await daemon.stop()).log, "Nothing here is real");
    }));
});

Deno.test("`run` restores a damaged database and says so", () =>
  inTemporary(async (directory) => {
    const first = await startDaemon(directory);
    await first.stop();
    await Deno.writeTextFile(`${directory}/node.db`, "rubbish ".repeat(1000));
    const second = await startDaemon(directory);
    const health = await second.json("/health/ready") as {
      checks: { name: string; state: string; reason: string }[];
    };
    const check = health.checks.find(({ name }) => name === "database");
    assertEquals(check?.state, "degraded");
    assertStringIncludes(check?.reason ?? "", `kept as "${directory}/node.db.corrupt-1"`);
    assertEquals((await second.stop()).code, 0);
  }));

Deno.test("`run` leaves the database of a later release alone", () =>
  inTemporary(async (directory) => {
    assertEquals((await (await startDaemon(directory)).stop()).code, 0);
    const db = new DatabaseSync(`${directory}/node.db`);
    db.exec("INSERT INTO schema_version VALUES (99, 'later', 0)");
    db.close();
    const ended = await runToEnd(["run", "--sim", "1", "--data", directory]);
    assertEquals(ended.code, 1);
    assertMatch(ended.log, /its schema is version 99, written by a later release/);
    assert(!/^\s+at /m.test(ended.log), ended.log);
  }));

Deno.test("`run` tells systemd that it is ready, alive and stopping", async (t) => {
  for (const kind of ["path", "abstract"] as const) {
    await t.step(kind, () =>
      inTemporary(async (directory) => {
        const name = kind === "path" ? `${directory}/notify` : `@x0-test-${crypto.randomUUID()}`;
        using socket = openUnixDatagram({ local: name });
        const heard: string[] = [];
        const listen = () => {
          for (let next = socket.tryReceive(); next !== null; next = socket.tryReceive()) {
            heard.push(new TextDecoder().decode(next.bytes));
          }
          return heard.join("\n");
        };
        const daemon = await startDaemon(directory, ["--sim", "1"], {
          NOTIFY_SOCKET: name,
          WATCHDOG_USEC: "400000",
        });
        await eventually("READY", () => Promise.resolve(listen().includes("READY=1")));
        await eventually("WATCHDOG", () => Promise.resolve(listen().includes("WATCHDOG=1")));
        await daemon.stop();
        assertStringIncludes(listen(), "STOPPING=1");
      }));
  }
});
