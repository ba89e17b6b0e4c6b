// The event log: new events are in memory until the next flush, and queries see both.
import type { Clock } from "../ports/mod.ts";
import type { EventDraft, EventLog, EventQuery, NodeEvent, Severity } from "../node/mod.ts";
import type { Database, Row } from "./db.ts";
import {
  EVENT_QUERY_MAX_ROWS,
  EVENT_QUERY_ROWS,
  EVENT_ROWS,
  EVENT_TEXT_CHARACTERS,
  EVENTS_UNWRITTEN,
} from "./limits.ts";

/** Order of the severities; the index is what the table holds. */
const SEVERITIES: readonly Severity[] = ["debug", "info", "notice", "warning", "error"];

/** Ids jump by this after a database was restored or lost, so that no id is given twice. */
const RECOVERY_ID_GAP = 100_000;

interface Unwritten {
  readonly event: NodeEvent;
  readonly monotonicMs: number;
}

/** The event table with its buffer. */
export class EventTable implements EventLog {
  readonly #clock: Clock;
  readonly #bootId: string;
  readonly #urgent: () => void;
  #unwritten: Unwritten[] = [];
  #nextId = 1;
  #lost = 0;
  #db: Database | null = null;

  /** @param urgent called when a warning or an error was added: flush soon. */
  constructor(clock: Clock, bootId: string, urgent: () => void) {
    this.#clock = clock;
    this.#bootId = bootId;
    this.#urgent = urgent;
  }

  /** Events that had to be dropped unwritten. */
  get lost(): number {
    return this.#lost;
  }

  /** How many wait to be written. */
  get unwritten(): number {
    return this.#unwritten.length;
  }

  /** Uses this database from now on. @param recovered the file before it is gone: ids must not repeat. */
  attach(db: Database, recovered: boolean): void {
    this.#db = db;
    const next = db.number("SELECT coalesce(max(id), 0) + 1 FROM events");
    this.#nextId = Math.max(this.#nextId, next + (recovered ? RECOVERY_ID_GAP : 0));
  }

