// Streams of octets, behind an interface: unix sockets, TCP connections, pairs in memory.

/** A connected stream of octets. */
export interface ByteStream {
  /** The next octets, or `null` at the end. Rejects when the connection broke. */
  read(): Promise<Uint8Array | null>;
  /** Resolves when the octets are handed over. Rejects when the connection broke. */
  write(octets: Uint8Array): Promise<void>;
  /** Ends both directions; a pending read returns `null` or rejects. */
  close(): void;
}

/** Takes connections. */
export interface StreamListener {
  /** The next connection, or `null` after {@link close}. */
  accept(): Promise<ByteStream | null>;
  close(): void;
}

/** Opens a connection. Rejects when nobody listens. */
export type StreamDialer = () => Promise<ByteStream>;
