// Measured values: one second in memory for ten minutes; ten seconds, a minute and an hour on the disk.
// Values reach the disk in chunks, when a chunk's span is over or the program stops, so that a day costs
// few writes. A power cut loses at most the open chunks: ten minutes of 10 s points, an hour of 1 min ones.
//
// While the wall clock is not set, values are kept in memory at the times it shows; once it is set, the
// last hour of them is moved to the right time and stored. docs/decisions/clock.md
import type { Clock } from "../ports/mod.ts";
import type {
  MetricLog,
  MetricPoint,
  MetricQuery,
  MetricSample,
  MetricSeries,
} from "../node/mod.ts";
import { Chunk, type Resolution, RESOLUTIONS } from "./chunk.ts";
import type { Database } from "./db.ts";
import {
  CHUNKS_UNWRITTEN,
  EARLIEST_SANE_MS,
  METRIC_QUERY_MAX_POINTS,
  METRIC_QUERY_POINTS,
  type Retention,
  SERIES_IDLE_S,
  SERIES_IN_MEMORY,
} from "./limits.ts";
import { SeriesBuffer } from "./series_buffer.ts";

/** Ten-second chunks kept of one series while the clock is not set: an hour. */
const UNSET_CHUNKS = 6;
const EVICT_INTERVAL_S = 60;
const [FINE, MIDDLE, COARSE] = RESOLUTIONS;

interface Sealed {
  readonly subject: string;
  readonly metric: string;
  readonly chunk: Chunk;
}

function keyOf(subject: string, metric: string): string {
  return `${subject}\0${metric}`;
}

function chunkKey(series: { readonly subject: string; readonly metric: string }, chunk: {
  readonly resolution: Resolution;
  readonly startS: number;
}): string {
  return `${
    keyOf(series.subject, series.metric)
  }\0${chunk.resolution.resolutionS}\0${chunk.startS}`;
}

/** The metric tables with their memory. */
export class MetricTable implements MetricLog {
  readonly #clock: Clock;
  readonly #retention: () => Retention;
  #db: Database | null = null;
  #series = new Map<string, SeriesBuffer>();
  /** Chunks to write, oldest first; a later state of the same chunk replaces the earlier. */
  #sealed = new Map<string, Sealed>();
  /** Chunks sealed while the clock was not set. */
  #unset = new Map<string, Chunk[]>();
  #ids = new Map<string, number>();
  #offsetMs: number | null = null;
  #lastEvictionS = 0;
  #lost = 0;

  constructor(clock: Clock, retention: () => Retention) {
    this.#clock = clock;
    this.#retention = retention;
  }

  /** Values and chunks that had to be dropped unwritten. */
  get lost(): number {
    return this.#lost;
  }

  /** Uses this database from now on. */
  attach(db: Database): void {
    this.#db = db;
    this.#ids.clear();
  }

  /** Whether the wall clock shows a time at which this program can run. */
  clockSet(): boolean {
    return this.#clock.wallMs() >= EARLIEST_SANE_MS;
  }

  record(samples: readonly MetricSample[]): void {
    this.#followClock();
    const atS = Math.floor(this.#clock.wallMs() / 1000);
    for (const { subject, metric, value } of samples) {
      if (!Number.isFinite(value)) continue;
      const key = keyOf(subject, metric);
      let buffer = this.#series.get(key);
      if (buffer === undefined) {
        if (this.#series.size >= SERIES_IN_MEMORY) {
          this.#lost++;
          continue;
        }
        buffer = this.#newBuffer(subject, metric);
        this.#series.set(key, buffer);
      }
      buffer.add(atS, value);
    }
    if (Math.abs(atS - this.#lastEvictionS) >= EVICT_INTERVAL_S) this.#evict(atS);
  }

  #newBuffer(subject: string, metric: string): SeriesBuffer {
    const home = {
      load: (series: SeriesBuffer, resolution: Resolution, startS: number) =>
        this.#load(series, resolution, startS),
      sealed: (series: SeriesBuffer, chunk: Chunk) => this.#seal(series, chunk),
    };
    return new SeriesBuffer(subject, metric, home, this.#retention().secondsKeptS);
  }

  #load(series: SeriesBuffer, resolution: Resolution, startS: number): Chunk | null {
    if (!this.clockSet()) return null;
    const waiting = this.#sealed.get(chunkKey(series, { resolution, startS }));
    if (waiting !== undefined) return waiting.chunk;
    return this.#stored(series.subject, series.metric, resolution, startS);
  }

  #seal(series: SeriesBuffer, chunk: Chunk): void {
    if (!this.clockSet()) {
      if (chunk.resolution !== FINE) return;
      const key = keyOf(series.subject, series.metric);
      const kept = this.#unset.get(key) ?? [];
      kept.push(chunk);
      if (kept.length > UNSET_CHUNKS) kept.shift();
      this.#unset.set(key, kept);
      return;
    }
    this.#await(series, chunk);
    // The day's chunk is open for long: what it has is written every hour.
    const day = chunk.resolution === MIDDLE ? series.open(COARSE) : null;
    if (day !== null) this.#await(series, day);
  }

