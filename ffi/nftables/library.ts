// Whole rulesets through libnftables. Calls block for as long as the transaction takes (about a
// millisecond for a ruleset of this product's size): for single elements elements.ts is the quick way.
import { loadLibnftables as load, runLibnftables } from "../sys/mod.ts";
import { NftablesMissingError, NftError } from "./errors.ts";
import { MAX_COMMAND_BYTES } from "./limits.ts";

/** NFT_CTX_OUTPUT_* of libnftables.h. */
const OUTPUT = { stateless: 1 << 2, json: 1 << 4 } as const;

/**
 * Opens the library if it is not open yet. Tests under `--sanitize-resources` call it at the top of
 * their file, so that the library belongs to no test.
 *
 * @throws {NftablesMissingError}
 */
export function loadLibnftables(): void {
  try {
    load();
  } catch (cause) {
    throw new NftablesMissingError("libnftables.so.1", cause);
  }
}

/** How a command is run. */
export interface NftRunOptions {
  /** A network namespace under /run/netns; the caller's own when absent. */
  readonly netns?: string;
  /** Only checks the command, against the kernel's present ruleset. */
  readonly check?: boolean;
  /** Answers in JSON (libnftables-json(5)); default nft's own syntax. */
  readonly json?: boolean;
  /** Leaves counters and timers out of a listing. */
  readonly stateless?: boolean;
}

const encoder = new TextEncoder();

/**
 * Runs nft commands as one transaction: all or nothing.
 *
 * @param op name for errors, e.g. "apply the ruleset".
 * @param commands nft syntax, or libnftables-json.
 * @returns what the commands print.
 * @throws {NftablesMissingError | NftError | SyscallError}
 */
export function runNft(op: string, commands: string, options: NftRunOptions = {}): string {
  if (commands.includes("\0")) throw new TypeError(`Cannot ${op}: the commands contain NUL`);
  const text = encoder.encode(`${commands}\0`);
  if (text.length > MAX_COMMAND_BYTES) {
    throw new RangeError(`Cannot ${op}: ${text.length} octets of commands are too many`);
  }
  loadLibnftables();
  const { ok, output, error } = runLibnftables(text, {
    flags: (options.json === true ? OUTPUT.json : 0) |
      (options.stateless === true ? OUTPUT.stateless : 0),
    dryRun: options.check === true,
    ...(options.netns === undefined ? {} : { netns: options.netns }),
  });
  if (!ok) throw new NftError(op, error);
  return output;
}
