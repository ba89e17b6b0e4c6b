// Errors of the netlink layer. Codes are closed unions; `retryable` says whether the same call may
// succeed later unchanged. No error carries payload bytes.

/** Bytes that do not say what they must: truncated, of wrong length, nested too deep, or malformed. */
export class DecodeError extends Error {
  readonly code = "decode";
  readonly retryable = false;
  /** What was being read, e.g. "batadv.TQ". */
  readonly what: string;
  /** Offset in octets from the start of the buffer being decoded. */
  readonly offset: number;
  /** Octets required (or the bound that was passed). */
  readonly need: number;
  /** Octets present (or the value that broke the bound). */
  readonly have: number;

  constructor(what: string, offset: number, need: number, have: number) {
    super(`Cannot decode "${what}" at offset ${offset}: need ${need}, have ${have}`);
    this.name = "DecodeError";
    this.what = what;
    this.offset = offset;
    this.need = need;
    this.have = have;
  }
}

/** The kernel's extended acknowledgement (linux v6.12 uapi/linux/netlink.h, NLMSGERR_ATTR_*). */
export interface ExtendedAck {
  /** NLMSGERR_ATTR_MSG: the kernel's own sentence. */
  readonly message?: string;
  /** NLMSGERR_ATTR_OFFS: offset of the offending attribute in the request. */
  readonly offset?: number;
  /** NLMSGERR_ATTR_MISS_TYPE: type of the missing attribute. */
  readonly missingType?: number;
}

/** EINTR, EAGAIN, EBUSY, ENOBUFS: the same request may succeed later. */
const RETRYABLE: ReadonlySet<number> = new Set([4, 11, 16, 105]);

/** The kernel refused a request (NLMSG_ERROR with a non-zero errno). */
export class KernelError extends Error {
  readonly code = "kernel";
  readonly retryable: boolean;
  /** The operation, e.g. "batadv.setMesh". */
  readonly op: string;
  /** Positive errno. */
  readonly errno: number;
  readonly extack: ExtendedAck;
  /** Sequence number of the refused request. */
  readonly seq: number;

  constructor(op: string, errno: number, name: string, extack: ExtendedAck, seq: number) {
    const said = extack.message === undefined ? "" : ` (${extack.message})`;
    super(`Cannot ${op}: kernel answers ${name}${said}`);
    this.name = "KernelError";
    this.op = op;
    this.errno = errno;
    this.extack = extack;
    this.seq = seq;
    this.retryable = RETRYABLE.has(errno);
  }
}

/** The kernel did not answer in time. */
export class NetlinkTimeout extends Error {
  readonly code = "timeout";
  readonly retryable = true;
  /** The operation, e.g. "batadv.getMesh". */
  readonly op: string;

  constructor(op: string) {
    super(`Cannot ${op}: the kernel does not answer`);
    this.name = "NetlinkTimeout";
    this.op = op;
  }
}
