// What an attacker on the wire, or inside the mesh, may try. Every row ends with nobody taking a PSK, no
// word to the attacker that an honest failure wouldn't say, and an honest handshake right after it.
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  failsClosed,
  native,
  node,
  recorded,
  type Tamper,
  through,
} from "../../tests/fixtures/handshake.ts";
import { testNodeKeys } from "../identity/testing.ts";
import { EnrolInitiator } from "./enrol_initiator.ts";
import { EnrolResponder } from "./enrol_responder.ts";
import { HandshakeError } from "./errors.ts";
import { encodeFrame } from "./frames.ts";
import { Initiator } from "./initiator.ts";
import { earlySecret, mac1 } from "./key_schedule.ts";
import { MAC1_BYTES, MODE, MODE_AT } from "./messages.ts";
import type { Party } from "./party.ts";
import { Responder } from "./responder.ts";
import { streamPair, testEnrolment, testParty } from "./testing.ts";

const FRESH = { wantFull: true, deliveredTo: null } as const;

/** M1 changed by somebody who knows the mesh's secret: its mac holds. */
function withMac(party: Party, m1: Uint8Array): Uint8Array {
  const body = m1.slice(0, -MAC1_BYTES);
  const out = m1.slice();
  out.set(mac1(earlySecret(party.suite, party.meshPsk), body), body.length);
  return out;
}

const two = async () => [await node(1), await node(2)] as const;
const codeOf = async (action: () => Promise<unknown>) =>
  (await assertRejects(action, HandshakeError)).code;

Deno.test("attack: man in the middle", async (t) => {
  await t.step("outsider puts its own shares into M1", async () => {
    const [a, b] = await two();
    const other = await new Initiator(await testParty(native, 3), FRESH).begin();
    const code = await failsClosed(a, b, (from, index, frame) => {
      if (from === "responder" || index > 0) return [frame];
      const mixed = frame.slice();
      mixed.set(other.subarray(4, 100), 4);
      return [mixed];
    });
    assertEquals(code, "closed", "the mac doesn't hold: silence");
  });
  await t.step("insider puts its own shares into M1 and makes the mac anew", async () => {
    const [a, b] = await two();
    const insider = await testParty(native, 3);
    const own = await new Initiator(insider, FRESH).begin();
    const code = await failsClosed(
      a,
      b,
      (from, index, frame) => from === "initiator" && index === 0 ? [own] : [frame],
    );
    assertEquals(code, "wrong-tag", "M2 answers another M1");
  });
  await t.step("insider answers in the responder's name with its credential", async () => {
    const [a, b] = await two();
    const { credential, credentialBytes } = b.party();
    const insider = await testParty(native, 3);
    const posing = new Responder({ ...insider, credential, credentialBytes });
    const initiator = new Initiator(a.party(), FRESH);
    const m2 = await posing.receiveM1(await initiator.begin());
    assertEquals(await codeOf(() => initiator.receiveM2(m2)), "wrong-signature");
  });
  await t.step("insider dials in another's name with its credential", async () => {
    const [a, b] = await two();
    const posing = await node(3, {
      change: (party) => ({
        ...party,
        credential: a.party().credential,
        credentialBytes: a.party().credentialBytes,
      }),
    });
    const { dialled, taken } = await through(posing, b);
    assertEquals([dialled, taken], [null, []]);
    assertEquals(b.sessions.figures.failures, { "wrong-signature": 1 });
  });
  await t.step("one signature of two is good", async () => {
    for (const half of ["postQuantum", "ed25519"] as const) {
      const b = await node(2);
      const other = await testNodeKeys(native, 9);
      const posing = await node(1, { change: (party) => ({ ...party, [half]: other[half] }) });
      const { dialled, taken } = await through(posing, b);
      assertEquals([dialled, taken], [null, []]);
      assertEquals(b.sessions.figures.failures, { "wrong-signature": 1 }, half);
    }
  });
});

