// The configuration in force: validates, applies, waits to be confirmed, undoes. Carries out the effects
// of machine.ts. One manager a node; it alone writes the document's file while it runs.
import { invariant, messageOf } from "../base/mod.ts";
import type { Clock, Files } from "../ports/mod.ts";
import { ConfigFault } from "./errors.ts";
import type {
  ConfigEvent,
  ConfigHistory,
  ConfigOutcome,
  ConfigRecord,
  CurrentConfig,
} from "./history.ts";
import { CONFIRM_WITHIN_S, MAX_CONFIRM_WITHIN_S } from "./limits.ts";
import { type Effect, type Event, next, type Pending, type State } from "./machine.ts";
import { type ConfigWarning, parseConfig, type ParseResult } from "./parse.ts";
import { type ConfigPaths, type Found, Records } from "./pending.ts";
import { type ConfigChange, diffConfigs } from "./redact.ts";
import type { ApplyReport, ConfigApplier, PlannedStep } from "./report.ts";
import { type Config, configSchema } from "./schema.ts";

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

const NOTHING: ApplyReport = { changed: [], unchanged: 0, differing: [] };

/** @see the file's head */
export class ConfigManager {
  readonly #options: ConfigManagerOptions;
  readonly #records: Records;
  readonly #listeners = new Set<(event: ConfigEvent) => void>();
  #state: State = { name: "stopped" };
  #report: ApplyReport | null = null;
  #fileErrors: ConfigStatus["fileErrors"] = [];
  #timer: AbortController | null = null;
  #background: Promise<void> = Promise.resolve();
  #recordError: unknown = null;
  /** The latest answer of {@link current}: asked for often, parsed once. */
  #parsed: Pick<CurrentConfig<Config>, "text" | "config" | "warnings"> | null = null;
  #inFlight: Promise<void> = Promise.resolve();
  /** Revisions are never used twice while this process lives. */
  #highest = 0;

  constructor(options: ConfigManagerOptions) {
    this.#options = options;
    this.#records = new Records(options.files, options.paths);
  }

