// What goes into a ConfigManager and what comes out.
import type { Clock, Files } from "../ports/mod.ts";
import type { ConfigHistory } from "./history.ts";
import type { State } from "./machine.ts";
import type { ConfigWarning, ParseResult } from "./parse.ts";
import type { ConfigPaths } from "./pending.ts";
import type { ConfigChange } from "./redact.ts";
import type { ApplyReport, ConfigApplier, PlannedStep } from "./report.ts";

/** What a manager works with. */
export interface ConfigManagerOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly applier: ConfigApplier;
  readonly history: ConfigHistory;
  readonly paths: ConfigPaths;
  /** Changes with each boot; tells whether a monotonic deadline still means anything. */
  readonly bootId: string;
}

/** How an apply is to be done. */
export interface ApplyOptions {
  /** Seconds until it is undone unless confirmed: 1 to 86,400, default 60. */
  readonly confirmWithinS?: number;
  /** Who applies, for the history. */
  readonly author: string;
  /** Refuse unless this is the current revision. */
  readonly ifRevision?: number;
}

/** An apply that waits to be confirmed. */
export interface ApplyResult {
  readonly revision: number;
  readonly report: ApplyReport;
  readonly warnings: readonly ConfigWarning[];
  readonly remainingS: number;
}

/** Where the manager stands. */
export interface ConfigStatus {
  readonly state: State["name"];
  /** Of the confirmed document. */
  readonly revision: number;
  readonly pending: {
    readonly revision: number;
    readonly author: string;
    /** Until it is undone. */
    readonly remainingS: number;
    readonly deadlineWallMs: number;
  } | null;
  /** Of the latest apply or rollback; `null` before the first. */
  readonly report: ApplyReport | null;
  /** What is wrong with the document's file as found at start; empty when nothing is. */
  readonly fileErrors: Extract<ParseResult, { ok: false }>["errors"];
}

/** What a document would change. */
export interface ConfigDiff {
  readonly changes: readonly ConfigChange[];
  /** What would be done to the machine, in order. */
  readonly steps: readonly PlannedStep[];
  readonly warnings: readonly ConfigWarning[];
}
