// What happened between two snapshots. Pure; quality, which needs a memory, is in quality.ts.
import type { EventDraft, NodeSnapshot } from "../node/mod.ts";
import { diffLinks } from "./diff_links.ts";
import { diffMesh } from "./diff_mesh.ts";
import { diffParts } from "./diff_parts.ts";
import { diffRadios } from "./diff_radios.ts";
import { EVENTS_OF_ONE_TYPE, SUMMARY_SUBJECTS } from "./limits.ts";

/** Events between two snapshots; none before the first one, which only finds what was there. */
export function diff(previous: NodeSnapshot, next: NodeSnapshot): readonly EventDraft[] {
  if (previous.revision === 0) return [];
  return summarise([
    ...diffLinks(previous, next),
    ...diffMesh(previous, next),
    ...diffRadios(previous, next),
    ...diffParts(previous, next),
  ]);
}

/** Tells many events of one type as one: a mesh of hundreds that comes up must not wear the flash. */
export function summarise(drafts: readonly EventDraft[]): readonly EventDraft[] {
  const types = Map.groupBy(drafts, ({ type }) => type);
  return [...types].flatMap(([type, group]): readonly EventDraft[] => {
    const [first] = group;
    if (first === undefined || group.length <= EVENTS_OF_ONE_TYPE) return group;
    return [{
      severity: first.severity,
      type,
      subject: "",
      message: `${first.message}, and ${group.length - 1} more like it`,
      data: {
        count: group.length,
        subjects: group.slice(0, SUMMARY_SUBJECTS).map(({ subject }) => subject),
      },
    }];
  });
}
