// When a tunnel has fallen silent, or the peer has. Pure: counters and times in, a judgement out.
import { KEEPALIVE_S, PROBATION_S, UNANSWERED_MS } from "./limits.ts";

/** Octets of a WireGuard keepalive (a data message without content). WireGuard §5.4.6 */
const KEEPALIVE_BYTES = 32;
/** Octets of initiation and response. WireGuard §5.4.2, §5.4.3 */
const HANDSHAKE_BYTES = 148 + 92;
/** WireGuard makes a new session at this age when something is sent. WireGuard §6.1 */
const REKEY_AFTER_S = 120;

/** A peer's counters as the kernel tells them. */
export interface Counters {
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** What is known of a tunnel's use. */
export interface Use {
  /** As last looked at. */
  readonly counters: Counters;
  /** Monotonic time of the last look. */
  readonly lookedMs: number;
  /** Monotonic time of the last sign of use. */
  readonly activeMs: number;
  /** Whether anything but keepalives and handshakes was ever seen. */
  readonly used: boolean;
  /** Since when things are sent and nothing at all comes back; `null` when something does. */
  readonly unansweredSinceMs: number | null;
}

/** A tunnel that was just asked for. */
export function newUse(nowMs: number): Use {
  return {
    counters: { rxBytes: 0, txBytes: 0 },
    lookedMs: nowMs,
    activeMs: nowMs,
    used: false,
    unansweredSinceMs: null,
  };
}

/** Octets that a silent tunnel with keepalives may have moved in this time: no sign of use. */
export function quietBytes(elapsedMs: number, keepaliveS: number): number {
  if (keepaliveS === 0) return 0;
  const elapsedS = elapsedMs / 1000;
  const keepalives = 2 * (Math.ceil(elapsedS / keepaliveS) + 1);
  const handshakes = Math.ceil(elapsedS / REKEY_AFTER_S) + 1;
  return keepalives * KEEPALIVE_BYTES + handshakes * HANDSHAKE_BYTES;
}

/** Takes a look at the counters, which begin anew when the peer was made anew. */
export function lookAt(use: Use, counters: Counters, nowMs: number, keepaliveS = 0): Use {
  const before = counters.rxBytes < use.counters.rxBytes ||
      counters.txBytes < use.counters.txBytes
    ? { rxBytes: 0, txBytes: 0 }
    : use.counters;
  const rx = counters.rxBytes - before.rxBytes;
  const tx = counters.txBytes - before.txBytes;
  const active = rx + tx > quietBytes(nowMs - use.lookedMs, keepaliveS);
  const unansweredSinceMs = rx > 0
    ? null
    : tx > 0
    ? use.unansweredSinceMs ?? use.lookedMs
    : use.unansweredSinceMs;
  return {
    counters,
    lookedMs: nowMs,
    activeMs: active ? nowMs : use.activeMs,
    used: use.used || active,
    unansweredSinceMs,
  };
}

/**
 * Whether the tunnel may go. One that never carried anything goes sooner: it was brought up by a peer
 * that did not know we had let it go, or it never came up.
 */
export function isIdle(use: Use, nowMs: number, idleS: number): boolean {
  const limitS = use.used ? idleS : Math.min(idleS, PROBATION_S);
  return nowMs - use.activeMs >= limitS * 1000;
}

/**
 * Whether the peer has lost the tunnel: it restarted, or let it go just before we used it. WireGuard
 * answers within 10 s whatever it gets, if only with a keepalive (WireGuard §6.5).
 */
export function isDead(use: Use, nowMs: number): boolean {
  return use.unansweredSinceMs !== null && nowMs - use.unansweredSinceMs >= UNANSWERED_MS &&
    use.lookedMs === nowMs;
}

/** Keepalives go to peers over the internet, where a NAT may be in between; never on the mesh. */
export function keepaliveFor(host: string): number {
  return host.includes("%") ? 0 : KEEPALIVE_S;
}