  /**
   * Reads what is on disk, undoes what was not confirmed before the node stopped, and applies the
   * document. A file with errors is left as it is: the last good document is applied.
   *
   * @throws {FileError} when the files cannot be read at all.
   */
  async start(): Promise<void> {
    invariant(this.#state.name === "stopped", "ConfigManager.start() called twice");
    await this.#records.prepare();
    const pending = this.#whole(await this.#records.pending());
    const last = this.#whole(await this.#records.lastGood());
    const file = await this.#records.document();
    const revision = Math.max(last?.revision ?? 0, pending?.previousRevision ?? 0);
    this.#highest = Math.max(revision, pending?.revision ?? 0);
    const good = last?.text ?? pending?.previousText ?? "";
    let confirmed = { revision, text: good };
    let before: string | null = null;
    if (file !== null && file !== good) {
      const parsed = parseConfig(file);
      if (!parsed.ok) {
        this.#fileErrors = parsed.errors;
        this.#emit({ type: "invalid-file", errors: parsed.errors });
      } else if (file === pending?.text) {
        confirmed = { revision, text: file };
      } else {
        confirmed = { revision: ++this.#highest, text: file };
        before = last === null ? null : good;
        await this.#archive(confirmed, "file", "edited");
        await this.#keepLastGood(confirmed);
      }
    }
    await this.#run({ type: "start", confirmed, pending, before });
  }

  /** Stops the timer. What is pending stays on disk and is undone at the next start. */
  async close(): Promise<void> {
    await this.#inFlight;
    await this.#run({ type: "stop" });
    await this.#background;
  }

  /** The document in force: the pending one while an apply waits, else the confirmed one. */
  current(): CurrentConfig<Config> & { readonly confirmed: boolean } {
    const state = this.#started();
    const inForce = state.name === "waiting" || state.name === "confirming" ||
      state.name === "applying";
    const { revision, text } = inForce ? state.pending : state.confirmed;
    const parsed = parseConfig(text);
    invariant(parsed.ok, "The document in force is invalid");
    return {
      revision,
      text,
      config: parsed.config,
      warnings: parsed.warnings,
      confirmed: !inForce,
    };
  }

  /** Checks a document without applying it. */
  validate(text: string): ParseResult {
    return parseConfig(text);
  }

  /** What a document would change. @throws {ConfigFault} "invalid" */
  async diff(text: string): Promise<ConfigDiff> {
    const parsed = this.#valid(text);
    const { config } = this.current();
    return {
      changes: diffConfigs(config, parsed.config),
      steps: await this.#options.applier.preview(parsed.config, config),
      warnings: parsed.warnings,
    };
  }

  /**
   * Applies a document and waits in the background to be confirmed.
   *
   * @returns once the machine has been read back.
   * @throws {ConfigFault} "invalid", "busy", "stale", "storage": nothing was changed.
   */
  async apply(text: string, options: ApplyOptions): Promise<ApplyResult> {
    const state = this.#started();
    const parsed = this.#valid(text);
    const within = options.confirmWithinS ?? CONFIRM_WITHIN_S;
    if (!Number.isFinite(within) || within < 1 || within > MAX_CONFIRM_WITHIN_S) {
      throw new ConfigFault(
        "invalid",
        `Cannot wait ${within} s to be confirmed: 1 to ${MAX_CONFIRM_WITHIN_S} s are allowed`,
      );
    }
    const { revision: current, text: previousText } = state.confirmed;
    if (options.ifRevision !== undefined && options.ifRevision !== current) {
      throw new ConfigFault(
        "stale",
        `Cannot apply to revision ${options.ifRevision}: the configuration is at revision ${current}`,
      );
    }
    this.#refuseIfBusy();
    const { clock, bootId } = this.#options;
    const revision = Math.max(this.#highest, current) + 1;
    const wall = clock.wallMs();
    await this.#run({
      type: "apply",
      pending: {
        version: 1,
        revision,
        previousRevision: current,
        previousText,
        text,
        author: options.author,
        bootId,
        deadlineMonotonicMs: clock.monotonicMs() + within * 1000,
        startedWallMs: wall,
        deadlineWallMs: wall + within * 1000,
      },
    });
    if (this.#recordError !== null) {
      const cause = this.#recordError;
      this.#recordError = null;
      throw new ConfigFault(
        "storage",
        `Cannot apply the configuration: the rollback record could not be written (${
          messageOf(cause)
        })`,
        { cause },
      );
    }
    this.#highest = Math.max(this.#highest, revision);
    return {
      revision,
      report: this.#report ?? NOTHING,
      warnings: parsed.warnings,
      remainingS: this.status().pending?.remainingS ?? 0,
    };
  }

  /**
   * Makes the pending document the node's own.
   *
   * @param revision the one {@link apply} returned; another is refused.
   * @throws {ConfigFault} "not-pending", "stale", or "storage": it still waits, and is undone in time.
   */
  async confirm(revision: number): Promise<void> {
    const state = this.#started();
    if (state.name !== "waiting") {
      throw this.#notWaiting("confirm", state);
    }
    if (state.pending.revision !== revision) {
      throw new ConfigFault(
        "stale",
        `Cannot confirm revision ${revision}: revision ${state.pending.revision} is pending`,
      );
    }
    if (this.#options.clock.monotonicMs() >= state.pending.deadlineMonotonicMs) {
      throw new ConfigFault("expired", `Cannot confirm revision ${revision}: its time is up`);
    }
    await this.#run({ type: "confirm" });
    if (this.#recordError !== null) {
      const cause = this.#recordError;
      this.#recordError = null;
      throw new ConfigFault(
        "storage",
        `Cannot confirm revision ${revision}: the document could not be written (${
          messageOf(cause)
        })`,
        { cause },
      );
    }
  }

  /** Undoes the pending document now. @throws {ConfigFault} "not-pending", "busy" */
  async rollback(): Promise<ApplyReport> {
    const state = this.#started();
    if (state.name !== "waiting") throw this.#notWaiting("roll back", state);
    await this.#run({ type: "roll-back" });
    return this.#report ?? NOTHING;
  }

  /** Documents of the past, newest first. They hold secrets. */
  async history(limit = 50): Promise<readonly ConfigRecord[]> {
    return await this.#options.history.list(limit);
  }

  /** Where the manager stands. */
  status(): ConfigStatus {
    const state = this.#state;
    const pending = "pending" in state && state.name !== "rolling-back" ? state.pending : null;
    return {
      state: state.name,
      revision: state.name === "stopped" ? 0 : state.confirmed.revision,
      pending: pending === null ? null : {
        revision: pending.revision,
        author: pending.author,
        remainingS: this.#remainingS(pending),
        deadlineWallMs: pending.deadlineWallMs,
      },
      report: this.#report,
      fileErrors: this.#fileErrors,
    };
  }

  /** Calls `listener` for every event from now on; the returned function ends that. */
  subscribe(listener: (event: ConfigEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #remainingS(pending: Pending): number {
    const left = pending.deadlineMonotonicMs - this.#options.clock.monotonicMs();
    return Math.max(0, Math.ceil(left / 1000));
  }

  #started(): Exclude<State, { name: "stopped" }> {
    if (this.#state.name === "stopped") {
      throw new ConfigFault("not-started", "Cannot use the configuration: it has not been loaded");
    }
    return this.#state;
  }

  #valid(text: string): Extract<ParseResult, { ok: true }> {
    const parsed = parseConfig(text);
    if (parsed.ok) return parsed;
    throw new ConfigFault(
      "invalid",
      `Cannot apply the configuration: ${parsed.errors.length} error${
        parsed.errors.length === 1 ? "" : "s"
      }, the first at ${parsed.errors[0]?.message}`,
      { errors: parsed.errors },
    );
  }

