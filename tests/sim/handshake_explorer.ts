// An exhaustive explorer of two peers' handshake machines and a network between them. The machines are
// the product's, run on small numbers for time; the network may delay every message up to the deadlines,
// reorder connections, cut any of them anywhere; either end may restart, or drop the other and take it up
// again, at any moment; and a kernel may refuse any agreed PSK. All of it without limit.
// A state is kept in a form in which times are relative and names are by first occurrence, so the number
// of states is finite and all of them are seen.
import {
  newPeer,
  nextPeer,
  type PeerEvent,
  type PeerState,
  type Timing,
  wakeAt,
} from "../../core/handshake/mod.ts";

/** Small numbers in the order of the real ones. */
export const SMALL: Timing = {
  deadlineMs: 2,
  graceMs: 1,
  retryMinMs: 1,
  retryMaxMs: 2,
  rekeyMs: 4,
  jitterMs: 0,
  takeoverMs: 5,
  expiryMs: 6,
};

/** What the network carries next on a connection; 5 is the refusal in M4's place. */
type Flight = 1 | 2 | 3 | 4 | 5;

interface Connection {
  /** Index of the initiator. */
  readonly from: 0 | 1;
  readonly attempt: number;
  /** Also the handle of the PSK it would give. */
  readonly id: number;
  readonly flight: Flight;
  /** Whether the initiator still listens. */
  readonly open: boolean;
  /** Whether the responder restarted: what it had sent may still arrive, and nobody hears an answer. */
  readonly orphan: boolean;
  readonly order: number;
  readonly begunMs: number;
}

/** Both peers, the network, and the time. */
export interface World {
  readonly nowMs: number;
  readonly peers: readonly [PeerState, PeerState];
  readonly connections: readonly Connection[];
  readonly orders: readonly [number, number];
  readonly ids: number;
}

/** The machine under test; a mutant changes what it is told. */
export type Machine = typeof nextPeer;

const other = (end: 0 | 1): 0 | 1 => (end === 0 ? 1 : 0);

type Bare = PeerEvent extends infer E ? E extends PeerEvent ? Omit<E, "nowMs" | "unit"> : never
  : never;

function withPeer(world: World, end: 0 | 1, state: PeerState): World {
  return { ...world, peers: end === 0 ? [state, world.peers[1]] : [world.peers[0], state] };
}

/** Explores the machine of one timing. */
export class Explorer {
  readonly #machine: Machine;
  readonly #timing: Timing;

  readonly #added: typeof newPeer;

  /** @param added makes the state of a peer that is taken up again. */
  constructor(machine: Machine = nextPeer, added = newPeer, timing: Timing = SMALL) {
    this.#machine = machine;
    this.#added = added;
    this.#timing = timing;
  }