Deno.test("attack: replay of old messages", async (t) => {
  await t.step("old M2 to the initiator", async () => {
    const [a, b] = await two();
    const old = await recorded(a, b);
    const code = await failsClosed(
      a,
      b,
      (from, index, frame) => [from === "responder" && index === 0 ? old.m2 : frame],
    );
    assertEquals(code, "wrong-tag");
  });
  await t.step("old M3 to the responder", async () => {
    const [a, b] = await two();
    const old = await recorded(a, b);
    await failsClosed(
      a,
      b,
      (from, index, frame) => [from === "initiator" && index === 1 ? old.m3 : frame],
    );
    assertEquals(b.sessions.figures.failures, { "wrong-tag": 1 });
  });
  await t.step("old M4: the initiator takes nothing", async () => {
    const [a, b] = await two();
    const old = await recorded(a, b);
    const { dialled, code } = await through(
      a,
      b,
      (from, index, frame) => [from === "responder" && index === 1 ? old.m4 : frame],
    );
    assertEquals([dialled, code], [null, "wrong-tag"]);
  });
  await t.step(
    "old M1 and M3 by themselves, before and after a restart of the responder",
    async () => {
      const [a, b] = await two();
      const old = await recorded(a, b);
      for (const target of [b, await node(2)]) {
        const [near, far] = streamPair();
        const taken: unknown[] = [];
        const answered = target.sessions.answer(far, "replayer", (arrival) => {
          taken.push(arrival);
          return Promise.resolve(true);
        });
        await near.write(encodeFrame(old.m1));
        await near.write(encodeFrame(old.m3)).catch(() => {});
        assertEquals([await answered, taken], [null, []]);
      }
    },
  );
});

Deno.test("attack: reflection", async (t) => {
  await t.step("a node's dial is connected to the same node", async () => {
    const [a, b] = await two();
    const [near, far] = streamPair();
    const taken: unknown[] = [];
    const answered = a.sessions.answer(far, "mirror", (arrival) => {
      taken.push(arrival);
      return Promise.resolve(true);
    });
    assertEquals(await codeOf(() => a.sessions.dial(near, b.nodeId, () => true)), "reflected");
    assertEquals([await answered, taken], [null, []]);
  });
  await t.step("each message is sent back to who said it", async () => {
    const [a, b] = await two();
    const seen: Uint8Array[] = [];
    await failsClosed(a, b, (from, index, frame) => {
      seen.push(frame);
      const [m1] = seen;
      return from === "responder" && index === 0 && m1 !== undefined ? [m1] : [frame];
    });
    const initiator = new Initiator(a.party(), FRESH);
    const responder = new Responder(b.party());
    const m2 = await responder.receiveM1(await initiator.begin());
    assertEquals(await codeOf(() => responder.receiveM3(m2)), "malformed");
    const m3 = await initiator.receiveM2(m2);
    assertEquals(await codeOf(() => initiator.receiveM4(m3)), "malformed");
    // Even with the other message's number in its head.
    const again = new Initiator(a.party(), FRESH);
    const third = await again.receiveM2(
      await new Responder(b.party()).receiveM1(await again.begin()),
    );
    assertEquals(await codeOf(() => again.receiveM4(third.with(1, 4))), "wrong-tag");
  });
});

Deno.test("attack: unknown key share", async (t) => {
  await t.step("insider passes a dial meant for itself on to somebody else", async () => {
    const [a, b] = await two();
    const c = await node(3);
    const [near, far] = streamPair();
    const taken: unknown[] = [];
    const answered = b.sessions.answer(far, "insider", (arrival) => {
      taken.push(arrival);
      return Promise.resolve(true);
    });
    assertEquals(
      await codeOf(() => a.sessions.dial(near, c.nodeId, () => true)),
      "unexpected-peer",
    );
    assertEquals([await answered, taken], [null, []]);
  });
  await t.step("M3 of a handshake with somebody else", async () => {
    const [a, b] = await two();
    const c = await node(3);
    const toC = new Initiator(a.party(), FRESH);
    const m3 = await toC.receiveM2(await new Responder(c.party()).receiveM1(await toC.begin()));
    await failsClosed(
      a,
      b,
      (from, index, frame) => [from === "initiator" && index === 1 ? m3 : frame],
    );
    assertEquals(b.sessions.figures.failures, { "wrong-tag": 1 });
  });
  await t.step(
    "both name each other in what they signed: the WireGuard keys are in the PSK",
    async () => {
      const [a, b] = await two();
      const initiator = new Initiator(a.party(), FRESH);
      const responder = new Responder(b.party());
      const m2 = await responder.receiveM1(await initiator.begin());
      const answer = await responder.receiveM3(await initiator.receiveM2(m2));
      assertEquals(answer.outcome.peer.nodeId, a.nodeId);
      const outcome = await initiator.receiveM4(await answer.confirm());
      assertEquals(outcome.peer.nodeId, b.nodeId);
      assertEquals(outcome.psk, answer.outcome.psk);
    },
  );
});

