// SPIFFE: this node's certificate, registration entries, federation.
import { z } from "@hono/zod-openapi";
import type {
  FederationStatus,
  RegistrationEntry,
  SpiffeStatus,
} from "../../../core/spiffe/mod.ts";
import { count, maybe, named, wallMs } from "./common.ts";

export const status = named<SpiffeStatus>()(
  "Spiffe",
  z.object({
    spiffeId: z.string(),
    svid: maybe(z.object({ notAfterMs: wallMs, renewAtMs: wallMs })),
    problem: maybe(z.string()),
    members: count,
    entries: count,
    workloads: count,
    federations: count,
  }),
);

const path = z.string().min(1).max(2_000).openapi({ example: "/web" });
const selectors = z.array(z.string().min(1).max(4_200)).min(1).max(16).openapi({
  description: "All must fit the caller.",
  example: ["unix:uid:1000", "unix:path:/usr/bin/web"],
});
const domains = z.array(z.string().min(1).max(255)).max(64);

export const entry = named<RegistrationEntry>()(
  "RegistrationEntry",
  z.object({
    id: z.string(),
    path,
    selectors: z.array(z.string()),
    x509LifetimeS: count,
    jwtLifetimeS: count,
    hint: z.string(),
    federatesWith: z.array(z.string()),
    createdMs: wallMs,
  }),
);
export const entryDraft = z.object({
  path,
  selectors,
  x509LifetimeS: z.int().min(1).max(86_400).optional(),
  jwtLifetimeS: z.int().min(1).max(3_600).optional(),
  hint: z.string().max(200).optional(),
  federatesWith: domains.optional(),
}).openapi("EntryDraft");

const profile = z.enum(["https_spiffe", "https_web"]);
export const federation = named<FederationStatus>()(
  "Federation",
  z.object({
    trustDomain: z.string(),
    url: z.string(),
    profile,
    endpointSpiffeId: maybe(z.string()),
    refreshedMs: maybe(wallMs),
    sequence: maybe(count),
    x509Authorities: count,
    jwtAuthorities: count,
    problem: maybe(z.string()),
  }),
);
export const federationDraft = z.object({
  trustDomain: z.string().min(1).max(255),
  url: z.url().max(2_000),
  profile,
  endpointSpiffeId: z.string().max(2_048).optional(),
  bundle: z.string().max(1_000_000).optional(),
}).openapi("FederationDraft");
