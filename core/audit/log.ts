// The audit log: who enrolled, was approved, revoked, rotated. Each entry carries the hash of the one before, so
// that none can be changed, removed or put in between without it showing. The newest hash is kept a second
// time in a file: a database restored from an old backup, or cut, is noticed. It is no defence against
// somebody who rewrites both; for that heads are signed and passed on (head.ts, head_book.ts).
import { type Clock, FileError, type Files } from "../ports/mod.ts";
import { equalBytes } from "../pq/mod.ts";
import {
  type AuditEntry,
  type AuditHead,
  type AuditKind,
  type AuditStretch,
  type AuditVerdict,
  followEntries,
  hashOfBody,
  hashOfEntry,
  missingEntry,
  START,
} from "./chain.ts";
import { AuditError } from "./errors.ts";
import type { AuditTable } from "./ports.ts";
import {
  MAX_DETAIL_BYTES,
  MAX_HEAD_LINKS,
  MAX_SUBJECT_BYTES,
  USUAL_HEAD_LINKS,
  VERIFY_BATCH,
} from "./limits.ts";

/** What an entry of a rollback says was lost; 0 when it does not say. */
function lostIn(detail: string): number {
  try {
    const { lost } = JSON.parse(detail) as { readonly lost?: unknown };
    return typeof lost === "number" ? lost : 0;
  } catch {
    return 0;
  }
}

function requireShort(what: string, text: string, most: number): void {
  if (new TextEncoder().encode(text).length > most) {
    throw new AuditError("too-long", `Cannot record an audit entry: its ${what} is too long`);
  }
}

/** The log of one node. */
export class AuditLog {
  readonly #table: AuditTable;
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #path: string;
  #rollback: string | null = null;
  /** Entries that were there before the rollback, as far as is known. */
  #lost = 0;
  /** Entries whose loss was acknowledged; `null` until it was looked up. */
  #forgiven: number | null = null;
  /** The newest entry that this object wrote. */
  #tip: AuditHead | null = null;
  #writing: Promise<void> = Promise.resolve();

  private constructor(table: AuditTable, files: Files, clock: Clock, path: string) {
    this.#table = table;
    this.#files = files;
    this.#clock = clock;
    this.#path = path;
  }

  /** @param path file that keeps the newest hash a second time. */
  static async open(
    table: AuditTable,
    files: Files,
    clock: Clock,
    path: string,
  ): Promise<AuditLog> {
    const log = new AuditLog(table, files, clock, path);
    log.#rollback = await log.#compare();
    return log;
  }

  /** Why the table is not the one that was last written, or `null`. */
  get rollback(): string | null {
    return this.#rollback;
  }

  async #compare(): Promise<string | null> {
    const text = await this.#files.readText(this.#path);
    if (text === null) {
      // A crash after the very first entry leaves no file.
      return (this.#table.last()?.index ?? 0) < 2
        ? null
        : `the file "${this.#path}" is gone: it can't be told whether newer entries were cut off`;
    }
    const match = /^(\d{1,15}) ([0-9a-f]{96})\n$/.exec(text);
    if (match === null) return `the file "${this.#path}" is damaged`;
    const count = Number(match[1]);
    this.#lost = Math.max(this.#lost, count);
    const have = this.#table.last()?.index ?? 0;
    if (have < count) return `the database has ${have} audit entries of ${count}`;
    const [entry] = count === 0 ? [] : this.#table.from(count, 1);
    const hash = entry?.hash ?? START;
    if (equalBytes(hash, Uint8Array.fromHex(match[2] ?? ""))) return null;
    return `audit entry ${count} is not the one that was written`;
  }

  /** Where the chain is now. */
  head(): AuditHead {
    const last = this.#table.last();
    return { count: last?.index ?? 0, hash: last?.hash ?? START };
  }

  /** Where the chain was after `count` entries, or `null` when it isn't so long. */
  headAt(count: number): AuditHead | null {
    if (count === 0) return { count, hash: START };
    const [entry] = this.#table.from(count, 1);
    return entry?.index === count ? { count, hash: entry.hash } : null;
  }

  /**
   * The chain as hashes, from `since` on.
   *
   * @param since entries already known; a longer log than this one begins at its end.
   * @param limit links at most, {@link MAX_HEAD_LINKS} at most.
   */
  stretch(since: number, limit: number = MAX_HEAD_LINKS): AuditStretch {
    const { count } = this.head();
    const base = this.headAt(Math.max(0, Math.min(since, count)));
    if (base === null) {
      throw new AuditError("broken", `Cannot read audit entry ${since}: it is missing`);
    }
    const entries = this.#table.from(base.count + 1, Math.min(limit, MAX_HEAD_LINKS));
    return { base, links: entries.map(hashOfBody) };
  }

