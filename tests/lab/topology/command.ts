// Runs in a lab guest. Starts external programs for setting up topologies.

/** What an external command printed. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function command(program: string, ...args: string[]): Promise<CommandResult> {
  const output = await new Deno.Command(program, { args }).output();
  const text = new TextDecoder();
  const [stdout, stderr] = [text.decode(output.stdout), text.decode(output.stderr)];
  return { code: output.code, stdout, stderr };
}

/** Runs lines of bash, stopping at the first that fails; throws with what it said. One shell for all
 * lines, because starting a process is slow under emulation. */
export async function shell(lines: readonly string[]): Promise<void> {
  const { code, stderr } = await command("bash", "-exc", lines.join("\n"));
  if (code !== 0) throw new Error(`Cannot set up the topology: ${stderr.slice(-600)}`);
}
