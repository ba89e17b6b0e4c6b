import { assert, assertEquals } from "@std/assert";
import type { Socket } from "node:net";
import { loadLibc } from "../../ffi/sys/mod.ts";
import type { CallerProcess } from "../ports/mod.ts";
import { listenForWorkloads, startTicks } from "./peer_credentials.ts";

loadLibc();

/** Who `args` is seen as when it connects to a socket and says nothing. */
async function attested(
  command: (socket: string, directory: string) => Promise<readonly string[]>,
): Promise<CallerProcess> {
  const directory = await Deno.makeTempDir({ prefix: "peer" });
  await Deno.chmod(directory, 0o755);
  const path = `${directory}/api.sock`;
  const ended: Promise<void>[] = [];
  const { promise, resolve } = Promise.withResolvers<CallerProcess>();
  const listener = await listenForWorkloads(path, ({ socket, caller }) => {
    ended.push(new Promise((done) => void (socket as Socket).once("close", () => done())));
    resolve(caller);
    socket.destroy();
  });
  try {
    const [program = "", ...args] = await command(path, directory);
    const child = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" })
      .spawn();
    const caller = await promise;
    await Promise.all(ended);
    if (child.pid !== undefined) await child.status;
    return caller;
  } finally {
    await listener.close();
    await Deno.remove(directory, { recursive: true });
  }
}

const PYTHON = await Deno.realPath("/usr/bin/python3").catch(() => null);
const CONNECT = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\n" +
  "s.connect(sys.argv[1])\ns.recv(1)\n";

Deno.test("attest() names user, group, process and executable", async () => {
  const directory = await Deno.makeTempDir({ prefix: "peer" });
  const path = `${directory}/api.sock`;
  const { promise, resolve } = Promise.withResolvers<CallerProcess>();
  const listener = await listenForWorkloads(path, ({ socket, caller }) => {
    resolve(caller);
    socket.destroy();
  });
  const connection = await Deno.connect({ transport: "unix", path });
  assertEquals(await promise, {
    pid: Deno.pid,
    uid: Deno.uid() ?? -1,
    gid: Deno.gid() ?? -1,
    path: Deno.execPath(),
  });
  connection.close();
  await listener.close();
  await Deno.remove(directory, { recursive: true });
});

function withPython(name: string, root: boolean, run: () => Promise<void>) {
  const missing = PYTHON === null
    ? "python3 is not installed"
    : root && Deno.uid() !== 0
    ? "needs root"
    : null;
  Deno.test({
    name: missing === null ? name : `${name} [skipped: ${missing}]`,
    ignore: missing !== null,
    fn: run,
  });
}

withPython("attest() names another program by its path", false, async () => {
  const caller = await attested((path) => Promise.resolve([PYTHON ?? "", "-c", CONNECT, path]));
  assertEquals(caller.path, PYTHON);
  assert(caller.pid !== Deno.pid);
});

withPython("attest() names another user, at the time of connecting", true, async () => {
  const caller = await attested((path) =>
    Promise.resolve([
      PYTHON ?? "",
      "-c",
      // The user at connect() counts, not the one that the process becomes.
      "import os,socket,sys\nos.setgid(4242)\nos.seteuid(4343)\ns=socket.socket(socket.AF_UNIX)\n" +
      "s.connect(sys.argv[1])\nos.seteuid(0)\ns.recv(1)\n",
      path,
    ])
  );
  assertEquals([caller.uid, caller.gid], [4343, 4242]);
});

withPython("attest() gives no path for an executable that was deleted", false, async () => {
  const caller = await attested(async (path, directory) => {
    const copy = `${directory}/copy`;
    await Deno.copyFile(PYTHON ?? "", copy);
    await Deno.chmod(copy, 0o755);
    return [copy, "-c", `import os\nos.unlink(${JSON.stringify(copy)})\n${CONNECT}`, path];
  });
  assertEquals(caller.path, null);
});

withPython(
  "attest() gives no path for a process in another mount namespace",
  true,
  () =>
    attested((path) =>
      Promise.resolve([
        "/usr/bin/unshare",
        "-m",
        PYTHON ?? "",
        "-c",
        CONNECT,
        path,
      ])
    ).then((caller) => assertEquals(caller.path, null)),
);

Deno.test("startTicks() finds its field after any name a process may choose", () => {
  const rest = Array.from({ length: 19 }, (_, i) => String(i + 3)).join(" ");
  assertEquals(startTicks(`12 (sh) S ${rest} 99`), 21);
  assertEquals(startTicks(`12 (a) S (b 1 2) S ${rest} 99`), 21);
  assertEquals(startTicks(""), null);
});
