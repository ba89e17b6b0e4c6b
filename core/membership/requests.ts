// Requests to the authority: made, signed by whoever holds keys, complete when the threshold is reached.
// All signatures are over the same octets, fixed when the request is made, so that they can be gathered one
// by one, on other machines and days apart.
import { WireReader, WireWriter } from "../base/mod.ts";
import {
  authorityHash,
  type AuthorityKey,
  type AuthoritySet,
  type AuthoritySignature,
  CREDENTIAL,
  type Credential,
  decodeAuthority,
  decodeClaims,
  decodeRevocationList,
  encodeAuthority,
  fieldOf,
  formatNodeId,
  IdentityError,
  loadAuthorityKey,
  nodeIdOf,
  type PassphraseSealing,
  readDocument,
  readSignatures,
  REVOCATIONS,
  signStatement,
  verifyStatement,
  writeDocument,
  writeSignatures,
} from "../identity/mod.ts";
import type { Files } from "../ports/mod.ts";
import { type Backend, equalBytes } from "../pq/mod.ts";
import type { RequestKind, SigningRequest } from "./ports.ts";

const STATEMENT: Readonly<Record<RequestKind, string>> = {
  credential: CREDENTIAL,
  revocations: REVOCATIONS,
};

/** Adds signatures of the given keys, in place of older ones of the same keys. */
export async function signRequest(
  set: AuthoritySet,
  keys: readonly AuthorityKey[],
  request: SigningRequest,
): Promise<SigningRequest> {
  const fresh = await Promise.all(
    keys.map((key) => signStatement(set, key, STATEMENT[request.kind], request.body)),
  );
  // Signatures of a set that was replaced count no longer.
  const kept = equalBytes(request.authority, authorityHash(set)) ? request.signatures : [];
  return { ...request, authority: authorityHash(set), signatures: joined(kept, fresh) };
}

function joined(
  kept: readonly AuthoritySignature[],
  fresh: readonly AuthoritySignature[],
): AuthoritySignature[] {
  const byKey = new Map([...kept, ...fresh].map((one) => [one.key, one]));
  return [...byKey.values()].sort((a, b) => a.key - b.key);
}

/** Whether enough keys of `set` signed it. */
export async function isComplete(
  backend: Backend,
  set: AuthoritySet,
  request: SigningRequest,
): Promise<boolean> {
  return equalBytes(request.authority, authorityHash(set)) &&
    request.signatures.length >= set.threshold &&
    await verifyStatement(
      backend,
      set,
      STATEMENT[request.kind],
      request.body,
      request.signatures,
    );
}

/** The credential that a complete request stands for. */
export function credentialOf({ body, signatures }: SigningRequest): Credential {
  return { claims: decodeClaims(body), signatures };
}

/** A request as a file: for a person who carries it to where a key is kept, and back. */
export function exportRequest(set: AuthoritySet, request: SigningRequest): string {
  return writeDocument("signing request", {
    mesh: set.trustDomain,
    id: request.id,
    kind: request.kind,
    name: JSON.stringify(request.name),
    node: request.nodeId,
    authority: fieldOf(encodeAuthority(set)),
    body: fieldOf(request.body),
    signatures: fieldOf(writeSignatures(new WireWriter(), request.signatures).finish()),
  });
}

/** A request out of a file. */
export interface CarriedRequest {
  readonly set: AuthoritySet;
  readonly request: Pick<
    SigningRequest,
    "id" | "kind" | "name" | "nodeId" | "body" | "signatures"
  >;
}

/** @throws {IdentityError} "malformed", "checksum" */
export function importRequest(text: string, path: string): CarriedRequest {
  const document = readDocument("signing request", text, path);
  const set = decodeAuthority(document.bytes("authority"));
  const kind = document.oneOf("kind", ["credential", "revocations"] as const);
  const body = document.bytes("body");
  // Whoever signs is to see what it is; a body that is no such statement is not shown as one.
  try {
    if (kind === "credential") decodeClaims(body);
    else decodeRevocationList(body);
    const signatures = readSignatures(new WireReader(document.bytes("signatures"), path));
    const id = document.text("id");
    const name = String(JSON.parse(document.text("name")));
    return { set, request: { id, kind, name, nodeId: document.text("node"), body, signatures } };
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause;
    throw new IdentityError("malformed", `Cannot use "${path}": it holds no request`, { cause });
  }
}

/**
 * Signatures that hold, out of those that a file brought.
 *
 * @throws {IdentityError} "untrusted" when none of them does.
 */
export async function goodSignatures(
  backend: Backend,
  set: AuthoritySet,
  request: SigningRequest,
  brought: readonly AuthoritySignature[],
): Promise<readonly AuthoritySignature[]> {
  const alone = { ...set, threshold: 1 };
  const good: AuthoritySignature[] = [];
  for (const signature of brought) {
    const statement = STATEMENT[request.kind];
    if (await verifyStatement(backend, alone, statement, request.body, [signature])) {
      good.push(signature);
    }
  }
  if (good.length === 0) {
    throw new IdentityError("untrusted", "Cannot use these signatures: none of them holds");
  }
  return joined(request.signatures, good);
}

/** What a carried request asks for, in lines: for whoever is to sign it. @throws {IdentityError} */
export function describeCarried(text: string, name: string): readonly string[] {
  const { set, request } = importRequest(text, name);
  const head = `Mesh ${set.trustDomain}, authority ${set.version}, ${set.threshold} of ` +
    `${set.keys.length} keys must sign; ${request.signatures.length} did.`;
  if (request.kind === "revocations") {
    const { version, entries } = decodeRevocationList(request.body);
    return [head, `Revocations, version ${version}: ${entries.length} nodes are out, the newest:`]
      .concat(
        entries.slice(-10).map(({ spiffeId, atMs }) =>
          `  ${spiffeId} since ${new Date(atMs).toISOString()}`
        ),
      );
  }
  const { keys, roles, notBeforeMs, notAfterMs } = decodeClaims(request.body);
  const [from, to] = [notBeforeMs, notAfterMs].map((ms) => new Date(ms).toISOString());
  return [
    head,
    `A credential for node ${formatNodeId(nodeIdOf(keys))}, which calls itself ` +
    `${JSON.stringify(request.name)},`,
    `  with the roles ${roles.join(", ")}, from ${from} to ${to}.`,
  ];
}

/**
 * Signs a carried request with one key file. Needs neither database nor mesh: works on a machine that is
 * kept offline.
 *
 * @throws {IdentityError} "missing", "insecure-file", "wrong-passphrase", "untrusted" for a key of no part of
 *   the authority that the request names.
 */
export async function signCarried(
  { files, sealing }: { readonly files: Files; readonly sealing: PassphraseSealing },
  { text, name }: { readonly text: string; readonly name: string },
  keyPath: string,
  passphrase: string | null,
): Promise<string> {
  const { set, request } = importRequest(text, name);
  const { key } = await loadAuthorityKey(sealing, files, keyPath, passphrase);
  try {
    const own = set.keys.some((one) => equalBytes(one.postQuantum, key.postQuantum.publicKey));
    if (!own) {
      throw new IdentityError(
        "untrusted",
        `Cannot sign "${name}": "${keyPath}" is no key of its authority`,
      );
    }
    const whole: SigningRequest = {
      ...request,
      state: "pending",
      createdMs: 0,
      tokenId: null,
      approved: true,
      authority: authorityHash(set),
    };
    return exportRequest(set, await signRequest(set, [key], whole));
  } finally {
    key.postQuantum.wipe();
    key.ed25519.wipe();
  }
}
