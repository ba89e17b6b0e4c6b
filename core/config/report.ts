import type { Config } from "./schema.ts";

/** A setting that is not as the document wants it. */
export interface Difference {
  /** Key as in TOML, e.g. "radios[0].channel". */
  readonly key: string;
  readonly wanted: string;
  readonly found: string;
  /** Why, in a sentence. */
  readonly reason: string;
}

/** Something that was done. */
export interface Change {
  readonly key: string;
  /** What was done, in a sentence. */
  readonly sentence: string;
}

/** What came of an apply, after reading everything back. */
export interface ApplyReport {
  readonly changed: readonly Change[];
  /** Facts that were as wanted before. */
  readonly unchanged: number;
  readonly differing: readonly Difference[];
}

/** Brings the machine to a configuration. {@link KernelApplier} does; tests use fakes. */
export interface ConfigApplier {
  /**
   * Does the least that is needed and reads back. Never rejects for what the machine cannot do: that is
   * in `differing`.
   *
   * @param previous what was applied before, so that what only it made is removed.
   */
  apply(config: Config, previous: Config | null): Promise<ApplyReport>;
  /** What {@link apply} would do first, without doing it. */
  preview(config: Config, previous: Config | null): Promise<readonly PlannedStep[]>;
}

/** A step that an apply would take. */
export interface PlannedStep {
  readonly key: string;
  readonly sentence: string;
  /** Whether whoever is connected through this node may lose the connection. */
  readonly mayDisconnect: boolean;
}
