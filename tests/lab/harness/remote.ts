// A guest steered from the host: scenarios that need two kernels, or that pull a guest's network
// cable, run on the host and send shell scripts into their guests through the shared directory.

import { LabError } from "./errors.ts";
import { REMOTE_COMMAND_S, REMOTE_POLL_MS } from "./limits.ts";
import { exists, guestDir } from "./paths.ts";
import type { GuestEnd } from "./qemu.ts";
import { type PreparedRun, prepareRun, runPrepared, type SessionOptions } from "./session.ts";

/** What a script in the guest answered. */
export interface RemoteResult {
  /** Exit status of the script. */
  readonly status: number;
  /** Its standard output and standard error together. */
  readonly output: string;
}

/** A running guest that executes scripts one after the other. */
export class RemoteGuest implements AsyncDisposable {
  #next = 0;
  #end: GuestEnd | undefined;
  readonly #prepared: PreparedRun;
  readonly #ended: Promise<GuestEnd>;

  private constructor(prepared: PreparedRun, options: SessionOptions) {
    this.#prepared = prepared;
    this.#ended = runPrepared(prepared, options).then((end) => this.#end = end);
  }

  /** Boots a guest; its first {@linkcode sh} waits until it is up. */
  static async boot(options: SessionOptions): Promise<RemoteGuest> {
    const script = await Deno.readTextFile(`${guestDir}/agent.sh`);
    const prepared = await prepareRun(script, [], options);
    await Deno.mkdir(`${prepared.runDir}/cmd`);
    return new RemoteGuest(prepared, options);
  }

  /** Runs lines of bash in the guest; throws LabError when the guest goes off or takes too long. */
  async sh(script: string, limitS: number = REMOTE_COMMAND_S): Promise<RemoteResult> {
    const path = `${this.#prepared.runDir}/cmd/${this.#next++}`;
    await Deno.writeTextFile(`${path}.partial`, script);
    await Deno.rename(`${path}.partial`, path);
    const deadlineMs = performance.now() + limitS * 1000;
    while (!await exists(`${path}.status`)) {
      if (this.#end !== undefined) {
        throw new LabError(`Cannot run a script in the guest: ${this.#end.failure ?? "it is off"}`);
      }
      if (performance.now() > deadlineMs) {
        throw new LabError(`Cannot finish a script in the guest: no result after ${limitS} s`);
      }
      await new Promise((resolve) => setTimeout(resolve, REMOTE_POLL_MS));
    }
    const status = Number(await Deno.readTextFile(`${path}.status`));
    return { status, output: await Deno.readTextFile(`${path}.output`) };
  }

  /** Ends the guest and waits until it is off. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.writeTextFile(`${this.#prepared.runDir}/cmd/stop`, "");
    await this.#ended;
  }
}
