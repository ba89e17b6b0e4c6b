// TUN devices: IP packets that the kernel routes to a link are read from a descriptor, and packets
// written to it arrive from that link.
// linux v6.12 uapi/linux/if_tun.h, Documentation/networking/tuntap.rst.
import { ERRNO, SyscallError } from "./errno.ts";
import { checked, cString, lastErrno, libc } from "./libc.ts";
import { MAX_DATAGRAM_BYTES, MAX_INTERRUPTED_ATTEMPTS } from "./limits.ts";
import { withNamespace } from "./namespace.ts";
import { closeDescriptor, POLLIN, waitReady } from "./poller.ts";
import type { SocketPlace } from "./socket.ts";

const PATH = "/dev/net/tun";
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
/** No four octets of flags and protocol before each packet. */
const IFF_NO_PI = 0x1000;
/** struct ifreq: a name of 16 octets, then a union. */
const IFREQ_BYTES = 40;
const MAX_NAME_BYTES = 15;

let readBuffer: Uint8Array<ArrayBuffer> | null = null;

/** A TUN device; it goes when this is closed. */
export class Tun implements Disposable {
  readonly #fd: number;
  #closed = false;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Makes a device, which starts down.
   *
   * @throws {SyscallError} ENOENT without the driver, EPERM without CAP_NET_ADMIN, EBUSY when the name
   *   is in use.
   */
  static open(name: string, place: SocketPlace = {}): Tun {
    const octets = new TextEncoder().encode(name);
    if (octets.length === 0 || octets.length > MAX_NAME_BYTES) {
      throw new RangeError(`Cannot name a device "${name}": 1 to ${MAX_NAME_BYTES} octets`);
    }
    const make = () => {
      const flags = O_RDWR | O_NONBLOCK | O_CLOEXEC;
      const fd = checked(libc().open(cString(PATH), flags, 0), "open", PATH);
      const request = new Uint8Array(IFREQ_BYTES);
      request.set(octets);
      new DataView(request.buffer).setUint16(16, IFF_TUN | IFF_NO_PI, true);
      try {
        checked(libc().ioctl(fd, BigInt(TUNSETIFF), request), "ioctl", `TUNSETIFF ${name}`);
        return fd;
      } catch (error) {
        libc().close(fd);
        throw error;
      }
    };
    return new Tun(place.netns === undefined ? make() : withNamespace(place.netns, make));
  }

  /** Whether close() was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The next packet if one waits, else `null`. @throws {SyscallError} */
  tryRead(): Uint8Array<ArrayBuffer> | null {
    const buffer = readBuffer ??= new Uint8Array(MAX_DATAGRAM_BYTES);
    const count = this.#retrying(
      "read",
      () => libc().read(this.#open(), buffer, BigInt(buffer.length)),
    );
    return count === null ? null : buffer.slice(0, count);
  }

  /** Lets a packet arrive from this device. @throws {SyscallError} EIO while it is down. */
  write(packet: Uint8Array<ArrayBuffer>): void {
    this.#retrying("write", () => libc().write(this.#open(), packet, BigInt(packet.length)));
  }

  /** Resolves `true` when a packet waits; `false` on timeout, `signal` or close(). */
  readable(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return waitReady(this.#open(), POLLIN, timeoutMs, signal);
  }

  /** Removes the device; whoever waits for it gets `false`. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeDescriptor(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(): number {
    if (this.#closed) throw new SyscallError("use device", ERRNO.EBADF);
    return this.#fd;
  }

  #retrying(call: string, attempt: () => number | bigint): number | null {
    for (let i = 0; i < MAX_INTERRUPTED_ATTEMPTS; i++) {
      const result = Number(attempt());
      if (result >= 0) return result;
      const errno = lastErrno();
      if (errno === ERRNO.EAGAIN) return null;
      if (errno !== ERRNO.EINTR) throw new SyscallError(call, errno);
    }
    throw new SyscallError(call, ERRNO.EINTR);
  }
}
