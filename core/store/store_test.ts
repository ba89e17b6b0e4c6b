import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { hostFiles } from "../host/mod.ts";
import { Database } from "./db.ts";
import { StoreError } from "./errors.ts";
import { DEFAULT_RETENTION } from "./limits.ts";
import { ManualClock, openStore } from "./testing.ts";
import type { Store } from "./store.ts";

const files = hostFiles();

async function inTemporary(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function note(store: Store, message: string, severity: "info" | "warning" = "info"): void {
  store.events.add([{ severity, type: "test.note", subject: "x", message, data: { a: 1 } }]);
}

function databaseCheck(store: Store) {
  const check = store.checks().find(({ name }) => name === "database");
  assert(check !== undefined);
  return check;
}

function messages(store: Store): readonly string[] {
  return store.events.query({ limit: 1000 }).map(({ message }) => message);
}

Deno.test("`Store` keeps events over a restart, ids growing", () =>
  inTemporary(async (directory) => {
    const clock = new ManualClock();
    const first = await openStore(directory, files, clock);
    note(first, "one");
    note(first, "two");
    await first.close();
    const second = await openStore(directory, files, clock);
    note(second, "three");
    assertEquals(messages(second), ["three", "two", "one"]);
    assertEquals(second.events.query({}).map(({ id }) => id), [3, 2, 1]);
    assertEquals(second.events.query({})[1]?.data, { a: 1 });
    assertEquals(databaseCheck(second).state, "ok");
    await second.close();
  }));

Deno.test("`Store.events.query()` selects alike before and after the flush", () =>
  inTemporary(async (directory) => {
    const clock = new ManualClock();
    const store = await openStore(directory, files, clock);
    const rows = [
      ["info", "link.up", "wlan0", "Link wlan0 is up"],
      ["warning", "link.down", "wlan0", "Link wlan0 is down"],
      ["error", "mesh.gone", "bat0", "100% of it is_gone"],
      ["debug", "link.up", "eth0", "Link eth0 is UP"],
    ] as const;
    for (const [severity, type, subject, message] of rows) {
      store.events.add([{ severity, type, subject, message }]);
      clock.advance(1_000);
    }
    const queries = [
      [{}, [4, 3, 2, 1]],
      [{ afterId: 2 }, [4, 3]],
      [{ beforeId: 3 }, [2, 1]],
      [{ sinceMs: clock.wall - 2_000 }, [4, 3]],
      [{ minSeverity: "warning" }, [3, 2]],
      [{ type: "link." }, [4, 2, 1]],
      [{ type: "link.%" }, []],
      [{ subject: "wlan0" }, [2, 1]],
      [{ search: "is up" }, [4, 1]],
      [{ search: "100%" }, [3]],
      [{ search: "is_" }, [3]],
      [{ limit: 1 }, [4]],
      [{ limit: 3, minSeverity: "info" }, [3, 2, 1]],
    ] as const;
    const ids = () => queries.map(([query]) => store.events.query(query).map(({ id }) => id));
    const expected = queries.map(([, wanted]) => [...wanted]);
    assertEquals(ids(), expected);
    store.flush();
    assertEquals(store.events.unwritten, 0);
    assertEquals(ids(), expected);
    await store.close();
  }));

Deno.test("`Store` writes warnings at once and the rest at the interval", () =>
  inTemporary(async (directory) => {
    const clock = new ManualClock();
    const store = await openStore(directory, files, clock);
    store.start();
    note(store, "quiet");
    await new Promise((resolve) => setTimeout(resolve, 5));
    assertEquals(store.events.unwritten, 1);
    note(store, "loud", "warning");
    while (store.events.unwritten > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await store.close();
  }));

Deno.test("`Store.open()` keeps a damaged file aside and restores the backup", async (t) => {
  const damages: readonly (readonly [string, (path: string, size: number) => Promise<void>])[] = [
    ["not a database", (path) => Deno.writeTextFile(path, "no database ".repeat(500))],
    ["empty", (path) => Deno.truncate(path, 0)],
    ["one octet", (path) => Deno.truncate(path, 1)],
    ["half a header", (path) => Deno.truncate(path, 50)],
    ["one page", (path) => Deno.truncate(path, 4096)],
    ["half", (path, size) => Deno.truncate(path, size / 2)],
    ["all but one page", (path, size) => Deno.truncate(path, size - 4096)],
    ["all but one octet", (path, size) => Deno.truncate(path, size - 1)],
    ["zeros in the middle", async (path, size) => {
      using file = await Deno.open(path, { write: true });
      await file.seek(4096, Deno.SeekMode.Start);
      await file.write(new Uint8Array(size - 4096));
    }],
    ["missing", (path) => Deno.remove(path)],
  ];
  for (const [name, damage] of damages) {
    await t.step(name, () =>
      inTemporary(async (directory) => {
        const path = `${directory}/node.db`;
        const clock = new ManualClock();
        const store = await openStore(directory, files, clock);
        for (let n = 0; n < 200; n++) note(store, `before ${n} ${"x".repeat(200)}`);
        store.flush();
        await store.backup({ force: true });
        await store.close();
        const { size } = await Deno.stat(path);
        assertGreater(size, 10 * 4096);
        await damage(path, size);
        const reopened = await openStore(directory, files, clock);
        const events = reopened.events.query({ limit: 1000 });
        assertEquals(events.length, 201);
        assertEquals(events[0]?.type, "store.restored");
        assertGreater(events[0]?.id ?? 0, 1_000);
        assertEquals(databaseCheck(reopened).state, "degraded");
        assertMatch(databaseCheck(reopened).reason, /restored from the backup/);
        assertEquals(await files.stat(`${path}.corrupt-1`) !== null, name !== "missing");
        await reopened.close();
      }));
  }
});

Deno.test("`Store.open()` without a good backup says that history starts anew", () =>
  inTemporary(async (directory) => {
    const path = `${directory}/node.db`;
    await Deno.writeTextFile(path, "rubbish".repeat(999));
    await Deno.writeTextFile(`${path}.backup-1`, "rubbish".repeat(999));
    await Deno.writeTextFile(`${path}.corrupt-3`, "older");
    const store = await openStore(directory, files, new ManualClock());
    const [event] = store.events.query({});
    assertEquals([event?.type, event?.severity], ["store.lost", "error"]);
    assertEquals(databaseCheck(store).state, "degraded");
    assertEquals(await Deno.readTextFile(`${path}.corrupt-4`), "rubbish".repeat(999));
    assertEquals(await Deno.readTextFile(`${path}.corrupt-3`), "older");
    await store.close();
  }));

Deno.test("`Store.open()` takes the second backup when the first is damaged", () =>
  inTemporary(async (directory) => {
    const clock = new ManualClock();
    const store = await openStore(directory, files, clock);
    note(store, "kept");
    store.flush();
    await store.backup({ force: true });
    await store.backup({ force: true });
    await store.close();
    await Deno.truncate(`${directory}/node.db.backup-1`, 5000);
    await Deno.truncate(`${directory}/node.db`, 5000);
    const reopened = await openStore(directory, files, clock);
    assertEquals(messages(reopened).at(-1), "kept");
    await reopened.close();
  }));

Deno.test("`Store.open()` refuses a newer schema and leaves the file alone", () =>
  inTemporary(async (directory) => {
    const path = `${directory}/node.db`;
    const clock = new ManualClock();
    await (await openStore(directory, files, clock)).close();
    const db = Database.open(path, { mode: "read-write" });
    db.run("INSERT INTO schema_version VALUES (99, 'future', 0)");
    db.close();
    const before = await Deno.readFile(path);
    const error = await assertRejects(() => openStore(directory, files, clock), StoreError);
    assertEquals(error.code, "newer-schema");
    assertMatch(error.message, /version 99.*up to \d+/);
    assertEquals(await Deno.readFile(path), before);
    assertEquals((await files.list(directory)).filter((name) => name.includes("corrupt")), []);
  }));

Deno.test("`Store` goes on when the disk is full, and recovers", () =>
  inTemporary(async (directory) => {
    const clock = new ManualClock();
    const logged: string[] = [];
    const store = await openStore(directory, files, clock, {
      // Room for the tables and a little more.
      maxPages: 40,
      log: (message) => logged.push(message),
    });
    for (let n = 0; n < 3_000; n++) note(store, `${n} ${"x".repeat(1_000)}`);
    store.flush();
    assertEquals(databaseCheck(store).state, "failed");
    assertMatch(
      databaseCheck(store).reason,
      /full.*2000 entries are in memory only.*1000 entries lost/,
    );
    assertEquals(store.events.query({ limit: 1 })[0]?.message.slice(0, 4), "2999");
    assertEquals(logged.length, 1);
    assertThrows(
      () =>
        store.configHistory.append({
          revision: 1,
          text: "y".repeat(100_000),
          at: 0,
          author: "test",
          outcome: "confirmed",
        }),
      StoreError,
      "full",
    );
    assertEquals(store.configHistory.get(1)?.text.length, 100_000);
    await store.close();
    const reopened = await openStore(directory, files, clock);
    note(reopened, "after");
    reopened.flush();
    assertEquals(databaseCheck(reopened).state, "ok");
    assertEquals(messages(reopened), ["after"]);
    await reopened.close();
  }));

Deno.test("`Store` keeps its bound, finest and oldest going first", () =>
  inTemporary(async (directory) => {
    const clock = new ManualClock();
    const maxBytes = 1024 * 1024;
    const store = await openStore(directory, files, clock, {
      retention: () => ({ ...DEFAULT_RETENTION, maxBytes }),
    });
    const names = Array.from({ length: 60 }, (_, n) => `s${n}`);
    for (let minute = 0; minute < 60 * 24; minute += 0.5) {
      store.metrics.record(names.map((subject) => ({ subject, metric: "m", value: minute })));
      clock.advance(30_000);
      if (minute % 60 === 0) {
        store.flush();
        store.prune();
      }
    }
    store.flush();
    store.prune();
    const { size } = await Deno.stat(`${directory}/node.db`);
    assert(size <= maxBytes * 1.25, `${size} octets`);
    assertGreater(size, maxBytes / 2);
    const hours = store.metrics.query({
      subject: "s0",
      metric: "m",
      fromMs: clock.wall - 86_400_000,
      toMs: clock.wall,
      points: 24,
    });
    assertEquals([hours.resolutionS, hours.points.length], [3600, 24]);
    assertEquals(databaseCheck(store).state, "ok");
    await store.close();
  }));

Deno.test("`Store.configHistory` keeps each document at once", () =>
  inTemporary(async (directory) => {
    const clock = new ManualClock();
    const store = await openStore(directory, files, clock);
    for (const revision of [1, 2, 3]) {
      store.configHistory.append({
        revision,
        text: `# ${revision}`,
        at: revision,
        author: "cli",
        outcome: revision === 2 ? "expired" : "confirmed",
      });
    }
    // Not closed: what append() returned from must be there all the same.
    const other = Database.open(`${directory}/node.db`, { mode: "read-write" });
    assertEquals(other.number("SELECT count(*) FROM config_history"), 3);
    other.close();
    assertEquals(store.configHistory.list(2).map(({ revision }) => revision), [3, 2]);
    assertEquals(store.configHistory.get(2)?.outcome, "expired");
    assertEquals(store.configHistory.get(9), null);
    await store.close();
  }));

Deno.test("`Store` counts what it writes, as the kernel does", () =>
  inTemporary(async (directory) => {
    const clock = new ManualClock();
    const store = await openStore(directory, files, clock);
    for (let n = 0; n < 50; n++) {
      note(store, "x".repeat(500));
      store.flush();
    }
    const { writtenBytes, databaseBytes } = store.figures();
    const log = await Deno.stat(`${directory}/node.db-wal`);
    assert(writtenBytes > 50 * 4096 && writtenBytes <= log.size + 20 * 4096, `${writtenBytes}`);
    assertGreater(databaseBytes, 4096);
    await store.close();
  }));
