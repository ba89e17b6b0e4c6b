// The configuration in force: validates, applies, waits to be confirmed, undoes. Carries out the effects
// of machine.ts. One manager a node; it alone writes the document's file while it runs.
import { invariant, messageOf } from "../base/mod.ts";
import { Deeds, NOTHING } from "./deeds.ts";
import { ConfigFault } from "./errors.ts";
import type { ConfigEvent, ConfigRecord, CurrentConfig } from "./history.ts";
import { CONFIRM_WITHIN_S, MAX_CONFIRM_WITHIN_S } from "./limits.ts";
import { type Effect, type Event, next, type Pending, type State } from "./machine.ts";
import type {
  ApplyOptions,
  ApplyResult,
  ConfigDiff,
  ConfigManagerOptions,
  ConfigStatus,
} from "./manager_types.ts";
import { parseConfig, type ParseResult } from "./parse.ts";
import { type Found, Records } from "./pending.ts";
import { diffConfigs } from "./redact.ts";
import type { ApplyReport } from "./report.ts";
import type { Config } from "./schema.ts";

/**
 * Holds the configuration in force: validates, applies, waits to be confirmed, undoes. {@link start} comes
 * first, {@link close} last; methods throw {@link ConfigFault}.
 */
export class ConfigManager {
  readonly #options: ConfigManagerOptions;
  readonly #records: Records;
  readonly #deeds: Deeds;
  readonly #listeners = new Set<(event: ConfigEvent) => void>();
  #state: State = { name: "stopped" };
  #report: ApplyReport | null = null;
  #fileErrors: ConfigStatus["fileErrors"] = [];
  #timer: AbortController | null = null;
  #background: Promise<void> = Promise.resolve();
  #writeError: unknown = null;
  /** The latest answer of {@link current}: asked for often, parsed once. */
  #parsed: Pick<CurrentConfig<Config>, "text" | "config" | "warnings"> | null = null;
  #inFlight: Promise<void> = Promise.resolve();
  /** Revisions are never used twice while this process lives. */
  #highest = 0;

  constructor(options: ConfigManagerOptions) {
    this.#options = options;
    this.#records = new Records(options.files, options.paths);
    this.#deeds = new Deeds(options, this.#records, (event) => this.#emit(event));
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
    const good = this.#usable(last?.text ?? pending?.previousText ?? "");
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
        await this.#deeds.archive(confirmed, "file", "edited");
        await this.#deeds.keepLastGood(confirmed);
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
    // Asked for at every reading of the kernel: a text is parsed once.
    if (this.#parsed?.text !== text) {
      const parsed = parseConfig(text);
      invariant(parsed.ok, "The document in force is invalid");
      this.#parsed = { text, config: parsed.config, warnings: parsed.warnings };
    }
    const { config, warnings } = this.#parsed;
    return { revision, text, config, warnings, confirmed: !inForce };
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
    this.#refuseIfUnwritten("apply the configuration", "the rollback record");
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
    this.#refuseIfUnwritten(`confirm revision ${revision}`, "the document");
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

  #refuseIfUnwritten(act: string, what: string): void {
    const cause = this.#writeError;
    if (cause === null) return;
    this.#writeError = null;
    const message = `Cannot ${act}: ${what} could not be written (${messageOf(cause)})`;
    throw new ConfigFault("storage", message, { cause });
  }

  #notWaiting(act: string, state: Exclude<State, { name: "stopped" }>): ConfigFault {
    return state.name === "idle"
      ? new ConfigFault("not-pending", `Cannot ${act}: no configuration is pending`)
      : new ConfigFault("busy", `Cannot ${act}: the manager is ${state.name}`);
  }

  #emit(event: ConfigEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** A document kept from before; one that this version cannot read any more gives way to the defaults. */
  #usable(text: string): string {
    const parsed = parseConfig(text);
    if (parsed.ok) return text;
    const detail = `The last good document cannot be read any more: ${parsed.errors[0]?.message}`;
    this.#emit({ type: "trouble", detail });
    return "";
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
        this.#writeError = await this.#deeds.record(effect.pending);
        return { type: this.#writeError === null ? "recorded" : "record-failed" };
      case "apply":
        await this.#apply(effect.text, effect.previousText);
        return { type: "applied" };
      case "commit":
        this.#writeError = await this.#deeds.commit(effect.confirmed);
        if (this.#writeError === null) this.#fileErrors = [];
        return { type: this.#writeError === null ? "committed" : "commit-failed" };
      case "forget-record":
        await this.#deeds.forget();
        return null;
      case "start-timer":
        this.#startTimer(effect.untilMonotonicMs);
        return null;
      case "stop-timer":
        this.#timer?.abort();
        this.#timer = null;
        return null;
      case "archive":
        await this.#deeds.archive(effect.pending, effect.pending.author, effect.outcome);
        this.#announce(effect.pending, effect.outcome);
        return null;
    }
  }

  async #apply(text: string, previousText: string | null): Promise<void> {
    const report = await this.#deeds.apply(text, previousText);
    this.#report = report;
    const state = this.#started();
    const revision = state.name === "applying" ? state.pending.revision : state.confirmed.revision;
    this.#emit({ type: "applied", revision, report });
  }

  #announce(pending: Pending, outcome: "confirmed" | "rolled-back" | "expired" | "interrupted") {
    const { revision, author } = pending;
    if (outcome === "confirmed") this.#emit({ type: "confirmed", revision, author });
    else {
      const report = this.#report ?? NOTHING;
      this.#emit({ type: "rolled-back", revision, outcome, report });
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
