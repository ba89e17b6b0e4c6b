// What every Network port must do, the machine's or a simulated one.
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Datagram, MulticastSocket, Network, TcpConnection } from "../../core/ports/mod.ts";

/** Two hosts on one segment. */
export interface NetworkFixture extends AsyncDisposable {
  readonly a: Network;
  readonly b: Network;
  /** An address of `b` that `a` reaches, and what `b` sees as `a`'s. */
  readonly addressOfB: string;
  readonly addressOfA: string;
  /** The link both have to the segment, and their link-local addresses on it; `null` where there is none. */
  readonly segment: {
    readonly link: string;
    readonly a: string;
    readonly b: string;
  } | null;
}

/** Opens a fixture. */
export type OpenNetwork = () => Promise<NetworkFixture>;

const GROUP = "ff12::7830:6666";
const GROUP_PORT = 46_666;

const text = (value: string) => new TextEncoder().encode(value);

async function readAll(stream: TcpConnection, bytes: number): Promise<Uint8Array> {
  const out = new Uint8Array(bytes);
  let at = 0;
  while (at < bytes) {
    const chunk = await stream.read();
    if (chunk === null) throw new Error(`Cannot read: the stream ended at ${at} of ${bytes}`);
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

async function connected({ a, b, addressOfB }: NetworkFixture, host = addressOfB) {
  const listener = await b.listen({ host: "::", port: 0 });
  assert(listener.local.port > 0);
  const remote = { host, port: listener.local.port };
  const [near, far] = await Promise.all([a.dial(remote), listener.accept()]);
  assert(far !== null);
  return { listener, near, far };
}

type Check = (fixture: NetworkFixture) => Promise<void>;

const carriesOctets: Check = async (fixture) => {
  const { listener, near, far } = await connected(fixture);
  assertEquals(near.remote, { host: fixture.addressOfB, port: listener.local.port });
  assertEquals(far.remote.host, fixture.addressOfA);
  // More than any buffer holds, so that writing has to wait for reading.
  const sent = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31) & 255);
  const [got] = await Promise.all([readAll(far, sent.length), near.write(sent)]);
  assert(got.every((octet, i) => octet === sent[i]), "octets differ");
  await far.write(text("back"));
  assertEquals(await readAll(near, 4), text("back"));
  near.close();
  assertEquals(await far.read(), null);
  far.close();
  listener.close();
};

const keepsOrder: Check = async (fixture) => {
  const { listener, near, far } = await connected(fixture);
  const parts = Array.from({ length: 50 }, (_, i) => text(`${i};`));
  const writing = Promise.all(parts.map((part) => near.write(part)));
  const whole = parts.reduce((sum, part) => sum + part.length, 0);
  const got = new TextDecoder().decode(await readAll(far, whole));
  assertEquals(got, Array.from({ length: 50 }, (_, i) => `${i};`).join(""));
  await writing;
  for (const one of [near, far, listener]) one.close();
};

const endsReads: Check = async (fixture) => {
  const { listener, near, far } = await connected(fixture);
  const reading = near.read();
  near.close();
  near.close();
  assertEquals(await reading.catch(() => null), null);
  await assertRejects(() => near.write(text("x")));
  far.close();
  const accepting = listener.accept();
  listener.close();
  assertEquals(await accepting, null);
};

const refuses: Check = async ({ a, b, addressOfB }) => {
  const listener = await b.listen({ host: "::", port: 0 });
  const { port } = listener.local;
  await assertRejects(() => b.listen({ host: "::", port }));
  listener.close();
  await assertRejects(() => a.dial({ host: addressOfB, port }));
  await assertRejects(() => a.dial({ host: "fe80::1%no-such-link", port }));
  await assertRejects(() => a.multicast(GROUP, GROUP_PORT, "no-such-link"));
  const given = AbortSignal.abort();
  await assertRejects(() => a.dial({ host: addressOfB, port }, given));
};

const keepsTheLink: Check = async (fixture) => {
  const { segment } = fixture;
  if (segment === null) return;
  const { link, a, b } = segment;
  const { listener, near, far } = await connected(fixture, `${b}%${link}`);
  assertEquals(near.remote.host, `${b}%${link}`);
  assertEquals(far.remote.host, `${a}%${link}`);
  // What was seen as the sender can be dialled back.
  const back = await fixture.a.listen({ host: "::", port: 0 });
  const [again, taken] = await Promise.all([
    fixture.b.dial({ host: far.remote.host, port: back.local.port }),
    back.accept(),
  ]);
  assertEquals(taken?.remote.host, `${b}%${link}`);
  for (const one of [near, far, again, taken, listener, back]) one?.close();
};

const reachesTheGroup: Check = async ({ a, b, segment }) => {
  if (segment === null) return;
  const sockets: MulticastSocket[] = [];
  for (const network of [a, b]) {
    sockets.push(await network.multicast(GROUP, GROUP_PORT, segment.link));
  }
  const [ofA, ofB] = sockets;
  assert(ofA !== undefined && ofB !== undefined);
  await ofA.send(text("hello"));
  const expected: Datagram = {
    from: { host: `${segment.a}%${segment.link}`, port: GROUP_PORT },
    octets: text("hello"),
  };
  for (const socket of sockets) {
    const got = await socket.receive();
    assertEquals(got?.from, expected.from);
    assertEquals(new Uint8Array(got?.octets ?? []), expected.octets);
  }
  const waiting = ofB.receive();
  for (const socket of sockets) socket.close();
  assertEquals(await waiting, null);
};

const CHECKS: readonly (readonly [string, Check])[] = [
  ["streams carry octets both ways and end", carriesOctets],
  ["writes stay in order", keepsOrder],
  ["close() ends what waits", endsReads],
  ["what can't be had is refused", refuses],
  ["link-local addresses keep their link", keepsTheLink],
  ["multicast() reaches all of a segment", reachesTheGroup],
];

/** Registers one test with a step for each requirement. */
export function testNetwork(
  subject: string,
  open: OpenNetwork,
  register: (name: string, fn: (t: Deno.TestContext) => Promise<void>) => void = Deno.test,
): void {
  register(`Network: ${subject}`, async (t) => {
    await using fixture = await open();
    for (const [name, check] of CHECKS) {
      const ignore = fixture.segment === null &&
        (check === keepsTheLink || check === reachesTheGroup);
      const skipped = ignore ? " [skipped: no segment here]" : "";
      await t.step({ name: `${name}${skipped}`, ignore, fn: () => check(fixture) });
    }
  });
}
