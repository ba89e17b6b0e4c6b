// The Services port: hostapd, wpa_supplicant and dnsmasq as children of the daemon. Each has a
// configuration of its own (0600), a control directory of its own and, where the program has one, a
// control socket that is asked whether it serves.
import { ssidText } from "../../ffi/nl80211/mod.ts";
import { openControlSocket, unescapeSsid, WpaControl } from "../../ffi/wpactrl/mod.ts";
import { messageOf } from "../base/mod.ts";
import { KernelFault } from "../ports/mod.ts";
import type {
  Clock,
  Files,
  ServiceKind,
  Services,
  ServiceSpec,
  ServiceStatus,
} from "../ports/mod.ts";
import { type Program, PROGRAMS, type Readiness, type ServicePlaces } from "./service_programs.ts";
import { MAX_LINES, servicePath, ServiceProcess } from "./service_process.ts";

/** What {@link hostServices} needs. */
export interface HostServicesOptions {
  readonly clock: Clock;
  readonly files: Files;
  /** A directory for configurations and sockets, made 0700; short, for socket paths have 108 octets. */
  readonly directory: string;
  /** A network namespace under /run/netns; the caller's own when absent. */
  readonly netns?: string;
  /** Programs by another path than their name on the PATH. */
  readonly commands?: Partial<Readonly<Record<ServiceKind, string>>>;
  /** How long a program may take to serve. Default 30,000. */
  readonly startTimeoutMs?: number;
}

/** The Services port, and what only the host knows. */
export interface HostServices extends Services {
  /** Mesh id of the mesh that a wpa_supplicant started here serves on a link, as text; else `null`. */
  meshIdOf(link: string): Promise<string | null>;
  /** Control connection of a running service; `null` when it has none. Owned by the services. */
  control(name: string): WpaControl | null;
}

/** A mesh scans before it starts, and drivers take their time. */
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 100;

interface Running {
  readonly spec: ServiceSpec;
  readonly program: Program;
  readonly places: ServicePlaces;
  readonly process: ServiceProcess;
  readonly control: WpaControl | null;
}

/** Runs programs on this machine. Nothing is started or written before the first ensure(). */
export function hostServices(options: HostServicesOptions): HostServices {
  return new ProcessServices(options);
}

