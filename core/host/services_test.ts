// The Services port with stand-ins for the programs: scripts that print and wait as dnsmasq does. The
// programs themselves run in the lab (tests/lab/services_test.ts).
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { KernelFault, type ServiceSpec } from "../ports/mod.ts";
import { hostClock } from "./clock.ts";
import { hostFiles } from "./files.ts";
import { type HostServices, hostServices } from "./services.ts";

interface Place extends AsyncDisposable {
  readonly directory: string;
  readonly services: HostServices;
  open(): HostServices;
}

/** A directory with a program `body` that stands for dnsmasq. */
async function place(body: string): Promise<Place> {
  const base = await Deno.makeTempDir({ prefix: "x0-services-" });
  const program = `${base}/program`;
  await Deno.writeTextFile(program, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  const directory = `${base}/run`;
  const opened: HostServices[] = [];
  const open = () => {
    const services = hostServices({
      clock: hostClock(),
      files: hostFiles(),
      directory,
      commands: { dnsmasq: program, hostapd: `${base}/not-there` },
    });
    opened.push(services);
    return services;
  };
  return {
    directory,
    services: open(),
    open,
    async [Symbol.asyncDispose]() {
      for (const services of opened) await services.close();
      await Deno.remove(base, { recursive: true });
    },
  };
}

const SERVES = `case "$1" in
--version) echo "Dnsmasq version 2.91  Copyright"; exit 0;;
--test) exit 0;;
esac
echo "dnsmasq: started, version 2.91"
exec sleep 1000`;

const SPEC: ServiceSpec = {
  name: "dnsmasq-lan",
  kind: "dnsmasq",
  config: "secret=hunter2222\n",
  interface: "br-lan",
};

async function pidOf(directory: string): Promise<number> {
  return Number(await Deno.readTextFile(`${directory}/${SPEC.name}.pid`));
}

Deno.test("Services.ensure() starts once, keeps the configuration private, restarts on a change", async () => {
  await using at = await place(SERVES);
  await at.services.ensure(SPEC);
  const pid = await pidOf(at.directory);
  const config = `${at.directory}/${SPEC.name}.conf`;
  assertEquals(((await Deno.stat(config)).mode ?? 0) & 0o777, 0o600);
  assertEquals(((await Deno.stat(at.directory)).mode ?? 0) & 0o777, 0o700);
  assertEquals(await Deno.readTextFile(config), SPEC.config);
  await at.services.ensure(SPEC);
  assertEquals(await pidOf(at.directory), pid, "the same configuration restarts nothing");
  const [status] = await at.services.status();
  assertEquals([status?.name, status?.state, status?.restarts], [SPEC.name, "running", 0]);
  assertEquals(JSON.stringify(status).includes("hunter"), false);
  await at.services.ensure({ ...SPEC, config: "secret=other\n" });
  assert(await pidOf(at.directory) !== pid);
  assertEquals(await Deno.readTextFile(config), "secret=other\n");
  await at.services.stop(SPEC.name);
  assertEquals(await at.services.status(), []);
  await assertRejects(() => Deno.stat(config), Deno.errors.NotFound);
});

Deno.test("Services.ensure() brings a program back that ended by itself, and counts it", async () => {
  await using at = await place(SERVES);
  await at.services.ensure(SPEC);
  const pid = await pidOf(at.directory);
  Deno.kill(pid, "SIGKILL");
  for (let i = 0; i < 200; i++) {
    const [status] = await at.services.status();
    if (status?.restarts === 1 && status.state === "running") break;
    await hostClock().sleep(50);
  }
  const [status] = await at.services.status();
  assertEquals([status?.state, status?.restarts], ["running", 1]);
  // It counts as running before it has written who it is.
  for (let i = 0; i < 200 && await pidOf(at.directory) === pid; i++) await hostClock().sleep(50);
  assert(await pidOf(at.directory) !== pid);
});

Deno.test("Services.ensure() ends what a killed daemon left behind", async () => {
  // A program keeps its configuration's path in its command line, which is how it is known.
  await using at = await place(SERVES.replace("exec sleep 1000", "while :; do sleep 1; done"));
  await at.services.ensure(SPEC);
  const left = await pidOf(at.directory);
  await at.open().ensure(SPEC);
  assert(await pidOf(at.directory) !== left);
});

Deno.test("Services.ensure() says why a program does not start", async () => {
  const cases = [
    {
      body: `[ "$1" = --test ] && { echo "bad option at line 1" >&2; exit 1; }`,
      code: "invalid",
      says: "bad option at line 1",
    },
    {
      body: `[ "$1" = --test ] && exit 0; echo "failed to bind: address in use" >&2; exit 2`,
      code: "invalid",
      says: "address in use",
    },
  ] as const;
  for (const { body, code, says } of cases) {
    await using at = await place(body);
    const error = await assertRejects(() => at.services.ensure(SPEC), KernelFault);
    assertEquals(error.code, code);
    assertStringIncludes(error.message, says);
    assertEquals(error.message.includes("hunter"), false);
    assertEquals(await at.services.status(), []);
  }
});

Deno.test("Services.ensure() and installed() tell what is not installed", async () => {
  await using at = await place(SERVES);
  const spec = { ...SPEC, name: "hostapd-wlan0", kind: "hostapd" } as const;
  const error = await assertRejects(() => at.services.ensure(spec), KernelFault);
  assertEquals(error.code, "not-supported");
  assertStringIncludes(error.message, "not installed");
  assertEquals((await at.services.installed("hostapd")).ok, false);
  assertEquals(await at.services.installed("dnsmasq"), {
    ok: true,
    detail: (await at.services.installed("dnsmasq")).detail,
  });
  assertStringIncludes((await at.services.installed("dnsmasq")).detail, "2.91");
});

Deno.test("Services.ensure() refuses names that are paths", async () => {
  await using at = await place(SERVES);
  for (const change of [{ name: "../x" }, { name: "" }, { interface: "a/b" }]) {
    const error = await assertRejects(
      () => at.services.ensure({ ...SPEC, ...change }),
      KernelFault,
    );
    assertEquals(error.code, "invalid");
  }
});
