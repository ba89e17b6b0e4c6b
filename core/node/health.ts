// Whether the node is as it should be, from what it knows. Pure.
import type { Health, HealthCheck, NodeIdentity, NodeSnapshot } from "./types.ts";

/** What health is judged by. */
export interface HealthInput {
  readonly identity: NodeIdentity;
  readonly snapshot: NodeSnapshot;
  /** Checks of other parts: observer, database, clock, configuration. */
  readonly others: readonly HealthCheck[];
  /** Start is complete: configuration applied, API served. */
  readonly started: boolean;
  readonly stopping: boolean;
}

/** Judges. */
export function judgeHealth(input: HealthInput): Health {
  const { identity, snapshot, others, started, stopping } = input;
  const checks: HealthCheck[] = [
    kernelCheck(identity),
    ...meshChecks(snapshot),
    ...servicesCheck(snapshot),
    ...others,
  ];
  if (snapshot.revision === 0) {
    checks.push({ name: "snapshot", state: "failed", reason: "The kernel was not read yet" });
  }
  if (!started) checks.push({ name: "start", state: "degraded", reason: "The node is starting" });
  if (stopping) checks.push({ name: "stop", state: "degraded", reason: "The node is stopping" });
  const has = (state: HealthCheck["state"]) => checks.some((check) => check.state === state);
  return {
    status: has("failed") ? "failed" : has("degraded") ? "degraded" : "ok",
    ready: started && !stopping && snapshot.revision > 0 && snapshot.mesh !== null,
    checks,
  };
}

function kernelCheck({ kernel, simulatedBecause }: NodeIdentity): HealthCheck {
  if (kernel.kind === "linux") return { name: "kernel", state: "ok", reason: kernel.description };
  const why = simulatedBecause === null ? "as asked" : simulatedBecause;
  return {
    name: "kernel",
    state: "ok",
    reason: `Nothing here is real: ${kernel.description} (${why})`,
  };
}

function meshChecks({ mesh, problems, revision }: NodeSnapshot): HealthCheck[] {
  const name = "mesh";
  if (revision === 0) return [];
  if (mesh === null) {
    const reason = problems.find(({ part }) => part === "mesh")?.message ?? "No mesh interface";
    return [{ name, state: "failed", reason }];
  }
  const { mesh: link, algorithm } = mesh.info;
  const active = mesh.hardInterfaces.filter((entry) => entry.active);
  if (mesh.hardInterfaces.length === 0) {
    return [{ name, state: "failed", reason: `No interface carries ${link}` }];
  }
  const idle = mesh.hardInterfaces.filter((entry) => !entry.active).map((entry) => entry.name);
  if (active.length === 0) {
    return [{ name, state: "failed", reason: `No interface of ${link} is active` }];
  }
  if (idle.length > 0) {
    return [{ name, state: "degraded", reason: `Inactive in ${link}: ${idle.join(", ")}` }];
  }
  const count = mesh.neighbours.length;
  const neighbours = `${count} neighbour${count === 1 ? "" : "s"}`;
  return [{ name, state: "ok", reason: `${link} runs ${algorithm} with ${neighbours}` }];
}

function servicesCheck({ services }: NodeSnapshot): HealthCheck[] {
  if (services.length === 0) return [];
  const failed = services.filter(({ state }) => state === "failed");
  const name = "services";
  if (failed.length === 0) {
    return [{ name, state: "ok", reason: `${services.length} running or wanted` }];
  }
  const reason = failed.map(({ name, detail }) => `${name}: ${detail}`).join("; ");
  return [{ name, state: "failed", reason }];
}