class ProcessServices implements HostServices {
  readonly #options: HostServicesOptions;
  readonly #running = new Map<string, Running>();
  #sockets = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: HostServicesOptions) {
    this.#options = options;
  }

  async installed(kind: ServiceKind): Promise<{ readonly ok: boolean; readonly detail: string }> {
    const { command, versionArgs, version } = this.#program(kind);
    try {
      const said = await run(command, versionArgs);
      const found = version.exec(said.text)?.[1];
      return found === undefined
        ? { ok: false, detail: `${command} does not tell its version` }
        : { ok: true, detail: `${command} ${found}` };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) {
        return { ok: false, detail: `${command} is not installed` };
      }
      return { ok: false, detail: `${command} cannot be run: ${messageOf(error)}` };
    }
  }

  ensure(spec: ServiceSpec): Promise<void> {
    return this.#inTurn(() => this.#ensure(spec));
  }

  stop(name: string): Promise<void> {
    return this.#inTurn(() => this.#stop(name));
  }

  async status(): Promise<readonly ServiceStatus[]> {
    const known = [...this.#running.values()];
    return await Promise.all(known.map(async ({ spec, program, process, control }) => {
      const { running, restarts, lines } = process.state;
      const readiness = running
        ? await readinessOf(program, process, control)
        : { state: "failed" as const, detail: lines.at(-1) ?? "it is not running" };
      return {
        name: spec.name,
        kind: spec.kind,
        state: readiness.state === "ready" ? "running" as const : readiness.state,
        detail: readiness.detail,
        restarts,
      };
    }));
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      await Promise.all([...this.#running.keys()].map((name) => this.#stop(name)));
    });
  }

  control(name: string): WpaControl | null {
    return this.#running.get(name)?.control ?? null;
  }

  async meshIdOf(link: string): Promise<string | null> {
    for (const { spec, control, process } of this.#running.values()) {
      if (spec.kind !== "wpa_supplicant" || spec.interface !== link) continue;
      if (control === null || !process.state.running) continue;
      const status = await control.status().catch(() => null);
      if (status?.mode !== "mesh" || status.state !== "COMPLETED") continue;
      return status.ssid === null ? null : ssidText(unescapeSsid(status.ssid));
    }
    return null;
  }

  /** One change at a time: two plans for one service must not cross. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(action);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #program(kind: ServiceKind): Program {
    const command = this.#options.commands?.[kind];
    return command === undefined ? PROGRAMS[kind] : { ...PROGRAMS[kind], command };
  }

  #places(name: string): ServicePlaces {
    const base = `${this.#options.directory}/${name}`;
    return { config: `${base}.conf`, control: base, pid: `${base}.pid` };
  }

  async #ensure(spec: ServiceSpec): Promise<void> {
    checkSpec(spec);
    const program = this.#program(spec.kind);
    const before = this.#running.get(spec.name);
    if (before !== undefined) {
      const same = before.spec.config === spec.config && before.spec.kind === spec.kind &&
        before.spec.interface === spec.interface;
      if (same && before.process.state.running) return await this.#untilReady(before);
      await this.#stop(spec.name);
    }
    const places = this.#places(spec.name);
    const { files, directory } = this.#options;
    await files.makeDirectory(directory, 0o700);
    await this.#endLeftover(places);
    await files.makeDirectory(places.control, 0o700);
    await files.writeAtomic(places.config, program.preamble(places) + spec.config, 0o600);
    await this.#check(program, places);
    const process = this.#process(program, places, spec);
    const control = program.readiness === null ? null : this.#control(places, spec);
    const running = { spec, program, places, process, control };
    try {
      await process.start();
    } catch (error) {
      control?.close();
      await this.#removeFiles(places);
      throw notStarted(spec, program, error);
    }
    this.#running.set(spec.name, running);
    await this.#untilReady(running);
  }

  #process(program: Program, places: ServicePlaces, spec: ServiceSpec): ServiceProcess {
    const { clock, files, netns } = this.#options;
    return new ServiceProcess(
      {
        command: program.command,
        args: program.args(places, spec.interface),
        ...(netns === undefined ? {} : { netns }),
      },
      clock,
      (pid) => files.writeAtomic(places.pid, `${pid}\n`, 0o600),
    );
  }

  #control(places: ServicePlaces, spec: ServiceSpec): WpaControl {
    return new WpaControl(() =>
      openControlSocket({
        server: `${places.control}/${spec.interface}`,
        local: `${places.control}.${++this.#sockets}`,
        remove: removeQuietly,
      })
    );
  }

  async #check(program: Program, places: ServicePlaces): Promise<void> {
    const args = program.checkArgs(places);
    if (args === null) return;
    const said = await run(program.command, args).catch((error) => {
      throw notInstalled(program, error);
    });
    if (said.code !== 0) {
      await this.#removeFiles(places);
      throw new KernelFault(
        "invalid",
        `Cannot start ${program.command}: it refuses its configuration: ${lastLine(said.text)}`,
      );
    }
  }

  /** Resolves when the program serves. @throws {KernelFault} it does not, and why; it is then stopped. */
  async #untilReady(running: Running): Promise<void> {
    const { clock, startTimeoutMs = START_TIMEOUT_MS } = this.#options;
    const { spec, process, program, control } = running;
    const deadlineMs = clock.monotonicMs() + startTimeoutMs;
    let readiness: Readiness = { state: "starting", detail: "no answer yet" };
    while (clock.monotonicMs() < deadlineMs) {
      if (!process.state.running || process.state.restarts > 0) {
        const said = process.state.lines.filter((line) => line.trim() !== "").slice(-4).join("; ");
        readiness = { state: "failed", detail: said === "" ? "it ended at once" : said };
      } else readiness = await readinessOf(program, process, control);
      if (readiness.state === "ready") return;
      if (readiness.state === "failed") break;
      await process.changed(POLL_MS);
    }
    await this.#stop(spec.name);
    const { detail } = readiness;
    const said = process.state.lines.at(-1);
    const last = said === undefined || detail.includes(said) ? "" : `; it said: ${said}`;
    throw new KernelFault(
      readiness.state === "failed" ? "invalid" : "timeout",
      `Cannot start ${program.command} on "${spec.interface}": ${detail}${last}`,
    );
  }

  async #stop(name: string): Promise<void> {
    const running = this.#running.get(name);
    if (running === undefined) return;
    this.#running.delete(name);
    await running.process.stop();
    running.control?.close();
    await this.#removeFiles(running.places);
  }

  async #removeFiles(places: ServicePlaces): Promise<void> {
    const { files } = this.#options;
    await files.remove(places.config);
    await files.remove(places.pid);
  }

  /** Ends a program that an earlier daemon started and did not live to stop. */
  async #endLeftover(places: ServicePlaces): Promise<void> {
    const { files, clock } = this.#options;
    const pid = Number(await files.readText(places.pid));
    if (!Number.isInteger(pid) || pid <= 1) return;
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      for (let i = 0; i < 30; i++) {
        const command = await files.readText(`/proc/${pid}/cmdline`).catch(() => null);
        // Another process may have that number by now: only ours names this configuration.
        if (command === null || !command.includes(places.config)) return;
        if (i === 0) Deno.kill(pid, signal);
        await clock.sleep(POLL_MS);
      }
    }
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function checkSpec(spec: ServiceSpec): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,40}$/.test(spec.name)) {
    throw new KernelFault("invalid", `Cannot name a service ${JSON.stringify(spec.name)}`);
  }
  if (!/^[A-Za-z0-9_.-]{1,15}$/.test(spec.interface)) {
    throw new KernelFault("invalid", `Cannot serve interface ${JSON.stringify(spec.interface)}`);
  }
}

