// Damaged and made-up frames at the parsers, at parties in every state, and random events at the peer
// machine. X0_HANDSHAKE_FRAMES is their number in all (default 20,000; CI gives a million): seven tenths to
// the parsers, one to the parties, two to the machine. X0_FUZZ_SEED repeats a run; a failure prints it.
import { concat } from "../../core/base/mod.ts";
import { assert, assertEquals } from "@std/assert";
import { decodeCredential, IdentityError } from "../../core/identity/mod.ts";
import {
  HandshakeError,
  newPeer,
  nextPeer,
  type PeerEvent,
  type PeerState,
  TIMING,
  wakeAt,
} from "../../core/handshake/mod.ts";
import {
  decodeEnrolAnswer,
  decodeEnrolM1,
  decodeEnrolProof,
  encodeEnrolAnswer,
  encodeEnrolProof,
  splitEnrolM1,
} from "../../core/handshake/enrol_messages.ts";
import { FrameReader } from "../../core/handshake/frames.ts";
import {
  decodeM1,
  decodeM2,
  decodeProof,
  decodeSealed,
  encodeM1,
  encodeM2Clear,
  encodeProof,
  encodeSealed,
  joinM2,
  splitM1,
} from "../../core/handshake/messages.ts";
import { testParty } from "../../core/handshake/testing.ts";
import { SUITES, webcryptoBackend } from "../../core/pq/mod.ts";
import { type MessageName, type Replay, replayEnrol, replayMesh } from "./handshake_replay.ts";

const FRAMES = Number(Deno.env.get("X0_HANDSHAKE_FRAMES") ?? 20_000);
const SEED = Number(Deno.env.get("X0_FUZZ_SEED") ?? crypto.getRandomValues(new Int32Array(1))[0]);
const native = webcryptoBackend(crypto.subtle);
const suite = SUITES.category3;

/** Octets that break decoders. */
const NASTY = [0, 1, 2, 3, 4, 0x7f, 0x80, 0xfe, 0xff];

