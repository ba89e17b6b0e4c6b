// Who dials whom and when, for one peer: a pure machine (state, event) → {state, effects}. It knows no
// keys (a PSK is a handle) and no sockets. The rules and what they rest on: docs/protocol/handshake.md.
//
// Agreement rests on three of them. (1) Whoever has sent M3 and doesn't know what became of it refuses
// the peer's M3, because the peer may install from the one that was sent; whoever hasn't sent M3 yet
// gives its own attempt up instead. (2) What was sent may be taken for as long as a handshake may last,
// so the doubt of (1) ends after that time. (3) Of a peer's handshakes only one that began after the
// last one completed here is taken, so that an M3 that lay in the network can't undo a newer one.
import type { HandshakeErrorCode } from "./errors.ts";
import type { Timing } from "./timing.ts";

/** Names a PSK that the driver keeps; the machine never sees key material. */
export type PskHandle = number;

/** What the tunnel to this peer is keyed with. */
export type PskState =
  /** Nothing of ours is installed: not started, removed, or the kernel refused. */
  | { readonly kind: "none" }
  /** Random: no packet gets through, and none leaves under a weak key. */
  | { readonly kind: "random"; readonly sinceMs: number }
  /** From a completed handshake. */
  | { readonly kind: "agreed"; readonly sinceMs: number; readonly handle: PskHandle };

/** Our own attempt in progress. */
export interface Dial {
  readonly attempt: number;
  readonly deadlineMs: number;
  /** When M3 was let go, `null` before: from then on the peer may install. */
  readonly provedMs: number | null;
}

/** Why the next dial is due. */
export type DialReason = "first" | "rekey" | "retry";

/** Everything about one peer; shown as it is by status pages. */
export interface PeerState {
  /** Our node id is the lower one: we initiate. */
  readonly first: boolean;
  readonly removed: boolean;
  readonly psk: PskState;
  readonly dial: Dial | null;
  /** The next dial; `null` before the start, while dialling, and once removed. */
  readonly next: { readonly atMs: number; readonly reason: DialReason } | null;
  /** Until then the peer may still install from an M3 of ours whose fate is unknown. */
  readonly unsettledUntilMs: number;
  /** Failures since the last completion. */
  readonly failures: number;
  /** Dials begun, ever. */
  readonly attempts: number;
  /** Handshakes completed, as either role. */
  readonly completed: number;
  readonly lastError: { readonly code: string; readonly atMs: number } | null;
  /** Handshakes of the peer that began at or before this number are refused. */
  readonly barrier: number;
}

interface Timed {
  readonly nowMs: number;
  /** In [0, 1), fresh: spreads rekeys and retries. */
  readonly unit: number;
}

/** What happens to a peer. */
export type PeerEvent =
  & Timed
  & (
    | { readonly type: "start" }
    | { readonly type: "wake" }
    /** A packet waits for the tunnel, or the peer was heard for the first time. */
    | { readonly type: "demand" }
    /** M2 holds, M3 could go. */
    | { readonly type: "proving"; readonly attempt: number }
    /** M4 holds. `order`: the node's counter of handshakes begun with it, as of now. */
    | {
      readonly type: "completed";
      readonly attempt: number;
      readonly handle: PskHandle;
      readonly order: number;
    }
    | {
      readonly type: "failed";
      readonly attempt: number;
      readonly code: HandshakeErrorCode;
    }
    /** The peer's M3 holds. `order`, `begunMs`: counter and time when its M1 came. */
    | {
      readonly type: "inbound";
      readonly id: number;
      readonly handle: PskHandle;
      readonly order: number;
      readonly begunMs: number;
    }
    /** The kernel didn't take the PSK. */
    | { readonly type: "install-failed"; readonly code: string }
    | { readonly type: "remove" }
  );

/** What the driver is to do, in this order. */
export type PeerEffect =
  | { readonly do: "dial"; readonly attempt: number }
  | { readonly do: "abort-dial"; readonly attempt: number }
  /** M3 may go. */
  | { readonly do: "prove"; readonly attempt: number }
  | { readonly do: "install-psk"; readonly handle: PskHandle }
  | { readonly do: "install-random-psk" }
  /** The handshake won't be used: wipe. */
  | { readonly do: "discard"; readonly handle: PskHandle }
  /** Once the PSK before it is installed, M4 may go. */
  | { readonly do: "accept-inbound"; readonly id: number }
  /** The refusal takes M4's place. */
  | { readonly do: "refuse-inbound"; readonly id: number }
  | { readonly do: "remove-peer" }
  /** Send "wake" then; replaces the wake before. */
  | { readonly do: "wake-at"; readonly atMs: number };

