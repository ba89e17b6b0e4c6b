// Confirm or roll back, as a pure machine: (state, event) → {state, effects}. manager.ts carries effects
// out and feeds their outcome back as events. What makes it safe against power cuts is the order of
// effects: the pending record is on disk before the kernel is touched, and the one atomic write of the
// document is the point where a change becomes confirmed.
import type { ConfigOutcome } from "./history.ts";

/** The pending record: on disk from before an apply until it is confirmed or undone. */
export interface Pending {
  readonly version: 1;
  readonly revision: number;
  readonly previousRevision: number;
  readonly previousText: string;
  readonly text: string;
  readonly author: string;
  readonly bootId: string;
  /** On the monotonic clock of boot `bootId`. */
  readonly deadlineMonotonicMs: number;
  /** For display. */
  readonly startedWallMs: number;
  readonly deadlineWallMs: number;
}

/** The document in force that is confirmed. */
export interface Confirmed {
  readonly revision: number;
  readonly text: string;
}

export type RollbackOutcome = Extract<ConfigOutcome, "rolled-back" | "expired" | "interrupted">;

export type State =
  | { readonly name: "stopped" }
  | { readonly name: "starting"; readonly confirmed: Confirmed }
  | { readonly name: "idle"; readonly confirmed: Confirmed }
  /** The record is being written; nothing else has happened. */
  | { readonly name: "recording"; readonly confirmed: Confirmed; readonly pending: Pending }
  | { readonly name: "applying"; readonly confirmed: Confirmed; readonly pending: Pending }
  /** Applied; waits to be confirmed. */
  | { readonly name: "waiting"; readonly confirmed: Confirmed; readonly pending: Pending }
  | { readonly name: "confirming"; readonly confirmed: Confirmed; readonly pending: Pending }
  | {
    readonly name: "rolling-back";
    readonly confirmed: Confirmed;
    readonly pending: Pending;
    readonly outcome: RollbackOutcome;
  };

export type Event =
  /** What was found on disk. */
  | {
    readonly type: "start";
    readonly confirmed: Confirmed;
    readonly pending: Pending | null;
    /** What was in force before the document was edited by hand; `null` when it was not. */
    readonly before: string | null;
  }
  | { readonly type: "apply"; readonly pending: Pending }
  | { readonly type: "recorded" }
  | { readonly type: "record-failed" }
  | { readonly type: "applied" }
  | { readonly type: "confirm" }
  | { readonly type: "committed" }
  | { readonly type: "commit-failed" }
  | { readonly type: "roll-back" }
  | { readonly type: "deadline" }
  | { readonly type: "stop" };

export type Effect =
  | { readonly do: "record"; readonly pending: Pending }
  | { readonly do: "apply"; readonly text: string; readonly previousText: string | null }
  | { readonly do: "commit"; readonly confirmed: Confirmed }
  | { readonly do: "forget-record" }
  | { readonly do: "start-timer"; readonly untilMonotonicMs: number }
  | { readonly do: "stop-timer" }
  | {
    readonly do: "archive";
    readonly pending: Pending;
    readonly outcome: "confirmed" | RollbackOutcome;
  };

/** What a step of the machine yields; `refused` names an event that does not fit the state. */
export interface Next {
  readonly state: State;
  readonly effects: readonly Effect[];
  readonly refused: "busy" | "not-pending" | "not-started" | null;
}

function go(state: State, ...effects: readonly Effect[]): Next {
  return { state, effects, refused: null };
}

function refuse(state: State, refused: Next["refused"]): Next {
  return { state, effects: [], refused };
}

function start(confirmed: Confirmed, pending: Pending | null, before: string | null): Next {
  if (pending === null) {
    return go({ name: "starting", confirmed }, {
      do: "apply",
      text: confirmed.text,
      previousText: before,
    });
  }
  if (pending.text === confirmed.text) {
    // The commit was on disk before the cut: only the clearing up is missing.
    const done = { revision: pending.revision, text: pending.text };
    return go(
      { name: "starting", confirmed: done },
      { do: "commit", confirmed: done },
      { do: "archive", pending, outcome: "confirmed" },
      { do: "forget-record" },
      { do: "apply", text: done.text, previousText: before },
    );
  }
  return go(
    { name: "rolling-back", confirmed, pending, outcome: "interrupted" },
    { do: "apply", text: confirmed.text, previousText: pending.text },
  );
}

function rollBack(
  state: Extract<State, { pending: Pending }>,
  outcome: RollbackOutcome,
): Next {
  const { confirmed, pending } = state;
  return go(
    { name: "rolling-back", confirmed, pending, outcome },
    { do: "stop-timer" },
    { do: "apply", text: confirmed.text, previousText: pending.text },
  );
}

function applied(state: State): Next {
  if (state.name === "starting") return go({ name: "idle", confirmed: state.confirmed });
  if (state.name === "applying") {
    return go(
      { ...state, name: "waiting" },
      { do: "start-timer", untilMonotonicMs: state.pending.deadlineMonotonicMs },
    );
  }
  if (state.name === "rolling-back") {
    return go(
      { name: "idle", confirmed: state.confirmed },
      { do: "archive", pending: state.pending, outcome: state.outcome },
      { do: "forget-record" },
    );
  }
  return refuse(state, "not-pending");
}

function committed(state: State): Next {
  if (state.name !== "confirming") return refuse(state, "not-pending");
  const { pending } = state;
  return go(
    { name: "idle", confirmed: { revision: pending.revision, text: pending.text } },
    { do: "archive", pending, outcome: "confirmed" },
    { do: "forget-record" },
  );
}

/** One step of the machine. */
export function next(state: State, event: Event): Next {
  if (event.type === "stop") return go({ name: "stopped" }, { do: "stop-timer" });
  if (event.type === "start") {
    return state.name === "stopped"
      ? start(event.confirmed, event.pending, event.before)
      : refuse(state, "busy");
  }
  if (state.name === "stopped") return refuse(state, "not-started");
  switch (event.type) {
    case "apply":
      return state.name === "idle"
        ? go({ name: "recording", confirmed: state.confirmed, pending: event.pending }, {
          do: "record",
          pending: event.pending,
        })
        : refuse(state, "busy");
    case "recorded":
      return state.name === "recording"
        ? go({ ...state, name: "applying" }, {
          do: "apply",
          text: state.pending.text,
          previousText: state.pending.previousText,
        })
        : refuse(state, "not-pending");
    case "record-failed":
      return state.name === "recording"
        ? go({ name: "idle", confirmed: state.confirmed }, { do: "forget-record" })
        : refuse(state, "not-pending");
    case "applied":
      return applied(state);
    case "confirm":
      return state.name === "waiting"
        ? go({ ...state, name: "confirming" }, { do: "stop-timer" }, {
          do: "commit",
          confirmed: { revision: state.pending.revision, text: state.pending.text },
        })
        : refuse(state, "not-pending");
    case "committed":
      return committed(state);
    case "commit-failed":
      return state.name === "confirming"
        ? go({ ...state, name: "waiting" }, {
          do: "start-timer",
          untilMonotonicMs: state.pending.deadlineMonotonicMs,
        })
        : refuse(state, "not-pending");
    case "roll-back":
      return state.name === "waiting"
        ? rollBack(state, "rolled-back")
        : refuse(state, state.name === "idle" ? "not-pending" : "busy");
    case "deadline":
      return state.name === "waiting" ? rollBack(state, "expired") : refuse(state, "not-pending");
  }
}
