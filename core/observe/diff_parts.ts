// Events of helper programs and of the reading itself. Pure.
import type { EventDraft, NodeSnapshot } from "../node/mod.ts";
import { changesByKey } from "./keyed.ts";

/** What happened to services and to the parts of the snapshot. */
export function diffParts(previous: NodeSnapshot, next: NodeSnapshot): EventDraft[] {
  const out: EventDraft[] = [];
  const services = changesByKey(previous.services, next.services, ({ name }) => name);
  for (const [was, is] of services.kept) {
    if (was.state === is.state && was.restarts === is.restarts) continue;
    const failed = is.state === "failed";
    out.push({
      severity: failed ? "error" : was.state === is.state ? "warning" : "info",
      type: failed
        ? "service.failed"
        : was.state === is.state
        ? "service.restarted"
        : "service.state",
      subject: is.name,
      message: `${is.name} is ${is.state}${is.detail === "" ? "" : `: ${is.detail}`}`,
      data: { from: was.state, restarts: is.restarts },
    });
  }
  // The mesh being absent is an event of the mesh.
  const relevant = ({ problems }: NodeSnapshot) => problems.filter(({ part }) => part !== "mesh");
  const problems = changesByKey(
    relevant(previous),
    relevant(next),
    ({ part, code }) => `${part} ${code}`,
  );
  for (const { part, code, message } of problems.added) {
    out.push({
      severity: "warning",
      type: "observe.failed",
      subject: part,
      message: `Reading ${part} fails: ${message}`,
      data: { code },
    });
  }
  for (const { part } of problems.removed) {
    out.push({
      severity: "info",
      type: "observe.recovered",
      subject: part,
      message: `Reading ${part} works again`,
    });
  }
  return out;
}
