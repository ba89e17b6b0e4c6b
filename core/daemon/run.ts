// A daemon from start to signal to stop.
import { EXIT } from "../cli/mod.ts";
import { STOP_TIMEOUT_MS } from "./limits.ts";
import type { Logger } from "./log.ts";
import type { RunOptions } from "./run_options.ts";
import { startDaemon } from "./start.ts";

/** Resolves with the first SIGTERM or SIGINT. */
export function untilSignal(): { readonly signal: Promise<string>; readonly end: () => void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const removers = (["SIGTERM", "SIGINT"] as const).map((signal) => {
    const handler = () => resolve(signal);
    Deno.addSignalListener(signal, handler);
    return () => Deno.removeSignalListener(signal, handler);
  });
  return { signal: promise, end: () => removers.forEach((remove) => remove()) };
}

/** Runs a daemon until a signal comes. @returns when it has stopped. @throws {CliError} */
export async function runDaemon(options: RunOptions, log: Logger): Promise<void> {
  const { signal, end } = untilSignal();
  try {
    const daemon = await startDaemon(options, log);
    log.info(`Stopping: ${await signal}`);
    const late = setTimeout(() => {
      log.error(`The stop took longer than ${STOP_TIMEOUT_MS} ms: ending now`);
      Deno.exit(EXIT.failed);
    }, STOP_TIMEOUT_MS);
    await daemon.stop();
    clearTimeout(late);
    log.info("Stopped");
  } finally {
    end();
  }
}