/** A step of the machine. */
export interface PeerNext {
  readonly state: PeerState;
  readonly effects: readonly PeerEffect[];
}

/**
 * A peer before its start.
 *
 * @param first whether our node id is lower than the peer's.
 * @param barrier number of the last handshake begun with this node, if the peer was removed so lately that
 *   one from before may still arrive: taken, it could undo what the peer agreed on since.
 */
export function newPeer(first: boolean, barrier = -1): PeerState {
  return {
    first,
    removed: false,
    psk: { kind: "none" },
    dial: null,
    next: null,
    unsettledUntilMs: 0,
    failures: 0,
    attempts: 0,
    completed: 0,
    lastError: null,
    barrier,
  };
}

/** Age of the agreed PSK in milliseconds; `null` without one. */
export function pskAgeMs(state: PeerState, nowMs: number): number | null {
  return state.psk.kind === "agreed" ? nowMs - state.psk.sinceMs : null;
}

type Step = { state: PeerState; effects: PeerEffect[] };

const same = (state: PeerState): Step => ({ state, effects: [] });

/** Waits 0.5, 1, 2 … 10 s, up to a quarter less, the higher node id a little longer. */
function retryAt(state: PeerState, event: Timed, timing: Timing): PeerState["next"] {
  const doubled = timing.retryMinMs * 2 ** Math.min(30, Math.max(0, state.failures - 1));
  const wait = Math.min(timing.retryMaxMs, doubled) * (1 - event.unit / 4);
  return { atMs: event.nowMs + wait + (state.first ? 0 : timing.graceMs), reason: "retry" };
}

function beginDial(state: PeerState, event: Timed, timing: Timing): Step {
  const attempt = state.attempts + 1;
  const dial = { attempt, deadlineMs: event.nowMs + timing.deadlineMs, provedMs: null };
  return {
    state: { ...state, dial, next: null, attempts: attempt },
    effects: [{ do: "dial", attempt }],
  };
}

/** The attempt is over. `known`: the peer said, under the handshake's keys, that it didn't install. */
function failDial(
  state: PeerState,
  dial: Dial,
  event: Timed,
  timing: Timing,
  code: string,
  known: boolean,
): PeerState {
  const doubtUntilMs = dial.provedMs === null || known ? 0 : dial.provedMs + timing.deadlineMs;
  const failed: PeerState = {
    ...state,
    dial: null,
    failures: state.failures + 1,
    lastError: { code, atMs: event.nowMs },
    unsettledUntilMs: Math.max(state.unsettledUntilMs, doubtUntilMs),
  };
  return { ...failed, next: retryAt(failed, event, timing) };
}

/** A PSK both ends hold, or will once M4 arrived. */
function agree(state: PeerState, event: Timed, timing: Timing, handle: PskHandle): PeerState {
  const age = state.first ? timing.rekeyMs - event.unit * timing.jitterMs : timing.takeoverMs;
  return {
    ...state,
    dial: null,
    psk: { kind: "agreed", sinceMs: event.nowMs, handle },
    next: { atMs: event.nowMs + age, reason: "rekey" },
    unsettledUntilMs: 0,
    failures: 0,
    completed: state.completed + 1,
    lastError: null,
  };
}

function wake(state: PeerState, event: Timed, timing: Timing): Step {
  const effects: PeerEffect[] = [];
  let now = state;
  if (now.psk.kind === "agreed" && event.nowMs >= now.psk.sinceMs + timing.expiryMs) {
    now = { ...now, psk: { kind: "random", sinceMs: event.nowMs } };
    effects.push({ do: "install-random-psk" });
  }
  if (now.dial !== null && event.nowMs >= now.dial.deadlineMs) {
    effects.push({ do: "abort-dial", attempt: now.dial.attempt });
    now = failDial(now, now.dial, event, timing, "timeout", false);
  } else if (now.next !== null && event.nowMs >= now.next.atMs) {
    const begun = beginDial(now, event, timing);
    return { state: begun.state, effects: [...effects, ...begun.effects] };
  }
  return { state: now, effects };
}

function proving(state: PeerState, event: Timed & { attempt: number }): Step {
  const { dial } = state;
  if (dial === null || dial.attempt !== event.attempt || event.nowMs >= dial.deadlineMs) {
    return same(state);
  }
  return {
    state: { ...state, dial: { ...dial, provedMs: event.nowMs } },
    effects: [{ do: "prove", attempt: dial.attempt }],
  };
}

