// Options of `run`, checked.
import { CliError, EXIT } from "../cli/mod.ts";
import type { KernelWish } from "./kernel.ts";
import { MAX_DEMO_NODES, MAX_SIMULATED_NODES } from "./limits.ts";
import { type ListenAddress, parseListen } from "./listen.ts";
import type { LogFormat } from "./log.ts";

/** As commander hands them over. */
export interface RawRunOptions {
  readonly data?: string;
  readonly listen?: readonly string[];
  readonly config?: string;
  readonly sim?: string;
  readonly seed?: string;
  readonly attach?: string;
  readonly node?: string;
  readonly kernel?: boolean;
  readonly netns?: string;
  readonly log?: string;
}

/** Options of one daemon. */
export interface RunOptions {
  /** `null` for the default. */
  readonly data: string | null;
  /** `null` listens where the configuration says. */
  readonly listen: readonly ListenAddress[] | null;
  /** Configuration document; `null` for the one in the data directory. */
  readonly config: string | null;
  readonly kernel: KernelWish;
  /** `null` chooses by where the log goes. */
  readonly log: LogFormat | null;
}

/** Of `demo`, as commander hands them over. */
export interface RawDemoOptions {
  readonly data?: string;
  readonly nodes?: string;
  readonly port?: string;
  readonly seed?: string;
  readonly json?: boolean;
}

/** Options of `demo`. */
export interface DemoOptions {
  /** `null`: a temporary one, removed at the end. */
  readonly data: string | null;
  readonly nodes: number;
  /** Of the first node; 0 takes any. */
  readonly port: number;
  readonly seed: number;
}

/** Checks the options. @throws {CliError} */
export function parseDemoOptions(raw: RawDemoOptions): DemoOptions {
  return {
    data: raw.data ?? null,
    nodes: whole("--nodes", raw.nodes ?? "5", 1, MAX_DEMO_NODES),
    port: whole("--port", raw.port ?? "8081", 0, 65_535 - MAX_DEMO_NODES),
    seed: whole("--seed", raw.seed ?? "1", 0, 2 ** 32 - 1),
  };
}

/** Nodes of a simulated mesh when nobody says. */
const DEFAULT_NODES = 5;

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new CliError(
      EXIT.usage,
      `Cannot use "${text}" for ${name}: a whole number from ${least} to ${most} is needed`,
    );
  }
  return value;
}

/** Checks the options. @throws {CliError} */
export function parseRunOptions(raw: RawRunOptions): RunOptions {
  if (raw.kernel === true && (raw.sim !== undefined || raw.attach !== undefined)) {
    throw new CliError(EXIT.usage, "Cannot use --kernel with --sim or --attach: choose one");
  }
  if (raw.log !== undefined && !["text", "logfmt", "json"].includes(raw.log)) {
    throw new CliError(EXIT.usage, `Cannot log as "${raw.log}": text, logfmt or json`);
  }
  const simulated = raw.sim !== undefined || raw.attach !== undefined;
  return {
    data: raw.data ?? null,
    listen: raw.listen === undefined ? null : raw.listen.map(parseListen),
    config: raw.config ?? null,
    kernel: {
      kind: simulated ? "simulated" : raw.kernel === true ? "linux" : "auto",
      nodes: raw.sim === undefined
        ? DEFAULT_NODES
        : whole("--sim", raw.sim, 1, MAX_SIMULATED_NODES),
      seed: raw.seed === undefined ? 1 : whole("--seed", raw.seed, 0, 2 ** 32 - 1),
      attach: raw.attach === undefined ? null : {
        path: raw.attach,
        node: whole("--node", raw.node ?? "0", 0, MAX_SIMULATED_NODES - 1),
      },
      netns: raw.netns ?? null,
    },
    log: raw.log === "text" || raw.log === "logfmt" || raw.log === "json" ? raw.log : null,
  };
}
