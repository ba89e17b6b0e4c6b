import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FileError } from "../ports/mod.ts";
import {
  type CutPoint,
  HandClock,
  PowerCut,
  World,
  WorldApplier,
  worldFiles,
  worldHistory,
} from "./_fakes.ts";
import { ConfigFault, type ConfigFaultCode } from "./errors.ts";
import type { ConfigEvent } from "./history.ts";
import { ConfigManager } from "./manager.ts";

const DOCUMENT = "/etc/node.toml";
const OLD = '[node]\nname = "old"\n';
const NEW = '[node]\nname = "new" # keep me\n';

function boot(world: World, clock = new HandClock()) {
  const applier = new WorldApplier(world);
  const events: ConfigEvent[] = [];
  const manager = new ConfigManager({
    files: worldFiles(world),
    clock,
    applier,
    history: worldHistory(world),
    paths: { document: DOCUMENT, directory: "/var/lib/node" },
    bootId: "boot",
  });
  manager.subscribe((event) => events.push(event));
  return { manager, applier, clock, events };
}

/** A node that runs with OLD, confirmed. */
async function running() {
  const world = new World();
  world.disk.set(DOCUMENT, OLD);
  const node = boot(world);
  await node.manager.start();
  return { world, ...node };
}

async function refused(code: ConfigFaultCode, work: () => Promise<unknown>): Promise<ConfigFault> {
  const error = await assertRejects(work, ConfigFault);
  assertEquals(error.code, code, error.message);
  return error;
}

const name = (world: World) => world.kernel?.node.name;
const pendingFile = "/var/lib/node/config.pending.json";

Deno.test("ConfigManager.start() applies the document in the file", async () => {
  const { world, manager } = await running();
  assertEquals(name(world), "old");
  assertEquals(manager.current().text, OLD);
  assertEquals(manager.status().pending, null);
  await manager.close();
});

Deno.test("ConfigManager.start() without any file applies the defaults and writes none", async () => {
  const world = new World();
  const { manager } = boot(world);
  await manager.start();
  assertEquals(name(world), "node");
  assertEquals(world.disk.has(DOCUMENT), false);
  await manager.close();
});

Deno.test("ConfigManager.apply() waits, confirm() makes it the node's own, comments included", async () => {
  const { world, manager, events } = await running();
  const { revision, remainingS } = await manager.apply(NEW, { author: "ann" });
  assertEquals(remainingS, 60);
  assertEquals([name(world), world.disk.get(DOCUMENT)], ["new", OLD]);
  assertEquals(manager.current().confirmed, false);
  await manager.confirm(revision);
  assertEquals(world.disk.get(DOCUMENT), NEW);
  assertEquals(world.disk.has(pendingFile), false);
  assertEquals(manager.current(), {
    ...manager.current(),
    revision,
    text: NEW,
    confirmed: true,
  });
  assertEquals(world.records[0]?.outcome, "confirmed");
  assertEquals(events.map(({ type }) => type).slice(-3), ["applied", "pending", "confirmed"]);
  await manager.close();
});

Deno.test("ConfigManager undoes what is not confirmed in time", async () => {
  const { world, manager, clock, applier } = await running();
  await manager.apply(NEW, { author: "ann", confirmWithinS: 5 });
  await clock.advance(4999);
  assertEquals(name(world), "new");
  assertEquals(manager.status().pending?.remainingS, 1);
  await clock.advance(1);
  assertEquals(name(world), "old");
  assertEquals(applier.calls.at(-1)?.previous?.node.name, "new");
  assertEquals(world.records[0]?.outcome, "expired");
  assertEquals(manager.status().state, "idle");
  await refused("not-pending", () => manager.confirm(2));
  await manager.close();
});

Deno.test("ConfigManager.rollback() undoes at once", async () => {
  const { world, manager, clock } = await running();
  await manager.apply(NEW, { author: "ann" });
  await manager.rollback();
  assertEquals([name(world), world.records[0]?.outcome], ["old", "rolled-back"]);
  await clock.advance(120_000);
  assertEquals(name(world), "old");
  await refused("not-pending", () => manager.rollback());
  await manager.close();
});

Deno.test("ConfigManager.apply() refuses a second one while one waits, and while one runs", async () => {
  const { manager, applier } = await running();
  let open = () => {};
  applier.gate = new Promise((resolve) => open = resolve);
  const first = manager.apply(NEW, { author: "ann" });
  await refused("busy", () => manager.apply(OLD, { author: "bob" }));
  open();
  await first;
  const error = await refused("busy", () => manager.apply(OLD, { author: "bob" }));
  assertStringIncludes(error.message, "by ann waits 60 s");
  await manager.close();
});

