// Chromium, and the program it looks at, for the browser tests and the screenshots.
import { type Browser, chromium } from "playwright-core";

/** Where Debian puts it. */
export const CHROMIUM = "/usr/bin/chromium";

/** Whether there is a browser to test with. */
export function hasBrowser(): boolean {
  try {
    return Deno.statSync(CHROMIUM).isFile;
  } catch {
    return false;
  }
}

/** Starts the browser. */
export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
  });
}

/** A running node. */
export interface RunningNode {
  readonly url: string;
  readonly data: string;
  /** Ends the program; resolves when it has ended. */
  stop(): Promise<void>;
}

/** Starts the program itself on a simulated mesh; resolves when it is ready. */
export async function startNode(options: {
  readonly nodes: number;
  /** Default: any free port. */
  readonly port?: number;
  readonly data?: string;
}): Promise<RunningNode> {
  const data = options.data ?? await Deno.makeTempDir({ prefix: "x0-browser-" });
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const args = ["run", "-A", main, "run", "--sim", String(options.nodes), "--data", data];
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args, "--listen", `127.0.0.1:${options.port ?? 0}`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await child.status;
  };
  for (let attempt = 0; attempt < 300; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const text = await Deno.readTextFile(`${data}/address.json`).catch(() => null);
    const url = text === null ? undefined : (JSON.parse(text) as { urls: string[] }).urls[0];
    if (url === undefined) continue;
    const answer = await fetch(`${url}/health/live`).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.ok === true) return { url, data, stop };
  }
  await stop();
  throw new Error("Cannot start the node: it did not answer within 30 s");
}
