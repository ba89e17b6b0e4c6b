// What a ConfigManager does to disk, history and machine: the effects of machine.ts that reach outside.
import { messageOf } from "../base/mod.ts";
import { ConfigFault } from "./errors.ts";
import type { ConfigEvent, ConfigOutcome } from "./history.ts";
import type { Confirmed, Pending } from "./machine.ts";
import type { ConfigManagerOptions } from "./manager_types.ts";
import { parseConfig } from "./parse.ts";
import type { Records } from "./pending.ts";
import type { ApplyReport } from "./report.ts";

/** A report of nothing done. */
export const NOTHING: ApplyReport = { changed: [], unchanged: 0, differing: [] };

/** Carries effects out. */
export class Deeds {
  readonly #options: ConfigManagerOptions;
  readonly #records: Records;
  readonly #emit: (event: ConfigEvent) => void;

  constructor(
    options: ConfigManagerOptions,
    records: Records,
    emit: (event: ConfigEvent) => void,
  ) {
    this.#options = options;
    this.#records = records;
    this.#emit = emit;
  }

  /** Writes the pending record. @returns why it could not be written, or `null`. */
  async record(pending: Pending): Promise<unknown> {
    try {
      await this.#records.writePending(pending);
      return null;
    } catch (thrown) {
      return thrown ?? new ConfigFault("storage", "Cannot write the rollback record");
    }
  }

  /** Makes a document the confirmed one: its file is the truth. @returns why it could not, or `null`. */
  async commit(confirmed: Confirmed): Promise<unknown> {
    try {
      if (await this.#records.document() !== confirmed.text) {
        await this.#records.writeDocument(confirmed.text);
      }
    } catch (thrown) {
      return thrown ?? new ConfigFault("storage", "Cannot write the document");
    }
    await this.keepLastGood(confirmed);
    return null;
  }

  async keepLastGood({ revision, text }: Confirmed): Promise<void> {
    await this.#tolerating(
      "keep a copy of the configuration",
      () => this.#records.writeLastGood({ version: 1, revision, text }),
    );
  }

  async forget(): Promise<void> {
    await this.#tolerating("remove the rollback record", () => this.#records.removePending());
  }

  async archive(
    { revision, text }: Confirmed,
    author: string,
    outcome: ConfigOutcome,
  ): Promise<void> {
    const at = this.#options.clock.wallMs();
    await this.#tolerating("write the configuration history", async () => {
      await this.#options.history.append({ revision, text, at, author, outcome });
    });
  }

  /** Applies a document. Never rejects: what went wrong is in the report. */
  async apply(text: string, previousText: string | null): Promise<ApplyReport> {
    const parsed = parseConfig(text);
    const previous = previousText === null ? null : parseConfig(previousText);
    const refused = (reason: string): ApplyReport => ({
      ...NOTHING,
      differing: [{ key: "", wanted: "the document", found: "unknown", reason }],
    });
    if (!parsed.ok) return refused(parsed.errors[0]?.message ?? "the document is invalid");
    try {
      return await this.#options.applier.apply(
        parsed.config,
        previous?.ok === true ? previous.config : null,
      );
    } catch (thrown) {
      return refused(messageOf(thrown));
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
}