  add(drafts: readonly EventDraft[]): readonly NodeEvent[] {
    const atMs = Math.round(this.#clock.wallMs());
    const monotonicMs = Math.round(this.#clock.monotonicMs());
    const added = drafts.map((draft): NodeEvent => ({
      id: this.#nextId++,
      atMs,
      severity: draft.severity,
      type: draft.type,
      subject: draft.subject,
      message: draft.message.slice(0, EVENT_TEXT_CHARACTERS),
      data: draft.data ?? {},
    }));
    for (const event of added) this.#unwritten.push({ event, monotonicMs });
    const excess = this.#unwritten.length - EVENTS_UNWRITTEN;
    if (excess > 0) {
      this.#unwritten.splice(0, excess);
      this.#lost += excess;
    }
    if (added.some(({ severity }) => severity === "warning" || severity === "error")) {
      this.#urgent();
    }
    return added;
  }

  /** Writes what waits; call inside a transaction, then {@link written} once it is committed. */
  write(db: Database): number {
    for (const { event, monotonicMs } of this.#unwritten) {
      const data = JSON.stringify(event.data);
      db.run(
        "INSERT INTO events (id, at_ms, boot_id, monotonic_ms, severity, type, subject, message, " +
          "data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        event.id,
        event.atMs,
        this.#bootId,
        monotonicMs,
        SEVERITIES.indexOf(event.severity),
        event.type,
        event.subject,
        event.message,
        data.length > EVENT_TEXT_CHARACTERS ? '{"truncated":true}' : data,
      );
    }
    return this.#unwritten.length;
  }

  /** Forgets the `count` oldest waiting events: they are committed. */
  written(count: number): void {
    this.#unwritten = this.#unwritten.slice(count);
  }

  /** Removes what is too old or too much; call inside a transaction. */
  prune(db: Database, nowMs: number, keptS: number): void {
    db.run(
      "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?",
      EVENT_ROWS + RECOVERY_ID_GAP,
    );
    db.run(
      "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id DESC LIMIT -1 OFFSET ?)",
      EVENT_ROWS,
    );
    // Boots without a clock wrote 1970: those rows go by count, not by age.
    db.run("DELETE FROM events WHERE at_ms BETWEEN 1000000000000 AND ?", nowMs - keptS * 1000);
  }

  /** Removes the oldest tenth, to make room. */
  shrink(db: Database): number {
    return db.run(
      "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id " +
        "LIMIT (SELECT count(*) / 10 + 1 FROM events))",
    );
  }

  query(query: EventQuery): readonly NodeEvent[] {
    const limit = Math.min(Math.max(1, query.limit ?? EVENT_QUERY_ROWS), EVENT_QUERY_MAX_ROWS);
    const matches = matcher(query);
    const out: NodeEvent[] = [];
    for (let at = this.#unwritten.length - 1; at >= 0 && out.length < limit; at--) {
      const entry = this.#unwritten[at];
      if (entry !== undefined && matches(entry.event)) out.push(entry.event);
    }
    if (out.length < limit && this.#db !== null && !this.#db.closed) {
      const oldest = this.#unwritten[0]?.event.id;
      out.push(...this.#stored(this.#db, query, limit - out.length, oldest));
    }
    return out;
  }

  #stored(db: Database, query: EventQuery, limit: number, below: number | undefined): NodeEvent[] {
    const where: string[] = [];
    const values: (string | number)[] = [];
    const add = (condition: string, value: string | number | undefined) => {
      if (value === undefined) return;
      where.push(condition);
      values.push(value);
    };
    add("id > ?", query.afterId);
    add("id < ?", query.beforeId);
    add("id < ?", below);
    add("at_ms >= ?", query.sinceMs);
    add(
      "severity >= ?",
      query.minSeverity === undefined ? undefined : SEVERITIES.indexOf(query.minSeverity),
    );
    if (query.type !== undefined) {
      where.push("substr(type, 1, length(?)) = ?");
      values.push(query.type, query.type);
    }
    add("subject = ?", query.subject);
    add("instr(lower(message), ?) > 0", query.search?.toLowerCase());
    const condition = where.length === 0 ? "" : `WHERE ${where.join(" AND ")}`;
    const rows = db.all(
      "SELECT id, at_ms, severity, type, subject, message, data FROM events " +
        `${condition} ORDER BY id DESC LIMIT ?`,
      ...values,
      limit,
    );
    return rows.map(eventOf);
  }
}

/** The same conditions as the SQL, for events still in memory. */
function matcher(query: EventQuery): (event: NodeEvent) => boolean {
  const search = query.search?.toLowerCase();
  const minimum = query.minSeverity === undefined ? 0 : SEVERITIES.indexOf(query.minSeverity);
  return (event) =>
    (query.afterId === undefined || event.id > query.afterId) &&
    (query.beforeId === undefined || event.id < query.beforeId) &&
    (query.sinceMs === undefined || event.atMs >= query.sinceMs) &&
    SEVERITIES.indexOf(event.severity) >= minimum &&
    (query.type === undefined || event.type.startsWith(query.type)) &&
    (query.subject === undefined || event.subject === query.subject) &&
    (search === undefined || event.message.toLowerCase().includes(search));
}

function eventOf(row: Row): NodeEvent {
  const text = String(row["data"]);
  let data: unknown = null;
  try {
    data = JSON.parse(text);
  } catch {
    data = { unreadable: text };
  }
  return {
    id: Number(row["id"]),
    atMs: Number(row["at_ms"]),
    severity: SEVERITIES[Number(row["severity"])] ?? "info",
    type: String(row["type"]),
    subject: String(row["subject"]),
    message: String(row["message"]),
    data: isRecord(data) ? data : {},
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
