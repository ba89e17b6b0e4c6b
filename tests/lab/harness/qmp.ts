// A client for QEMU's control socket, for what a guest cannot do to itself, such as losing a cable.
// Source: QEMU Machine Protocol: greeting, `qmp_capabilities`, then one answer a command; events may
// come in between.

import { LabError } from "./errors.ts";

/** A connection to one guest's control socket. */
export class Qmp implements Disposable {
  #rest = "";

  private constructor(private readonly connection: Deno.UnixConn) {}

  /** Connects to the socket at `path`, which QEMU must already have made. */
  static async connect(path: string): Promise<Qmp> {
    const qmp = new Qmp(await Deno.connect({ transport: "unix", path }));
    await qmp.#message();
    await qmp.execute("qmp_capabilities");
    return qmp;
  }

  /** Executes a command and returns its result; throws LabError with QEMU's words on an error. */
  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    const request = JSON.stringify({ execute: command, arguments: args });
    await this.connection.write(new TextEncoder().encode(request + "\n"));
    for (;;) {
      const answer = await this.#message();
      if ("error" in answer) {
        throw new LabError(`Cannot execute "${command}": ${JSON.stringify(answer.error)}`);
      }
      if ("return" in answer) return answer.return;
    }
  }

  /** Pulls (`up` false) or plugs the cable of the network device on netdev `name`. */
  async setLink(name: string, up: boolean): Promise<void> {
    await this.execute("set_link", { name, up });
  }

  async #message(): Promise<Record<string, unknown>> {
    const buffer = new Uint8Array(65536);
    for (let end = this.#rest.indexOf("\n"); end < 0; end = this.#rest.indexOf("\n")) {
      const count = await this.connection.read(buffer);
      if (count === null) throw new LabError("Cannot talk to QEMU: it closed its control socket");
      this.#rest += new TextDecoder().decode(buffer.subarray(0, count));
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return JSON.parse(line) as Record<string, unknown>;
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }
}
