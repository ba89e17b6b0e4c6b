// Runs in a lab guest. The daemon as the systemd unit runs it: an ordinary user with the unit's
// capabilities and nothing more. What it does with them on the real kernel, and what becomes of it
// without them. The unit's file system and system-call limits are not tested: the guest has no systemd.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { daemonCommand } from "./daemons.ts";
import { installRegulatoryDatabase } from "./radios/fixture.ts";
import { line, radioTopology, shell, type Topology } from "./topology.ts";

const UNIT = "image/common/x0tta6bl4.service";
const USER = "999";
const LIMIT_MS = 240_000;

/** Everything a node can be asked to do at once: radio mesh with SAE, wired mesh, access point, DHCP,
 * Internet gateway with filter and forwarding, maps. */
const EVERYTHING = `[node]
name = "n1"
[mesh]
bridge_loop_avoidance = false
originator_interval_ms = 300
[mesh.gateway]
mode = "server"
[[mesh.wired]]
interface = "wire"
[[radios]]
interface = "mesh0"
passphrase = "a secret of ours"
[[client_ap]]
interface = "ap0"
ssid = "village"
[lan]
addresses = ["10.9.0.1/24", "fd09::1/64"]
[lan.dhcp]
enabled = true
range_start = "10.9.0.100"
range_end = "10.9.0.200"
[lan.router_advertisement]
enabled = true
[wan]
interface = "wan0"
method = "static"
addresses = ["192.0.2.2/24"]
gateway = "192.0.2.1"
[respondd]
enabled = true
`;

/** Names in a setting of the unit, such as its capabilities. */
async function unitWords(setting: string): Promise<readonly string[]> {
  const text = await Deno.readTextFile(UNIT);
  const found = new RegExp(`^${setting}=(.*)$`, "m").exec(text)?.[1];
  assert(found !== undefined, `the unit says nothing of ${setting}`);
  return found.split(" ");
}

interface Daemon extends AsyncDisposable {
  readonly dataDir: string;
  readonly lines: string[];
  readonly process: Deno.ChildProcess;
}

async function collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>, lines: string[]) {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    lines.push(...text.split("\n"));
  }
}

