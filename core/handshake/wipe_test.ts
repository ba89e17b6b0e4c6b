// Who made a secret overwrites it: every octet string that the primitives or the random source handed out is
// looked at after the end of a handshake, however it ended.
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Random } from "../ports/mod.ts";
import { type Backend, type Bytes, KEM_SEED_BYTES, KEMS, webcryptoBackend } from "../pq/mod.ts";
import { EnrolInitiator } from "./enrol_initiator.ts";
import { EnrolResponder } from "./enrol_responder.ts";
import { HandshakeError } from "./errors.ts";
import { Initiator } from "./initiator.ts";
import { earlySecret, handshakeSecret, mac1 } from "./key_schedule.ts";
import { MAC1_BYTES, NONCE_BYTES } from "./messages.ts";
import type { Party } from "./party.ts";
import { Responder } from "./responder.ts";
import { testEnrolment, testParty } from "./testing.ts";

const native = webcryptoBackend(crypto.subtle);
const FRESH = { wantFull: true, deliveredTo: null } as const;

/** Everything secret that was handed out, and how many key pairs are alive. */
class Spy {
  readonly secrets: { readonly what: string; readonly octets: Uint8Array }[] = [];
  /** Copies of the two shares of the first handshake, to know its secret by. */
  readonly shares: { kem?: Bytes; x25519?: Bytes } = {};
  pairs = 0;

  saw<T extends Uint8Array>(what: string, octets: T): T {
    this.secrets.push({ what, octets });
    return octets;
  }

  get backend(): Backend {
    return {
      ...native,
      kemKeyPair: async (kem, seed) => {
        const pair = await native.kemKeyPair(kem, this.saw("KEM seed", seed));
        this.pairs++;
        let alive = true;
        return {
          ...pair,
          decapsulate: async (ciphertext) => {
            const secret = await pair.decapsulate(ciphertext);
            this.shares.kem = secret.slice();
            return this.saw("decapsulated", secret);
          },
          wipe: () => {
            if (alive) this.pairs--;
            alive = false;
            pair.wipe();
          },
        };
      },
      encapsulate: async (kem, key) => {
        const sent = await native.encapsulate(kem, key);
        this.saw("encapsulated", sent.sharedSecret);
        return sent;
      },
      agreementKeyPair: async (scalar) => {
        const pair = await native.agreementKeyPair(this.saw("X25519 scalar", scalar));
        this.pairs++;
        let alive = true;
        return {
          ...pair,
          agree: async (peer) => {
            const secret = await pair.agree(peer);
            this.shares.x25519 = secret.slice();
            return this.saw("agreed", secret);
          },
          wipe: () => {
            if (alive) this.pairs--;
            alive = false;
            pair.wipe();
          },
        };
      },
      seal: (key, ...rest) => native.seal(this.saw("sealing key", key), ...rest),
      open: (key, ...rest) => native.open(this.saw("opening key", key), ...rest),
    };
  }

  /** Nonces go over the wire; all else is secret. */
  random(real: Random): Random {
    return {
      unit: () => real.unit(),
      bytes: (length) => {
        const octets = real.bytes(length);
        return length === KEM_SEED_BYTES || length !== NONCE_BYTES
          ? this.saw("random octets", octets)
          : octets;
      },
    };
  }

  check(): void {
    assert(this.secrets.length > 0, "nothing was seen");
    for (const { what, octets } of this.secrets) {
      assert(octets.every((octet) => octet === 0), `${what} is still there`);
    }
    assertEquals(this.pairs, 0, "key pairs that nobody wiped");
  }
}

/** Contents of all arrays that were overwritten with zeros while `run` ran. */
async function overwritten(run: () => Promise<void>): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  const real = Uint8Array.prototype.fill;
  Uint8Array.prototype.fill = function (this: Uint8Array, value, ...rest) {
    if (value === 0 && this.length <= 64) seen.add(this.toHex());
    return real.call(this, value, ...rest);
  } as typeof real;
  try {
    await run();
  } finally {
    Uint8Array.prototype.fill = real;
  }
  return seen;
}

const damaged = (bytes: Uint8Array) => bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1);

async function spied() {
  const spy = new Spy();
  const dressed = async (index: number): Promise<Party> => {
    const party = await testParty(native, index);
    return { ...party, backend: spy.backend, random: spy.random(party.random) };
  };
  return { spy, a: await dressed(1), b: await dressed(2) };
}

const fails = (action: () => Promise<unknown>) => assertRejects(action, HandshakeError);

/** M1 with another share, under a mac that holds. */
function withShares(party: Party, m1: Uint8Array, at: number, share: Uint8Array): Uint8Array {
  const body = m1.slice(0, -MAC1_BYTES);
  body.set(share, at);
  return Uint8Array.of(...body, ...mac1(earlySecret(party.suite, party.meshPsk), body));
}

