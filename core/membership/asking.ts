// Asks members, one address after the other, until one of them answers.
import type { ByteStream } from "../ports/mod.ts";
import { IdentityError } from "../identity/mod.ts";
import { messageOf } from "../base/mod.ts";
import { HandshakeError } from "../handshake/mod.ts";
import type { Context } from "./context.ts";
import { type Attempt, attempt, type Attempted } from "./joiner.ts";
import { DIAL_TIMEOUT_MS } from "./limits.ts";

/** Opens a connection to "host:port". Rejects when nobody answers, or the signal fires. */
export type EnrolmentDialer = (address: string, signal: AbortSignal) => Promise<ByteStream>;

async function dialInTime(
  { clock }: Pick<Context, "clock">,
  dial: EnrolmentDialer,
  address: string,
  signal: AbortSignal,
): Promise<ByteStream> {
  const done = new AbortController();
  const late = new AbortController();
  const timer = clock.sleep(DIAL_TIMEOUT_MS, done.signal).then(() => {
    if (!done.signal.aborted) late.abort();
  });
  try {
    return await dial(address, AbortSignal.any([late.signal, signal]));
  } catch (thrown) {
    throw late.signal.aborted ? new Error("it did not answer in time") : thrown;
  } finally {
    done.abort();
    await timer;
  }
}

/**
 * Asks the members at these addresses in turn. Whoever can't be authenticated is passed over.
 *
 * @throws {IdentityError} "no-answer" when none of them answers, with what became of each.
 */
export async function askMembers(
  context: Context,
  dial: EnrolmentDialer,
  addresses: readonly string[],
  what: Attempt,
  signal: AbortSignal,
): Promise<Attempted & { readonly address: string }> {
  const tried: string[] = [];
  for (const address of addresses) {
    if (signal.aborted) break;
    try {
      const stream = await dialInTime(context, dial, address, signal);
      return { ...await attempt(context, stream, what), address };
    } catch (thrown) {
      tried.push(`${address}: ${reasonOf(thrown)}`);
    }
  }
  const list = tried.length === 0 ? "no address is known" : tried.join("; ");
  throw new IdentityError("no-answer", `Cannot reach a member of "${what.trustDomain}": ${list}`, {
    retryable: true,
  });
}

function reasonOf(thrown: unknown): string {
  // A member closes without a word on whoever brings no token of its own.
  if (thrown instanceof HandshakeError && ["closed", "malformed"].includes(thrown.code)) {
    return "it closed the connection (it isn't the member that made the invite, or no member)";
  }
  return messageOf(thrown);
}
