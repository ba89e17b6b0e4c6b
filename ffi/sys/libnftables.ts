// The symbols of libnftables.so.1, nft's own parser and kernel interface as a library, opened at the first
// use. nftables 1.0 libnftables.h, libnftables(3). What commands mean and how they fail is ffi/nftables'
// part; here are only the calls.
import { withNamespace } from "./namespace.ts";

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

type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let library: Deno.DynamicLibrary<typeof SYMBOLS> | null = null;

/**
 * Opens libnftables if it is not open yet. Tests under `--sanitize-resources` call it at the top of their
 * file, so that the library belongs to no test.
 *
 * @throws {Error} where it is not installed, or FFI is not permitted.
 */
export function loadLibnftables(): void {
  symbols();
}

function symbols(): Symbols {
  library ??= Deno.dlopen(LIBRARY, SYMBOLS);
  return library.symbols;
}

/** What a run of commands came to. */
export interface NftablesRun {
  readonly ok: boolean;
  /** What the commands printed. */
  readonly output: string;
  /** nft's explanation when not ok. */
  readonly error: string;
}

function readText(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : new Deno.UnsafePointerView(pointer).getCString();
}

const OUT_OF_MEMORY: NftablesRun = { ok: false, output: "", error: "out of memory" };

function run(nft: Symbols, text: Uint8Array<ArrayBuffer>, flags: number, dryRun: boolean) {
  const context = nft.nft_ctx_new(0);
  if (context === null) return OUT_OF_MEMORY;
  try {
    nft.nft_ctx_output_set_flags(context, flags);
    nft.nft_ctx_set_dry_run(context, dryRun);
    if (nft.nft_ctx_buffer_output(context) !== 0 || nft.nft_ctx_buffer_error(context) !== 0) {
      return OUT_OF_MEMORY;
    }
    const ok = nft.nft_run_cmd_from_buffer(context, text) === 0;
    return {
      ok,
      output: readText(nft.nft_ctx_get_output_buffer(context)),
      error: readText(nft.nft_ctx_get_error_buffer(context)),
    };
  } finally {
    nft.nft_ctx_free(context);
  }
}

/**
 * Runs commands in a context of their own. A context opens its socket in the calling thread's network
 * namespace, so it is made, used and freed inside one synchronous function.
 *
 * @param text commands, NUL-terminated.
 * @param options.flags NFT_CTX_OUTPUT_* bits.
 * @param options.netns a namespace under /run/netns; the caller's own when absent.
 * @throws {SyscallError} when the namespace cannot be entered; {Error} without the library.
 */
export function runLibnftables(
  text: Uint8Array<ArrayBuffer>,
  options: { readonly flags: number; readonly dryRun: boolean; readonly netns?: string },
): NftablesRun {
  const nft = symbols();
  const action = () => run(nft, text, options.flags, options.dryRun);
  return options.netns === undefined ? action() : withNamespace(options.netns, action);
}
