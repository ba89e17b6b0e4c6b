// Who connects to a unix socket: SO_PEERCRED for user and group, /proc for the executable.
//
// User, group and process number are those at the time of connect() and cannot be chosen by the caller. The
// executable is looked up afterwards, so it is given only when everything says that it is still the same
// process and that its path means the same file here. A process that connects and then becomes another
// program (execve) shows that program's path: a path is a weaker witness than a user id, and
// docs/protocol/spiffe.md says so.
import net from "node:net";
import type { CallerProcess, WorkloadConnection, WorkloadListener } from "../ports/mod.ts";
import { peerCredentials, peerPidfd, SyscallError } from "../../ffi/sys/mod.ts";

/** USER_HZ: the unit of /proc/<pid>/stat, the same on every architecture. proc(5) */
const TICKS_PER_S = 100;

/** Anybody may connect; what they get is decided by who they are. */
const SOCKET_MODE = 0o666;

const link = (path: string): string | null => {
  try {
    return Deno.readLinkSync(path);
  } catch {
    // Gone, or not ours to see: nothing is known then.
    return null;
  }
};

const textOf = (path: string): string | null => {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null;
  }
};

/** Ticks from boot to the start of a process; field 22 of its stat, counted after the command's name. */
export function startTicks(stat: string): number | null {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[19]);
  return Number.isSafeInteger(ticks) && ticks > 0 ? ticks : null;
}

/** The executable of a process that is known to have run at `uptimeS`, or `null` when in doubt. */
function executableOf(pid: number, uptimeS: number, alive: () => boolean): string | null {
  if (pid <= 0) return null;
  const proc = `/proc/${pid}`;
  const before = startTicks(textOf(`${proc}/stat`) ?? "");
  // Younger than the connection: the number was given to another process meanwhile.
  if (before === null || before > uptimeS * TICKS_PER_S + 1) return null;
  const path = link(`${proc}/exe`);
  const sameFiles = link(`${proc}/ns/mnt`) === link("/proc/self/ns/mnt") &&
    link(`${proc}/root`) === link("/proc/self/root");
  const after = startTicks(textOf(`${proc}/stat`) ?? "");
  if (path === null || !sameFiles || after !== before || !alive()) return null;
  return path.startsWith("/") && !path.endsWith(" (deleted)") ? path : null;
}

/** The process behind a connected unix socket. @throws {SyscallError} when the kernel names none. */
export function attest(fd: number): CallerProcess {
  const uptimeS = Number.parseFloat(textOf("/proc/uptime") ?? "0");
  const { pid, uid, gid } = peerCredentials(fd);
  const handle = peerPidfd(fd);
  try {
    const alive = () => {
      // An older kernel has no handle: what its start time says must do.
      if (handle === "unsupported") return true;
      if (handle === "gone") return false;
      const info = textOf(`/proc/self/fdinfo/${handle.fd}`) ?? "";
      return /^Pid:\s*(-?\d+)$/m.exec(info)?.[1] === String(pid);
    };
    return { uid, gid, pid, path: executableOf(pid, uptimeS, alive) };
  } finally {
    if (typeof handle !== "string") handle.close();
  }
}

/** node:net keeps the descriptor here; there is no public way to it. */
function descriptorOf(socket: net.Socket): number | null {
  const { _handle } = socket as unknown as { readonly _handle?: { readonly fd?: unknown } | null };
  const fd = _handle?.fd;
  return typeof fd === "number" && fd >= 0 ? fd : null;
}

function connectionOf(socket: net.Socket): WorkloadConnection | null {
  const fd = descriptorOf(socket);
  if (fd === null) return null;
  try {
    return { socket, caller: attest(fd) };
  } catch (error) {
    if (error instanceof SyscallError) return null;
    throw error;
  }
}

/** Removes a socket file that nobody listens on. @throws Deno.errors.AddrInUse when somebody does. */
async function clear(path: string): Promise<void> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return await Deno.remove(path);
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new Deno.errors.AddrInUse(`Cannot listen on "${path}": somebody does`);
}

/** The real listener: unix socket, kernel's word for each caller. */
export async function listenForWorkloads(
  path: string,
  take: (connection: WorkloadConnection) => void,
): Promise<WorkloadListener> {
  await clear(path);
  const server = net.createServer((socket) => {
    const connection = connectionOf(socket);
    if (connection === null) socket.destroy();
    else take(connection);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  await Deno.chmod(path, SOCKET_MODE);
  return {
    close: () =>
      new Promise((resolve) => {
        // The callback comes when the last connection has ended; new ones end with the listener at once.
        server.close();
        Deno.remove(path).catch(() => {}).finally(resolve);
      }),
  };
}
