// The store: opens the database, writes what waits in batches, keeps its size bounded, makes backups, and
// goes on in memory when the disk does not take any more.
import { messageOf } from "../base/mod.ts";
import type { HealthCheck, NodeStore } from "../node/mod.ts";
import type { Clock, Files } from "../ports/mod.ts";
import { listBackups, makeBackup } from "./backups.ts";
import { ConfigHistoryTable } from "./config_history.ts";
import type { Database } from "./db.ts";
import { StoreError } from "./errors.ts";
import { EventTable } from "./events.ts";
import {
  BACKUP_INTERVAL_MS,
  DEFAULT_RETENTION,
  DISK_FAILED_BYTES,
  DISK_LOW_BYTES,
  FLUSH_INTERVAL_MS,
  HARD_LIMIT_FACTOR,
  MIN_DATABASE_BYTES,
  PAGE_BYTES,
  PRUNE_INTERVAL_MS,
  type Retention,
  SHRINK_STEPS,
  URGENT_FLUSHES,
  URGENT_WINDOW_MS,
} from "./limits.ts";
import { AuditRows, RequestRows, TokenRows, VersionRows } from "./membership.ts";
import { HeadRows, PolicyVersionRows } from "./policy.ts";
import { MetricTable } from "./metrics.ts";
import { openRecovering, type Recovered } from "./recover.ts";
import {
  SpiffeEntryRows,
  SpiffeFederationRows,
  SpiffeMemberRows,
  SpiffeOwnBundleRow,
} from "./spiffe.ts";

/** What it takes to open the store. */
export interface StoreOptions {
  /** Absolute path of the database file; its directory exists. */
  readonly path: string;
  readonly clock: Clock;
  readonly files: Files;
  /** Names this boot of the machine: with monotonic time it orders events when the wall clock is wrong. */
  readonly bootId: string;
  /** What to keep; asked again with each pruning. Default {@link DEFAULT_RETENTION}. */
  readonly retention?: () => Retention;
  /** Hard page limit, default a quarter above the bound; tests make a disk full with it. */
  readonly maxPages?: number;
  /** Default 30 s. */
  readonly flushIntervalMs?: number;
  /** Something a person should read; default nowhere. */
  readonly log?: (message: string) => void;
}

/** Events, metrics and configuration history in one database. */
export class Store implements NodeStore {
  readonly events: EventTable;
  readonly metrics: MetricTable;
  readonly configHistory: ConfigHistoryTable;
  readonly audit = new AuditRows();
  readonly tokens = new TokenRows();
  readonly requests = new RequestRows();
  readonly meshVersions = new VersionRows();
  readonly policyVersions = new PolicyVersionRows();
  readonly auditHeads = new HeadRows();
  readonly spiffe = {
    entries: new SpiffeEntryRows(),
    members: new SpiffeMemberRows(),
    federations: new SpiffeFederationRows(),
    ownBundle: new SpiffeOwnBundleRow(),
  };
  readonly #options: StoreOptions;
  readonly #retention: () => Retention;
  #db: Database;
  #writtenBefore = 0;
  #problem: StoreError | null = null;
  #notes: string[] = [];
  #prunedAtMs: number;
  #backupProblem: string | null = null;
  #space: { readonly totalBytes: number; readonly freeBytes: number } | null = null;
  #stop = new AbortController();
  #wake = new AbortController();
  #urgentAtMs: number[] = [];
  #running: Promise<void> | null = null;

