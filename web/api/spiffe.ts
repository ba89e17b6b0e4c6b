// Identities of programs over HTTP: registration entries, the bundle, federation.
import { createRoute, z } from "@hono/zod-openapi";
import { type Spiffe, SpiffeError } from "../../core/spiffe/mod.ts";
import type { Clock } from "../../core/ports/mod.ts";
import { type Api, json, jsonBody, mutable, problemOfStatus, WRITE_ERRORS } from "./context.ts";
import { withoutUndefined } from "./node.ts";
import { listOf } from "./schemas/common.ts";
import * as schemas from "./schemas/spiffe.ts";

const tags = ["spiffe"];
const BASE = "/api/v1/spiffe";
const NOT_NOW = { 503: problemOfStatus("This node is in no mesh, or its clock is not set.") };
const ERRORS = {
  ...WRITE_ERRORS,
  ...NOT_NOW,
  404: problemOfStatus("There is no such entry or relationship."),
  409: problemOfStatus("It is there already, or too many are."),
} as const;

const status = createRoute({
  method: "get",
  path: BASE,
  tags,
  summary: "This node's certificate and how many programs have identities",
  responses: { 200: json(schemas.status, "Status."), ...NOT_NOW },
});
const bundle = createRoute({
  method: "get",
  path: `${BASE}/bundle`,
  tags,
  summary: "This mesh's trust bundle, as bundle endpoints serve it",
  responses: {
    200: json(z.looseObject({ keys: z.array(z.unknown()) }), "SPIFFE bundle."),
    ...NOT_NOW,
  },
});
const list = createRoute({
  method: "get",
  path: `${BASE}/entries`,
  tags,
  summary: "Which program gets which identity",
  responses: { 200: json(listOf("EntryList", schemas.entry), "Oldest first."), ...NOT_NOW },
});
const create = createRoute({
  method: "post",
  path: `${BASE}/entries`,
  tags,
  summary: "Gives programs that fit all selectors an identity",
  request: jsonBody(schemas.entryDraft),
  responses: { 200: json(schemas.entry, "Registered."), ...ERRORS },
});
const remove = createRoute({
  method: "delete",
  path: `${BASE}/entries/{id}`,
  tags,
  summary: "Takes an identity away",
  request: { params: z.object({ id: z.string().regex(/^[0-9a-f]{16}$/) }) },
  responses: { 200: json(listOf("EntryList", schemas.entry), "Those that are left."), ...ERRORS },
});
const federations = createRoute({
  method: "get",
  path: `${BASE}/federations`,
  tags,
  summary: "Other trust domains whose bundles are fetched",
  responses: { 200: json(listOf("FederationList", schemas.federation), "All."), ...NOT_NOW },
});
const federate = createRoute({
  method: "post",
  path: `${BASE}/federations`,
  tags,
  summary: "Begins to fetch another trust domain's bundle, or does it otherwise",
  request: jsonBody(schemas.federationDraft),
  responses: { 200: json(listOf("FederationList", schemas.federation), "All."), ...ERRORS },
});
const part = createRoute({
  method: "delete",
  path: `${BASE}/federations/{domain}`,
  tags,
  summary: "Forgets another trust domain",
  request: { params: z.object({ domain: z.string().min(1).max(255) }) },
  responses: { 200: json(listOf("FederationList", schemas.federation), "Those left."), ...ERRORS },
});

/** Adds the routes. @param spiffe `null` while no certificates are issued. */
export function addSpiffe(api: Api, spiffe: () => Spiffe | null, clock: Clock): void {
  const require = (): Spiffe => {
    const present = spiffe();
    if (present !== null) return present;
    throw new SpiffeError("stopped", "Cannot do this now: this node issues no certificates");
  };
  api.openapi(status, (context) => context.json(mutable(require().status()), 200));
  api.openapi(bundle, (context) => context.json(JSON.parse(require().bundleDocument()), 200));
  api.openapi(list, (context) => context.json({ items: mutable(require().entries.list()) }, 200));
  api.openapi(create, (context) => {
    const draft = withoutUndefined(context.req.valid("json"));
    return context.json(mutable(require().entries.create(draft, clock.wallMs())), 200);
  });
  api.openapi(remove, (context) => {
    const { entries } = require();
    entries.remove(context.req.valid("param").id);
    return context.json({ items: mutable(entries.list()) }, 200);
  });
  const all = () => ({ items: mutable(require().federation.list()) });
  api.openapi(federations, (context) => context.json(all(), 200));
  api.openapi(federate, (context) => {
    require().federation.set(withoutUndefined(context.req.valid("json")));
    return context.json(all(), 200);
  });
  api.openapi(part, (context) => {
    require().federation.remove(context.req.valid("param").domain);
    return context.json(all(), 200);
  });
}
