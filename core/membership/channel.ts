// What follows an enrolment's handshake on its connection: messages of any length, cut into records that
// are sealed with the handshake's keys. A record's number is its nonce, so that none can be left out,
// repeated or moved; the last one of a message says so.
import type { ByteStream, Clock } from "../ports/mod.ts";
import { concat, WireWriter } from "../base/mod.ts";
import {
  encodeFrame,
  type EnrolSession,
  type Exchange,
  FrameReader,
  HandshakeError,
} from "../handshake/mod.ts";
import type { Backend, Bytes } from "../pq/mod.ts";
import { MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, RECORD_BYTES, STEP_TIMEOUT_MS } from "./limits.ts";

/** Whole frames, in order. */
export interface Frames {
  /** The next frame. @throws {HandshakeError} */
  read(): Promise<Uint8Array>;
  write(frame: Uint8Array): Promise<void>;
  close(): void;
}

/** The frames of an exchange that handshakes' sessions opened, and will close. */
export function exchangeFrames(exchange: Pick<Exchange, "read" | "write">): Frames {
  return {
    read: () => exchange.read(MAX_FRAME_BYTES),
    write: (frame) => exchange.write(frame),
    close() {},
  };
}

/** The frames of a connection that a joiner opened. Each read has a deadline. */
export function connectionFrames(stream: ByteStream, clock: Clock): Frames {
  const reader = new FrameReader(stream);
  return {
    async read() {
      const stop = new AbortController();
      const late = clock.sleep(STEP_TIMEOUT_MS, stop.signal).then(() => {
        if (!stop.signal.aborted) stream.close();
      });
      try {
        return await reader.read(MAX_FRAME_BYTES);
      } finally {
        stop.abort();
        await late;
      }
    },
    write: (frame) => stream.write(encodeFrame(frame)),
    close: () => stream.close(),
  };
}

/** Which end of the handshake this is. */
export type ChannelRole = "initiator" | "responder";

/** Sealed messages in both directions. */
export class SealedChannel {
  readonly #frames: Frames;
  readonly #backend: Backend;
  readonly #out: Bytes;
  readonly #in: Bytes;
  #sent = 0;
  #received = 0;

  /** Takes its keys from the session, which it wipes. */
  constructor(frames: Frames, backend: Backend, session: EnrolSession, role: ChannelRole) {
    this.#frames = frames;
    this.#backend = backend;
    const keys = {
      initiator: session.exportKey("enrol initiator", 32),
      responder: session.exportKey("enrol responder", 32),
    };
    session.wipe();
    this.#out = role === "initiator" ? keys.initiator : keys.responder;
    this.#in = role === "initiator" ? keys.responder : keys.initiator;
  }

  async send(message: Uint8Array): Promise<void> {
    for (let at = 0;; at += RECORD_BYTES) {
      const part = message.subarray(at, at + RECORD_BYTES);
      const last = at + RECORD_BYTES >= message.length;
      const plain = new WireWriter().u8(last ? 1 : 0).fixed(part, part.length).finish();
      const nonce = nonceOf(this.#sent++);
      await this.#frames.write(await this.#backend.seal(this.#out, nonce, NO_AAD, plain));
      plain.fill(0);
      if (last) return;
    }
  }

  /** @throws {HandshakeError} "wrong-tag", "malformed" */
  async receive(): Promise<Bytes> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const sealed = await this.#frames.read();
      const plain = await this.#backend.open(
        this.#in,
        nonceOf(this.#received++),
        NO_AAD,
        sealed,
      );
      if (plain === null) throw new HandshakeError("wrong-tag", "Cannot open a record");
      const [flag, part] = [plain[0], plain.subarray(1)];
      length += part.length;
      if (flag === undefined || flag > 1 || length > MAX_MESSAGE_BYTES) {
        throw new HandshakeError("malformed", "Cannot read a message: too long or out of form");
      }
      parts.push(part);
      if (flag === 0) continue;
      return concat(parts);
    }
  }

  /** Overwrites the keys and closes the connection. */
  close(): void {
    this.#out.fill(0);
    this.#in.fill(0);
    this.#frames.close();
  }
}

const NO_AAD = new Uint8Array(0);

function nonceOf(counter: number): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, BigInt(counter));
  return nonce;
}