Deno.test("attack: downgrade and confusion of modes", async (t) => {
  await t.step("a category 5 node gets an M1 of category 3, and the other way round", async () => {
    for (const [own, theirs] of [["category5", "category3"], ["category3", "category5"]] as const) {
      const b = await node(2, { suite: own });
      const a = await node(1, { suite: theirs });
      const { dialled, taken, code } = await through(a, b);
      assertEquals([dialled, taken, code], [null, [], "closed"]);
    }
  });
  await t.step(
    "the suite is in the salt: the same octets under another suite's name fail",
    async () => {
      const [a, b] = await two();
      const m1 = await new Initiator(a.party(), FRESH).begin();
      const { suite } = b.party();
      const renamed = { ...b.party(), suite: { ...suite, id: suite.id.replace("v1", "v0") } };
      assertEquals(await codeOf(() => new Responder(renamed).receiveM1(m1)), "wrong-mac");
    },
  );
  await t.step("insider turns M1 into one of another mode", async () => {
    for (const mode of [MODE.enrol, MODE.fabric, 3, 255]) {
      const [a, b] = await two();
      const code = await failsClosed(
        a,
        b,
        (from, index, frame) =>
          from === "initiator" && index === 0
            ? [withMac(a.party(), frame.with(MODE_AT, mode))]
            : [frame],
      );
      assertEquals(code, "closed", `mode ${mode}`);
    }
  });
  await t.step(
    "insider lets a tunnel's M1 be answered as the fabric's: M2 doesn't open",
    async () => {
      const [a, b] = await two();
      const initiator = new Initiator(a.party(), FRESH);
      const m1 = withMac(a.party(), (await initiator.begin()).with(MODE_AT, MODE.fabric));
      const m2 = await new Responder(b.party(), MODE.fabric).receiveM1(m1);
      assertEquals(await codeOf(() => initiator.receiveM2(m2)), "wrong-tag");
    },
  );
  await t.step("insider clears or sets the wish for a whole credential", async () => {
    const [a, b] = await two();
    const code = await failsClosed(
      a,
      b,
      (from, index, frame) =>
        from === "initiator" && index === 0
          ? [withMac(a.party(), frame.with(3, (frame[3] ?? 0) ^ 1))]
          : [frame],
    );
    assertEquals(code, "wrong-tag");
  });
  await t.step("a version that doesn't exist", async () => {
    const [a, b] = await two();
    for (const at of [0, 1]) {
      const m1 = withMac(a.party(), (await new Initiator(a.party(), FRESH).begin()).with(at, 0));
      assertEquals(await codeOf(() => new Responder(b.party()).receiveM1(m1)), "malformed");
    }
  });
});

