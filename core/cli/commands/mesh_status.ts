// What a node tells of its membership, in words; and how commands take secrets.
import type { CliContext } from "../context.ts";
import { moment, printable } from "../format.ts";

interface Member {
  readonly mesh: string;
  readonly suite: string;
  readonly nodeId: string;
  readonly spiffeId: string;
  readonly overlayAddress: string;
  readonly roles: readonly string[];
  readonly revoked: boolean;
  readonly credential: { readonly notAfterMs: number; readonly state: string | null };
  readonly authority: {
    readonly version: number;
    readonly keys: number;
    readonly threshold: number;
    readonly here: { readonly open: number; readonly sealed: number };
  };
  readonly revocations: { readonly version: number; readonly count: number };
  readonly missing: unknown;
  readonly pendingRequests: number;
}

/** Answer of /membership. */
export interface MeshStatus {
  readonly member: Member | null;
  readonly join: {
    readonly mesh: string;
    readonly state: string;
    readonly requestId: string | null;
    readonly lastError: string | null;
  } | null;
  readonly problem: string | null;
}

/** Something the authority is asked to sign. */
export interface MeshRequest {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly createdMs: number;
  readonly name: string;
  readonly nodeId: string;
  readonly signatures: number;
}

/** A secret from a file or standard input, without the last line break; `null` when none is named. */
export async function secretOf(
  context: CliContext,
  file: string | undefined,
): Promise<string | null> {
  if (file === undefined) return null;
  const text =
    await (file === "-" ? context.terminal.readInput() : context.terminal.readFile(file));
  return text.replace(/\r?\n$/, "");
}

function credentialText({ credential, missing, revoked }: Member): string {
  if (revoked) return "REVOKED: other members refuse this node";
  if (missing !== null) return "NOT USABLE: older state than was seen before; see doctor";
  const until = moment(credential.notAfterMs);
  if (credential.state === "expired") return `EXPIRED on ${until}`;
  return credential.state === null ? "not judged: the clock is not set" : `valid until ${until}`;
}

/** The status in lines. */
export function statusText({ member, join, problem }: MeshStatus): string {
  if (problem !== null) return printable(problem);
  if (join !== null) {
    const what = join.state === "waiting"
      ? `waits for approval (request ${join.requestId})`
      : "asks";
    const error = join.lastError === null ? "" : `\n${printable(join.lastError)}`;
    return `Joining ${printable(join.mesh)}: ${what}.${error}`;
  }
  if (member === null) {
    return "This node belongs to no mesh. Run: x0tta6bl4 mesh create NAME, or x0tta6bl4 mesh join INVITE";
  }
  const { authority, revocations } = member;
  const { open, sealed } = authority.here;
  return [
    ["mesh", member.mesh],
    ["node", member.nodeId],
    ["identity", member.spiffeId],
    ["address", member.overlayAddress],
    ["roles", member.roles.join(", ")],
    ["suite", member.suite],
    ["credential", credentialText(member)],
    [
      "authority",
      `version ${authority.version}, ${authority.threshold} of ${authority.keys} keys must sign; here: ` +
      `${open} open, ${sealed} sealed`,
    ],
    ["revoked", `${revocations.count} (version ${revocations.version})`],
    ["requests", `${member.pendingRequests} waiting`],
  ].map(([name = "", value = ""]) => `${name.padEnd(11)} ${printable(value)}`).join("\n");
}
