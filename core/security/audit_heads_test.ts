import { assert, assertEquals } from "@std/assert";
import { ManualClock, settled } from "../../tests/fixtures/clock.ts";
import { AuditLog, encodeAuditHead } from "../audit/mod.ts";
import { MemoryAuditTable, MemoryHeadTable } from "../audit/testing.ts";
import { WireWriter } from "../base/mod.ts";
import type { GossipHandler, RequestHandler } from "../fabric/mod.ts";
import { hostFiles } from "../host/mod.ts";
import { formatNodeId, nodeIdOf, type VerifiedCredential } from "../identity/mod.ts";
import { testAuthority, testClaims, testNodeKeys } from "../identity/testing.ts";
import { webcryptoBackend } from "../pq/mod.ts";
import { AuditHeads } from "./audit_heads.ts";
import { HEAD_EVERY_MS } from "./limits.ts";

const backend = webcryptoBackend(crypto.subtle);
const files = hostFiles();

/** Messages between the nodes of a test, in memory; core/fabric carries them in earnest. */
class Bus {
  readonly handlers = new Map<string, GossipHandler>();
  readonly answers = new Map<string, RequestHandler>();
  readonly requests: string[] = [];
  readonly errors: unknown[] = [];
  /** Who hears nothing. */
  readonly deaf = new Set<string>();

  fabricOf(nodeId: string) {
    return {
      publish: async (_topic: string, bytes: Uint8Array) => {
        for (const [other, handler] of this.handlers) {
          if (other === nodeId || this.deaf.has(other)) continue;
          try {
            await handler({ origin: nodeId, from: nodeId, bytes: new Uint8Array(bytes) });
          } catch (thrown) {
            this.errors.push(thrown);
          }
        }
      },
      subscribe: (_topic: string, handler: GossipHandler) => {
        this.handlers.set(nodeId, handler);
        return () => void this.handlers.delete(nodeId);
      },
      handle: (_protocol: string, handler: RequestHandler) => {
        this.answers.set(nodeId, handler);
        return Promise.resolve();
      },
      request: async (to: string, _protocol: string, bytes: Uint8Array) => {
        this.requests.push(`${nodeId} ${to}`);
        const answer = this.answers.get(to);
        if (answer === undefined) throw new Error("unreachable");
        return new Uint8Array(await answer(nodeId, new Uint8Array(bytes)));
      },
    };
  }
}

async function nodeOf(bus: Bus, clock: ManualClock, directory: string, index: number) {
  const { set } = await testAuthority(backend);
  const key = await testNodeKeys(backend, index);
  const claims = testClaims(key, index);
  const nodeId = formatNodeId(nodeIdOf(claims.keys));
  const credentials = new Map<string, VerifiedCredential>();
  const path = `${directory}/${index}`;
  const book = new MemoryHeadTable();
  const forks: string[] = [];
  const openLog = (table: MemoryAuditTable) => AuditLog.open(table, files, clock, path);
  const table = new MemoryAuditTable();
  const run = async (audit: AuditLog) => {
    const heads = new AuditHeads({
      membership: {
        member: {
          keys: { ...key, publicKeys: claims.keys },
          state: {
            trustDomain: set.trustDomain,
            chain: { first: set, rotations: [], current: set, last: null },
          },
        },
        context: { audit, backend, clock },
      },
      fabric: bus.fabricOf(nodeId),
      nodeId: () => nodeId,
      directory: { get: (id) => credentials.get(id) ?? null },
      table: book,
      forked: (id, sentence) => forks.push(`${id}: ${sentence}`),
      log: (message) => forks.push(message),
    });
    await heads.start();
    return heads;
  };
  const credential: VerifiedCredential = {
    claims,
    signatures: [],
    nodeId,
    spiffeId: `spiffe://${set.trustDomain}/node/${nodeId}`,
    hash: new Uint8Array(48),
    authority: new Uint8Array(48),
  };
  return { nodeId, table, path, forks, openLog, run, credential, credentials };
}

