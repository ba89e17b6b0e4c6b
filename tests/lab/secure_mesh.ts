// Runs in a lab guest. Nodes with the project's program that are members of one mesh: helpers for tests and
// benchmarks. Everything goes through the daemons' API, over the unix socket that is kept for the owner.
import type { Daemons } from "./daemons.ts";
import { line, shell, type Topology, wireTopology } from "./topology.ts";

/** Overlay link of a daemon. */
export const OVERLAY = "x0";

/** Wires to the neighbours on a line, and nothing else. */
export function wiredConfig(count: number, more = ""): (id: number) => string {
  return (id) => {
    const wires = [id - 1, id + 1].filter((other) => other >= 1 && other <= count)
      .map((other) => `[[mesh.wired]]\ninterface = "to${other}"\n`).join("");
    return `[node]
name = "n${id}"
[mesh]
bridge_loop_avoidance = false
originator_interval_ms = 300
${wires}${more}`;
  };
}

/** A line of nodes on wires, on a kernel that lets packets wait for their tunnel. */
export async function wiredLine(count: number): Promise<Topology> {
  await shell(["modprobe -a tun wireguard"]);
  return await wireTopology(count, line(count));
}

/** Asks a daemon over its unix socket. @throws with the daemon's own words */
export async function ask<T>(
  mesh: Topology,
  daemons: Daemons,
  id: number,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const argv = [
    ...["curl", "--silent", "--show-error", "--max-time", "60", "--write-out", "\n%{http_code}"],
    ...["--unix-socket", `${daemons.of(id).dataDir}/api.sock`, "-X", method],
  ];
  if (body !== undefined) {
    argv.push("-H", "content-type: application/json", "--data", JSON.stringify(body));
  }
  const out = await mesh.exec(id, ...argv, `http://node/api/v1${path}`);
  const at = out.trimEnd().lastIndexOf("\n");
  const status = Number(out.slice(at + 1));
  const text = out.slice(0, at);
  if (status >= 400) throw new Error(`${method} ${path} on n${id}: ${status} ${text}`);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** A member as its daemon tells it. */
export interface MemberFacts {
  readonly nodeId: string;
  readonly spiffeId: string;
  readonly overlayAddress: string;
  readonly roles: readonly string[];
  readonly revoked: boolean;
  readonly keysGeneration: number;
  readonly authority: { readonly version: number };
  readonly revocations: { readonly version: number; readonly count: number };
}

/** The node's membership; `null` when it is in no mesh. */
export async function memberOf(
  mesh: Topology,
  daemons: Daemons,
  id: number,
): Promise<MemberFacts | null> {
  const path = "/membership";
  return (await ask<{ member: MemberFacts | null }>(mesh, daemons, id, "GET", path)).member;
}

/** The node's membership. @throws when it is in no mesh */
export async function requireMember(
  mesh: Topology,
  daemons: Daemons,
  id: number,
): Promise<MemberFacts> {
  const member = await memberOf(mesh, daemons, id);
  if (member === null) throw new Error(`n${id} is in no mesh`);
  return member;
}

/** An invite of `inviter` that needs nobody's approval. */
export async function invite(
  mesh: Topology,
  daemons: Daemons,
  inviter: number,
  roles: readonly string[] = [],
): Promise<string> {
  const body = { autoApprove: true, roles };
  return (await ask<{ text: string }>(mesh, daemons, inviter, "POST", "/membership/invites", body))
    .text;
}

/** Enrols a node with an invite. */
export async function join(
  mesh: Topology,
  daemons: Daemons,
  id: number,
  text: string,
): Promise<void> {
  const outcome = await ask<{ state: string }>(mesh, daemons, id, "POST", "/membership/join", {
    invite: text,
  });
  if (outcome.state !== "joined") throw new Error(`n${id} is ${outcome.state}`);
}

/** Waits until `read` gives a value. */
export async function eventually<T>(
  what: string,
  read: () => Promise<T | null | undefined | false>,
  limitS = 120,
): Promise<T> {
  const deadlineMs = performance.now() + limitS * 1000;
  let last: unknown = "it did not come true";
  while (performance.now() < deadlineMs) {
    try {
      const value = await read();
      if (value !== undefined && value !== null && value !== false) return value as T;
    } catch (thrown) {
      last = thrown;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`Not in ${limitS} s: ${what}: ${last}`);
}

/** Whether one echo request over the overlay is answered. */
export async function pings(mesh: Topology, from: number, address: string): Promise<boolean> {
  try {
    await mesh.exec(from, "ping", "-6", "-c1", "-W2", "-q", address);
    return true;
  } catch {
    return false;
  }
}

/** What `wg` tells of a node's peers: public key → handshake (seconds since 1970). */
export async function wgPeers(mesh: Topology, id: number): Promise<ReadonlyMap<string, number>> {
  const out = await mesh.exec(id, "wg", "show", OVERLAY, "latest-handshakes");
  return new Map(
    out.split("\n").filter((row) => row !== "").map((row) => {
      const [key = "", at = "0"] = row.split("\t");
      return [key, Number(at)] as const;
    }),
  );
}
