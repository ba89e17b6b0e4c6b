// A daemon from start to signal to stop.
import { messageOf } from "../base/mod.ts";
import { CliError, EXIT } from "../cli/mod.ts";
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

/**
 * Resolves when an error reaches nobody: a bug of ours. The daemon then writes what it has and ends, and
 * its supervisor starts it anew.
 */
function untilBug(log: Logger): { readonly bug: Promise<CliError>; readonly end: () => void } {
  const { promise, resolve } = Promise.withResolvers<CliError>();
  const handle = (event: Event, thrown: unknown) => {
    event.preventDefault();
    const stack = thrown instanceof Error ? thrown.stack ?? "" : "";
    log.error(`A bug of this program: ${messageOf(thrown)}`, { stack });
    resolve(new CliError(EXIT.failed, "Ended because of a bug of this program", null, thrown));
  };
  const onRejection = (event: PromiseRejectionEvent) => handle(event, event.reason);
  const onError = (event: ErrorEvent) => handle(event, event.error);
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return {
    bug: promise,
    end() {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
    },
  };
}

/** Runs a daemon until a signal comes. @returns when it has stopped. @throws {CliError} */
export async function runDaemon(options: RunOptions, log: Logger): Promise<void> {
  const { signal, end } = untilSignal();
  const { bug, end: endBug } = untilBug(log);
  try {
    const daemon = await startDaemon(options, log);
    const why = await Promise.race([signal, bug]);
    log.info(`Stopping: ${why instanceof CliError ? why.message : why}`);
    const late = setTimeout(() => {
      log.error(`The stop took longer than ${STOP_TIMEOUT_MS} ms: ending now`);
      Deno.exit(EXIT.failed);
    }, STOP_TIMEOUT_MS);
    await daemon.stop();
    clearTimeout(late);
    log.info("Stopped");
    if (why instanceof CliError) throw why;
  } finally {
    endBug();
    end();
  }
}
