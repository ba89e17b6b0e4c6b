// Runs host programs for the lab and turns a failure into a LabError that quotes their output.

import { LabError } from "./errors.ts";
import { OUTPUT_TAIL_CHARS } from "./limits.ts";

/** Options of {@linkcode run}. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes for the program's standard input; empty when absent. */
  readonly stdin?: Uint8Array<ArrayBuffer>;
  /** Exit statuses that count as success; only 0 when absent. */
  readonly okStatus?: readonly number[];
}

/** Runs `argv` to its end and returns its standard output; throws LabError on another status. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Uint8Array> {
  const [program, ...args] = argv;
  if (program === undefined) throw new LabError("Cannot run a command: no program given");
  const child = spawn(program, args, options);
  const writer = child.stdin.getWriter();
  const feed = writer.write(options.stdin ?? new Uint8Array()).then(() => writer.close())
    .catch(() => {/* The program closed its input early; its status tells whether that is bad. */});
  const { code, stdout, stderr } = await child.output();
  await feed;
  if (!(options.okStatus ?? [0]).includes(code)) {
    const said = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
    const tail = said.trim().slice(-OUTPUT_TAIL_CHARS);
    throw new LabError(`Cannot run "${program}": exit status ${code}: ${tail}`);
  }
  return stdout;
}

/** As {@linkcode run}, with the output decoded as UTF-8. */
export async function runText(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  return new TextDecoder().decode(await run(argv, options));
}

/** Whether a program of this name is on the PATH or in the system directories. */
export async function hasProgram(name: string): Promise<boolean> {
  const path = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`;
  for (const dir of path.split(":").filter((entry) => entry !== "")) {
    try {
      if ((await Deno.stat(`${dir}/${name}`)).isFile) return true;
    } catch { /* Not in this directory. */ }
  }
  return false;
}

function spawn(program: string, args: string[], options: RunOptions): Deno.ChildProcess {
  const path = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`;
  try {
    return new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      env: { PATH: path, LC_ALL: "C.UTF-8", ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new LabError(`Cannot run "${program}": it is not installed`, { cause: error });
  }
}