  private constructor(options: StoreOptions, opened: Recovered) {
    this.#options = options;
    this.#retention = options.retention ?? (() => DEFAULT_RETENTION);
    this.events = new EventTable(options.clock, options.bootId, () => this.#urgent());
    this.metrics = new MetricTable(options.clock, this.#retention);
    this.configHistory = new ConfigHistoryTable();
    this.#prunedAtMs = options.clock.monotonicMs();
    this.#db = opened.db;
    this.#adopt(opened);
  }

  /** Opens, restoring a backup if need be. @throws {StoreError} "newer-schema" */
  static async open(options: StoreOptions): Promise<Store> {
    return new Store(options, await openRecovering(recoverOptions(options)));
  }

  #adopt({ db, notes, replaced, problem }: Recovered): void {
    this.#db = db;
    this.#problem = problem;
    this.events.attach(db, replaced);
    this.metrics.attach(db);
    this.configHistory.attach(db);
    const writtenThrough = [
      this.audit,
      this.auditHeads,
      this.meshVersions,
      this.policyVersions,
      this.requests,
      this.tokens,
      ...Object.values(this.spiffe),
    ];
    for (const rows of writtenThrough) rows.attach(db);
    for (const { message } of notes) {
      this.#notes.push(message);
      this.#options.log?.(message);
    }
    if (problem !== null) this.#options.log?.(`${problem.message}; history is in memory only`);
    if (notes.length > 0) this.events.add(notes);
  }

  /** Begins to write at intervals. */
  start(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    const interval = this.#options.flushIntervalMs ?? FLUSH_INTERVAL_MS;
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      const signal = AbortSignal.any([this.#stop.signal, this.#wake.signal]);
      await this.#options.clock.sleep(interval, signal);
      if (this.#stop.signal.aborted) return;
      const urgent = this.#wake.signal.aborted;
      await this.maintain({ durable: urgent });
    }
  }

  /** Warnings are written at once, a flood of them with the next batch. */
  #urgent(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#urgentAtMs = this.#urgentAtMs.filter((atMs) => atMs > nowMs - URGENT_WINDOW_MS);
    if (this.#urgentAtMs.length >= URGENT_FLUSHES) return;
    this.#urgentAtMs.push(nowMs);
    this.#wake.abort();
  }

  /** Writes what waits and does what is due: repair, pruning, backup. Never rejects. */
  async maintain(options: { readonly durable?: boolean } = {}): Promise<void> {
    await this.#repair();
    this.flush(options);
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#prunedAtMs >= PRUNE_INTERVAL_MS) {
      this.#prunedAtMs = nowMs;
      this.prune();
    }
    await this.backup();
    this.#space = await this.#options.files.space(this.#options.path);
  }

  /** Opens the file anew after it was damaged, read-only or not there. */
  async #repair(): Promise<void> {
    const code = this.#problem?.code;
    if (this.#db.mode === "read-write" && code !== "corrupt") return;
    const old = this.#db;
    try {
      if (old.mode === "read-write") old.close();
      const opened = await openRecovering(recoverOptions(this.#options));
      if (opened.problem !== null && old.mode !== "read-write") {
        opened.db.close();
        this.#problem = opened.problem;
        return;
      }
      this.#writtenBefore += old.writtenBytes;
      old.close();
      this.#adopt(opened);
    } catch (thrown) {
      this.#problem = asStoreError(thrown);
    }
  }

  /** Writes all that waits, in one transaction. On failure it keeps waiting, and checks() says why. */
  flush(options: { readonly durable?: boolean } = {}): void {
    const { events, metrics, configHistory } = this;
    if (events.unwritten + metrics.unwritten + configHistory.unwritten === 0) {
      // Nothing to write proves nothing: a problem stays until a write succeeds.
      if (this.#problem?.code !== "full") return;
    }
    if (this.#db.mode !== "read-write") return;
    try {
      const counts = this.#db.transaction(() => {
        const written = { events: events.write(this.#db), configs: configHistory.write(this.#db) };
        metrics.write(this.#db);
        return written;
      }, options);
      events.written(counts.events);
      configHistory.written(counts.configs);
      metrics.written();
      if (this.#problem !== null) this.#options.log?.("The database can be written again");
      this.#problem = null;
    } catch (thrown) {
      metrics.failed();
      const problem = asStoreError(thrown);
      if (this.#problem?.code !== problem.code) this.#options.log?.(problem.message);
      this.#problem = problem;
      if (problem.code === "full") this.#makeRoom();
    }
  }

  /** Removes what is too old, then the oldest and finest until the bound is kept. */
  prune(): void {
    if (this.#db.mode !== "read-write") return;
    const nowMs = this.#options.clock.wallMs();
    const { eventsKeptS } = this.#retention();
    const maxBytes = this.#maxBytes();
    try {
      this.#db.exec(`PRAGMA max_page_count = ${maxPagesOf(this.#options)}`);
      this.#db.transaction(() => {
        this.events.prune(this.#db, nowMs, eventsKeptS);
        this.metrics.prune(this.#db, nowMs);
        this.configHistory.prune(this.#db);
      });
      for (let step = 0; step < SHRINK_STEPS && this.#db.usedBytes() > maxBytes; step++) {
        if (this.#shrink() === 0) break;
      }
    } catch (thrown) {
      this.#problem = asStoreError(thrown);
    }
  }

  #maxBytes(): number {
    return Math.max(this.#retention().maxBytes, MIN_DATABASE_BYTES);
  }

  #shrink(): number {
    return this.#db.transaction(() =>
      this.metrics.shrink(this.#db) || this.events.shrink(this.#db)
    );
  }

  /** Our own page limit is reached: the oldest goes, so that the newest has room. */
  #makeRoom(): void {
    try {
      if (this.#db.usedBytes() > this.#maxBytes() / 2) this.#shrink();
      this.#db.checkpoint();
    } catch {
      // A disk that is full for everybody refuses this too; the next flush tries again.
    }
  }

  /** Makes a backup when the newest one is a day old, or `force`. Never rejects. */
  async backup(options: { readonly force?: boolean } = {}): Promise<void> {
    const { path, files, clock } = this.#options;
    if (this.#db.mode !== "read-write" || this.#problem !== null) return;
    try {
      const [newest] = await listBackups(path, files);
      const ageMs = newest === undefined ? Infinity : clock.wallMs() - newest.modifiedMs;
      // A backup from the "future" was made before the clock was lost: it is not known to be old.
      if (options.force !== true && ageMs < BACKUP_INTERVAL_MS) return;
      await makeBackup(this.#db, files, clock.wallMs());
      this.#backupProblem = null;
    } catch (thrown) {
      const reason = messageOf(thrown);
      if (this.#backupProblem === null) this.#options.log?.(`No backup could be made: ${reason}`);
      this.#backupProblem = reason;
    }
  }

  figures(): { readonly databaseBytes: number; readonly writtenBytes: number } {
    const writtenBytes = this.#writtenBefore + this.#db.writtenBytes;
    if (this.#db.closed) return { databaseBytes: 0, writtenBytes };
    return { databaseBytes: this.#db.bytes(), writtenBytes };
  }

  checks(): readonly HealthCheck[] {
    return [this.#databaseCheck(), ...this.#diskCheck(), this.#clockCheck()];
  }

  /** Empty where the room cannot be told, or was not looked at yet. */
  #diskCheck(): HealthCheck[] {
    if (this.#space === null) return [];
    const { freeBytes } = this.#space;
    const name = "disk";
    const reason = `${(freeBytes / 1_000_000).toFixed(1)} MB are free where the database is`;
    if (freeBytes < DISK_FAILED_BYTES) return [{ name, state: "failed", reason }];
    return [{ name, state: freeBytes < DISK_LOW_BYTES ? "degraded" : "ok", reason }];
  }

  #databaseCheck(): HealthCheck {
    const name = "database";
    const lost = this.events.lost + this.metrics.lost;
    const dropped = lost === 0 ? "" : ` (${lost} entries lost so far)`;
    if (this.#problem !== null) {
      const waiting = this.events.unwritten + this.metrics.unwritten;
      return {
        name,
        state: "failed",
        reason: `${this.#problem.message}; ${waiting} entries are in memory only${dropped}`,
      };
    }
    if (this.#notes.length > 0) {
      return { name, state: "degraded", reason: this.#notes.join("; ") };
    }
    if (this.#backupProblem !== null) {
      return { name, state: "degraded", reason: `No backup: ${this.#backupProblem}` };
    }
    return {
      name,
      state: "ok",
      reason: dropped === "" ? "Written and sound" : `Written${dropped}`,
    };
  }

  #clockCheck(): HealthCheck {
    const name = "clock";
    if (this.metrics.clockSet()) return { name, state: "ok", reason: "Set" };
    const shown = new Date(this.#options.clock.wallMs()).toISOString();
    return {
      name,
      state: "degraded",
      reason: `The clock shows ${shown}: metrics stay in memory until it is set`,
    };
  }

  /** Writes everything and closes. Never rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.metrics.sealAll();
    this.flush({ durable: true });
    if (this.#problem !== null) {
      this.#options.log?.(
        `${this.events.unwritten} events and ${this.metrics.unwritten} metric chunks are lost: ` +
          this.#problem.message,
      );
    }
    this.#db.close();
  }
}

function maxPagesOf({ retention, maxPages }: StoreOptions): number {
  const { maxBytes } = retention?.() ?? DEFAULT_RETENTION;
  const bound = Math.max(maxBytes, MIN_DATABASE_BYTES) * HARD_LIMIT_FACTOR;
  return maxPages ?? Math.ceil(bound / PAGE_BYTES);
}

function recoverOptions(options: StoreOptions) {
  return {
    path: options.path,
    files: options.files,
    nowMs: Math.round(options.clock.wallMs()),
    maxPages: maxPagesOf(options),
  };
}

function asStoreError(thrown: unknown): StoreError {
  return thrown instanceof StoreError
    ? thrown
    : new StoreError("io", messageOf(thrown), { cause: thrown });
}