/** Starts the program in node 1 as an ordinary user with these capabilities. */
async function startAs(
  capabilities: readonly string[],
  document: string,
  ...words: string[]
): Promise<Daemon> {
  const dataDir = await Deno.makeTempDir({ dir: "/run", prefix: "x0-" });
  await Deno.writeTextFile(`${dataDir}/config.toml`, document);
  await shell([`chown -R ${USER}:${USER} ${dataDir}`, `chmod 0700 ${dataDir}`]);
  const names = capabilities.map((name) => name.toLowerCase().replace(/^cap_/, "+")).join(",");
  const only = names === "" ? "-all" : `-all,${names}`;
  const argv = [
    ...["netns", "exec", "n1", "setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"],
    ...["--inh-caps", only, "--ambient-caps", only, "--bounding-set", only, "--no-new-privs"],
    ...[...daemonCommand, "--data", dataDir, ...words],
  ];
  const process = new Deno.Command("ip", { args: argv, stdout: "piped", stderr: "piped" }).spawn();
  const lines: string[] = [];
  const drained = Promise.all([collect(process.stdout, lines), collect(process.stderr, lines)]);
  return {
    dataDir,
    lines,
    process,
    async [Symbol.asyncDispose]() {
      try {
        process.kill("SIGTERM");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
      await process.status;
      await drained;
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}

/** Asks the daemon in node 1, over TCP. */
async function get(mesh: Topology, path: string, port = 80): Promise<unknown> {
  const url = `http://127.0.0.1:${port}${path}`;
  return JSON.parse(await mesh.exec(1, "curl", "--silent", "--max-time", "30", url));
}

async function eventually<T>(daemon: Daemon, what: string, read: () => Promise<T | null>) {
  const deadlineMs = performance.now() + LIMIT_MS;
  let last: unknown = "no value";
  while (performance.now() < deadlineMs) {
    try {
      const value = await read();
      if (value !== null) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`Not in time: ${what}: ${last}\n${daemon.lines.join("\n")}`);
}

interface Check {
  readonly name: string;
  readonly state: string;
  readonly reason: string;
}

async function checksOf(mesh: Topology): Promise<readonly Check[]> {
  return (await get(mesh, "/health/ready") as { checks: readonly Check[] }).checks;
}

/** A radio in each of two nodes, a wire between them, and a way out of the first. */
async function openMesh(): Promise<Topology> {
  await installRegulatoryDatabase();
  const mesh = await radioTopology(2, line(2), { joinMesh: false });
  await shell([
    "ip -n n1 link set lo up",
    "ip -n n1 link add wire type veth peer name wire netns n2",
    "ip -n n1 link add wan0 type veth peer name wan1",
    "ip -n n1 link set wan1 up",
    "ip -n n2 link set wire up mtu 1560",
    "ip -n n2 link add bat0 type batadv",
    "ip -n n2 link set wire master bat0",
    "ip netns exec n2 batctl meshif bat0 bridge_loop_avoidance 0",
    "ip -n n2 link set bat0 up",
    "ip -n n2 addr add 10.9.0.2/24 dev bat0",
  ]);
  return mesh;
}

Deno.test("an ordinary user with the unit's capabilities does all that a node can be asked", async (t) => {
  await shell(["modprobe -a batman-adv veth"]);
  await using mesh = await openMesh();
  const capabilities = await unitWords("CapabilityBoundingSet");
  assertEquals(await unitWords("AmbientCapabilities"), capabilities);
  await using daemon = await startAs(capabilities, EVERYTHING, "--kernel", "--listen", "[::]:80");

  await t.step("it opens port 80 and is no root", async () => {
    await eventually(daemon, "the API answers", () => get(mesh, "/health/live"));
    const status = await Deno.readTextFile(`/proc/${daemon.process.pid}/status`);
    assertMatch(status, new RegExp(`^Uid:\\s+${USER}\\s+${USER}\\s+${USER}\\s+${USER}$`, "m"));
    assertMatch(status, /^NoNewPrivs:\s+1$/m);
    const node = await get(mesh, "/api/v1/node") as { kernel: { kind: string } };
    assertEquals(node.kernel.kind, "linux");
  });

  await t.step("the whole document is in force", async () => {
    const checks = await eventually(daemon, "the document was applied", async () => {
      const found = await checksOf(mesh);
      return found.some(({ name, reason }) => name === "config" && reason !== "Not applied yet")
        ? found
        : null;
    });
    const bad = checks.filter(({ state }) => state !== "ok");
    assertEquals(bad.map(({ name, reason }) => `${name}: ${reason}`), []);
    const { items } = await get(mesh, "/api/v1/services") as {
      items: readonly { readonly name: string; readonly state: string }[];
    };
    assertEquals(
      items.map(({ name, state }) => `${name.split("-")[0]} ${state}`).sort(),
      ["dnsmasq running", "hostapd running", "wpa_supplicant running"],
    );
  });

  await t.step("what batman-adv, /proc/sys and nftables say agrees", async () => {
    const hard = await mesh.exec(1, "batctl", "meshif", "bat0", "interface");
    assertMatch(hard, /wire: active/);
    assertMatch(hard, /mesh0: active/);
    const forwarding = "/proc/sys/net/ipv6/conf/all/forwarding";
    assertEquals((await mesh.exec(1, "cat", forwarding)).trim(), "1");
    const rules = await mesh.exec(1, "nft", "list", "table", "inet", "x0tta6bl4");
    assertStringIncludes(rules, "masquerade");
  });

  await t.step("it pings through batman-adv", async () => {
    const target = await mesh.mac(2, "wire");
    await eventually(daemon, "the neighbour is an originator", async () => {
      const { items } = await get(mesh, "/api/v1/mesh/originators") as {
        items: readonly { readonly originator: string }[];
      };
      return items.some(({ originator }) => originator === target) ? true : null;
    });
    const answer = await eventually(daemon, "an echo", async () => {
      const said = await mesh.exec(
        1,
        ...["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "60"],
        ...["--unix-socket", `${daemon.dataDir}/api.sock`],
        ...["--header", "content-type: application/json"],
        ...["--data", JSON.stringify({ target, timeoutMs: 10_000 })],
        "http://localhost/api/v1/diagnostics/ping",
      );
      return JSON.parse(said) as { originator: string };
    });
    assertEquals(answer.originator, target);
    assert(await mesh.pings(1, 2), "no ping over the mesh");
  });
});

Deno.test("without capabilities it runs on the simulated mesh and says why", async () => {
  await using mesh = await openMesh();
  await using daemon = await startAs([], "", "--listen", "127.0.0.1:8080");
  const node = await eventually(
    daemon,
    "the API answers",
    () => get(mesh, "/api/v1/node", 8080) as Promise<{ simulatedBecause: string }>,
  );
  assertMatch(node.simulatedBecause, /lacks CAP_NET_ADMIN/);
  assertStringIncludes(daemon.lines.join("\n"), "Nothing here is real");
  assertEquals((await mesh.tryExec(1, "ip", "link", "show", "bat0")).code, 1);
});

Deno.test("without capabilities `run --kernel` and port 80 fail with what is missing", async () => {
  await using _mesh = await openMesh();
  for (
    const { words, code, says } of [
      { words: ["--kernel"], code: 5, says: /CAP_NET_ADMIN/ },
      { words: ["--sim", "1", "--listen", "[::]:80"], code: 5, says: /\[::\]:80/ },
    ]
  ) {
    await using daemon = await startAs([], "", ...words);
    const status = await daemon.process.status;
    await eventually(
      daemon,
      `"${says}" is said`,
      () => Promise.resolve(says.test(daemon.lines.join("\n")) ? true : null),
    );
    assertEquals(status.code, code, daemon.lines.join("\n"));
    assert(!daemon.lines.some((text) => /^\s+at /.test(text)), daemon.lines.join("\n"));
  }
});