  /** Records something that was done. @throws {AuditError} "too-long"; StoreError when it cannot be kept. */
  async append(
    kind: AuditKind,
    actor: string,
    subject: string,
    detail: Readonly<Record<string, string | number | boolean>> = {},
  ): Promise<AuditEntry> {
    const json = JSON.stringify(detail);
    requireShort("actor", actor, MAX_SUBJECT_BYTES);
    requireShort("subject", subject, MAX_SUBJECT_BYTES);
    requireShort("detail", json, MAX_DETAIL_BYTES);
    this.#requireTip();
    const { count, hash: previous } = this.head();
    const unhashed = {
      index: count + 1,
      atMs: Math.max(0, Math.round(this.#clock.wallMs())),
      kind,
      actor,
      subject,
      detail: json,
      previous,
    };
    const entry: AuditEntry = { ...unhashed, hash: hashOfEntry(unhashed) };
    this.#table.append(entry);
    this.#tip = { count: entry.index, hash: entry.hash };
    // While a rollback is not acknowledged, the file goes on naming what is missing, over restarts too.
    if (this.#rollback !== null) return entry;
    // The table first: a crash in between leaves the file behind, which is no rollback.
    this.#writing = this.#writing.catch(() => {}).then(() => this.#writeHead());
    await this.#writing;
    return entry;
  }

  /** Notices that what was written is gone before the file that shows it is written over. */
  #requireTip(): void {
    const tip = this.#tip;
    if (tip === null || this.#rollback !== null) return;
    const here = this.headAt(tip.count);
    if (here !== null && equalBytes(here.hash, tip.hash)) return;
    this.#lost = Math.max(this.#lost, tip.count);
    this.#rollback = here === null
      ? `the database has ${this.head().count} audit entries of ${tip.count}`
      : `audit entry ${tip.count} is not the one that was written`;
  }

  async #writeHead(): Promise<void> {
    const { count, hash } = this.head();
    try {
      await this.#files.writeAtomic(this.#path, `${count} ${hash.toHex()}\n`, 0o600);
    } catch (thrown) {
      // The entry is kept all the same; the next one writes the file again.
      if (!(thrown instanceof FileError)) throw thrown;
    }
  }

  /**
   * Says that a rollback is known and that the log goes on from what is there. Heads that this node signed
   * before are no news from then on.
   */
  async acknowledgeRollback(actor: string): Promise<void> {
    const found = this.#rollback;
    if (found === null) return;
    const lost = Math.max(this.#lost, this.head().count);
    this.#rollback = null;
    try {
      await this.append("state.rollback", actor, "audit log", { found, lost });
    } catch (thrown) {
      this.#rollback = found;
      throw thrown;
    }
    this.#forgiven = Math.max(this.#forgiven ?? 0, lost);
  }

  /** Up to which entry a loss was acknowledged. */
  #forgivenUntil(): number {
    if (this.#forgiven !== null) return this.#forgiven;
    let until = 0;
    for (let next = 1;;) {
      const batch = this.#table.from(next, VERIFY_BATCH);
      for (const { kind, detail } of batch) {
        const lost = kind === "state.rollback" ? lostIn(detail) : 0;
        until = Math.max(until, lost);
      }
      const last = batch.at(-1);
      if (last === undefined) break;
      next = last.index + 1;
    }
    return this.#forgiven = until;
  }

  /** Newest first. @param before index of the oldest entry already known; left out, from the newest. */
  list(limit: number, before: number = Number.MAX_SAFE_INTEGER): readonly AuditEntry[] {
    const end = Math.min(before - 1, this.head().count);
    const start = Math.max(1, end - limit + 1);
    return end < 1 ? [] : this.#table.from(start, end - start + 1).toReversed();
  }

  /** The chain's newest links: what a head that is told to everybody carries. */
  recent(): AuditStretch {
    return this.stretch(this.head().count - USUAL_HEAD_LINKS);
  }

  /**
   * Takes notice of what this node signed earlier, as another member gives it back: the only witness when
   * the database and the file beside it were restored together.
   *
   * @param signed whose signature by this node was checked.
   * @returns why this log is not the one that was signed, or `null`.
   */
  confront(signed: AuditHead): string | null {
    const { count } = this.head();
    const here = this.headAt(signed.count);
    if (here !== null && equalBytes(here.hash, signed.hash)) return null;
    if (signed.count <= this.#forgivenUntil()) return null;
    const why = here === null
      ? `this log has ${count} entries; ${signed.count} were signed by this node and seen by others`
      : `audit entry ${signed.count} is not the one that this node signed and others saw`;
    this.#rollback ??= why;
    this.#lost = Math.max(this.#lost, signed.count);
    return why;
  }

  /**
   * Checks every link from the first on, and that the newest is the one that was last written.
   *
   * @param pause called between two batches, so that other work goes on.
   */
  async verify(pause: () => Promise<void> = () => Promise.resolve()): Promise<AuditVerdict> {
    let link: AuditHead = { count: 0, hash: START };
    // Entries that are appended meanwhile are checked too.
    while (link.count < this.head().count) {
      const batch = this.#table.from(link.count + 1, VERIFY_BATCH);
      const next = followEntries(link, batch);
      if ("sound" in next) return next;
      if (batch.length === 0) return missingEntry(link.count + 1);
      link = next;
      await pause();
    }
    await this.#writing.catch(() => {});
    const rollback = this.#rollback ??= await this.#compare();
    return rollback === null
      ? { sound: true, head: link }
      : { sound: false, brokenAt: link.count + 1, why: rollback };
  }
}
