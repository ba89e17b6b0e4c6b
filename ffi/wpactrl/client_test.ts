import { assertEquals, assertRejects } from "@std/assert";
import { type ControlSocket, WpaControl } from "./client.ts";
import { ControlError } from "./errors.ts";

/** A program that answers by script: command → datagrams. Nothing comes later by itself. */
class ScriptedProgram {
  readonly sent: string[] = [];
  opened = 0;
  openNow = 0;
  readonly #answers: Readonly<Record<string, readonly string[]>>;

  constructor(answers: Readonly<Record<string, readonly string[]>>) {
    this.#answers = answers;
  }

  readonly open = (): ControlSocket => {
    this.opened++;
    this.openNow++;
    const queue: string[] = [];
    let closed = false;
    return {
      send: (text) => {
        this.sent.push(text);
        queue.push(...this.#answers[text] ?? []);
      },
      tryReceive: () => queue.shift() ?? null,
      readable: (timeoutMs, signal) => {
        if (queue.length > 0) return Promise.resolve(true);
        if (timeoutMs !== Infinity || signal === undefined) return Promise.resolve(false);
        return new Promise((resolve) =>
          signal.addEventListener("abort", () => resolve(false), { once: true })
        );
      },
      close: () => {
        if (!closed) this.openNow--;
        closed = true;
      },
    };
  };
}

Deno.test("WpaControl.request() skips events while it waits for the answer", async () => {
  const program = new ScriptedProgram({ STATUS: ["<3>AP-ENABLED ", "state=ENABLED\n"] });
  using control = new WpaControl(program.open);
  assertEquals((await control.status()).state, "ENABLED");
});

Deno.test("WpaControl.request() runs one command at a time, in order", async () => {
  const program = new ScriptedProgram({ PING: ["PONG\n"], A: ["OK\n"], B: ["FAIL\n"] });
  using control = new WpaControl(program.open);
  const [a, b, ping] = await Promise.all([
    control.request("A"),
    control.request("B"),
    control.ping(),
  ]);
  assertEquals([a, b, ping], ["OK\n", "FAIL\n", true]);
  assertEquals(program.sent, ["A", "B", "PING"]);
  assertEquals(program.opened, 1);
});

Deno.test("WpaControl.order() rejects what is refused, unknown or unanswered", async () => {
  const program = new ScriptedProgram({ ENABLE: ["FAIL\n"], DISABLE: ["UNKNOWN COMMAND\n"] });
  using control = new WpaControl(program.open);
  const codes = await Promise.all(
    [control.enable(), control.disable(), control.order("SECRET hunter22", 1)].map((request) =>
      request.then(() => null, (error: ControlError) => {
        assertEquals(error.message.includes("hunter22"), false);
        return error.code;
      })
    ),
  );
  assertEquals(codes, ["refused", "unknown-command", "timeout"]);
});

Deno.test("WpaControl.request() opens a new socket after a timeout, so no late answer is taken", async () => {
  const program = new ScriptedProgram({ PING: ["PONG\n"] });
  using control = new WpaControl(program.open);
  await assertRejects(() => control.request("LATE", 1), ControlError, "LATE");
  assertEquals(await control.ping(), true);
  assertEquals(program.opened, 2);
});

Deno.test("WpaControl.request() sends nothing with a line break in it", async () => {
  const program = new ScriptedProgram({});
  using control = new WpaControl(program.open);
  await assertRejects(() => control.request("SET ssid a\nSET x y"), TypeError, "line break");
  await assertRejects(() => control.deauthenticate("all\nTERMINATE"), TypeError, "MAC");
  assertEquals(program.sent, []);
});

Deno.test("WpaControl.stations() follows the list to its end", async () => {
  const program = new ScriptedProgram({
    "STA-FIRST": ["02:00:00:00:00:01\nsignal=-30\n"],
    "STA-NEXT 02:00:00:00:00:01": ["02:00:00:00:00:02\nsignal=-40\n"],
    "STA-NEXT 02:00:00:00:00:02": [""],
  });
  using control = new WpaControl(program.open);
  assertEquals((await control.stations()).map((station) => [station.mac, station.signalDbm]), [
    ["02:00:00:00:00:01", -30],
    ["02:00:00:00:00:02", -40],
  ]);
});

Deno.test("WpaControl.stations() gives up on a list without end", async () => {
  const same = ["02:00:00:00:00:01\n"];
  const program = new ScriptedProgram({ "STA-FIRST": same, "STA-NEXT 02:00:00:00:00:01": same });
  using control = new WpaControl(program.open);
  await assertRejects(() => control.stations(), ControlError, "more than");
});

Deno.test("WpaControl.switchChannel() writes the command of hostapd", async () => {
  const command = "CHAN_SWITCH 5 5200 center_freq1=5210 bandwidth=80 vht ht";
  const program = new ScriptedProgram({ [command]: ["OK\n"] });
  using control = new WpaControl(program.open);
  await control.switchChannel({
    beacons: 5,
    frequencyMhz: 5200,
    bandwidthMhz: 80,
    center1Mhz: 5210,
  });
  assertEquals(program.sent, [command]);
});

Deno.test("WpaControl.events() yields what came before and after the program accepted, until closed", async () => {
  const program = new ScriptedProgram({
    ATTACH: ["<3>AP-ENABLED ", "OK\n", "<3>AP-STA-CONNECTED 02:00:00:00:00:01"],
  });
  const control = new WpaControl(program.open);
  const seen: string[] = [];
  for await (const event of control.events()) {
    seen.push(event.type);
    if (seen.length === 2) control.close();
  }
  assertEquals(seen, ["enabled", "station-connected"]);
  assertEquals(program.openNow, 0);
});