/** xorshift32. */
function generator(seed: number): (below: number) => number {
  let state = (seed | 0) || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

type Pick = (below: number) => number;

/** A message with up to four things wrong, or octets that never were one. */
function damaged(good: Uint8Array, pick: Pick): Uint8Array {
  if (pick(20) === 0) return Uint8Array.from({ length: pick(300) }, () => pick(256));
  let bytes: Uint8Array = good.slice();
  for (let steps = 1 + pick(4); steps > 0 && bytes.length > 0; steps--) {
    // Heads and lengths are at the beginning: half of the damage goes there.
    const at = pick(2) === 0 ? pick(Math.min(bytes.length, 80)) : pick(bytes.length);
    switch (pick(6)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
        break;
      case 1:
        bytes[at] = NASTY[pick(NASTY.length)] ?? 0;
        break;
      case 2:
        bytes = bytes.subarray(0, at).slice();
        break;
      case 3:
        bytes = concat([bytes.subarray(0, 40), Uint8Array.of(pick(256)), bytes.subarray(40)]);
        break;
      case 4:
        bytes.copyWithin(at, pick(bytes.length), pick(bytes.length));
        break;
      default:
        bytes[at] = pick(256);
    }
  }
  return bytes;
}

/** A parser: decoding either gives a value that encodes to the same octets, or a documented error. */
interface Parser {
  readonly name: string;
  readonly samples: readonly Uint8Array[];
  readonly again: (bytes: Uint8Array) => Uint8Array;
}

/** An exchange with everything in it that is sealed, as samples. */
async function parsers(): Promise<readonly Parser[]> {
  const [mesh, whole, enrol] = [
    await replayMesh(native, true),
    await replayMesh(native, false),
    await replayEnrol(native),
  ];
  const party = await testParty(native, 1);
  const filled = (length: number) => new Uint8Array(length).fill(7);
  const tail = { cacheEpoch: filled(8), postQuantum: filled(3309), ed25519: filled(64) };
  const proofs = [
    encodeProof({ credential: { full: party.credentialBytes }, ...tail }),
    encodeProof({ credential: { hash: party.credential.hash }, ...tail }),
  ];
  const [proof] = proofs;
  assert(proof !== undefined);
  return [
    {
      name: "M1",
      samples: [mesh.good.m1, whole.good.m1],
      again: (bytes) => {
        const { body, mac } = splitM1(bytes, suite);
        return concat([encodeM1(decodeM1(body, suite)), mac]);
      },
    },
    {
      name: "M2",
      samples: [mesh.good.m2, enrol.good.m2],
      again: (bytes) => {
        const m2 = decodeM2(bytes, suite);
        return joinM2(encodeM2Clear(m2), m2.sealed);
      },
    },
    {
      name: "M3",
      samples: [mesh.good.m3, enrol.good.m3],
      again: (bytes) => encodeSealed(3, decodeSealed(3, bytes)),
    },
    {
      name: "M4",
      samples: [mesh.good.m4],
      again: (bytes) => encodeSealed(4, decodeSealed(4, bytes)),
    },
    { name: "proof", samples: proofs, again: (bytes) => encodeProof(decodeProof(bytes)) },
    {
      name: "enrolment's M1",
      samples: [enrol.good.m1],
      again: (bytes) => {
        const split = splitEnrolM1(bytes, suite);
        const inner = encodeM1(decodeEnrolM1(split, suite));
        return concat([inner, split.tokenId, split.mac]);
      },
    },
    {
      name: "enrolment's answer",
      samples: [encodeEnrolAnswer({ chain: filled(2_000), proof })],
      again: (bytes) => encodeEnrolAnswer(decodeEnrolAnswer(bytes)),
    },
    {
      name: "enrolment's proof",
      samples: [encodeEnrolProof({
        request: filled(2_100),
        postQuantum: filled(3309),
        ed25519: filled(64),
        token: filled(48),
      })],
      again: (bytes) => encodeEnrolProof(decodeEnrolProof(bytes)),
    },
  ];
}

const refusal = (error: unknown) =>
  error instanceof HandshakeError || error instanceof IdentityError;

Deno.test("handshake parsers: a damaged frame gives the same octets back, or a documented error", async () => {
  const pick = generator(SEED);
  const all = await parsers();
  const taken = new Map<string, number>();
  const each = Math.ceil(FRAMES * 0.7 / all.length);
  for (const { name, samples, again } of all) {
    for (const sample of samples) assertEquals(again(sample), sample, name);
    for (let frame = 0; frame < each; frame++) {
      const bytes = damaged(samples[frame % samples.length] ?? new Uint8Array(0), pick);
      try {
        const back = again(bytes);
        assert(back.length === bytes.length && back.every((octet, i) => octet === bytes[i]));
        taken.set(name, (taken.get(name) ?? 0) + 1);
      } catch (error) {
        if (refusal(error)) continue;
        throw new Error(`${name}, frame ${frame} of X0_FUZZ_SEED=${SEED}: ${bytes.toHex()}`, {
          cause: error,
        });
      }
    }
  }
  // Damage that only changes opaque octets leaves a message that parses: it must come up.
  assert([...taken.values()].every((count) => count > 0) && taken.size === all.length);
});

Deno.test("FrameReader: streams cut anywhere give whole frames, or a documented error", async () => {
  const pick = generator(SEED);
  for (let stream = 0; stream < Math.ceil(FRAMES / 100); stream++) {
    const octets = Uint8Array.from({ length: pick(200) }, () => pick(4) === 0 ? pick(256) : 0);
    let at = 0;
    const reader = new FrameReader({
      read() {
        if (at >= octets.length) return Promise.resolve(null);
        const chunk = octets.subarray(at, at + 1 + pick(9));
        at += chunk.length;
        return Promise.resolve(chunk);
      },
      write: () => Promise.resolve(),
      close() {},
    });
    let read = 0;
    try {
      for (;;) read += 4 + (await reader.read(50)).length;
    } catch (error) {
      assert(error instanceof HandshakeError, `X0_FUZZ_SEED=${SEED}`);
      assert(error.code === "closed" || error.code === "malformed");
    }
    assert(read <= octets.length);
  }
});

Deno.test("handshake parties: a damaged frame in any state is refused, and nothing after it is taken", async () => {
  const pick = generator(SEED);
  const replays: readonly Replay[] = [
    await replayMesh(native, true),
    await replayMesh(native, false),
    await replayEnrol(native),
  ];
  const names: readonly MessageName[] = ["m1", "m2", "m3", "m4"];
  let refused = 0;
  for (let frame = 0; frame < Math.ceil(FRAMES * 0.1); frame++) {
    const replay = replays[frame % replays.length];
    const name = names[pick(4)];
    assert(replay !== undefined && name !== undefined);
    // One time in eight another message than the one that is waited for.
    const other = names[pick(4)] ?? name;
    const sample = replay.good[pick(8) === 0 ? other : name];
    const bytes = damaged(sample, pick);
    const good = replay.good[name];
    if (bytes.length === good.length && bytes.every((octet, i) => octet === good[i])) continue;
    assertEquals(await replay.receive(name, bytes), "refused", `X0_FUZZ_SEED=${SEED}, ${frame}`);
    refused++;
  }
  assert(refused > FRAMES * 0.09);
});

Deno.test("decodeCredential(): damage gives a documented error or a credential that isn't trusted", async () => {
  const pick = generator(SEED);
  const { credentialBytes } = await testParty(native, 1);
  for (let frame = 0; frame < Math.ceil(FRAMES / 20); frame++) {
    try {
      decodeCredential(damaged(credentialBytes, pick));
    } catch (error) {
      assert(refusal(error), `X0_FUZZ_SEED=${SEED}: ${error}`);
    }
  }
});

/** What must hold of a peer's state after any events whatever. */
function checkPeer(state: PeerState, nowMs: number): void {
  assert(state.dial === null || state.next === null, "dials and waits to dial");
  const idle = state.dial === null && state.next === null;
  assert(!idle || state.removed || state.psk.kind === "none", "waits for nothing");
  if (state.removed) {
    assert(idle && state.psk.kind === "none" && wakeAt(state, TIMING) === null);
    return;
  }
  assert(state.dial === null || state.dial.deadlineMs <= nowMs + TIMING.deadlineMs);
  assert(state.next === null || state.next.atMs <= nowMs + TIMING.takeoverMs);
  assert(state.unsettledUntilMs <= nowMs + TIMING.deadlineMs);
}

/** An event that fits the machine's types and nothing else. */
function anyEvent(state: PeerState, nowMs: number, pick: Pick): PeerEvent {
  const timed = { nowMs, unit: pick(1000) / 1000 };
  const attempt = Math.max(0, state.attempts - pick(3) + (pick(10) === 0 ? 1 : 0));
  const order = Math.max(0, state.barrier + pick(4) - 1);
  const handle = pick(1_000);
  switch (pick(12)) {
    case 0:
      return { ...timed, type: "start" };
    case 1:
      return { ...timed, type: "demand" };
    case 2:
    case 3:
      return { ...timed, type: "proving", attempt };
    case 4:
      return { ...timed, type: "completed", attempt, handle, order };
    case 5:
      return { ...timed, type: "failed", attempt, code: pick(2) === 0 ? "busy" : "closed" };
    case 6:
    case 7: {
      const begunMs = nowMs - pick(TIMING.deadlineMs * 2);
      return { ...timed, type: "inbound", id: handle, handle, order, begunMs };
    }
    case 8:
      return pick(20) === 0
        ? { ...timed, type: "remove" }
        : { ...timed, type: "install-failed", code: "KernelFault" };
    default:
      return { ...timed, type: "wake" };
  }
}

Deno.test("nextPeer(): any events in any order leave a state that is sound, and installs what it accepts", () => {
  const pick = generator(SEED);
  let [state, nowMs] = [newPeer(true), 0];
  for (let event = 0; event < FRAMES * 0.2; event++) {
    if (pick(500) === 0) [state, nowMs] = [newPeer(pick(2) === 0), 0];
    nowMs += pick(4) === 0 ? pick(60_000) : pick(2_000);
    const told = anyEvent(state, nowMs, pick);
    const before = JSON.stringify(state);
    const { state: after, effects } = nextPeer(state, told, TIMING);
    const where = `X0_FUZZ_SEED=${SEED}, event ${event}`;
    assertEquals(JSON.stringify(state), before, where);
    const done = effects.map((effect) => effect.do);
    if (done.includes("accept-inbound")) assert(done.includes("install-psk"), where);
    if (told.type === "inbound") {
      const answers = done.filter((one) => one === "accept-inbound" || one === "refuse-inbound");
      assertEquals(answers.length, 1, where);
    }
    if (told.type === "inbound" || told.type === "completed") {
      const fates = done.filter((one) => one === "install-psk" || one === "discard");
      assertEquals(fates.length, 1, where);
    }
    checkPeer(after, nowMs);
    state = after;
  }
});
