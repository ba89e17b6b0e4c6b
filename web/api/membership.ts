// This node's place in a mesh over HTTP: found, invite, join, approve, revoke, rotate, back up. Passphrases
// and invites pass through and are not kept; answers with secrets are never cached.
import { createRoute, z } from "@hono/zod-openapi";
import encodeQR from "qr";
import type { Membership } from "../../core/membership/mod.ts";
import { type Api, json, jsonBody, mutable, problemOfStatus, WRITE_ERRORS } from "./context.ts";
import { listOf } from "./schemas/common.ts";
import * as schemas from "./schemas/membership.ts";

const tags = ["membership"];
const BASE = "/api/v1/membership";
const ERRORS = {
  ...WRITE_ERRORS,
  404: problemOfStatus("There is no such invite, request or key file."),
  409: problemOfStatus("Not as things are: in a mesh already, in none, revoked, keys missing …"),
  410: problemOfStatus("The invite is used up or expired."),
  502: problemOfStatus("No member answers."),
  503: problemOfStatus("It cannot be kept now, or a key file is not safe."),
} as const;
const idParam = { params: z.object({ id: z.string().regex(/^[0-9a-f]{16}$/) }) };

function addStatus(api: Api, membership: Membership): void {
  api.openapi(
    createRoute({
      method: "get",
      path: BASE,
      tags,
      summary: "This node's mesh, identity and authority",
      responses: { 200: json(schemas.membershipStatus, "Status.") },
    }),
    async (context) => context.json(mutable(await membership.status()), 200),
  );
  api.openapi(
    createRoute({
      method: "get",
      path: `${BASE}/revocations`,
      tags,
      summary: "Nodes that are out",
      responses: { 200: json(listOf("RevocationList", schemas.revocation), "Newest version.") },
    }),
    (context) => {
      const entries = membership.member?.state.revocations.list.entries ?? [];
      return context.json(
        { items: entries.map(({ spiffeId, atMs }) => ({ spiffeId, atMs })) },
        200,
      );
    },
  );
}

function addEntering(api: Api, membership: Membership): void {
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/create`,
      tags,
      summary: "Makes a mesh whose first member is this node",
      request: jsonBody(schemas.createBody),
      responses: { 200: json(schemas.membershipStatus, "Made."), ...ERRORS },
    }),
    async (context) => {
      await membership.create(context.req.valid("json"));
      return context.json(mutable(await membership.status()), 200);
    },
  );
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/join`,
      tags,
      summary: "Asks to be let into a mesh with an invite",
      request: jsonBody(schemas.joinBody),
      responses: { 200: json(schemas.joinOutcome, "In, or waiting for approval."), ...ERRORS },
    }),
    async (context) =>
      context.json(mutable(await membership.join(context.req.valid("json").invite)), 200),
  );
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/join/cancel`,
      tags,
      summary: "Gives up a join that waits",
      responses: { 200: json(schemas.membershipStatus, "Given up."), 403: ERRORS[403] },
    }),
    async (context) => {
      await membership.cancelJoin();
      return context.json(mutable(await membership.status()), 200);
    },
  );
}

function addInvites(api: Api, membership: Membership): void {
  api.openapi(
    createRoute({
      method: "get",
      path: `${BASE}/invites`,
      tags,
      summary: "Invites this node made, without their secrets",
      responses: { 200: json(listOf("InviteList", schemas.inviteRecord), "Newest first.") },
    }),
    (context) => context.json({ items: mutable(membership.invites()) }, 200),
  );
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/invites`,
      tags,
      summary: "Makes an invite for one node",
      request: jsonBody(schemas.inviteBody),
      responses: { 200: json(schemas.madeInvite, "The invite: keep it like a key."), ...ERRORS },
    }),
    async (context) => {
      const { lifetimeS, addresses, ...rest } = context.req.valid("json");
      const made = await membership.invite({
        ...rest,
        lifetimeMs: lifetimeS * 1000,
        ...(addresses === undefined ? {} : { addresses }),
      });
      context.header("cache-control", "no-store");
      // Upper case makes a smaller code; invites are read in any case.
      const qrSvg = encodeQR(made.text.toUpperCase(), "svg");
      return context.json(mutable({ ...made, qrSvg }), 200);
    },
  );
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/invites/{id}/cancel`,
      tags,
      summary: "Withdraws an invite that nobody used",
      request: idParam,
      responses: { 200: json(schemas.inviteRecord, "Withdrawn."), ...ERRORS },
    }),
    async (context) =>
      context.json(mutable(await membership.cancelInvite(context.req.valid("param").id)), 200),
  );
}

function addRequests(api: Api, membership: Membership): void {
  api.openapi(
    createRoute({
      method: "get",
      path: `${BASE}/requests`,
      tags,
      summary: "What the authority is asked to sign",
      responses: { 200: json(listOf("SigningRequestList", schemas.requestView), "Newest first.") },
    }),
    (context) => context.json({ items: mutable(membership.requests()) }, 200),
  );
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/requests/{id}/approve`,
      tags,
      summary: "Approves a request and signs it with the keys that are here",
      request: { ...idParam, ...jsonBody(schemas.passphraseBody) },
      responses: { 200: json(schemas.requestView, "As it is now."), ...ERRORS },
    }),
    async (context) => {
      const { passphrase } = context.req.valid("json");
      const done = await membership.approve(context.req.valid("param").id, passphrase);
      return context.json(mutable(done), 200);
    },
  );
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/requests/{id}/refuse`,
      tags,
      summary: "Refuses a request",
      request: idParam,
      responses: { 200: json(schemas.requestView, "Refused."), ...ERRORS },
    }),
    async (context) =>
      context.json(mutable(await membership.refuse(context.req.valid("param").id)), 200),
  );
  api.openapi(
    createRoute({
      method: "get",
      path: `${BASE}/requests/{id}/export`,
      tags,
      summary: "A request as a file, for where a key is kept",
      request: idParam,
      responses: { 200: json(schemas.document, "The file."), 404: ERRORS[404], 409: ERRORS[409] },
    }),
    (context) =>
      context.json({ text: membership.exportRequest(context.req.valid("param").id) }, 200),
  );
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/signatures`,
      tags,
      summary: "Takes signatures that such a file brings back",
      request: jsonBody(schemas.document),
      responses: { 200: json(schemas.requestView, "As it is now."), ...ERRORS },
    }),
    async (context) => {
      const { text } = context.req.valid("json");
      return context.json(mutable(await membership.importSignatures(text, "the file")), 200);
    },
  );
}