  #refuseIfBusy(): void {
    const state = this.#started();
    if (state.name === "idle") return;
    const what = state.name === "waiting"
      ? `revision ${state.pending.revision} by ${state.pending.author} waits ${
        this.#remainingS(state.pending)
      } s more to be confirmed`
      : `the manager is ${state.name}`;
    throw new ConfigFault("busy", `Cannot apply another configuration: ${what}`);
  }

  #notWaiting(act: string, state: Exclude<State, { name: "stopped" }>): ConfigFault {
    return state.name === "idle"
      ? new ConfigFault("not-pending", `Cannot ${act}: no configuration is pending`)
      : new ConfigFault("busy", `Cannot ${act}: the manager is ${state.name}`);
  }

  #emit(event: ConfigEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  #whole<T>(found: Found<T>): T | null {
    if (found.damaged !== null) {
      this.#emit({ type: "trouble", detail: `A damaged record was set aside: ${found.damaged}` });
    }
    return found.record;
  }

  /** Takes an event from outside; {@link close} waits for it. */
  async #run(event: Event): Promise<void> {
    const work = this.#dispatch(event);
    this.#inFlight = work.catch(() => {});
    await work;
  }

  /** Takes one step and carries out its effects; outcomes become events in turn. */
  async #dispatch(event: Event): Promise<void> {
    const step = next(this.#state, event);
    if (step.refused !== null) return;
    this.#state = step.state;
    for (const effect of step.effects) {
      const outcome = await this.#perform(effect);
      if (outcome !== null) await this.#dispatch(outcome);
    }
  }

  async #perform(effect: Effect): Promise<Event | null> {
    switch (effect.do) {
      case "record":
        try {
          await this.#records.writePending(effect.pending);
          return { type: "recorded" };
        } catch (thrown) {
          this.#recordError = thrown;
          return { type: "record-failed" };
        }
      case "apply":
        await this.#apply(effect.text, effect.previousText);
        return { type: "applied" };
      case "commit":
        return await this.#commit(effect.confirmed);
      case "forget-record":
        await this.#tolerating("remove the rollback record", () => this.#records.removePending());
        return null;
      case "start-timer":
        this.#startTimer(effect.untilMonotonicMs);
        return null;
      case "stop-timer":
        this.#timer?.abort();
        this.#timer = null;
        return null;
      case "archive":
        await this.#archive(effect.pending, effect.pending.author, effect.outcome);
        this.#announce(effect.pending, effect.outcome);
        return null;
    }
  }

  async #apply(text: string, previousText: string | null): Promise<void> {
    const parsed = parseConfig(text);
    const previous = previousText === null ? null : parseConfig(previousText);
    const config = parsed.ok ? parsed.config : configSchema.parse({});
    try {
      this.#report = await this.#options.applier.apply(
        config,
        previous?.ok === true ? previous.config : null,
      );
    } catch (thrown) {
      const reason = messageOf(thrown);
      this.#report = {
        ...NOTHING,
        differing: [{ key: "", wanted: "the document", found: "unknown", reason }],
      };
    }
    const state = this.#started();
    const revision = state.name === "applying" ? state.pending.revision : state.confirmed.revision;
    this.#emit({ type: "applied", revision, report: this.#report });
  }

  async #commit(confirmed: { revision: number; text: string }): Promise<Event> {
    try {
      if (await this.#records.document() !== confirmed.text) {
        await this.#records.writeDocument(confirmed.text);
      }
    } catch (thrown) {
      this.#recordError = thrown;
      return { type: "commit-failed" };
    }
    this.#fileErrors = [];
    await this.#keepLastGood(confirmed);
    return { type: "committed" };
  }

  async #keepLastGood(confirmed: { revision: number; text: string }): Promise<void> {
    await this.#tolerating("keep a copy of the configuration", () =>
      this.#records.writeLastGood({
        version: 1,
        revision: confirmed.revision,
        text: confirmed.text,
      }));
  }

  async #archive(
    document: { readonly revision: number; readonly text: string },
    author: string,
    outcome: ConfigOutcome,
  ): Promise<void> {
    const { revision, text } = document;
    const at = this.#options.clock.wallMs();
    await this.#tolerating("write the configuration history", async () => {
      await this.#options.history.append({ revision, text, at, author, outcome });
    });
  }

  #announce(pending: Pending, outcome: "confirmed" | "rolled-back" | "expired" | "interrupted") {
    const { revision, author } = pending;
    if (outcome === "confirmed") this.#emit({ type: "confirmed", revision, author });
    else {
      const report = this.#report ?? NOTHING;
      this.#emit({ type: "rolled-back", revision, outcome, report });
    }
  }

  /** What must not stop the work, but must be known. */
  async #tolerating(act: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.#emit({ type: "trouble", detail: `Cannot ${act}: ${messageOf(thrown)}` });
    }
  }

  #startTimer(untilMonotonicMs: number): void {
    const state = this.#state;
    invariant(state.name === "waiting", "A deadline without a pending configuration");
    const { revision, author } = state.pending;
    this.#emit({
      type: "pending",
      revision,
      author,
      remainingS: this.#remainingS(state.pending),
    });
    const timer = new AbortController();
    this.#timer = timer;
    const wait = Math.max(0, untilMonotonicMs - this.#options.clock.monotonicMs());
    this.#background = this.#options.clock.sleep(wait, timer.signal).then(async () => {
      if (!timer.signal.aborted) await this.#run({ type: "deadline" });
    });
  }
}