/** Whether an M3 of the peer may be taken. */
function admits(
  state: PeerState,
  event: Timed & { order: number; begunMs: number },
  timing: Timing,
): boolean {
  const inTime = event.nowMs < event.begunMs + timing.deadlineMs;
  const newer = event.order > state.barrier;
  const inDoubt = (state.dial !== null && state.dial.provedMs !== null) ||
    event.nowMs < state.unsettledUntilMs;
  return state.next !== null || state.dial !== null ? inTime && newer && !inDoubt : false;
}

function inbound(
  state: PeerState,
  event: Extract<PeerEvent, { type: "inbound" }>,
  timing: Timing,
): Step {
  if (!admits(state, event, timing)) {
    const { id, handle } = event;
    return { state, effects: [{ do: "discard", handle }, { do: "refuse-inbound", id }] };
  }
  const aborted: PeerEffect[] = state.dial === null
    ? []
    : [{ do: "abort-dial", attempt: state.dial.attempt }];
  return {
    state: { ...agree(state, event, timing, event.handle), barrier: event.order },
    effects: [
      ...aborted,
      { do: "install-psk", handle: event.handle },
      { do: "accept-inbound", id: event.id },
    ],
  };
}

function completed(
  state: PeerState,
  event: Extract<PeerEvent, { type: "completed" }>,
  timing: Timing,
): Step {
  const { dial } = state;
  if (dial === null || dial.attempt !== event.attempt || dial.provedMs === null) {
    return { state, effects: [{ do: "discard", handle: event.handle }] };
  }
  return {
    state: { ...agree(state, event, timing, event.handle), barrier: event.order },
    effects: [{ do: "install-psk", handle: event.handle }],
  };
}

function removed(state: PeerState): Step {
  const effects: PeerEffect[] = state.dial === null
    ? []
    : [{ do: "abort-dial", attempt: state.dial.attempt }];
  return {
    state: { ...state, removed: true, dial: null, next: null, psk: { kind: "none" } },
    effects: [...effects, { do: "remove-peer" }],
  };
}

function step(state: PeerState, event: PeerEvent, timing: Timing): Step {
  switch (event.type) {
    case "start": {
      if (state.next !== null || state.dial !== null) return same(state);
      const psk: PskState = { kind: "random", sinceMs: event.nowMs };
      const atMs = event.nowMs + (state.first ? 0 : timing.graceMs);
      const begun = wake({ ...state, psk, next: { atMs, reason: "first" } }, event, timing);
      return { state: begun.state, effects: [{ do: "install-random-psk" }, ...begun.effects] };
    }
    case "wake":
      return wake(state, event, timing);
    case "demand":
      return state.next === null || state.psk.kind === "agreed"
        ? same(state)
        : beginDial(state, event, timing);
    case "proving":
      return proving(state, event);
    case "completed":
      return completed(state, event, timing);
    case "failed":
      return state.dial === null || state.dial.attempt !== event.attempt
        ? same(state)
        : same(failDial(state, state.dial, event, timing, event.code, event.code === "busy"));
    case "inbound":
      return inbound(state, event, timing);
    case "install-failed": {
      if (state.removed) return same(state);
      const broken: PeerState = {
        ...state,
        psk: { kind: "none" },
        failures: state.failures + 1,
        lastError: { code: event.code, atMs: event.nowMs },
      };
      return same(
        broken.dial === null ? { ...broken, next: retryAt(broken, event, timing) } : broken,
      );
    }
    case "remove":
      return removed(state);
  }
}

/** When the machine wants to be woken; `null` when it waits for nothing. */
export function wakeAt(state: PeerState, timing: Timing): number | null {
  const times = [
    state.dial?.deadlineMs,
    state.next?.atMs,
    state.psk.kind === "agreed" ? state.psk.sinceMs + timing.expiryMs : undefined,
  ].filter((time) => time !== undefined);
  return times.length === 0 ? null : Math.min(...times);
}

/** One step of the machine. A removed peer stays removed: whoever is trusted again is a new peer. */
export function nextPeer(state: PeerState, event: PeerEvent, timing: Timing): PeerNext {
  if (state.removed && event.type !== "inbound" && event.type !== "completed") {
    return same(state);
  }
  const { state: after, effects } = step(state, event, timing);
  const atMs = wakeAt(after, timing);
  return { state: after, effects: atMs === null ? effects : [...effects, { do: "wake-at", atMs }] };
}
