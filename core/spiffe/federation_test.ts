import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ManualClock } from "../../tests/fixtures/clock.ts";
import { Changes } from "./changes.ts";
import { SpiffeError } from "./errors.ts";
import { Federation, type FederationDraft } from "./federation.ts";
import type { FederationRecord, FederationTable } from "./ports.ts";
import { loadX509 } from "./x509_library.ts";

const x509 = await loadX509();

function document(sequence: number, hintS: number, kid = "k"): string {
  return JSON.stringify({
    keys: [{ use: "jwt-svid", kty: "EC", kid, crv: "P-256", x: "AA", y: "AA" }],
    spiffe_sequence: sequence,
    spiffe_refresh_hint: hintS,
  });
}

/** The table in memory; the database's is tested with all of SPIFFE in tests/integration. */
function table(): FederationTable {
  const rows = new Map<string, FederationRecord>();
  return {
    get: (domain) => rows.get(domain) ?? null,
    put: (record) => void rows.set(record.trustDomain, record),
    remove: (domain) => void rows.delete(domain),
    list: (limit) => [...rows.values()].slice(0, limit),
  };
}

/** A federation whose endpoint answers what `answer` gives. */
function world() {
  const clock = new ManualClock();
  const changes = new Changes();
  const stop = new AbortController();
  const state = { answer: (): string => document(1, 300), fetches: [] as number[] };
  const rows = table();
  const make = () =>
    new Federation({
      table: rows,
      clock,
      x509,
      ownTrustDomain: "test.mesh",
      fetch: () => {
        state.fetches.push(clock.monotonicMs());
        return new Promise((resolve) => resolve(state.answer()));
      },
    }, changes);
  return { clock, changes, stop, state, make, federation: make() };
}

const OTHER: FederationDraft = {
  trustDomain: "other.mesh",
  url: "https://other.mesh/bundle",
  profile: "https_web",
};

Deno.test("Federation.run() refreshes at the pace that the bundle asks for, and retries sooner", async () => {
  const { clock, stop, state, federation } = world();
  const running = federation.run(stop.signal);
  federation.set(OTHER);
  await clock.advance(0);
  assertEquals(state.fetches, [0]);
  await clock.advance(299_000);
  assertEquals(state.fetches.length, 1);
  state.answer = () => {
    throw new SpiffeError("unreachable", "Cannot reach it");
  };
  await clock.advance(1_000);
  assertEquals(state.fetches.length, 2);
  assertEquals(federation.list()[0]?.problem, "Cannot reach it");
  // The bundle it has is kept.
  assertEquals(federation.bundle("other.mesh")?.sequence, 1);
  state.answer = () => document(2, 1);
  await clock.advance(30_000);
  assertEquals(state.fetches, [0, 300_000, 330_000]);
  assertEquals(federation.list()[0]?.problem, null);
  // A hint of a second is not followed.
  await clock.advance(29_000);
  assertEquals(state.fetches.length, 3);
  state.answer = () => document(3, 10 ** 9);
  await clock.advance(1_000);
  assertEquals(state.fetches.length, 4);
  // Nor one of thirty years.
  await clock.advance(24 * 3_600_000);
  assertEquals(state.fetches.length, 5);
  stop.abort();
  await running;
});

Deno.test("Federation.refresh() refuses a sequence that falls, and keeps what it has", async () => {
  const { state, federation, stop, changes, make } = world();
  federation.set({ ...OTHER, bundle: document(5, 300, "five") });
  const seen = changes.count;
  state.answer = () => document(4, 300, "four");
  const error = await assertRejects(
    () => federation.refresh("other.mesh", stop.signal),
    SpiffeError,
  );
  assertEquals(error.code, "rollback");
  assertEquals(federation.bundle("other.mesh")?.jwtAuthorities[0]?.kid, "five");
  assertEquals(changes.count, seen);
  // The same again changes nothing that workloads would be told of.
  state.answer = () => document(5, 300, "five");
  await federation.refresh("other.mesh", stop.signal);
  assertEquals(changes.count, seen);
  state.answer = () => document(6, 300, "six");
  await federation.refresh("other.mesh", stop.signal);
  assertEquals(changes.count, seen + 1);
  assertEquals(make().bundle("other.mesh")?.sequence, 6);
  // A person may begin again with a lower one.
  federation.set({ ...OTHER, bundle: document(1, 300, "one") });
  assertEquals(federation.bundle("other.mesh")?.sequence, 1);
});

Deno.test("Federation.remove() while an answer is on its way forgets the answer too", async () => {
  const { state, federation, stop } = world();
  federation.set(OTHER);
  const refreshing = federation.refresh("other.mesh", stop.signal);
  federation.remove("other.mesh");
  await refreshing;
  assertEquals(state.fetches.length, 1);
  assertEquals([federation.bundle("other.mesh"), federation.list()], [null, []]);
  assertThrows(() => federation.remove("other.mesh"), SpiffeError, "Cannot find");
});

for (
  const [name, change] of [
    ["its own trust domain", { trustDomain: "test.mesh" }],
    ["a name that is no trust domain", { trustDomain: "Other Mesh" }],
    ["an address that is none", { url: "other" }],
    ["an address without TLS", { url: "http://other.mesh/" }],
    ["an address with a password", { url: "https://a:b@other.mesh/" }],
    ["a SPIFFE ID with https_web", { endpointSpiffeId: "spiffe://other.mesh/x" }],
    ["https_spiffe without a SPIFFE ID", { profile: "https_spiffe" }],
    ["a SPIFFE ID that is none", { profile: "https_spiffe", endpointSpiffeId: "x" }],
    ["a bundle that is none", { bundle: "{}" }],
  ] as const
) {
  Deno.test(`Federation.set() refuses ${name}`, () => {
    const { federation } = world();
    const error = assertThrows(() => federation.set({ ...OTHER, ...change }), SpiffeError);
    assertEquals(error.code, "malformed");
    assert(federation.list().length === 0);
  });
}