const ENDS: readonly {
  readonly name: string;
  readonly run: (a: Party, b: Party) => Promise<void>;
}[] = [
  {
    name: "it completes",
    async run(a, b) {
      const [initiator, responder] = [new Initiator(a, FRESH), new Responder(b)];
      const m2 = await responder.receiveM1(await initiator.begin());
      const answer = await responder.receiveM3(await initiator.receiveM2(m2));
      const outcome = await initiator.receiveM4(await answer.confirm());
      for (const one of [outcome, answer.outcome]) {
        one.wipe();
        assertEquals(one.psk, new Uint8Array(32));
      }
    },
  },
  {
    name: "the responder refuses",
    async run(a, b) {
      const [initiator, responder] = [new Initiator(a, FRESH), new Responder(b)];
      const m2 = await responder.receiveM1(await initiator.begin());
      const answer = await responder.receiveM3(await initiator.receiveM2(m2));
      const refusal = await answer.refuse();
      await fails(() => initiator.receiveM4(refusal));
      await fails(() => answer.confirm());
      answer.outcome.wipe();
    },
  },
  {
    name: "M2 is damaged",
    async run(a, b) {
      const [initiator, responder] = [new Initiator(a, FRESH), new Responder(b)];
      const m2 = await responder.receiveM1(await initiator.begin());
      await fails(() => initiator.receiveM2(damaged(m2)));
      responder.wipe();
    },
  },
  {
    name: "M3 and M4 are damaged",
    async run(a, b) {
      const [initiator, responder] = [new Initiator(a, FRESH), new Responder(b)];
      const m3 = await initiator.receiveM2(await responder.receiveM1(await initiator.begin()));
      await fails(() => responder.receiveM3(damaged(m3)));
      await fails(() => initiator.receiveM4(new Uint8Array(20)));
    },
  },
  {
    name: "it breaks off after M1, M2 or M3",
    async run(a, b) {
      for (const last of [1, 2, 3]) {
        const [initiator, responder] = [new Initiator(a, FRESH), new Responder(b)];
        const m1 = await initiator.begin();
        const m2 = last > 1 ? await responder.receiveM1(m1) : null;
        if (m2 !== null && last > 2) await initiator.receiveM2(m2);
        initiator.wipe();
        responder.wipe();
        // A second time does no harm.
        initiator.wipe();
        responder.wipe();
      }
    },
  },
  {
    name: "a step is taken out of turn",
    async run(a, b) {
      const [initiator, responder] = [new Initiator(a, FRESH), new Responder(b)];
      await responder.receiveM1(await initiator.begin());
      await fails(() => initiator.receiveM4(new Uint8Array(20)));
      responder.wipe();
    },
  },
  {
    name: "a share is one that the standards refuse",
    async run(a, b) {
      for (
        const [at, share] of [
          [4 + NONCE_BYTES, new Uint8Array(32)],
          [
            4 + NONCE_BYTES + 32 + 2,
            new Uint8Array(KEMS["ML-KEM-768"].encapsulationKeyBytes).fill(255),
          ],
        ] as const
      ) {
        const [initiator, responder] = [new Initiator(a, FRESH), new Responder(b)];
        const m1 = withShares(b, await initiator.begin(), at, share);
        const error = await fails(() => responder.receiveM1(m1));
        assertEquals(error.code, "invalid-share");
        initiator.wipe();
      }
      const [initiator, responder] = [new Initiator(a, FRESH), new Responder(b)];
      const m2 = await responder.receiveM1(await initiator.begin());
      m2.set(new Uint8Array(32), 2 + NONCE_BYTES);
      assertEquals((await fails(() => initiator.receiveM2(m2))).code, "invalid-share");
      responder.wipe();
    },
  },
];

for (const { name, run } of ENDS) {
  Deno.test(`handshake: nothing secret is left when ${name}`, async () => {
    const { spy, a, b } = await spied();
    await run(a, b);
    spy.check();
  });
}

Deno.test("handshake: the early secret and the handshake's own are overwritten, on both sides", async () => {
  for (const { run } of ENDS.slice(0, 5)) {
    const { spy, a, b } = await spied();
    const gone = await overwritten(() => run(a, b));
    const early = earlySecret(a.suite, a.meshPsk);
    assert(gone.has(early.toHex()), "early secret");
    const { kem, x25519 } = spy.shares;
    if (kem === undefined || x25519 === undefined) continue;
    assert(gone.has(handshakeSecret(early, kem, x25519).toHex()), "handshake secret");
  }
});

Deno.test("enrolment: nothing secret is left when it completes, fails or breaks off", async () => {
  for (const end of ["completes", "M2", "M3", "after M1", "after M3"] as const) {
    const spy = new Spy();
    const { joiner, member } = await testEnrolment([native, native]);
    const initiator = new EnrolInitiator({
      ...joiner,
      backend: spy.backend,
      random: spy.random(joiner.random),
    });
    const responder = new EnrolResponder({
      ...member,
      backend: spy.backend,
      random: spy.random(member.random),
    });
    const m1 = await initiator.begin();
    if (end !== "after M1") {
      const m2 = await responder.receiveM1(m1);
      if (end === "M2") await fails(() => initiator.receiveM2(damaged(m2)));
      else {
        const m3 = await initiator.receiveM2(m2);
        if (end === "M3") await fails(() => responder.receiveM3(damaged(m3)));
        if (end === "completes") {
          const { m4, session } = await responder.receiveM3(m3);
          (await initiator.receiveM4(m4)).session.wipe();
          session.wipe();
        }
      }
    }
    initiator.wipe();
    responder.wipe();
    spy.check();
  }
});
