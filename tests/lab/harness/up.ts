// A mesh to try things out: one guest that stays up, with a port of each node forwarded to this host.

import { LabError } from "./errors.ts";
import { UP_NODES, UP_PORT, UP_TIMEOUT_S } from "./limits.ts";
import { prepareRun, runPrepared, type SessionEnd, type SessionOptions } from "./session.ts";

/** What to bring up. */
export interface UpOptions extends SessionOptions {
  /** Number of nodes, from 1 to 16. */
  readonly nodes?: number;
  /** Port on 127.0.0.1 for the first node's page; the others follow. */
  readonly port?: number;
  /** Shell words that start a node's daemon; the project's own when absent. */
  readonly command?: string;
}

/** Runs the mesh until it is stopped; resolves with how the guest ended. */
export async function runMesh(options: UpOptions): Promise<SessionEnd> {
  const { nodes = UP_NODES, port = UP_PORT, command, ...session } = options;
  if (nodes > 16) throw new LabError(`Cannot bring up ${nodes} nodes: at most 16`);
  const forwards: string[] = [];
  for (let each = port; each < port + nodes; each++) {
    assertFree(each);
    forwards.push(`hostfwd=tcp:127.0.0.1:${each}-:${each}`);
  }
  const words = [nodes, port, command ?? ""].join(" ").trim();
  const script = `deno run -A --no-check --cached-only tests/lab/up.ts ${words} 2>&1`;
  // The guest reaches nothing outside; only the forwarded ports lead in.
  const netdev = ["user,id=up,restrict=on,ipv6=off", ...forwards].join(",");
  const prepared = await prepareRun(script, ["tests/lab/up.ts"], session);
  return await runPrepared(prepared, {
    timeoutS: UP_TIMEOUT_S,
    memMib: 1024 + 256 * nodes,
    ...session,
    extraArgs: ["-netdev", netdev, "-device", "virtio-net-pci,netdev=up"],
  });
}

function assertFree(port: number): void {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new LabError(`Cannot forward port ${port}: it is in use; choose another with --port`);
  }
}
