import { createConnection, createServer } from "node:net";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ERRNO, errnoName, SyscallError } from "./errno.ts";
import { loadLibc, monotonicMs, randomU32 } from "./libc.ts";
import { MAX_DATAGRAM_BYTES } from "./limits.ts";
import { decodeUnixAddress, encodeUnixAddress } from "./sockaddr.ts";
import { openUnixDatagram, peerCredentials } from "./socket.ts";
import { sysctlPath } from "./sysctl.ts";
import { namespacePath } from "./namespace.ts";

// Here, so that the library belongs to no test.
loadLibc();

let used = 0;
const unique = () => `@x0-socket-test-${Deno.pid}-${used++}`;

function pair() {
  const [left, right] = [unique(), unique()];
  const a = openUnixDatagram({ local: left });
  const b = openUnixDatagram({ local: right, remote: left });
  a.connect(encodeUnixAddress(right));
  return { a, b, right, [Symbol.dispose]: () => (a.close(), b.close()) };
}

Deno.test("Socket carries datagrams whole, with their sender", async () => {
  using ends = pair();
  assertEquals(ends.a.tryReceive(), null);
  ends.b.send(Uint8Array.of(1, 2, 3));
  ends.b.send(new Uint8Array(0));
  assertEquals(await ends.a.readable(1_000), true);
  const first = ends.a.tryReceive();
  assertEquals(first?.bytes, Uint8Array.of(1, 2, 3));
  assertEquals(decodeUnixAddress(first?.from ?? new Uint8Array()), ends.right);
  assertEquals(ends.a.tryReceive()?.bytes.length, 0);
  assertEquals(ends.a.tryReceive(), null);
});

Deno.test("Socket.tryReceive() refuses to pass on a part of a datagram", () => {
  using ends = pair();
  ends.b.send(new Uint8Array(MAX_DATAGRAM_BYTES + 1));
  const error = assertThrows(() => ends.a.tryReceive(), SyscallError);
  assertEquals(error.errno, ERRNO.EMSGSIZE);
});

Deno.test("Socket.readable() wakes when something arrives later", async () => {
  using ends = pair();
  const waiting = ends.a.readable(Infinity);
  ends.b.send(Uint8Array.of(1));
  assertEquals(await waiting, true);
});

Deno.test("Socket.readable() is false when the time is up", async () => {
  using ends = pair();
  assertEquals(await ends.a.readable(0), false);
  assertEquals(await ends.a.readable(1), false);
});

Deno.test("Socket.readable() is false when its signal fires, before or while it waits", async () => {
  using ends = pair();
  assertEquals(await ends.a.readable(Infinity, AbortSignal.abort()), false);
  const stop = new AbortController();
  const waiting = ends.a.readable(Infinity, stop.signal);
  stop.abort();
  assertEquals(await waiting, false);
});

Deno.test("Socket.close() ends the wait of others and leaves their sockets alone", async () => {
  using ends = pair();
  using other = pair();
  const closed = ends.a.readable(Infinity);
  const open = other.a.readable(Infinity);
  ends.a.close();
  ends.a.close();
  assertEquals(await closed, false);
  other.b.send(Uint8Array.of(1));
  assertEquals(await open, true);
  assertThrows(() => ends.a.tryReceive(), SyscallError, "EBADF");
});

Deno.test("Socket.readable() serves many sockets at once, in any order of opening and closing", async () => {
  const pairs = Array.from({ length: 40 }, pair);
  const waits = pairs.map(({ a }) => a.readable(Infinity));
  for (const [i, { a, b }] of pairs.entries()) {
    if (i % 2 === 0) b.send(Uint8Array.of(i));
    else a.close();
  }
  assertEquals(await Promise.all(waits), pairs.map((_, i) => i % 2 === 0));
  for (const ends of pairs) ends[Symbol.dispose]();
});

Deno.test("Socket.writable() waits for room", async () => {
  using ends = pair();
  assertEquals(await ends.b.writable(1_000), true);
  const full = () => {
    for (let i = 0; i < 10_000; i++) ends.b.send(new Uint8Array(1_000));
  };
  assertEquals(assertThrows(full, SyscallError).errno, ERRNO.EAGAIN);
  const waiting = ends.b.writable(Infinity);
  while (ends.a.tryReceive() !== null);
  assertEquals(await waiting, true);
});

Deno.test("openUnixDatagram() says who does not listen", () => {
  const error = assertThrows(
    () => openUnixDatagram({ remote: "/nonexistent/control" }),
    SyscallError,
    'Cannot connect "/nonexistent/control": ENOENT',
  );
  assertEquals(error.retryable, false);
});

Deno.test("peerCredentials() tells who is at the other end of a stream", async () => {
  const path = await Deno.makeTempFile();
  await Deno.remove(path);
  const accepted = Promise.withResolvers<number>();
  const server = createServer((socket) => {
    // The descriptor is not part of node:net's documented interface.
    const handle = (socket as unknown as { _handle: { fd: number } })._handle;
    accepted.resolve(handle.fd);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = createConnection(path);
  const credentials = peerCredentials(await accepted.promise);
  assertEquals(credentials, { pid: Deno.pid, uid: Deno.uid() ?? -1, gid: Deno.gid() ?? -1 });
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
  await assertRejects(() => Deno.stat(path));
});

Deno.test("errnoName() names the numbers of linux, and says those without a name", () => {
  assertEquals([1, 11, 95, 105, 133].map(errnoName), [
    "EPERM",
    "EAGAIN",
    "EOPNOTSUPP",
    "ENOBUFS",
    "EHWPOISON",
  ]);
  assertEquals(errnoName(4_095), "errno 4095");
});

Deno.test("randomU32() is not a constant, monotonicMs() never goes back", () => {
  assert(new Set(Array.from({ length: 8 }, randomU32)).size > 1);
  const before = monotonicMs();
  assert(monotonicMs() >= before);
});

Deno.test("sysctlPath() keeps a device's dots and refuses to leave /proc/sys", () => {
  assertEquals(
    sysctlPath(["net", "ipv6", "conf", "eth0.5", "forwarding"]),
    "/proc/sys/net/ipv6/conf/eth0.5/forwarding",
  );
  for (const key of [[], [""], [".."], ["net", ".", "x"], ["a/b"], ["a\0"]]) {
    assertThrows(() => sysctlPath(key), TypeError);
  }
});

Deno.test("namespacePath() refuses what is no file name", () => {
  assertEquals(namespacePath("node-1"), "/run/netns/node-1");
  for (const name of ["", ".", "..", "a/b", "a\0", "x".repeat(256)]) {
    assertThrows(() => namespacePath(name), TypeError);
  }
});