  /**
   * Gives an end an event and carries out its effects on the network. A kernel that refuses the PSK is
   * heard of before anything else happens, and the refusal takes M4's place, as core/handshake/keeper.ts does.
   */
  #tell(world: World, end: 0 | 1, event: Bare, kernel: "takes" | "refuses" = "takes"): World {
    const full = { ...event, nowMs: world.nowMs, unit: 0 } as PeerEvent;
    const { state, effects } = this.#machine(world.peers[end], full, this.#timing);
    let after = withPeer(world, end, state);
    for (const effect of effects) {
      if (effect.do === "dial") {
        const dialled: Connection = {
          from: end,
          attempt: effect.attempt,
          id: after.ids,
          flight: 1,
          open: true,
          orphan: false,
          order: -1,
          begunMs: 0,
        };
        after = { ...after, ids: after.ids + 1, connections: [...after.connections, dialled] };
      } else if (effect.do === "abort-dial") {
        after = this.#hangUp(after, end, effect.attempt);
      } else if (effect.do === "prove") {
        after = this.#move(after, (one) => one.from === end && one.attempt === effect.attempt, 3);
      } else if (effect.do === "accept-inbound") {
        after = this.#move(after, (one) => one.id === effect.id, kernel === "takes" ? 4 : 5);
      } else if (effect.do === "refuse-inbound") {
        after = this.#move(after, (one) => one.id === effect.id, 5);
      }
    }
    return kernel === "refuses" && effects.some((effect) => effect.do === "install-psk")
      ? this.#tell(after, end, { type: "install-failed", code: "KernelFault" })
      : after;
  }

  #move(world: World, which: (one: Connection) => boolean, flight: Flight): World {
    const connections = world.connections.map((one) => which(one) ? { ...one, flight } : one);
    return { ...world, connections };
  }

  /** The initiator closes; only an M3 on its way can still matter. */
  #hangUp(world: World, end: 0 | 1, attempt: number): World {
    const connections = world.connections
      .filter((one) => one.from !== end || one.attempt !== attempt || one.flight === 3)
      .map((one) => one.from === end && one.attempt === attempt ? { ...one, open: false } : one);
    return { ...world, connections };
  }

  #without(world: World, connection: Connection): World {
    return { ...world, connections: world.connections.filter((one) => one !== connection) };
  }

  /** The message on its way arrives. */
  deliver(
    world: World,
    connection: Connection,
    kernel: "takes" | "refuses" = "takes",
  ): World {
    const { from, attempt, id, flight } = connection;
    const to = other(from);
    switch (flight) {
      case 1: {
        const order = world.orders[to];
        const begun = { ...connection, flight: 2 as const, order, begunMs: world.nowMs };
        return {
          ...world,
          orders: to === 0 ? [order + 1, world.orders[1]] : [world.orders[0], order + 1],
          connections: world.connections.map((one) => one === connection ? begun : one),
        };
      }
      case 2: {
        const told = this.#tell(world, from, { type: "proving", attempt });
        const after = told.connections.find((one) => one.id === id);
        const over = after !== undefined && (after.flight === 2 || after.orphan);
        return over ? this.#without(told, after) : told;
      }
      case 3: {
        const { order, begunMs } = connection;
        const event = { type: "inbound", id, handle: id, order, begunMs } as const;
        const told = this.#tell(world, to, event, kernel);
        const answered = told.connections.find((one) => one.id === id);
        return answered === undefined || answered.open ? told : this.#without(told, answered);
      }
      case 4: {
        const order = world.orders[from] - 1;
        const gone = this.#without(world, connection);
        const event = { type: "completed", attempt, handle: id, order } as const;
        return this.#tell(gone, from, event, kernel);
      }
      case 5:
        return this.#tell(this.#without(world, connection), from, {
          type: "failed",
          attempt,
          code: "busy",
        });
    }
  }

  /** An end loses all it knew; its connections break, and what it had sent may still arrive. */
  restart(world: World, end: 0 | 1): World {
    const fresh = newPeer(world.peers[end].first);
    // Attempts are named apart from those before the restart, as connections are in the real world.
    const named = { ...fresh, attempts: world.ids };
    const connections = world.connections
      .filter((one) => one.from === end ? one.flight === 3 : one.flight !== 1 && one.flight !== 3)
      .map((one) => one.from === end ? { ...one, open: false } : { ...one, orphan: true });
    return this.#tell({ ...withPeer(world, end, named), connections }, end, { type: "start" });
  }

  /** An end drops the other and takes it up again: only its own attempt ends, what it answers goes on. */
  readd(world: World, end: 0 | 1): World {
    const { dial, first } = world.peers[end];
    const left = dial === null ? world : this.#hangUp(world, end, dial.attempt);
    const fresh = this.#added(first, left.orders[end] - 1);
    const named = { ...fresh, attempts: left.ids };
    return this.#tell(withPeer(left, end, named), end, { type: "start" });
  }

  /** One unit of time passes. */
  tick(world: World): World {
    const nowMs = world.nowMs + 1;
    let after: World = {
      ...world,
      nowMs,
      // The responder gives up after its deadline; at the very moment M3 is still read, and refused.
      connections: world.connections.filter((one) =>
        one.flight !== 3 || nowMs <= one.begunMs + this.#timing.deadlineMs
      ),
    };
    for (const end of [0, 1] as const) {
      for (let woken = 0; woken < 3; woken++) {
        const atMs = wakeAt(after.peers[end], this.#timing);
        if (atMs === null || atMs > nowMs) break;
        after = this.#tell(after, end, { type: "wake" });
      }
    }
    return after;
  }

  /** Both ends just started. */
  begin(): World {
    let world: World = {
      nowMs: 0,
      peers: [newPeer(true), newPeer(false)],
      connections: [],
      orders: [0, 0],
      ids: 1,
    };
    for (const end of [0, 1] as const) world = this.#tell(world, end, { type: "start" });
    return world;
  }

  /** Everything that can happen next. The first is what a working network does. */
  successors(world: World): World[] {
    const out: World[] = [];
    for (const connection of world.connections) out.push(this.deliver(world, connection));
    out.push(this.tick(world));
    for (const connection of world.connections) {
      out.push(this.#without(world, connection));
      if (connection.flight === 3 || connection.flight === 4) {
        out.push(this.deliver(world, connection, "refuses"));
      }
    }
    for (const end of [0, 1] as const) {
      out.push(this.restart(world, end), this.readd(world, end));
      out.push(this.#tell(world, end, { type: "demand" }));
      const { dial } = world.peers[end];
      const carried = world.connections.some((one) =>
        one.from === end && one.attempt === dial?.attempt && one.open
      );
      // A broken connection is noticed at once, later, or never.
      if (dial !== null && !carried) {
        const failed = { type: "failed", attempt: dial.attempt, code: "closed" } as const;
        out.push(this.#tell(world, end, failed));
      }
    }
    return out;
  }

  /** A state's canonical name. */
  keyOf(world: World): string {
    const { nowMs, connections } = world;
    const names = new Map<number, number>();
    const named = (id: number) => {
      if (!names.has(id)) names.set(id, names.size);
      return names.get(id);
    };
    const machines = world.peers.map((peer) => {
      const { psk, dial, next } = peer;
      const key = psk.kind === "agreed" ? `${named(psk.handle)}@${psk.sinceMs - nowMs}` : psk.kind;
      const called = dial === null
        ? ""
        : `${dial.deadlineMs - nowMs},${dial.provedMs === null ? "" : dial.provedMs - nowMs}`;
      const due = next === null ? "" : `${next.reason[2]}${next.atMs - nowMs}`;
      const doubt = Math.max(0, peer.unsettledUntilMs - nowMs);
      return `${key};${called};${due};${doubt};${Math.min(2, peer.failures)}`;
    });
    const sorted = connections.toSorted((a, b) => a.from - b.from || a.order - b.order);
    const wires = sorted.map((one) => {
      const mine = world.peers[one.from].dial?.attempt === one.attempt ? "c" : "";
      const stale = one.order >= 0 && one.order <= world.peers[other(one.from)].barrier ? "s" : "";
      const age = one.flight === 1 ? "" : one.begunMs - nowMs;
      return `${one.from}${one.flight}${one.open ? "o" : ""}${
        one.orphan ? "g" : ""
      }${mine}${stale}${age}#${named(one.id)}`;
    });
    return `${machines.join("|")}|${wires.join("|")}`;
  }
}

/** Nothing is under way and nothing is due but the next rekey. */
export function atRest({ peers, connections }: World): boolean {
  return connections.length === 0 &&
    peers.every(({ dial, next }) => dial === null && next?.reason === "rekey");
}

/** Both hold the same PSK and nothing is under way. */
export function inAgreement(world: World): boolean {
  const [a, b] = world.peers;
  return atRest(world) && a.psk.kind === "agreed" && b.psk.kind === "agreed" &&
    a.psk.handle === b.psk.handle;
}

/** Why a state must not be, or `null`. */
export function faultOf(world: World): string | null {
  const [a, b] = world.peers;
  if (atRest(world) && !inAgreement(world)) {
    return `at rest with ${JSON.stringify(a.psk)} and ${JSON.stringify(b.psk)}`;
  }
  for (const peer of world.peers) {
    if (peer.dial === null && peer.next === null) return "an end waits for nothing";
    if (peer.psk.kind === "random" && peer.next?.reason === "rekey") return "random, yet content";
    if (peer.psk.kind === "none" && peer.next?.reason === "rekey") return "no PSK, yet content";
  }
  return null;
}

/** What an exploration found. */
export interface Exploration {
  readonly states: number;
  readonly steps: number;
  /** The first breach, with the events' number that led to it. */
  readonly fault: string | null;
  /** Most units of time a working network needs from any state to agreement; -1 where it never agrees. */
  readonly worstTicks: number;
  readonly complete: boolean;
}

/** Visits every state, up to `maxStates`. */
export function explore(
  explorer: Explorer,
  maxStates: number,
  maxConnections: number,
): Exploration {
  const start = explorer.begin();
  const ids = new Map<string, number>([[explorer.keyOf(start), 0]]);
  let frontier: { readonly world: World; readonly own: number }[] = [{ world: start, own: 0 }];
  const fairNext: number[] = [];
  const agreed: boolean[] = [];
  const ticked: boolean[] = [];
  let steps = 0;
  while (frontier.length > 0) {
    const following: { readonly world: World; readonly own: number }[] = [];
    for (const { world, own } of frontier) {
      const fault = faultOf(world);
      if (fault !== null) {
        return { states: ids.size, steps, fault, worstTicks: -1, complete: false };
      }
      agreed[own] = inAgreement(world);
      ticked[own] = world.connections.length === 0;
      for (const [index, next] of explorer.successors(world).entries()) {
        steps++;
        if (next.connections.length > maxConnections) continue;
        const key = explorer.keyOf(next);
        let id = ids.get(key);
        if (id === undefined) {
          if (ids.size >= maxStates) {
            return { states: ids.size, steps, fault: null, worstTicks: -1, complete: false };
          }
          id = ids.size;
          ids.set(key, id);
          following.push({ world: next, own: id });
        }
        if (index === 0) fairNext[own] = id;
      }
    }
    frontier = following;
  }
  return {
    states: ids.size,
    steps,
    fault: null,
    worstTicks: worst(fairNext, agreed, ticked),
    complete: true,
  };
}

/** Longest way to agreement along the steps of a working network, in units of time. */
function worst(fairNext: number[], agreed: boolean[], ticked: boolean[]): number {
  const ticks = new Int32Array(fairNext.length).fill(-2);
  let most = 0;
  for (let start = 0; start < fairNext.length; start++) {
    const path: number[] = [];
    let at = start;
    while (ticks[at] === -2 && agreed[at] !== true) {
      ticks[at] = -1;
      path.push(at);
      at = fairNext[at] ?? at;
    }
    // A state met again on its own path: it goes round for ever.
    if (agreed[at] !== true && ticks[at] === -1) return -1;
    let sum = agreed[at] === true ? 0 : ticks[at] ?? 0;
    for (const id of path.reverse()) {
      sum += ticked[id] === true ? 1 : 0;
      ticks[id] = sum;
      most = Math.max(most, sum);
    }
  }
  return most;
}
