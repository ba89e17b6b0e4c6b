// The record layer: a stream of octets sealed under keys of a handshake. It notices what was changed, left out,
// repeated, put elsewhere or cut off; any of it ends the connection, and nothing unsealed is ever handed on.
//
//   record = length u16, seal(key, nonce, AAD = length, kind ‖ data)      kind 0 data, 1 end
import { concat } from "../base/mod.ts";
import { type Backend, type Bytes } from "../pq/mod.ts";
import type { ByteStream } from "../ports/mod.ts";
import { FabricError } from "./errors.ts";
import { MAX_RECORD_BYTES } from "./limits.ts";
import { RecordKey, type RecordKeys } from "./record_key.ts";

const LENGTH_BYTES = 2;
const TAG_BYTES = 16;
const KIND = Object.freeze({ data: 0, end: 1 });
const MAX_SEALED_BYTES = 1 + MAX_RECORD_BYTES + TAG_BYTES;

/** Records sealed or opened side by side. */
const BATCH = 16;

function header(sealedBytes: number): Bytes {
  return Uint8Array.of(sealedBytes >> 8, sealedBytes & 255);
}

const tampered = () => new FabricError("tampered", "Cannot read connection: a record doesn't open");

/** Both directions of a connection over a stream, which it owns. */
export class RecordStream implements ByteStream {
  readonly #backend: Backend;
  readonly #stream: ByteStream;
  readonly #send: RecordKey;
  readonly #receive: RecordKey;
  #held: Uint8Array = new Uint8Array(0);
  #writing: Promise<void> = Promise.resolve();
  #ended = false;
  #peerEnded = false;
  #closed = false;

  /** @param recordsPerKey smaller in tests. */
  constructor(backend: Backend, stream: ByteStream, keys: RecordKeys, recordsPerKey?: number) {
    this.#backend = backend;
    this.#stream = stream;
    this.#send = new RecordKey(keys.send, recordsPerKey);
    this.#receive = new RecordKey(keys.receive, recordsPerKey);
  }

  /**
   * The next octets, or `null` after the peer's end.
   *
   * @throws {FabricError} "tampered", "truncated", "closed"; the connection is closed then.
   */
  async read(): Promise<Bytes | null> {
    try {
      for (;;) {
        if (this.#peerEnded) return null;
        const records = this.#complete();
        if (records.length > 0) {
          const data = await this.#open(records);
          if (data.length > 0) return data;
          continue;
        }
        await this.#fill();
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #fill(): Promise<void> {
    let chunk: Uint8Array | null;
    try {
      chunk = await this.#stream.read();
    } catch (cause) {
      throw new FabricError("closed", "Cannot read connection: it broke", { cause });
    }
    if (chunk === null) {
      throw this.#closed
        ? new FabricError("closed", "Cannot read connection: it is closed")
        : new FabricError("truncated", "Cannot read connection: it ended without saying so");
    }
    this.#held = this.#held.length === 0 ? chunk : concat([this.#held, chunk]);
  }

  /** Takes whole records off what was read, as many as one key and one batch have room for. */
  #complete(): Uint8Array[] {
    const out: Uint8Array[] = [];
    let at = 0;
    const most = Math.min(BATCH, this.#receive.left);
    while (out.length < most && this.#held.length - at >= LENGTH_BYTES) {
      const length = ((this.#held[at] ?? 0) << 8) | (this.#held[at + 1] ?? 0);
      if (length < 1 + TAG_BYTES || length > MAX_SEALED_BYTES) throw tampered();
      const end = at + LENGTH_BYTES + length;
      if (this.#held.length < end) break;
      out.push(this.#held.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    this.#held = this.#held.subarray(at);
    return out;
  }

  async #open(records: readonly Uint8Array[]): Promise<Bytes> {
    const { key } = this.#receive;
    const opened = await Promise.all(
      records.map((sealed, i) =>
        this.#backend.open(key, this.#receive.nonce(i), header(sealed.length), sealed)
      ),
    );
    if (this.#closed) throw new FabricError("closed", "Cannot read connection: it is closed");
    this.#receive.advance(records.length);
    const data: Uint8Array[] = [];
    for (const plaintext of opened) {
      // Data after the end is as wrong as a tag that doesn't hold.
      if (plaintext === null || this.#peerEnded) throw tampered();
      if (plaintext[0] === KIND.end && plaintext.length === 1) this.#peerEnded = true;
      else if (plaintext[0] === KIND.data && plaintext.length > 1) data.push(plaintext.subarray(1));
      else throw tampered();
    }
    return concat(data);
  }

  /** Resolves when the octets were handed to the system. @throws {FabricError} "closed" */
  write(octets: Uint8Array): Promise<void> {
    if (this.#ended) {
      return Promise.reject(new FabricError("closed", "Cannot write to connection: it is ended"));
    }
    const parts: Uint8Array[] = [];
    for (let at = 0; at < octets.length; at += MAX_RECORD_BYTES) {
      const data = octets.subarray(at, at + MAX_RECORD_BYTES);
      const plaintext = new Uint8Array(1 + data.length);
      plaintext[0] = KIND.data;
      plaintext.set(data, 1);
      parts.push(plaintext);
    }
    return this.#enqueue(parts);
  }

  /** Says that nothing more comes, and closes. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    try {
      await this.#enqueue([Uint8Array.of(KIND.end)]);
    } catch {
      // The peer is gone: then it needs no end.
    }
    this.close();
  }

  #enqueue(plaintexts: readonly Uint8Array[]): Promise<void> {
    const done = this.#writing.then(() => this.#seal(plaintexts));
    this.#writing = done.catch(() => {});
    return done;
  }

  async #seal(plaintexts: readonly Uint8Array[]): Promise<void> {
    for (let at = 0; at < plaintexts.length;) {
      if (this.#closed) throw new FabricError("closed", "Cannot write to connection: it is closed");
      const batch = plaintexts.slice(at, at + Math.min(BATCH, this.#send.left));
      const { key } = this.#send;
      const sealed = await Promise.all(batch.map((plaintext, i) =>
        this.#backend.seal(
          key,
          this.#send.nonce(i),
          header(plaintext.length + TAG_BYTES),
          plaintext,
        )
      ));
      if (this.#closed) throw new FabricError("closed", "Cannot write to connection: it is closed");
      this.#send.advance(batch.length);
      try {
        await this.#stream.write(concat(sealed.flatMap((part) => [header(part.length), part])));
      } catch (cause) {
        this.close();
        throw new FabricError("closed", "Cannot write to connection: it broke", { cause });
      }
      at += batch.length;
    }
  }

  /** Closes at once, without an end: the peer takes it for cut off. Wipes the keys. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended = true;
    this.#send.wipe();
    this.#receive.wipe();
    this.#stream.close();
  }
}
