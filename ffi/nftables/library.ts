// libnftables: nft's own parser and kernel interface as a library. nftables 1.0 libnftables.h,
// libnftables(3). Opened at the first use; a machine without it gets one clear error.
//
// A context opens its netlink socket in the network namespace of the calling thread, so it is made, used
// and freed inside one synchronous function. Calls block for as long as the transaction takes (about a
// millisecond for a ruleset of this product's size): for single elements elements.ts is the quick way.
import { withNamespace } from "../sys/mod.ts";
import { NftablesMissingError, NftError } from "./errors.ts";
import { MAX_COMMAND_BYTES } from "./limits.ts";

const LIBRARY = "libnftables.so.1";

const SYMBOLS = {
  nft_ctx_new: { parameters: ["u32"], result: "pointer" },
  nft_ctx_free: { parameters: ["pointer"], result: "void" },
  nft_ctx_set_dry_run: { parameters: ["pointer", "bool"], result: "void" },
  nft_ctx_output_set_flags: { parameters: ["pointer", "u32"], result: "void" },
  nft_ctx_buffer_output: { parameters: ["pointer"], result: "i32" },
  nft_ctx_get_output_buffer: { parameters: ["pointer"], result: "pointer" },
  nft_ctx_buffer_error: { parameters: ["pointer"], result: "i32" },
  nft_ctx_get_error_buffer: { parameters: ["pointer"], result: "pointer" },
  nft_run_cmd_from_buffer: { parameters: ["pointer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** NFT_CTX_OUTPUT_* of libnftables.h. */
const OUTPUT = { stateless: 1 << 2, json: 1 << 4 } as const;

type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
type Context = NonNullable<Deno.PointerValue>;

let library: Deno.DynamicLibrary<typeof SYMBOLS> | null = null;

/**
 * Opens the library if it is not open yet. Tests under `--sanitize-resources` call it at the top of
 * their file, so that the library belongs to no test.
 *
 * @throws {NftablesMissingError}
 */
export function loadLibnftables(): void {
  symbols();
}

function symbols(): Symbols {
  try {
    library ??= Deno.dlopen(LIBRARY, SYMBOLS);
  } catch (cause) {
    throw new NftablesMissingError(LIBRARY, cause);
  }
  return library.symbols;
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

function readText(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : new Deno.UnsafePointerView(pointer).getCString();
}

function inContext(use: (nft: Symbols, context: Context) => string): string {
  const nft = symbols();
  const context = nft.nft_ctx_new(0);
  if (context === null) throw new NftError("open nftables", "out of memory");
  try {
    return use(nft, context);
  } finally {
    nft.nft_ctx_free(context);
  }
}

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
  const flags = (options.json === true ? OUTPUT.json : 0) |
    (options.stateless === true ? OUTPUT.stateless : 0);
  const action = () =>
    inContext((nft, context) => {
      nft.nft_ctx_output_set_flags(context, flags);
      nft.nft_ctx_set_dry_run(context, options.check === true);
      if (nft.nft_ctx_buffer_output(context) !== 0 || nft.nft_ctx_buffer_error(context) !== 0) {
        throw new NftError(op, "its output cannot be captured");
      }
      const code = nft.nft_run_cmd_from_buffer(context, text);
      if (code !== 0) throw new NftError(op, readText(nft.nft_ctx_get_error_buffer(context)));
      return readText(nft.nft_ctx_get_output_buffer(context));
    });
  symbols();
  return options.netns === undefined ? action() : withNamespace(options.netns, action);
}