function addAuthority(api: Api, membership: Membership): void {
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/revoke`,
      tags,
      summary: "Puts a node out for good",
      request: jsonBody(schemas.revokeBody),
      responses: { 200: json(schemas.requestView, "Granted, or waits for more keys."), ...ERRORS },
    }),
    async (context) => {
      const { node, passphrase } = context.req.valid("json");
      return context.json(mutable(await membership.revoke(node, passphrase)), 200);
    },
  );
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/rotate/keys`,
      tags,
      summary: "Replaces this node's WireGuard and TLS keys",
      responses: {
        200: json(z.object({ state: z.enum(["rotated", "waiting"]) }), "Done, or waits."),
        ...ERRORS,
      },
    }),
    async (context) => context.json({ state: await membership.rotateKeys() }, 200),
  );
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/rotate/authority`,
      tags,
      summary: "Replaces the authority's keys",
      request: jsonBody(schemas.rotateAuthorityBody),
      responses: { 200: json(z.object({ version: z.int() }), "The new version."), ...ERRORS },
    }),
    async (context) => {
      const { graceS, ...rest } = context.req.valid("json");
      const grace = graceS === undefined ? {} : { graceMs: graceS * 1000 };
      return context.json(await membership.rotateAuthority({ ...rest, ...grace }), 200);
    },
  );
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/renew`,
      tags,
      summary: "Renews this node's credential now",
      responses: {
        200: json(z.object({ state: z.enum(["renewed", "pending"]) }), "Done, or waits."),
        ...ERRORS,
      },
    }),
    async (context) => context.json({ state: await membership.renew() }, 200),
  );
}

function addBackup(api: Api, membership: Membership): void {
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/backup`,
      tags,
      summary: "The authority's keys here and the mesh's state, sealed with a passphrase",
      request: jsonBody(schemas.backupBody),
      responses: { 200: json(schemas.document, "Keep it offline."), ...ERRORS },
    }),
    async (context) => {
      const { passphrase, keysPassphrase } = context.req.valid("json");
      context.header("cache-control", "no-store");
      return context.json({ text: await membership.backUp(passphrase, keysPassphrase) }, 200);
    },
  );
  api.openapi(
    createRoute({
      method: "post",
      path: `${BASE}/restore`,
      tags,
      summary: "Brings an authority back from its back-up",
      request: jsonBody(schemas.restoreBody),
      responses: { 200: json(schemas.membershipStatus, "Restored."), ...ERRORS },
    }),
    async (context) => {
      const { text, passphrase } = context.req.valid("json");
      await membership.restore(text, "the back-up", passphrase);
      return context.json(mutable(await membership.status()), 200);
    },
  );
}

/** Adds the routes. */
export function addMembership(api: Api, membership: Membership): void {
  addStatus(api, membership);
  addEntering(api, membership);
  addInvites(api, membership);
  addRequests(api, membership);
  addAuthority(api, membership);
  addBackup(api, membership);
}
