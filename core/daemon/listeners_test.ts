import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { CliError } from "../cli/mod.ts";
import { type Config, defaultConfig } from "../config/mod.ts";
import { Listeners } from "./listeners.ts";

const app = {
  fetch: () => new Response("here"),
  close: () => {},
};

function listeningOn(...listen: readonly string[]): Config {
  return { ...defaultConfig(), api: { listen, hostNames: [] } };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function answers(port: number): Promise<boolean> {
  try {
    return await (await fetch(`http://127.0.0.1:${port}/`)).text() === "here";
  } catch {
    return false;
  }
}

Deno.test("`Listeners` follow the configuration and leave alone what stays", async () => {
  const [a, b, c] = [freePort(), freePort(), freePort()];
  const listeners = new Listeners(app, null, () => {});
  listeners.start(listeningOn(`127.0.0.1:${a}`, `127.0.0.1:${b}`));
  assertEquals([await answers(a), await answers(b), await answers(c)], [true, true, false]);
  assertEquals(await listeners.follow(listeningOn(`127.0.0.1:${b}`, `127.0.0.1:${c}`)), true);
  assertEquals([await answers(a), await answers(b), await answers(c)], [false, true, true]);
  assertEquals(await listeners.follow(listeningOn(`127.0.0.1:${b}`, `127.0.0.1:${c}`)), false);
  assertEquals(listeners.checks()[0]?.state, "ok");
  await listeners.close();
});

Deno.test("`Listeners` tell of a port that is taken, and go on with the others", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const busy = `127.0.0.1:${taken.addr.port}`;
  const free = freePort();
  const listeners = new Listeners(app, null, () => {});
  const error = assertThrows(() => listeners.start(listeningOn(busy)), CliError);
  assertEquals(error.exitCode, 4);
  listeners.start(listeningOn(`127.0.0.1:${free}`));
  await listeners.follow(listeningOn(`127.0.0.1:${free}`, busy));
  assert(await answers(free));
  assertEquals(listeners.checks()[0]?.state, "failed");
  assertMatch(listeners.checks()[0]?.reason ?? "", /another program uses that port/);
  await listeners.close();
});

Deno.test("`Listeners` from the command line do not follow", async () => {
  const port = freePort();
  const listeners = new Listeners(app, [{ hostname: "127.0.0.1", port }], () => {});
  listeners.start(listeningOn("127.0.0.1:1"));
  assertEquals(await listeners.follow(listeningOn("127.0.0.1:2")), false);
  assertEquals(listeners.urls, [`http://127.0.0.1:${port}`]);
  await listeners.close();
});
