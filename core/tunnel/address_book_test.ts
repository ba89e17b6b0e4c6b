import { assert, assertEquals } from "@std/assert";
import { AddressBook } from "./address_book.ts";
import { HINT_LIFETIME_MS, MAX_ADDRESSES_PER_NODE } from "./limits.ts";

const at = (host: string, port = 6470) => ({ host, port });

Deno.test("AddressBook.candidates() puts what was proved first and what failed last", () => {
  const book = new AddressBook();
  book.hint("a", at("fe80::1%bat0"), 10);
  book.give("a", at("198.51.100.1"));
  book.proved("a", at("fe80::2%bat0"), 5);
  const hosts = (nowMs: number) => book.candidates("a", nowMs).map(({ host }) => host);
  assertEquals(hosts(20), ["fe80::2%bat0", "198.51.100.1", "fe80::1%bat0"]);
  book.failed("a", at("fe80::2%bat0"), 30);
  assertEquals(hosts(30), ["198.51.100.1", "fe80::1%bat0", "fe80::2%bat0"]);
  // A beacon after the failure says that it is there again.
  book.hint("a", at("fe80::2%bat0"), 40);
  assertEquals(hosts(40)[0], "fe80::2%bat0");
  assertEquals(book.portAt("a", "198.51.100.1"), 6470);
  assertEquals(book.portAt("a", "198.51.100.2"), null);
});

Deno.test("AddressBook: hints run out, what is founded stays", () => {
  const book = new AddressBook();
  book.hint("a", at("fe80::1%bat0"), 0);
  book.give("b", at("198.51.100.1"));
  assertEquals(book.candidates("a", HINT_LIFETIME_MS), []);
  book.sweep(HINT_LIFETIME_MS);
  assertEquals(book.nodes(), ["b"]);
});

Deno.test("AddressBook: a flood of hints displaces hints alone, of one node and of all", () => {
  const book = new AddressBook(10);
  book.proved("a", at("fe80::1%bat0"), 0);
  book.give("b", at("198.51.100.1"));
  for (let i = 0; i < 1_000; i++) book.hint("a", at(`fe80::${i + 2}%bat0`), i);
  for (let i = 0; i < 1_000; i++) book.hint(`n${i}`, at("fe80::9%bat0"), i);
  assertEquals(book.size, 10);
  assert(book.nodes().includes("a") && book.nodes().includes("b"));
  const candidates = book.candidates("a", 1_000);
  assertEquals(candidates.length, MAX_ADDRESSES_PER_NODE);
  assertEquals(candidates[0], at("fe80::1%bat0"));
});

Deno.test("AddressBook: where all is founded a hint finds no room, a proof does", () => {
  const book = new AddressBook(2);
  book.give("a", at("198.51.100.1"));
  book.give("b", at("198.51.100.2"));
  assert(!book.hint("c", at("fe80::1%bat0"), 0));
  book.proved("c", at("fe80::1%bat0"), 0);
  assertEquals(book.size, 2);
  assertEquals(book.candidates("c", 0), [at("fe80::1%bat0")]);
  for (let i = 0; i < MAX_ADDRESSES_PER_NODE; i++) book.give("c", at(`198.51.100.${i + 10}`));
  assertEquals(book.candidates("c", 0).length, MAX_ADDRESSES_PER_NODE);
  assert(!book.hint("c", at("fe80::7%bat0"), 1), "given addresses stay");
});