async function readinessOf(
  program: Program,
  process: ServiceProcess,
  control: WpaControl | null,
): Promise<Readiness> {
  if (program.readiness === null || control === null) {
    // Lines are forgotten in time, and then it has served for long.
    const { lines } = process.state;
    const said = lines.find((line) => program.readyLine?.test(line));
    return said !== undefined || lines.length >= MAX_LINES
      ? { state: "ready", detail: said ?? "running" }
      : { state: "starting", detail: "no word from it yet" };
  }
  try {
    return program.readiness(await control.status());
  } catch (error) {
    return { state: "starting", detail: messageOf(error) };
  }
}

function notInstalled(program: Program, error: unknown): unknown {
  if (!(error instanceof Deno.errors.NotFound)) return error;
  return new KernelFault(
    "not-supported",
    `Cannot start ${program.command}: it is not installed`,
    { cause: error },
  );
}

function notStarted(spec: ServiceSpec, program: Program, error: unknown): unknown {
  if (error instanceof Deno.errors.NotFound) return notInstalled(program, error);
  return new KernelFault(
    error instanceof Deno.errors.PermissionDenied ? "not-permitted" : "unexpected",
    `Cannot start ${program.command} on "${spec.interface}": ${messageOf(error)}`,
    { cause: error },
  );
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

async function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly text: string }> {
  const output = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    env: { PATH: servicePath(), LC_ALL: "C.UTF-8" },
    clearEnv: true,
  }).output();
  const decoder = new TextDecoder();
  return { code: output.code, text: decoder.decode(output.stdout) + decoder.decode(output.stderr) };
}
