// Runs a program and hands over its output line by line as it comes.

/** Runs `argv` with no input; standard output and standard error go to `onLine` without line ends.
 * Resolves with the exit status. An abort sends SIGTERM. */
export async function runLines(
  argv: readonly string[],
  onLine: (line: string) => void,
  signal?: AbortSignal,
): Promise<number> {
  const child = new Deno.Command(argv[0] ?? "", {
    args: argv.slice(1),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
    ...(signal === undefined ? {} : { signal }),
  }).spawn();
  await Promise.all([split(child.stdout, onLine), split(child.stderr, onLine)]);
  return (await child.status).code;
}

async function split(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
) {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line.replaceAll("\r", ""));
  }
  if (rest !== "") onLine(rest.replaceAll("\r", ""));
}
