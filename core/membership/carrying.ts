// Requests that go to other members for signatures, since the authority's keys lie there. The same octets go
// and come back, so that it doesn't matter how often, in which order, or by whom they are carried.
import { authorityHash, IdentityError } from "../identity/mod.ts";
import { equalBytes } from "../pq/mod.ts";
import { type Context, type Member, trustedNowMs } from "./context.ts";
import { MAX_PENDING_REQUESTS, MAX_ROWS } from "./limits.ts";
import type { SigningRequest } from "./ports.ts";
import { exportRequest, goodSignatures, importRequest } from "./requests.ts";

/** A request that waits, as it is carried. */
export interface Carried {
  readonly id: string;
  readonly text: string;
}

/** Requests that wait for signatures here. */
export function waitingRequests({ tables }: Context, { state }: Member): readonly Carried[] {
  const set = state.chain.current;
  const hash = authorityHash(set);
  return tables.requests.list(MAX_ROWS)
    .filter((one) => one.state === "pending" && equalBytes(one.authority, hash))
    .map((request) => ({ id: request.id, text: exportRequest(set, request) }));
}

/**
 * Takes in what another member asks to have signed. It waits for a person here; what was signed already is
 * given back.
 *
 * @returns the same request with the signatures that are known here.
 * @throws {IdentityError} "malformed", "wrong-mesh", "refused" when too many wait.
 */
export async function takeCarried(
  context: Context,
  { state }: Member,
  text: string,
): Promise<{ readonly text: string; readonly isNew: boolean }> {
  const { tables: { requests }, backend, audit, clock } = context;
  const { set, request } = importRequest(text, "the request");
  const current = state.chain.current;
  if (!equalBytes(authorityHash(set), authorityHash(current))) {
    throw new IdentityError("wrong-mesh", "Cannot sign this: it asks another authority");
  }
  const held = requests.get(request.id);
  if (held !== null) {
    if (!equalBytes(held.body, request.body)) {
      throw new IdentityError("malformed", `Cannot sign this: request "${request.id}" is another`);
    }
    return { text: exportRequest(current, held), isNew: false };
  }
  const waiting = requests.list(MAX_ROWS).filter((one) => one.state === "pending").length;
  if (waiting >= MAX_PENDING_REQUESTS) {
    throw new IdentityError("refused", `Cannot take this request: ${waiting} wait already`);
  }
  const taken: SigningRequest = {
    ...request,
    state: "pending",
    createdMs: trustedNowMs(clock) ?? 0,
    tokenId: null,
    approved: false,
    authority: authorityHash(current),
    signatures: [],
  };
  const signatures = request.signatures.length === 0
    ? []
    : await goodSignatures(backend, current, taken, request.signatures);
  requests.put({ ...taken, signatures });
  await audit.append("node.requested", "another member", `request ${taken.id}`, {
    name: taken.name,
    node: taken.nodeId,
  });
  return { text: exportRequest(current, { ...taken, signatures }), isNew: true };
}