Deno.test("ConfigManager.apply() refuses an invalid document and touches nothing", async () => {
  const { world, manager, applier } = await running();
  const before = applier.calls.length;
  const error = await refused(
    "invalid",
    () => manager.apply("[mesh]\nhop_penalty = 999\nx = 1\n", { author: "ann" }),
  );
  assertEquals(error.errors.length, 2);
  assertEquals(applier.calls.length, before);
  assertEquals(world.disk.get(DOCUMENT), OLD);
  for (const confirmWithinS of [0, -1, NaN, 1e9]) {
    await refused("invalid", () => manager.apply(NEW, { author: "a", confirmWithinS }));
  }
  await manager.close();
});

Deno.test("ConfigManager.apply() and confirm() refuse another revision than meant", async () => {
  const { manager } = await running();
  const { revision } = manager.current();
  await refused("stale", () => manager.apply(NEW, { author: "a", ifRevision: revision + 1 }));
  const next = await manager.apply(NEW, { author: "a", ifRevision: revision });
  await refused("stale", () => manager.confirm(next.revision + 1));
  await manager.confirm(next.revision);
  await refused("stale", () => manager.apply(OLD, { author: "a", ifRevision: revision }));
  await manager.close();
});

Deno.test("ConfigManager.apply() on a full disk changes nothing", async () => {
  const { world, manager, applier } = await running();
  const before = applier.calls.length;
  world.failing = new FileError("no-space", "Cannot write: the disk is full");
  const error = await refused("storage", () => manager.apply(NEW, { author: "a" }));
  assertStringIncludes(error.message, "the disk is full");
  assertEquals(applier.calls.length, before);
  assertEquals(manager.status().state, "idle");
  world.failing = null;
  await manager.confirm((await manager.apply(NEW, { author: "a" })).revision);
  assertEquals(world.disk.get(DOCUMENT), NEW);
  await manager.close();
});

Deno.test("ConfigManager.confirm() on a full disk keeps waiting and undoes in time", async () => {
  const { world, manager, clock } = await running();
  const { revision } = await manager.apply(NEW, { author: "a" });
  world.failing = new FileError("no-space", "Cannot write: the disk is full");
  await refused("storage", () => manager.confirm(revision));
  assertEquals(manager.status().state, "waiting");
  await clock.advance(60_000);
  assertEquals(name(world), "old");
  assertEquals(world.disk.get(DOCUMENT), OLD);
  await manager.close();
});

Deno.test("ConfigManager.start() keeps a file with errors and applies the last good document", async () => {
  const { world, manager } = await running();
  await manager.confirm((await manager.apply(NEW, { author: "a" })).revision);
  await manager.close();
  world.disk.set(DOCUMENT, "[node]\nnam = 3\n");
  const again = boot(world);
  await again.manager.start();
  assertEquals(name(world), "new");
  assertEquals(world.disk.get(DOCUMENT), "[node]\nnam = 3\n");
  assertEquals(again.manager.status().fileErrors[0]?.line, 2);
  assert(again.events.some((event) => event.type === "invalid-file"));
  await again.manager.close();
});

Deno.test("ConfigManager.start() with nothing that this version can read applies the defaults", async () => {
  const { world, manager } = await running();
  await manager.close();
  world.disk.set(DOCUMENT, "[gone]\n");
  const last = "/var/lib/node/config.last.json";
  world.disk.set(last, JSON.stringify({ version: 1, revision: 8, text: "[gone]\nx = 1\n" }));
  const again = boot(world);
  await again.manager.start();
  assertEquals([name(world), again.manager.current().text], ["node", ""]);
  assertEquals(world.disk.get(DOCUMENT), "[gone]\n");
  assertEquals(again.events.map(({ type }) => type), ["trouble", "invalid-file", "applied"]);
  const { revision } = await again.manager.apply(NEW, { author: "a" });
  assertEquals(revision, 9);
  await again.manager.close();
});

Deno.test("ConfigManager.start() takes up a file edited by hand, as a revision of its own", async () => {
  const { world, manager } = await running();
  const { revision } = manager.current();
  await manager.close();
  world.disk.set(DOCUMENT, NEW);
  const again = boot(world);
  await again.manager.start();
  assertEquals([name(world), again.manager.current().revision], ["new", revision + 1]);
  assertEquals(again.applier.calls[0]?.previous?.node.name, "old");
  assertEquals(world.records[0]?.outcome, "edited");
  await again.manager.close();
});

Deno.test("ConfigManager.start() sets a damaged record aside", async () => {
  const { world, manager } = await running();
  await manager.close();
  world.disk.set(pendingFile, '{"version":1,');
  const again = boot(world);
  await again.manager.start();
  assertEquals(name(world), "old");
  assertEquals(world.disk.get(`${pendingFile}.damaged`), '{"version":1,');
  assert(again.events.some((event) => event.type === "trouble"));
  await again.manager.close();
});

