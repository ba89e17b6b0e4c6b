import { assert, assertEquals, assertRejects } from "@std/assert";
import { ManualClock, settled } from "../../tests/fixtures/clock.ts";
import type { Network, SocketAddress, TcpConnection } from "../ports/mod.ts";
import { AddressBook } from "./address_book.ts";
import { Dialler } from "./dialler.ts";
import { TunnelError } from "./errors.ts";

const at = (host: string) => ({ host, port: 6470 });

/** A network whose hosts answer after a time, refuse, or never do either. */
function world(hosts: Readonly<Record<string, number | "refuses" | "silent">>) {
  const clock = new ManualClock();
  const book = new AddressBook();
  const closed: string[] = [];
  const dialled: string[] = [];
  const sought: string[] = [];
  const network: Pick<Network, "dial"> = {
    async dial(remote: SocketAddress, signal?: AbortSignal): Promise<TcpConnection> {
      dialled.push(remote.host);
      const answer = hosts[remote.host];
      if (answer === "refuses") throw new Error(`${remote.host} refuses`);
      await clock.sleep(answer === "silent" ? 60_000 : answer ?? 0, signal);
      // A connection may be made at the very moment it is given up.
      if (answer === "silent") throw new Error(`${remote.host} is silent`);
      return {
        remote,
        read: () => Promise.resolve(null),
        write: () => Promise.resolve(),
        close: () => void closed.push(remote.host),
      };
    },
  };
  const dialler = new Dialler({
    clock,
    network: network as Network,
    book,
    seek(nodeId) {
      sought.push(nodeId);
      return Promise.resolve(true);
    },
  });
  return { clock, book, dialler, closed, dialled, sought };
}

const never = new AbortController().signal;

Deno.test("Dialler.connect() takes the first address that answers and closes the late ones", async () => {
  const { clock, book, dialler, closed, dialled } = world({ one: 1_000, two: 100 });
  book.proved("a", at("one"), 0);
  book.give("a", at("two"));
  const connecting = dialler.connect("a", never);
  await clock.advance(399);
  assertEquals(dialled, ["one"], "a head start");
  await clock.advance(101);
  assertEquals((await connecting).asked, at("two"));
  await clock.advance(2_000);
  assertEquals(closed, ["one"]);
  assertEquals(clock.waiting, 0);
});

Deno.test("Dialler.connect() goes on at once after a refusal, and remembers it", async () => {
  const { clock, book, dialler, dialled } = world({ one: "refuses", two: 0 });
  book.proved("a", at("one"), 0);
  book.give("a", at("two"));
  const connecting = dialler.connect("a", never);
  await settled();
  await clock.advance(0);
  assertEquals((await connecting).asked, at("two"));
  assertEquals(dialled, ["one", "two"]);
  assertEquals(book.candidates("a", 0)[0], at("two"));
});

Deno.test("Dialler.connect() calls for a node that nobody has heard of", async () => {
  const { clock, book, dialler, sought } = world({ one: 0 });
  const connecting = dialler.connect("a", never);
  await clock.advance(500);
  assertEquals(sought, ["a"]);
  book.hint("a", at("one"), 500);
  dialler.heard("a");
  await settled();
  await clock.advance(0);
  assertEquals((await connecting).asked, at("one"));
  const inVain = assertRejects(() => dialler.connect("b", never), TunnelError);
  await settled();
  await clock.advance(2_000);
  assertEquals((await inVain).code, "no-address");
  assertEquals(clock.waiting, 0);
});

Deno.test("Dialler.connect() ends with its signal", async () => {
  const { clock, book, dialler } = world({ one: "silent", two: "silent" });
  book.give("a", at("one"));
  book.give("a", at("two"));
  const abort = new AbortController();
  const connecting = assertRejects(() => dialler.connect("a", abort.signal));
  await clock.advance(1_000);
  abort.abort();
  assert(await connecting);
  assertEquals(clock.waiting, 0);
});