  #await(series: SeriesBuffer, chunk: Chunk): void {
    if (chunk.endS * 1000 < EARLIEST_SANE_MS) return;
    const { subject, metric } = series;
    const key = chunkKey(series, chunk);
    this.#sealed.delete(key);
    this.#sealed.set(key, { subject, metric, chunk });
    if (this.#sealed.size <= CHUNKS_UNWRITTEN) return;
    const oldest = this.#sealed.keys().next();
    if (!oldest.done) this.#sealed.delete(oldest.value);
    this.#lost++;
  }

  /** Moves what was recorded in 1970 to the present, once that is known. */
  #followClock(): void {
    const offsetMs = this.#clock.wallMs() - this.#clock.monotonicMs();
    const before = this.#offsetMs;
    this.#offsetMs = offsetMs;
    if (before === null || !this.clockSet()) return;
    const wasSet = before + this.#clock.monotonicMs() >= EARLIEST_SANE_MS;
    if (wasSet) return;
    const deltaS = Math.round((offsetMs - before) / 1000);
    const old = this.#series;
    this.#series = new Map();
    for (const [key, buffer] of old) {
      const moved = this.#newBuffer(buffer.subject, buffer.metric);
      const open = buffer.open(FINE);
      const chunks = [...this.#unset.get(key) ?? [], ...open === null ? [] : [open]];
      for (const { atMs, min, average, max, count } of chunks.flatMap((chunk) => chunk.points())) {
        moved.addPoint(atMs / 1000 + deltaS, min, average, max, count);
      }
      moved.takeSeconds(buffer, deltaS);
      moved.lastS = buffer.lastS + deltaS;
      this.#series.set(key, moved);
    }
    this.#unset.clear();
  }

  #evict(nowS: number): void {
    this.#lastEvictionS = nowS;
    for (const [key, buffer] of this.#series) {
      if (buffer.lastS > nowS - SERIES_IDLE_S) continue;
      if (this.clockSet()) { for (const chunk of buffer.openChunks()) this.#await(buffer, chunk); }
      this.#series.delete(key);
      this.#unset.delete(key);
    }
  }

  /** Makes the open chunks ready to be written: the program stops. */
  sealAll(): void {
    if (!this.clockSet()) return;
    for (const buffer of this.#series.values()) {
      for (const chunk of buffer.openChunks()) this.#await(buffer, chunk);
    }
  }

  /** Chunks that wait to be written. */
  get unwritten(): number {
    return this.#sealed.size;
  }

  /** Writes what waits; call inside a transaction, then {@link written} or {@link failed}. */
  write(db: Database): void {
    for (const { subject, metric, chunk } of this.#sealed.values()) {
      db.run(
        "INSERT OR REPLACE INTO metric_chunks (resolution_s, start_s, series_id, data) " +
          "VALUES (?, ?, ?, ?)",
        chunk.resolution.resolutionS,
        chunk.startS,
        this.#seriesId(db, subject, metric, chunk.endS),
        chunk.encode(),
      );
    }
  }

  #seriesId(db: Database, subject: string, metric: string, lastS: number): number {
    const id = db.number(
      "INSERT INTO series (subject, metric, last_s) VALUES (?, ?, ?) ON CONFLICT (subject, metric) " +
        "DO UPDATE SET last_s = max(last_s, excluded.last_s) RETURNING id",
      subject,
      metric,
      lastS,
    );
    this.#ids.set(keyOf(subject, metric), id);
    return id;
  }

  /** What {@link write} wrote is committed. */
  written(): void {
    this.#sealed.clear();
  }

  /** What {@link write} wrote was rolled back: ids given in it are void. */
  failed(): void {
    this.#ids.clear();
  }

  /** Removes what is past its time; call inside a transaction. */
  prune(db: Database, nowMs: number): void {
    if (nowMs < EARLIEST_SANE_MS) return;
    const nowS = Math.floor(nowMs / 1000);
    const retention = this.#retention();
    for (const { resolutionS, kept } of RESOLUTIONS) {
      db.run(
        "DELETE FROM metric_chunks WHERE resolution_s = ? AND start_s < ?",
        resolutionS,
        nowS - retention[kept],
      );
    }
    db.run("DELETE FROM series WHERE last_s < ?", nowS - retention[COARSE.kept]);
    this.#ids.clear();
  }

