import { assertEquals } from "@std/assert";
import {
  newPeer,
  nextPeer,
  type PeerEffect,
  type PeerEvent,
  type PeerState,
  pskAgeMs,
} from "./machine.ts";
import { TIMING } from "./timing.ts";

type Bare = PeerEvent extends infer E ? E extends PeerEvent ? Omit<E, "nowMs" | "unit"> : never
  : never;

/** A machine with its last effects, without the wakes unless asked. */
class Driven {
  state: PeerState;
  effects: readonly PeerEffect[] = [];

  constructor(first: boolean) {
    this.state = newPeer(first);
    this.at(0, { type: "start" });
  }

  at(nowMs: number, event: Bare, unit = 0): string[] {
    const { state, effects } = nextPeer(
      this.state,
      { ...event, nowMs, unit } as PeerEvent,
      TIMING,
    );
    this.state = state;
    this.effects = effects;
    return effects.map((effect) => effect.do).filter((name) => name !== "wake-at");
  }

  get wakeMs(): number | undefined {
    for (const effect of this.effects) if (effect.do === "wake-at") return effect.atMs;
    return undefined;
  }
}

function agreed(first: boolean): Driven {
  const driven = new Driven(first);
  driven.at(0, { type: "inbound", id: 1, handle: 1, order: 0, begunMs: 0 });
  return driven;
}

Deno.test("nextPeer() begins random; the lower node id dials at once, the higher after its grace", () => {
  const [lower, higher] = [new Driven(true), new Driven(false)];
  assertEquals(lower.effects.map((effect) => effect.do), [
    "install-random-psk",
    "dial",
    "wake-at",
  ]);
  assertEquals(higher.effects.map((effect) => effect.do), ["install-random-psk", "wake-at"]);
  assertEquals(higher.wakeMs, TIMING.graceMs);
  assertEquals(higher.at(TIMING.graceMs, { type: "wake" }), ["dial"]);
});

Deno.test("nextPeer() rekeys at 120 s less jitter, takes over at 150 s, expires once at 180 s", () => {
  const lower = new Driven(true);
  lower.at(0, { type: "proving", attempt: 1 });
  const event = { type: "completed", attempt: 1, handle: 5, order: 0 } as const;
  assertEquals(lower.at(10, event, 0.5), ["install-psk"]);
  assertEquals(lower.wakeMs, 10 + 114_000);
  const higher = agreed(false);
  assertEquals(higher.wakeMs, 150_000);
  assertEquals(pskAgeMs(higher.state, 7_000), 7_000);
  assertEquals(higher.at(150_000, { type: "wake" }), ["dial"]);
  for (let nowMs = 150_000; nowMs < 180_000;) {
    higher.at(nowMs, { type: "failed", attempt: higher.state.attempts, code: "closed" });
    nowMs = higher.wakeMs ?? Infinity;
    if (nowMs < 180_000) higher.at(nowMs, { type: "wake" });
  }
  const at180 = higher.at(180_000, { type: "wake" });
  assertEquals(at180.filter((name) => name === "install-random-psk").length, 1);
  assertEquals(higher.state.psk.kind, "random");
  assertEquals(pskAgeMs(higher.state, 181_000), null);
  assertEquals(higher.at(200_000, { type: "wake" }).includes("install-random-psk"), false);
});

Deno.test("nextPeer() waits 0.5, 1, 2, 4, 8, 10, 10 s between attempts", () => {
  const driven = new Driven(true);
  const waits: number[] = [];
  let nowMs = 0;
  for (let failure = 0; failure < 7; failure++) {
    driven.at(nowMs, { type: "failed", attempt: driven.state.attempts, code: "closed" });
    const next = driven.wakeMs ?? NaN;
    waits.push(next - nowMs);
    nowMs = next;
    driven.at(nowMs, { type: "wake" });
  }
  assertEquals(waits, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  assertEquals(driven.state.lastError, { code: "closed", atMs: nowMs - 10_000 });
});

Deno.test("nextPeer() gives its dial up for the peer's M3 only before its own M3 went", () => {
  const event = { type: "inbound", id: 9, handle: 3, order: 0, begunMs: 0 } as const;
  const early = new Driven(true);
  assertEquals(early.at(10, event), ["abort-dial", "install-psk", "accept-inbound"]);
  assertEquals(early.at(11, { type: "proving", attempt: 1 }), []);
  assertEquals(early.at(12, { type: "completed", attempt: 1, handle: 4, order: 0 }), ["discard"]);
  const late = new Driven(true);
  late.at(5, { type: "proving", attempt: 1 });
  assertEquals(late.at(10, event), ["discard", "refuse-inbound"]);
  late.at(20, { type: "failed", attempt: 1, code: "closed" });
  assertEquals(late.at(30, event), ["discard", "refuse-inbound"], "the peer may have installed");
  const told = new Driven(true);
  told.at(5, { type: "proving", attempt: 1 });
  told.at(20, { type: "failed", attempt: 1, code: "busy" });
  assertEquals(told.at(30, event), ["install-psk", "accept-inbound"], "the peer said it didn't");
});

Deno.test("nextPeer() refuses an M3 that is older than the last handshake, or late", () => {
  const driven = agreed(false);
  const event = { type: "inbound", id: 9, handle: 3, order: 0, begunMs: 0 } as const;
  assertEquals(driven.at(10, event), ["discard", "refuse-inbound"]);
  assertEquals(driven.at(5_000, { ...event, order: 1 }), ["discard", "refuse-inbound"]);
  assertEquals(driven.at(4_999, { ...event, order: 1 }), ["install-psk", "accept-inbound"]);
});

Deno.test("nextPeer(): a removed peer is removed, whatever comes", () => {
  const driven = new Driven(true);
  assertEquals(driven.at(1, { type: "remove" }), ["abort-dial", "remove-peer"]);
  const event = { type: "inbound", id: 9, handle: 3, order: 4, begunMs: 1 } as const;
  assertEquals(driven.at(2, event), ["discard", "refuse-inbound"]);
  assertEquals(driven.at(2, { type: "completed", attempt: 1, handle: 4, order: 4 }), ["discard"]);
  for (const type of ["start", "wake", "demand", "remove"] as const) {
    assertEquals(driven.at(200_000, { type }), []);
  }
  assertEquals(driven.wakeMs, undefined);
});

Deno.test("nextPeer(): a kernel that took no PSK is no agreement", () => {
  const driven = agreed(true);
  driven.at(1, { type: "install-failed", code: "KernelFault" });
  assertEquals(driven.state.psk.kind, "none");
  assertEquals(driven.state.next?.reason, "retry");
  assertEquals(driven.at(2, { type: "demand" }), ["dial"]);
  assertEquals(driven.at(3, { type: "demand" }), []);
});
