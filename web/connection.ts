// Where a request came from. The server knows, HTTP headers do not: nothing here reads a header.

/** The far end of a connection; `Deno.Addr` fits. */
export interface Remote {
  /** "tcp", or "unix" for the owner-only socket. */
  readonly transport: string;
  /** IP address of the client, for "tcp". */
  readonly hostname?: string;
}

/** What the server tells the app about a request's connection. `remote` may be a getter: it is rarely read. */
export interface Connection {
  readonly remote: Remote;
}

/** Whether an address is the machine itself: 127.0.0.0/8, ::1, or the former mapped into IPv6. */
export function isLoopback(hostname: string): boolean {
  const address = hostname.toLowerCase().replace(/^::ffff:/, "");
  return address === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(address);
}

/**
 * Whether the far end may change the node. Until clients can authenticate, only this machine may: the
 * unix socket (which the file system keeps for its owner) and loopback.
 */
export function mayWrite(remote: Remote): boolean {
  if (remote.transport === "unix") return true;
  return remote.transport === "tcp" && remote.hostname !== undefined && isLoopback(remote.hostname);
}
