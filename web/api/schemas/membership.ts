// Membership: this node's place in a mesh, invites, requests.
import { z } from "@hono/zod-openapi";
import type {
  JoinStatus,
  MembershipStatus,
  MemberStatus,
  RequestView,
  TokenRecord,
} from "../../../core/membership/mod.ts";
import { count, maybe, named, wallMs } from "./common.ts";

const suite = z.enum(["category3", "category5"]);
const nodeId = z.string().openapi({ example: "gq2rxae2mdvkkouh" });

const versions = z.object({ authority: count, revocations: count, serial: count });

const member = named<MemberStatus>()(
  "Member",
  z.object({
    mesh: z.string().openapi({ example: "berlin.mesh" }),
    suite,
    nodeId,
    spiffeId: z.string().openapi({ example: "spiffe://berlin.mesh/node/gq2rxae2mdvkkouh" }),
    overlayAddress: z.string(),
    overlayPrefix: z.string(),
    roles: z.array(z.string()),
    revoked: z.boolean(),
    credential: z.object({
      serial: count,
      notBeforeMs: wallMs,
      notAfterMs: wallMs,
      state: maybe(z.enum(["valid", "expired", "not-yet-valid"])).openapi({
        description: "null while the clock is not set: then time is not judged.",
      }),
    }),
    keysGeneration: count,
    authority: z.object({
      version: count,
      keys: count,
      threshold: count,
      hash: z.string(),
      lastUntilMs: maybe(wallMs),
      here: z.object({ open: count, sealed: count }),
    }),
    revocations: z.object({ version: count, count }),
    missing: maybe(versions).openapi({
      description: "Newer state was seen than is here: the files come from an old back-up.",
    }),
    pendingRequests: count,
  }),
);

const join = named<JoinStatus>()(
  "Join",
  z.object({
    mesh: z.string(),
    state: z.enum(["asking", "waiting"]),
    requestId: maybe(z.string()),
    lastError: maybe(z.string()),
  }),
);

export const membershipStatus = named<MembershipStatus>()(
  "Membership",
  z.object({ member: maybe(member), join: maybe(join), problem: maybe(z.string()) }),
);

const passphrase = z.string().max(1_000).nullable().default(null);

export const createBody = z.object({
  mesh: z.string().min(1).max(255).openapi({ example: "berlin.mesh" }),
  suite: suite.default("category3"),
  keys: z.int().min(1).max(16).default(1),
  threshold: z.int().min(1).max(16).default(1),
  passphrase: passphrase.openapi({ description: "Seals the authority's key files." }),
}).openapi("MeshCreate");

export const joinBody = z.object({ invite: z.string().min(1).max(2_000) }).openapi("MeshJoin");
export const joinOutcome = z.object({
  state: z.enum(["joined", "waiting"]),
  nodeId: nodeId.optional(),
  requestId: z.string().optional(),
}).openapi("JoinOutcome");

export const inviteRecord = named<TokenRecord>()(
  "Invite",
  z.object({
    id: z.string(),
    createdMs: wallMs,
    expiresMs: wallMs,
    authority: z.string(),
    roles: z.array(z.string()),
    autoApprove: z.boolean(),
    tries: count,
    maxTries: count,
    nodeId: maybe(nodeId),
    usedMs: maybe(wallMs),
    cancelledMs: maybe(wallMs),
  }),
);
export const inviteBody = z.object({
  roles: z.array(z.string().min(1).max(64)).max(16).default([]),
  lifetimeS: z.int().min(60).max(30 * 86_400).default(86_400),
  maxTries: z.int().min(1).max(100).default(10),
  autoApprove: z.boolean().default(false),
  addresses: z.array(z.string().min(1).max(100)).max(4).optional().openapi({
    description: "Where this member is reached, host:port; those it finds itself when left out.",
  }),
}).openapi("InviteRequest");
export const madeInvite = z.object({
  text: z.string().openapi({ description: "A secret: whoever has it can enrol one node." }),
  qrSvg: z.string().openapi({ description: "The same as a QR code." }),
  addresses: z.array(z.string()),
  record: inviteRecord,
}).openapi("MadeInvite");

export const requestView = named<RequestView>()(
  "SigningRequest",
  z.object({
    id: z.string(),
    kind: z.enum(["credential", "revocations"]),
    state: z.enum(["pending", "granted", "delivered", "refused"]),
    createdMs: wallMs,
    name: z.string().openapi({ description: "As the node calls itself: not to be trusted." }),
    nodeId,
    approved: z.boolean(),
    signatures: count,
    tokenId: maybe(z.string()),
  }),
);
export const passphraseBody = z.object({ passphrase }).openapi("WithPassphrase");
export const revokeBody = z.object({ node: z.string().min(1).max(2_048), passphrase }).openapi(
  "Revoke",
);
export const rotateAuthorityBody = z.object({
  keys: z.int().min(1).max(16).default(1),
  threshold: z.int().min(1).max(16).default(1),
  passphrase,
  newPassphrase: passphrase,
  graceS: z.int().min(0).max(365 * 86_400).optional().openapi({
    description: "How long what the old keys signed is good still; 90 days when left out.",
  }),
}).openapi("RotateAuthority");
export const revocation = z.object({ spiffeId: z.string(), atMs: wallMs }).openapi("Revocation");
export const backupBody = z.object({
  passphrase: z.string().min(8).max(1_000),
  keysPassphrase: passphrase,
}).openapi("AuthorityBackup");
export const document = z.object({ text: z.string().max(16_000_000) }).openapi("TextDocument");
export const restoreBody = z.object({
  text: z.string().max(16_000_000),
  passphrase: z.string().max(1_000),
}).openapi("AuthorityRestore");
