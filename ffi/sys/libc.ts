// The symbols of libc.so.6 that the bindings use, opened at the first call and kept for the life of
// the process. Deliberately not an import side effect: a process that touches no kernel loads nothing.
// errno is right only straight after a synchronous call, so the only nonblocking symbol is poll(),
// and whatever follows it is done with MSG_DONTWAIT.
import { SyscallError } from "./errno.ts";

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  sendto: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"],
    result: "isize",
  },
  recvfrom: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "buffer"],
    result: "isize",
  },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  pollNow: { name: "poll", parameters: ["buffer", "u64", "i32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  if_indextoname: { parameters: ["u32", "buffer"], result: "pointer" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
  unshare: { parameters: ["i32"], result: "i32" },
  mount: { parameters: ["buffer", "buffer", "buffer", "u64", "buffer"], result: "i32" },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  getrandom: { parameters: ["buffer", "usize", "u32"], result: "isize" },
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

type Library = Deno.DynamicLibrary<typeof SYMBOLS>;

let library: Library | null = null;
let errnoCell: Deno.UnsafePointerView | null = null;

/**
 * Opens libc if it is not open yet. Called by whatever needs it; a test that runs under
 * `--sanitize-resources` calls it at the top of its file, so that the library belongs to no test.
 *
 * @throws {Error} where there is no glibc, or FFI is not permitted.
 */
export function loadLibc(): void {
  libc();
}

/** The symbols, opened on first use. */
export function libc(): Library["symbols"] {
  library ??= Deno.dlopen("libc.so.6", SYMBOLS);
  return library.symbols;
}

/** errno of the synchronous call that was just made on this thread. */
export function lastErrno(): number {
  if (errnoCell === null) {
    const cell = libc().__errno_location();
    if (cell === null) throw new Error(`Cannot read "errno": libc gives no location`);
    errnoCell = new Deno.UnsafePointerView(cell);
  }
  return errnoCell.getInt32();
}

/**
 * Passes the result of a synchronous call through.
 *
 * @param call its name, for the error.
 * @throws {SyscallError} when `result` is negative.
 */
export function checked(result: number | bigint, call: string, about?: string): number {
  const value = Number(result);
  if (value < 0) throw new SyscallError(call, lastErrno(), about);
  return value;
}

const encoder = new TextEncoder();

/** `text` as a NUL-terminated string. @throws {TypeError} when it contains a NUL. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new TypeError(`Cannot pass ${JSON.stringify(text)}: contains NUL`);
  return encoder.encode(`${text}\0`);
}

/** Milliseconds of a clock that never goes back; only differences mean anything. */
export function monotonicMs(): number {
  return performance.now();
}

/** A random number of 32 bits from the kernel's generator. @throws {SyscallError} */
export function randomU32(): number {
  const bytes = new Uint8Array(4);
  checked(libc().getrandom(bytes, 4n, 0), "getrandom");
  return new DataView(bytes.buffer).getUint32(0, true);
}
