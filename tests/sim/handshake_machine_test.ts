// The handshake machine of both ends, explored exhaustively, and mutants of it that must be caught.
// Two connections at once are explored whole; X0_EXPLORE_CONNECTIONS=3 looks for faults among three, as far as
// MAX_STATES go, and fails for not being complete.
import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { newPeer, nextPeer } from "../../core/handshake/mod.ts";
import { explore, Explorer, type Machine } from "./handshake_explorer.ts";

const MAX_STATES = 8_000_000;

/** Connections that may be open or broken half-way at the same time. */
const CONNECTIONS = Number(Deno.env.get("X0_EXPLORE_CONNECTIONS") ?? 2);

/** Units of time, of which a deadline is two: agreement comes within two deadlines. */
const AGREEMENT_TICKS = 4;

Deno.test("handshake machine: delay, loss, reordering, glare and restart leave both ends agreed", () => {
  const found = explore(new Explorer(), MAX_STATES, CONNECTIONS);
  console.log(
    `${CONNECTIONS} connections: ${found.states} states, ${found.steps} steps, ` +
      `agreement within ${found.worstTicks} of time's units once the network works`,
  );
  assertEquals(found.fault, null);
  assert(found.complete, `more than ${MAX_STATES} states`);
  assertGreater(found.states, 90_000);
  assertGreater(found.worstTicks, 0, "some state never comes to agreement");
  assertLessOrEqual(found.worstTicks, AGREEMENT_TICKS);
});

const MUTANTS: readonly { readonly name: string; readonly machine: Machine }[] = [
  {
    name: "takes an M3 while its own is out",
    machine(state, event, timing) {
      const forgetful = event.type === "inbound" && state.dial !== null
        ? { ...state, dial: { ...state.dial, provedMs: null } }
        : state;
      return nextPeer(forgetful, event, timing);
    },
  },
  {
    name: "forgets that a failed M3 may still arrive",
    machine: (state, event, timing) => nextPeer({ ...state, unsettledUntilMs: 0 }, event, timing),
  },
  {
    name: "takes an old M3 after a newer handshake",
    machine: (state, event, timing) => nextPeer({ ...state, barrier: -1 }, event, timing),
  },
  {
    name: "takes an M3 after the deadline",
    machine: (state, event, timing) =>
      nextPeer(
        state,
        event.type === "inbound" ? { ...event, begunMs: event.nowMs } : event,
        timing,
      ),
  },
  {
    name: "doesn't try again",
    machine(state, event, timing) {
      const { state: after, effects } = nextPeer(state, event, timing);
      const atMs = event.nowMs + timing.rekeyMs;
      return after.next?.reason === "retry"
        ? { state: { ...after, next: { atMs, reason: "rekey" } }, effects }
        : { state: after, effects };
    },
  },
];

for (const { name, machine } of MUTANTS) {
  Deno.test(`handshake machine: the explorer catches a machine that ${name}`, () => {
    const found = explore(new Explorer(machine), MAX_STATES, CONNECTIONS);
    assert(found.fault !== null, `${found.states} states without a fault`);
  });
}

Deno.test("handshake machine: the explorer catches one that forgets a dropped peer's old handshakes", () => {
  const forgetful = new Explorer(nextPeer, (first) => newPeer(first));
  const found = explore(forgetful, MAX_STATES, CONNECTIONS);
  assert(found.fault !== null, `${found.states} states without a fault`);
});
