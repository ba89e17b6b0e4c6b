import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Event, next, type Pending, type State } from "./machine.ts";

const confirmed = { revision: 4, text: "old" };
const pending: Pending = {
  version: 1,
  revision: 5,
  previousRevision: 4,
  previousText: "old",
  text: "new",
  author: "a",
  bootId: "b",
  deadlineMonotonicMs: 60_000,
  startedWallMs: 0,
  deadlineWallMs: 60_000,
};

const EVENTS: readonly Event[] = [
  { type: "start", confirmed, pending: null, before: null },
  { type: "start", confirmed, pending, before: null },
  { type: "start", confirmed: { ...confirmed, text: "new" }, pending, before: null },
  { type: "apply", pending },
  { type: "recorded" },
  { type: "record-failed" },
  { type: "applied" },
  { type: "confirm" },
  { type: "committed" },
  { type: "commit-failed" },
  { type: "roll-back" },
  { type: "deadline" },
  { type: "stop" },
];

/** What the effects so far have come to. */
interface Model {
  record: "none" | "old" | "pending";
  document: string;
  kernel: string | null;
  timer: boolean;
}

Deno.test("next() keeps its promises over every sequence of events", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 60 }), (events) => {
      let state: State = { name: "stopped" };
      const model: Model = { record: "none", document: "old", kernel: null, timer: false };
      for (const event of events) {
        // A machine that restarts finds what is on disk, not what the random event says.
        if (event.type === "start" && state.name === "stopped") {
          model.record = event.pending === null ? "none" : "pending";
          model.document = event.confirmed.text;
          model.kernel = null;
        }
        const step = next(state, event);
        if (step.refused !== null) {
          assertEquals([step.state, step.effects], [state, []], "a refusal changed something");
          continue;
        }
        for (const effect of step.effects) {
          if (effect.do === "record") model.record = "pending";
          else if (effect.do === "forget-record") model.record = "none";
          else if (effect.do === "commit") model.document = effect.confirmed.text;
          else if (effect.do === "start-timer") model.timer = true;
          else if (effect.do === "stop-timer") model.timer = false;
          else if (effect.do === "apply") {
            if (effect.text !== model.document) {
              assertEquals(model.record, "pending", "touched the machine without a record");
            }
            model.kernel = effect.text;
          }
        }
        state = step.state;
        if (state.name === "idle" || state.name === "starting") {
          assertEquals(model.record, "none", "idle with a record left");
          assertEquals(model.timer && event.type !== "deadline", false, "idle with a timer");
          if (event.type !== "record-failed") assertEquals(model.kernel, model.document);
        }
        if (state.name === "waiting") assert(model.timer, "waiting without a deadline");
        if (event.type === "deadline") model.timer = false;
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("next() refuses an apply in every state but idle", () => {
  const states: readonly State[] = [
    { name: "starting", confirmed },
    { name: "recording", confirmed, pending },
    { name: "applying", confirmed, pending },
    { name: "waiting", confirmed, pending },
    { name: "confirming", confirmed, pending },
    { name: "rolling-back", confirmed, pending, outcome: "expired" },
  ];
  for (const state of states) {
    assertEquals(next(state, { type: "apply", pending }).refused, "busy", state.name);
  }
  assertEquals(next({ name: "stopped" }, { type: "apply", pending }).refused, "not-started");
  assertEquals(next({ name: "idle", confirmed }, { type: "apply", pending }).refused, null);
});