/** Two members that know each other; the first one's log is watched by the second. */
async function inPair(
  run: (pair: {
    readonly bus: Bus;
    readonly a: Awaited<ReturnType<typeof nodeOf>>;
    readonly b: Awaited<ReturnType<typeof nodeOf>>;
    readonly tick: () => Promise<void>;
    readonly running: AuditHeads[];
  }) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const [bus, clock, running] = [new Bus(), new ManualClock(), [] as AuditHeads[]];
  const a = await nodeOf(bus, clock, directory, 1);
  const b = await nodeOf(bus, clock, directory, 2);
  for (const { credential } of [a, b]) {
    for (const { credentials } of [a, b]) credentials.set(credential.nodeId, credential);
  }
  // Signatures take real time: who is done with a round sleeps until the next one.
  const idle = async () => {
    for (let turn = 0; clock.waiting < bus.handlers.size; turn++) {
      if (turn > 5_000) throw new Error("Cannot wait any longer for a round to end");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await settled();
  };
  const tick = async () => {
    await idle();
    await clock.advance(HEAD_EVERY_MS);
    await idle();
  };
  try {
    await run({ bus, a, b, tick, running });
  } finally {
    await Promise.all(running.map((heads) => heads.stop()));
    await Deno.remove(directory, { recursive: true });
  }
}

async function fill(log: AuditLog, count: number, actor = "local"): Promise<void> {
  for (let i = 0; i < count; i++) await log.append("node.enrolled", actor, `n${i}`);
}

Deno.test("`AuditHeads` follows a log that grows, over a gap too", () =>
  inPair(async ({ bus, a, b, tick, running }) => {
    const log = await a.openLog(a.table);
    await fill(log, 3);
    running.push(await a.run(log), await b.run(await b.openLog(b.table)));
    await tick();
    const known = () => running[1]?.list().map(({ nodeId, head }) => [nodeId, head.count]);
    assertEquals(known(), [[a.nodeId, 3]]);
    await fill(log, 2);
    await tick();
    assertEquals(known(), [[a.nodeId, 5]]);
    assertEquals(bus.requests, []);
    bus.deaf.add(b.nodeId);
    await fill(log, 400);
    await tick();
    assertEquals(known(), [[a.nodeId, 5]]);
    bus.deaf.clear();
    await tick();
    assertEquals(known(), [[a.nodeId, 405]]);
    assertEquals(bus.requests, [`${b.nodeId} ${a.nodeId}`]);
    assertEquals([a.forks, b.forks, bus.errors], [[], [], []]);
  }));

Deno.test("`AuditHeads` tells a node whose files were all restored, and everybody else", () =>
  inPair(async ({ bus, a, b, tick, running }) => {
    const log = await a.openLog(a.table);
    await fill(log, 3);
    const rows = new MemoryAuditTable(a.table.rows);
    const file = await Deno.readTextFile(a.path);
    await fill(log, 40);
    const first = await a.run(log);
    running.push(await b.run(await b.openLog(b.table)));
    await tick();
    await first.stop();
    await Deno.writeTextFile(a.path, file);
    const restored = await a.openLog(rows);
    assertEquals(restored.rollback, null, "nothing on the node shows it");
    running.push(await a.run(restored));
    await tick();
    assert(restored.rollback?.startsWith("this log has 3 entries; 43 were signed"));
    assertEquals(a.forks.length, 1);
    assert(a.forks[0]?.startsWith(`${a.nodeId}: This node's audit log is not the one`));
    assertEquals(b.forks, [
      `${a.nodeId}: Node ${a.nodeId} has lost entries of its audit log: it had 43`,
    ]);
    assertEquals(bus.errors, []);
  }));

Deno.test("`AuditHeads` calls a rewritten log by its name, with the evidence kept", () =>
  inPair(async ({ a, b, tick, running }) => {
    const log = await a.openLog(a.table);
    await fill(log, 3);
    const first = await a.run(log);
    const watching = await b.run(await b.openLog(b.table));
    running.push(watching);
    await tick();
    await first.stop();
    await Deno.remove(a.path);
    const rewritten = await a.openLog(new MemoryAuditTable());
    await fill(rewritten, 5, "somebody else");
    running.push(await a.run(rewritten));
    await tick();
    assertEquals(
      b.forks[0],
      `${a.nodeId}: Node ${a.nodeId} signed two audit logs that contradict each other`,
    );
    const [known] = watching.list();
    assertEquals([known?.head.count, known?.conflict?.count], [3, 5]);
  }));

Deno.test("`AuditHeads` believes nobody else's word about a log", () =>
  inPair(async ({ bus, a, b, tick, running }) => {
    const log = await a.openLog(a.table);
    await fill(log, 3);
    const [heads, other] = [await a.run(log), await b.run(await b.openLog(b.table))];
    running.push(heads, other);
    await tick();
    const [known] = other.list();
    assert(known !== undefined);
    // B's own head shown to A as if it were A's: it isn't signed by A.
    await fill(await b.openLog(b.table), 9);
    await tick();
    const answer = bus.answers.get(a.nodeId);
    const strange = heads.list().find(({ nodeId }) => nodeId === b.nodeId)?.head;
    assert(answer !== undefined && strange !== undefined);
    await answer(b.nodeId, new WireWriter().u53(0).bytes(encodeAuditHead(strange)).finish());
    assertEquals([log.rollback, a.forks], [null, []]);
    const handler = bus.handlers.get(b.nodeId);
    assert(handler !== undefined);
    const bytes = encodeAuditHead(strange);
    assertEquals(await handler({ origin: a.nodeId, from: a.nodeId, bytes }), "reject");
    assertEquals(await handler({ origin: "unknown", from: a.nodeId, bytes }), "ignore");
  }));