Deno.test("ConfigManager.apply() has the rollback record on disk before it touches the machine", async () => {
  const { world, manager, applier } = await running();
  let onDisk: string | undefined;
  applier.gate = {
    // deno-lint-ignore no-explicit-any
    then(resolve: any) {
      onDisk = world.disk.get(pendingFile);
      resolve();
    },
  } as Promise<void>;
  await manager.apply(NEW, { author: "ann", confirmWithinS: 7 });
  assert(onDisk !== undefined);
  assertEquals(JSON.parse(onDisk), {
    version: 1,
    revision: 2,
    previousRevision: 1,
    previousText: OLD,
    text: NEW,
    author: "ann",
    bootId: "boot",
    deadlineMonotonicMs: 8000,
    startedWallMs: 1_700_000_001_000,
    deadlineWallMs: 1_700_000_008_000,
  });
  await manager.close();
});

Deno.test("ConfigManager.start() undoes what a killed process left in the kernel", async () => {
  const { world, manager } = await running();
  await manager.apply(NEW, { author: "ann" });
  // Killed: neither closed nor powered off, so the kernel keeps what was applied.
  assertEquals(name(world), "new");
  const again = boot(world);
  await again.manager.start();
  assertEquals(name(world), "old");
  assertEquals(again.applier.calls[0]?.previous?.node.name, "new");
  assertEquals(world.records[0]?.outcome, "interrupted");
  await again.manager.close();
  await manager.close();
});

Deno.test("ConfigManager refuses to work before start() and after close()", async () => {
  const { manager } = boot(new World());
  await refused("not-started", () => manager.apply(NEW, { author: "a" }));
  await manager.start();
  await manager.close();
  await refused("not-started", () => manager.confirm(1));
});

type Ending = "confirm" | "expire" | "roll-back";

/** Runs a whole apply until the power goes. @returns whether confirm() had come back. */
async function untilCut(world: World, ending: Ending): Promise<boolean> {
  const { manager, clock } = boot(world);
  let confirmed = false;
  try {
    await manager.start();
    const { revision } = await manager.apply(NEW, { author: "a" });
    if (ending === "confirm") {
      await manager.confirm(revision);
      confirmed = true;
    } else if (ending === "roll-back") await manager.rollback();
    else await clock.advance(60_000);
  } catch (error) {
    if (!(error instanceof PowerCut) && !(error instanceof ConfigFault)) throw error;
  }
  await manager.close();
  return confirmed && world.powered;
}

async function afterCuts(ending: Ending, cuts: readonly CutPoint[]): Promise<string> {
  const world = new World();
  world.disk.set(DOCUMENT, OLD);
  world.reboot(cuts[0] ?? null);
  const safe = await untilCut(world, ending);
  for (const cut of cuts.slice(1)) {
    world.reboot(cut);
    const { manager } = boot(world);
    await manager.start().catch((error) => {
      if (!(error instanceof PowerCut)) throw error;
    });
    await manager.close();
  }
  world.reboot();
  const { manager } = boot(world);
  await manager.start();
  const result = name(world) ?? "nothing";
  assertEquals(manager.status().state, "idle");
  assertEquals(world.disk.has(pendingFile), false, "a rollback record is left");
  assertEquals(world.disk.get(DOCUMENT), result === "new" ? NEW : OLD, "file and kernel differ");
  assertEquals(manager.current().text, world.disk.get(DOCUMENT));
  if (safe) assertEquals(result, "new", "a confirmed configuration was lost");
  // It still works, and revisions go on growing.
  const before = manager.current().revision;
  const { revision } = await manager.apply(NEW, { author: "b" });
  assert(revision > before);
  await manager.confirm(revision);
  await manager.close();
  return result;
}

for (const ending of ["confirm", "expire", "roll-back"] as const) {
  Deno.test(`ConfigManager ends old or confirmed whenever the power goes (${ending})`, async () => {
    const world = new World();
    world.disk.set(DOCUMENT, OLD);
    await untilCut(world, ending);
    const writes = world.writes;
    assert(writes >= 3, `only ${writes} writes`);
    const results = new Set<string>();
    for (let write = 1; write <= writes; write++) {
      for (const when of ["before", "after"] as const) {
        const first = { write, when };
        const result = await afterCuts(ending, [first]);
        results.add(result);
        if (ending !== "confirm") assertEquals(result, "old");
        // And the power goes again while the node is cleaning up.
        for (let second = 1; second <= 6; second++) {
          for (const then of ["before", "after"] as const) {
            const twice = await afterCuts(ending, [first, { write: second, when: then }]);
            assertEquals(twice, result, `cut at ${write} ${when}, then at ${second} ${then}`);
          }
        }
      }
    }
    if (ending === "confirm") assertEquals([...results].sort(), ["new", "old"]);
  });
}
