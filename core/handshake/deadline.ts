// The time a connection may take. Closing it is what ends whatever waits for it.
import type { ByteStream, Clock } from "../ports/mod.ts";
import { HandshakeError } from "./errors.ts";

/**
 * Runs `task`, and closes the connection when it isn't done in time.
 *
 * @param task may be given more time, counted from when it asks.
 * @throws {HandshakeError} "timeout" in place of what the closing led to.
 */
export async function inTime<T>(
  clock: Clock,
  stream: ByteStream,
  deadlineMs: number,
  task: (extend: (ms: number) => void) => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  let late = false;
  let endMs = clock.monotonicMs() + deadlineMs;
  const watch = async () => {
    let leftMs = deadlineMs;
    while (leftMs > 0) {
      await clock.sleep(leftMs, done.signal);
      if (done.signal.aborted) return;
      leftMs = endMs - clock.monotonicMs();
    }
    late = true;
    stream.close();
  };
  const timer = watch();
  try {
    return await task((ms) => endMs = clock.monotonicMs() + ms);
  } catch (error) {
    throw late ? new HandshakeError("timeout", "Cannot complete handshake in time") : error;
  } finally {
    // With a reason of its own: the default one is an exception with a stack, dear in a flood.
    done.abort(null);
    await timer;
  }
}
