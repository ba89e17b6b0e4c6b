// Locks between processes that share one lab directory, by flock(2): the kernel frees them when the
// holder dies, so a killed run leaves nothing locked.

/** Runs `body` while holding the exclusive lock on the file `path`. */
export async function withLock<T>(path: string, body: () => Promise<T>): Promise<T> {
  const file = await Deno.open(path, { create: true, write: true });
  try {
    await file.lock(true);
    return await body();
  } finally {
    file.close();
  }
}

/** Runs `body` while holding one of `count` equal places, waiting for a free one; `onWait` is called
 * once when none is free at first. */
export async function withSlot<T>(
  dir: string,
  count: number,
  onWait: () => void,
  body: () => Promise<T>,
): Promise<T> {
  await Deno.mkdir(dir, { recursive: true });
  for (let attempt = 0;; attempt++) {
    for (let slot = 0; slot < count; slot++) {
      const file = await Deno.open(`${dir}/slot-${slot}`, { create: true, write: true });
      try {
        if (file.tryLockSync(true)) return await body();
      } finally {
        file.close();
      }
    }
    if (attempt === 0) onWait();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
