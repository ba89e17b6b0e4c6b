// What the SPIFFE tests share: meshes, other programs, workloads in processes of their own.
import { assert } from "@std/assert";
import { hostClock } from "../../core/host/mod.ts";
import type { TlsIdentity } from "../../core/spiffe/mod.ts";
import { SpiffeMesh } from "../fixtures/spiffe.ts";

/** A mesh on the real clock, and a directory for files. */
export async function withMesh(
  run: (mesh: SpiffeMesh, directory: string) => Promise<void>,
): Promise<void> {
  const mesh = await SpiffeMesh.make(hostClock());
  const directory = await Deno.makeTempDir({ prefix: "spiffe-test" });
  try {
    await run(mesh, directory);
  } finally {
    await mesh.close();
    await Deno.remove(directory, { recursive: true });
  }
}

/** Whether a program can be run. */
async function has(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["version"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch {
    return false;
  }
}

const programs = { curl: await has("curl"), openssl: await has("openssl") };

/** A test that is skipped, visibly, where a program of others is missing. */
export function withProgram(
  program: keyof typeof programs,
  name: string,
  run: () => Promise<void>,
): void {
  const present = programs[program];
  Deno.test({
    name: present ? name : `${name} [skipped: ${program} is not installed]`,
    ignore: !present,
    fn: run,
  });
}

/** Runs a program for 20 s at most. */
export async function output(
  command: string,
  args: readonly string[],
  stdin = "",
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const child = new Deno.Command("timeout", {
    args: ["20", command, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const text = (octets: Uint8Array) => new TextDecoder().decode(octets);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** The workload program. */
export const CLIENT = new URL("./spiffe_client.ts", import.meta.url).pathname;

/** Runs the workload; what it printed. */
export async function workload(...args: readonly string[]): Promise<Record<string, unknown>[]> {
  const { stdout, stderr } = await output(Deno.execPath(), [
    "run",
    "-A",
    "--no-check",
    CLIENT,
    ...args,
  ]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  assert(lines.length > 0, stderr);
  return lines.map((line) => JSON.parse(line));
}

/** Selectors that are true of the workload program. */
export const OWN = { selectors: [`unix:uid:${Deno.uid()}`, `unix:path:${Deno.execPath()}`] };

/** Writes certificates and key; their paths. */
export async function identityFiles(
  directory: string,
  name: string,
  identity: TlsIdentity,
): Promise<TlsIdentity> {
  await Deno.writeTextFile(`${directory}/${name}.pem`, identity.cert);
  await Deno.writeTextFile(`${directory}/${name}.key`, identity.key, { mode: 0o600 });
  return { cert: `${directory}/${name}.pem`, key: `${directory}/${name}.key` };
}
