import { assertEquals } from "@std/assert";
import { ManualClock, settled } from "../../tests/fixtures/clock.ts";
import { Supervised } from "./supervised.ts";

Deno.test("Supervised tries again until the part starts, and says why it doesn't meanwhile", async () => {
  const clock = new ManualClock();
  const log: string[] = [];
  let tries = 0;
  let stopped = 0;
  const part = new Supervised({
    name: "tunnels",
    clock,
    start: () => {
      if (++tries < 3) throw new Error("port 6470 is taken");
      return Promise.resolve("running");
    },
    stop: () => {
      stopped++;
      return Promise.resolve();
    },
    log: (line) => log.push(line),
  });
  await part.tried;
  assertEquals([part.value, part.check().state], [null, "failed"]);
  assertEquals(part.check().reason, "Not running: port 6470 is taken");
  await clock.advance(2_000);
  await clock.advance(4_000);
  assertEquals([part.value, part.check().state, tries], ["running", "ok", 3]);
  assertEquals(log, ["tunnels: port 6470 is taken"]);
  await part.close();
  assertEquals([part.value, stopped], [null, 1]);
});

Deno.test("Supervised.close() ends the tries", async () => {
  const clock = new ManualClock();
  const part = new Supervised<string>({
    name: "fabric",
    clock,
    start: () => Promise.reject(new Error("no")),
    stop: () => Promise.resolve(),
    log: () => {},
  });
  await part.tried;
  await part.close();
  await settled();
  assertEquals([part.value, part.problem, clock.waiting], [null, "it was stopped", 0]);
});
