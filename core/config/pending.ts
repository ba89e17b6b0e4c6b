// What the manager keeps on disk, besides the document itself: two small JSON files, each written
// atomically. A damaged one is set aside, never silently dropped.
import { z } from "zod";
import { messageOf } from "../base/mod.ts";
import type { Files } from "../ports/mod.ts";
import type { Pending } from "./machine.ts";

const pendingSchema = z.strictObject({
  version: z.literal(1),
  revision: z.int().min(1),
  previousRevision: z.int().min(0),
  previousText: z.string(),
  text: z.string(),
  author: z.string(),
  bootId: z.string(),
  deadlineMonotonicMs: z.number(),
  startedWallMs: z.number(),
  deadlineWallMs: z.number(),
});

const lastGoodSchema = z.strictObject({
  version: z.literal(1),
  revision: z.int().min(0),
  text: z.string(),
});

/** The newest confirmed document and its revision. */
export type LastGood = z.output<typeof lastGoodSchema>;

/** Where the manager keeps its files. */
export interface ConfigPaths {
  /** The document: what a person may edit while the node is stopped. */
  readonly document: string;
  /** A directory of the node's own for the records. */
  readonly directory: string;
}

/** A record that was read, or was there but unreadable. */
export interface Found<T> {
  readonly record: T | null;
  /** Where an unreadable one was set aside, with the reason; `null` when there was none. */
  readonly damaged: string | null;
}

/** The records of one manager. */
export class Records {
  readonly #files: Files;
  readonly #paths: ConfigPaths;

  constructor(files: Files, paths: ConfigPaths) {
    this.#files = files;
    this.#paths = paths;
  }

  #path(name: string): string {
    return `${this.#paths.directory}/${name}`;
  }

  async prepare(): Promise<void> {
    await this.#files.makeDirectory(this.#paths.directory, 0o700);
  }

  async document(): Promise<string | null> {
    return await this.#files.readText(this.#paths.document);
  }

  async writeDocument(text: string): Promise<void> {
    await this.#files.writeAtomic(this.#paths.document, text, 0o600);
  }

  async pending(): Promise<Found<Pending>> {
    return await this.#read("config.pending.json", pendingSchema);
  }

  async writePending(pending: Pending): Promise<void> {
    await this.#write("config.pending.json", pending);
  }

  async removePending(): Promise<void> {
    await this.#files.remove(this.#path("config.pending.json"));
  }

  async lastGood(): Promise<Found<LastGood>> {
    return await this.#read("config.last.json", lastGoodSchema);
  }

  async writeLastGood(last: LastGood): Promise<void> {
    await this.#write("config.last.json", last);
  }

  async #write(name: string, record: unknown): Promise<void> {
    await this.#files.writeAtomic(this.#path(name), `${JSON.stringify(record)}\n`, 0o600);
  }

  async #read<T>(name: string, schema: z.ZodType<T>): Promise<Found<T>> {
    const text = await this.#files.readText(this.#path(name));
    if (text === null) return { record: null, damaged: null };
    try {
      return { record: schema.parse(JSON.parse(text)), damaged: null };
    } catch (thrown) {
      const aside = this.#path(`${name}.damaged`);
      await this.#files.rename(this.#path(name), aside);
      return { record: null, damaged: `${aside} (${messageOf(thrown).split("\n")[0]})` };
    }
  }
}
