import { ERRNO } from "../sys/mod.ts";

/** libnftables is not installed, or FFI is not permitted. */
export class NftablesMissingError extends Error {
  readonly code = "nftables-missing";
  readonly retryable = false;

  constructor(library: string, cause: unknown) {
    super(`Cannot load "${library}": ${cause instanceof Error ? cause.message : cause}`, { cause });
    this.name = "NftablesMissingError";
  }
}

/** The kernel's words in nft's messages (strerror) and their numbers. */
const PHRASES: readonly (readonly [string, number])[] = [
  ["Operation not permitted", ERRNO.EPERM],
  ["Permission denied", ERRNO.EACCES],
  ["No such file or directory", ERRNO.ENOENT],
  ["File exists", ERRNO.EEXIST],
  ["Operation not supported", ERRNO.EOPNOTSUPP],
  ["Protocol not supported", ERRNO.EPROTONOSUPPORT],
  ["Device or resource busy", ERRNO.EBUSY],
  ["Invalid argument", ERRNO.EINVAL],
];

/** nft refused a command: a mistake in its text, or the kernel's answer. */
export class NftError extends Error {
  readonly code = "nft";
  readonly retryable: boolean;
  /** nft's own explanation, with the line and a marker under the place. */
  readonly explanation: string;
  /** The kernel's errno if it was the kernel that refused, else `null`: the text is wrong. */
  readonly errno: number | null;

  constructor(op: string, explanation: string) {
    const said = explanation.trim();
    super(`Cannot ${op}: ${said === "" ? "nft gives no reason" : said}`);
    this.name = "NftError";
    this.explanation = said;
    this.errno = PHRASES.find(([phrase]) => said.includes(phrase))?.[1] ?? null;
    this.retryable = this.errno === ERRNO.EBUSY;
  }
}
