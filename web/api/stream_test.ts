import { assert, assertEquals, assertMatch } from "@std/assert";
import { settled } from "../../tests/fixtures/clock.ts";
import { type FixtureApp, fixtureApp } from "../../tests/fixtures/app.ts";
import { COALESCE_MS, HEARTBEAT_MS, MAX_STREAM_QUEUE, MAX_STREAMS } from "../limits.ts";

const PATH = "/api/v1/events/stream";

interface Message {
  readonly id?: number;
  readonly event: string;
  // deno-lint-ignore no-explicit-any -- a test reads what it expects
  readonly data: any;
}

/** Reads what has arrived so far, without waiting for more. */
class Reader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #next: Promise<ReadableStreamReadResult<Uint8Array>> | null = null;
  ended = false;
  text = "";

  constructor(response: Response) {
    assertEquals(response.status, 200);
    assertMatch(response.headers.get("content-type") ?? "", /^text\/event-stream/);
    assert(response.body !== null);
    this.#reader = response.body.getReader();
  }

  async messages(): Promise<Message[]> {
    this.text = "";
    for (;;) {
      this.#next ??= this.#reader.read();
      const quiet = settled();
      const result = await Promise.race([this.#next, quiet]);
      await quiet;
      if (result === undefined) break;
      this.#next = null;
      if (result.done) {
        this.ended = true;
        break;
      }
      this.text += new TextDecoder().decode(result.value);
    }
    return this.text.split("\n\n").filter((one) => one.includes("data: ")).map((one) => {
      const fields = Object.fromEntries(
        one.split("\n").map((
          line,
        ) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
      );
      const id = fields["id"] === undefined ? {} : { id: Number(fields["id"]) };
      return { ...id, event: fields["event"] ?? "", data: JSON.parse(fields["data"] ?? "null") };
    });
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

async function opened(
  fixture: FixtureApp,
  path = PATH,
  headers: Record<string, string> = {},
): Promise<Reader> {
  return new Reader(await fixture.ask(path, { headers }));
}

const notice = (message: string) =>
  ({ severity: "notice", type: "test", subject: "", message, data: {} }) as const;

Deno.test("EventHub.open() greets with the state to compare with", async () => {
  const fixture = await fixtureApp();
  const reader = await opened(fixture);
  const [hello, ...more] = await reader.messages();
  assertEquals(more, []);
  const { startedAtMs, version } = fixture.node.identity;
  assertEquals(hello, {
    event: "hello",
    data: { revision: 1, version, startedAtMs, lastEventId: 2 },
  });
  assertMatch(reader.text, /^retry: \d+\n\n/);
  await reader.cancel();
});

Deno.test("EventHub joins changes within a short time into one message", async () => {
  const fixture = await fixtureApp();
  const reader = await opened(fixture);
  await reader.messages();
  for (let n = 0; n < 10; n++) fixture.node.update({}, n % 2 === 0 ? ["mesh"] : ["links", "mesh"]);
  assertEquals(await reader.messages(), []);
  await fixture.clock.advance(COALESCE_MS);
  assertEquals(await reader.messages(), [
    { event: "change", data: { topics: ["mesh", "links"], revision: 11 } },
  ]);
  await reader.cancel();
});

Deno.test("EventHub sends events with their ids, in order, once", async () => {
  const fixture = await fixtureApp();
  const reader = await opened(fixture, `${PATH}?topics=events`);
  await reader.messages();
  fixture.node.emit(notice("first"));
  fixture.node.emit(notice("second\nline"));
  fixture.node.update({}, ["links"]);
  await fixture.clock.advance(COALESCE_MS);
  const messages = await reader.messages();
  assertEquals(messages.map((one) => [one.id, one.event, one.data.message ?? one.data.topics]), [
    [3, "event", "first"],
    [4, "event", "second\nline"],
    [undefined, "change", ["events"]],
  ]);
  await reader.cancel();
});

Deno.test("EventHub resumes after Last-Event-ID, from header or query", async () => {
  const fixture = await fixtureApp();
  fixture.node.emit(notice("missed"));
  const cases = [
    [PATH, { "last-event-id": "1" }, [2, 3]],
    [`${PATH}?lastEventId=2`, {}, [3]],
    [PATH, { "last-event-id": "3" }, []],
    [PATH, { "last-event-id": "of another server" }, []],
  ] as const;
  for (const [path, headers, ids] of cases) {
    const reader = await opened(fixture, path, headers);
    const messages = await reader.messages();
    assertEquals(messages.filter((one) => one.event === "event").map((one) => one.id), [...ids]);
    await reader.cancel();
  }
});

Deno.test("EventHub tells a client when it missed more than is sent", async () => {
  const fixture = await fixtureApp();
  for (let n = 0; n < 1100; n++) fixture.node.emit(notice(`event ${n}`));
  const reader = await opened(fixture, PATH, { "last-event-id": "1" });
  const messages = await reader.messages();
  assertEquals(messages[1], { event: "gap", data: { afterId: 1, beforeId: 103 } });
  assertEquals(messages.at(-1)?.id, 1102);
  await reader.cancel();
});

Deno.test("EventHub sends a comment now and then", async () => {
  const fixture = await fixtureApp();
  const reader = await opened(fixture);
  await reader.messages();
  await fixture.clock.advance(HEARTBEAT_MS * 2);
  assertEquals(await reader.messages(), []);
  assertEquals(reader.text.match(/^: alive$/gm)?.length, 2);
  await reader.cancel();
});

Deno.test("EventHub drops a client that does not read, with a note, and keeps others", async () => {
  const fixture = await fixtureApp();
  const slow = await opened(fixture);
  const quick = await opened(fixture);
  for (let n = 0; n < MAX_STREAM_QUEUE + 10; n++) {
    fixture.node.update({});
    await fixture.clock.advance(COALESCE_MS);
    await quick.messages();
  }
  const messages = await slow.messages();
  assertEquals(messages.at(-1)?.event, "dropped");
  assert(messages.length <= MAX_STREAM_QUEUE, `${messages.length}`);
  assertEquals([slow.ended, quick.ended], [true, false]);
  await quick.cancel();
});

Deno.test("EventHub lets go of the node when the last client leaves", async () => {
  const fixture = await fixtureApp();
  const readers = [await opened(fixture), await opened(fixture)];
  assertEquals(fixture.node.listeners.size, 1);
  for (const reader of readers) await reader.cancel();
  await settled();
  assertEquals([fixture.node.listeners.size, fixture.clock.waiting], [0, 0]);
});

Deno.test("EventHub refuses more streams than it can serve", async () => {
  const fixture = await fixtureApp();
  const readers: Reader[] = [];
  for (let n = 0; n < MAX_STREAMS; n++) readers.push(await opened(fixture));
  const refused = await fixture.ask(PATH);
  assertEquals([refused.status, (await refused.json()).code], [503, "too-many"]);
  fixture.app.close();
  for (const reader of readers) {
    await reader.messages();
    assert(reader.ended);
  }
});

Deno.test("EventHub goes on when the events cannot be read", async () => {
  const fixture = await fixtureApp();
  const reader = await opened(fixture);
  await reader.messages();
  const { events } = fixture.node;
  fixture.node.events = () => {
    throw new Error("the database is gone");
  };
  fixture.node.emit(notice("lost"));
  await fixture.clock.advance(COALESCE_MS);
  assertEquals(fixture.unexpected.length, 1);
  fixture.node.events = events;
  fixture.node.emit(notice("back"));
  await fixture.clock.advance(COALESCE_MS);
  const messages = await reader.messages();
  assertEquals(messages.flatMap((one) => one.data.message ?? []), ["lost", "back"]);
  await reader.cancel();
});

Deno.test("GET /api/v1/events/stream refuses topics that are none", async () => {
  const { ask } = await fixtureApp();
  const response = await ask(`${PATH}?topics=mesh,gossip`);
  assertEquals([response.status, (await response.json()).code], [400, "bad-request"]);
});