Deno.test("attack: splice of two runs", async (t) => {
  for (const [name, at] of [["m2", 0], ["m4", 1]] as const) {
    await t.step(`${name} of a run at the same time`, async () => {
      const [a, b] = await two();
      const [one, two_] = [new Initiator(a.party(), FRESH), new Initiator(a.party(), FRESH)];
      const [r1, r2] = [new Responder(b.party()), new Responder(b.party())];
      const [m2a, m2b] = [
        await r1.receiveM1(await one.begin()),
        await r2.receiveM1(await two_.begin()),
      ];
      if (at === 0) {
        assertEquals(await codeOf(() => one.receiveM2(m2b)), "wrong-tag");
        // The clear part of one with the sealed part of the other.
        const mixed = m2b.slice();
        mixed.set(m2a.subarray(m2a.length - 4_000), m2b.length - 4_000);
        assertEquals(await codeOf(() => two_.receiveM2(mixed)), "wrong-tag");
        return;
      }
      const [m3a, m3b] = [await one.receiveM2(m2a), await two_.receiveM2(m2b)];
      const [, other] = [await r1.receiveM3(m3a), await r2.receiveM3(m3b)];
      assertEquals(await codeOf(async () => one.receiveM4(await other.confirm())), "wrong-tag");
    });
  }
  await t.step("an enrolment's M2 and M3 in mesh mode", async () => {
    const [a, b] = await two();
    const { joiner, member } = await testEnrolment([native, native]);
    const enrolling = new EnrolInitiator(joiner);
    const m2 = await new EnrolResponder(member).receiveM1(await enrolling.begin());
    const m3 = await enrolling.receiveM2(m2);
    const initiator = new Initiator(a.party(), FRESH);
    const responder = new Responder(b.party());
    await responder.receiveM1(await initiator.begin());
    assertEquals(await codeOf(() => initiator.receiveM2(m2)), "wrong-tag");
    assertEquals(await codeOf(() => responder.receiveM3(m3)), "wrong-tag");
  });
});

Deno.test("attack: truncated, reordered, repeated and missing frames", async (t) => {
  const rows: { name: string; tamper: Tamper }[] = [
    {
      name: "M1 twice",
      tamper: (from, index, frame) =>
        from === "initiator" && index === 0 ? [frame, frame] : [frame],
    },
    {
      name: "M2 twice",
      tamper: (from, index, frame) =>
        from === "responder" && index === 0 ? [frame, frame] : [frame],
    },
    {
      name: "M3 cut by one octet",
      tamper: (
        from,
        index,
        frame,
      ) => [from === "initiator" && index === 1 ? frame.subarray(0, -1) : frame],
    },
    {
      name: "M3 with one octet more",
      tamper: (
        from,
        index,
        frame,
      ) => [from === "initiator" && index === 1 ? Uint8Array.of(...frame, 0) : frame],
    },
    {
      name: "M2 cut to its head",
      tamper: (
        from,
        index,
        frame,
      ) => [from === "responder" && index === 0 ? frame.subarray(0, 2) : frame],
    },
    {
      name: "no M1",
      tamper: (from, index, frame) => from === "initiator" && index === 0 ? null : [frame],
    },
    {
      name: "no M2",
      tamper: (from, index, frame) => from === "responder" && index === 0 ? null : [frame],
    },
    {
      name: "no M3",
      tamper: (from, index, frame) => from === "initiator" && index === 1 ? null : [frame],
    },
    {
      name: "one octet in place of M1",
      tamper: (
        from,
        index,
        frame,
      ) => [from === "initiator" && index === 0 ? Uint8Array.of(1) : frame],
    },
  ];
  for (const { name, tamper } of rows) {
    await t.step(name, async () => {
      const [a, b] = await two();
      const { dialled, taken } = await through(a, b, tamper);
      // Whoever gets M2 twice takes the second for M4.
      assertEquals(dialled, null);
      if (name !== "M2 twice") assertEquals(taken, []);
      const honest = await through(a, b);
      assertEquals(honest.taken, [honest.dialled ?? ""]);
    });
  }
  await t.step("M3 held back until a newer run is through", async () => {
    const [a, b] = await two();
    const late = new Initiator(a.party(), FRESH);
    const waiting = new Responder(b.party());
    const m3 = await late.receiveM2(await waiting.receiveM1(await late.begin()));
    const honest = await through(a, b);
    assert(honest.dialled !== null);
    // It holds as cryptography; that it is older is what the machine's barrier is for.
    const answer = await waiting.receiveM3(m3);
    assert(answer.outcome.psk.toHex() !== honest.dialled);
    answer.wipe();
    answer.outcome.wipe();
  });
});
