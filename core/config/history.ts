import type { ConfigWarning } from "./parse.ts";
import type { ConfigError } from "./errors.ts";
import type { ApplyReport } from "./report.ts";

/** What became of a document. */
export type ConfigOutcome =
  /** Confirmed: it is the node's configuration now. */
  | "confirmed"
  /** Undone, because someone asked. */
  | "rolled-back"
  /** Undone, because nobody confirmed in time. */
  | "expired"
  /** Undone at start, because the node stopped before it was confirmed. */
  | "interrupted"
  /** Found in the file at start, changed by hand. */
  | "edited";

/** One document of the past. Holds secrets: {@link redactText} before it is shown. */
export interface ConfigRecord {
  readonly revision: number;
  /** TOML. */
  readonly text: string;
  /** Wall clock, ms since 1970. */
  readonly at: number;
  /** Who applied it: a user's name, "cli", "file". */
  readonly author: string;
  readonly outcome: ConfigOutcome;
}

/** Where documents of the past are kept. core/store implements it; bounded by the implementation. */
export interface ConfigHistory {
  append(record: ConfigRecord): void | Promise<void>;
  /** Newest first. */
  list(limit: number): readonly ConfigRecord[] | Promise<readonly ConfigRecord[]>;
  /** The newest record of a revision, or `null`. */
  get(revision: number): ConfigRecord | null | Promise<ConfigRecord | null>;
}

/** What a {@link ConfigManager} tells its listeners. */
export type ConfigEvent =
  | { readonly type: "applied"; readonly revision: number; readonly report: ApplyReport }
  | {
    readonly type: "pending";
    readonly revision: number;
    readonly remainingS: number;
    readonly author: string;
  }
  | { readonly type: "confirmed"; readonly revision: number; readonly author: string }
  | {
    readonly type: "rolled-back";
    /** The revision that was undone. */
    readonly revision: number;
    readonly outcome: "rolled-back" | "expired" | "interrupted";
    readonly report: ApplyReport;
  }
  /** The file at start has errors: the last good document is in force, the file is left as it is. */
  | { readonly type: "invalid-file"; readonly errors: readonly ConfigError[] }
  /** Something that must be known although work goes on, e.g. the history could not be written. */
  | { readonly type: "trouble"; readonly detail: string };

/** A document and what is in it. */
export interface CurrentConfig<C> {
  readonly revision: number;
  /** TOML as it is in the file. Holds secrets. */
  readonly text: string;
  readonly config: C;
  readonly warnings: readonly ConfigWarning[];
}