  /** Removes the oldest tenth of the finest resolution that has values, to make room. */
  shrink(db: Database): number {
    for (const { resolutionS } of RESOLUTIONS) {
      const first = db.number(
        "SELECT min(start_s) FROM metric_chunks WHERE resolution_s = ?",
        resolutionS,
      );
      const last = db.number(
        "SELECT max(start_s) FROM metric_chunks WHERE resolution_s = ?",
        resolutionS,
      );
      if (first === 0) continue;
      return db.run(
        "DELETE FROM metric_chunks WHERE resolution_s = ? AND start_s <= ?",
        resolutionS,
        first + Math.floor((last - first) / 10),
      );
    }
    return 0;
  }

  names(): readonly { readonly subject: string; readonly metric: string }[] {
    const out = new Map<string, { subject: string; metric: string; lastS: number }>();
    for (const { subject, metric, lastS } of this.#series.values()) {
      out.set(keyOf(subject, metric), { subject, metric, lastS });
    }
    const rows = this.#db === null || this.#db.closed
      ? []
      : this.#db.all("SELECT subject, metric, last_s FROM series ORDER BY last_s DESC LIMIT 5000");
    for (const row of rows) {
      const subject = String(row["subject"]);
      const metric = String(row["metric"]);
      const key = keyOf(subject, metric);
      if (!out.has(key)) out.set(key, { subject, metric, lastS: Number(row["last_s"]) });
    }
    return [...out.values()]
      .sort((a, b) =>
        b.lastS - a.lastS || (keyOf(a.subject, a.metric) < keyOf(b.subject, b.metric) ? -1 : 1)
      )
      .map(({ subject, metric }) => ({ subject, metric }));
  }

  query(query: MetricQuery): MetricSeries {
    const { subject, metric } = query;
    const wished = Math.min(
      Math.max(1, query.points ?? METRIC_QUERY_POINTS),
      METRIC_QUERY_MAX_POINTS,
    );
    const fromS = Math.floor(query.fromMs / 1000);
    const toS = Math.ceil(query.toMs / 1000);
    const nowS = Math.floor(this.#clock.wallMs() / 1000);
    const buffer = this.#series.get(keyOf(subject, metric));
    if (
      buffer !== undefined && toS - fromS <= wished && fromS >= nowS - buffer.secondsKept
    ) {
      return { subject, metric, resolutionS: 1, points: buffer.seconds(fromS, toS) };
    }
    const retention = this.#retention();
    const resolution =
      RESOLUTIONS.find(({ resolutionS, kept }) =>
        (toS - fromS) / resolutionS <= wished && fromS >= nowS - retention[kept]
      ) ?? COARSE;
    const points = this.#points(query, resolution, fromS, Math.min(toS, nowS + 1));
    return { subject, metric, resolutionS: resolution.resolutionS, points };
  }

  #points(query: MetricQuery, resolution: Resolution, fromS: number, toS: number): MetricPoint[] {
    const { subject, metric } = query;
    const span = resolution.resolutionS * resolution.points;
    const open = this.#series.get(keyOf(subject, metric))?.open(resolution) ?? null;
    const oldestS = toS - METRIC_QUERY_MAX_POINTS * resolution.resolutionS;
    const out: MetricPoint[] = [];
    for (
      let startS = Chunk.startOf(resolution, Math.max(fromS, oldestS));
      startS <= toS;
      startS += span
    ) {
      const chunk = open?.startS === startS
        ? open
        : this.#sealed.get(chunkKey(query, { resolution, startS }))?.chunk ??
          this.#unset.get(keyOf(subject, metric))?.find((kept) =>
            kept.resolution === resolution && kept.startS === startS
          ) ?? this.#stored(subject, metric, resolution, startS);
      if (chunk !== null) out.push(...chunk.points());
    }
    return out.filter(({ atMs }) =>
      atMs >= Math.floor(fromS / resolution.resolutionS) * resolution.resolutionS * 1000 &&
      atMs <= toS * 1000
    );
  }

  #stored(subject: string, metric: string, resolution: Resolution, startS: number): Chunk | null {
    const db = this.#db;
    if (db === null || db.closed) return null;
    const key = keyOf(subject, metric);
    const id = this.#ids.get(key) ??
      db.number("SELECT id FROM series WHERE subject = ? AND metric = ?", subject, metric);
    if (id === 0) return null;
    this.#ids.set(key, id);
    const row = db.get(
      "SELECT data FROM metric_chunks WHERE resolution_s = ? AND start_s = ? AND series_id = ?",
      resolution.resolutionS,
      startS,
      id,
    );
    const data = row?.["data"];
    return data instanceof Uint8Array ? Chunk.decode(resolution, startS, data) : null;
  }
}
