// What a family client needs of a netlink connection. The real one is NetlinkConn over a socket; a
// scripted kernel (testing.ts) serves tests. The seam below it is the datagram, so that headers,
// sequence numbers, acknowledgements, multipart dumps and truncation are covered by tests too.

/** One netlink message without its 16-octet header. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  /** Family header and attributes; owned by the receiver. */
  readonly payload: Uint8Array;
}

/** A bidirectional datagram seam: one call, one datagram. */
export interface Datagram {
  /** Sends one datagram. @throws {SyscallError} */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** The next datagram if one is queued, else `null`. @throws {SyscallError} ENOBUFS when some were lost. */
  tryReceive(): Uint8Array | null;
  /** Resolves when a datagram is queued, the time is up (`false`) or `signal` fires (`false`). */
  readable(timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
  /** Joins a multicast group by its number. */
  join(group: number): void;
  close(): void;
}

/** A request/answer connection for one netlink protocol. One request is in flight at a time. */
export interface Netlink {
  /**
   * Sends one request with NLM_F_REQUEST|NLM_F_ACK|`flags`; resolves with the messages that came
   * before the acknowledgement.
   *
   * @param op name for errors, e.g. "batadv.setMesh".
   * @throws {KernelError} the kernel refused; {NetlinkTimeout} it did not answer in time;
   * {SyscallError} ENOBUFS when a part of the answer was lost; {DecodeError} octets that are no messages.
   */
  request(
    op: string,
    type: number,
    payload: Uint8Array,
    flags?: number,
  ): Promise<readonly NetlinkMessage[]>;

  /**
   * A dump; read again (at most MAX_DUMP_ATTEMPTS times) when the kernel says that it was interrupted.
   *
   * @throws as {@link request}; {KernelError} EINTR when every attempt was interrupted.
   */
  dump(
    op: string,
    type: number,
    payload: Uint8Array,
    flags?: number,
  ): Promise<readonly NetlinkMessage[]>;

  close(): void;
}
