// systemd's readiness protocol. Source: sd_notify(3), systemd 257. One datagram a message to the socket
// named in NOTIFY_SOCKET; nothing happens where there is none.
import { openUnixDatagram } from "../../ffi/sys/mod.ts";

/** Tells the service manager how the daemon is. */
export interface ServiceNotifier {
  /** Whether a service manager listens. */
  readonly active: boolean;
  /** Half the interval at which the service manager wants signs of life; `null` when it wants none. */
  readonly watchdogMs: number | null;
  /** Sends assignments, e.g. "READY=1". Never throws: a deaf service manager must not stop the node. */
  send(...assignments: readonly string[]): void;
}

/** What the environment says about the service manager. */
export interface NotifyEnvironment {
  /** NOTIFY_SOCKET: a path, or "@name" for an abstract socket. */
  readonly socket?: string | undefined;
  /** WATCHDOG_USEC. */
  readonly watchdogUsec?: string | undefined;
  /** WATCHDOG_PID: the watchdog is meant for this process only. */
  readonly watchdogPid?: string | undefined;
}

/** Reads the variables systemd sets. */
export function notifyEnvironment(): NotifyEnvironment {
  return {
    socket: Deno.env.get("NOTIFY_SOCKET"),
    watchdogUsec: Deno.env.get("WATCHDOG_USEC"),
    watchdogPid: Deno.env.get("WATCHDOG_PID"),
  };
}

/** A notifier for the given environment. @param failed told why a message could not be sent. */
export function serviceNotifier(
  environment: NotifyEnvironment,
  failed: (reason: string) => void,
): ServiceNotifier {
  const { socket, watchdogUsec, watchdogPid } = environment;
  if (socket === undefined || !/^[@/]./.test(socket)) {
    return { active: false, watchdogMs: null, send: () => {} };
  }
  const usec = Number(watchdogUsec);
  const mine = watchdogPid === undefined || Number(watchdogPid) === Deno.pid;
  return {
    active: true,
    watchdogMs: mine && Number.isInteger(usec) && usec > 0 ? usec / 2000 : null,
    send(...assignments) {
      try {
        using connection = openUnixDatagram({ remote: socket });
        connection.send(new TextEncoder().encode(assignments.join("\n")));
      } catch (thrown) {
        failed(thrown instanceof Error ? thrown.message : String(thrown));
      }
    },
  };
}
