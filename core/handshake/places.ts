// A bounded number of connections in one stage. When it is full the oldest gives way: so connections that
// do nothing keep nobody out who goes on.
import type { ByteStream } from "../ports/mod.ts";
import { HandshakeError } from "./errors.ts";

/** Too many at once, of this source or at all. */
export const limited = (source: string): HandshakeError =>
  new HandshakeError("limited", `Cannot accept connection from "${source}": too many`);

/** The places of a stage. */
export class Places {
  readonly #max: number;
  readonly #taken = new Set<{ evict(): void }>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Taken now. */
  get size(): number {
    return this.#taken.size;
  }

  /**
   * Runs `work` on a connection that has a place until it ends. A connection that must give way is closed.
   *
   * @throws {HandshakeError} "limited" in place of what the closing led to.
   */
  async hold<T>(stream: ByteStream, source: string, work: () => Promise<T>): Promise<T> {
    let evicted = false;
    const place = {
      evict() {
        evicted = true;
        stream.close();
      },
    };
    if (this.#taken.size >= this.#max) {
      const [oldest] = this.#taken;
      if (oldest !== undefined) this.#taken.delete(oldest);
      oldest?.evict();
    }
    this.#taken.add(place);
    try {
      return await work();
    } catch (error) {
      throw evicted ? limited(source) : error;
    } finally {
      this.#taken.delete(place);
    }
  }
}
