// GET / and what it loads.
import type { NodeSnapshot } from "../../core/node/mod.ts";
import type { Api, ApiContext } from "../api/context.ts";
import type { ConfigService } from "../api/config.ts";
import type { SecurityService } from "../api/security.ts";
import { mayWrite } from "../connection.ts";
import { PAGE_HEADERS } from "../http/headers.ts";
import { PAGE_EVENTS } from "../limits.ts";
import { ASSETS } from "./assets.ts";
import { renderPage } from "./home.tsx";
import { renderTrust, type TrustFacts } from "./trust.tsx";

/** Adds the page. A rendering is kept while nothing on it has changed but the time. */
export function addPage(
  api: Api,
  { node, clock }: ApiContext,
  config: ConfigService,
  trust: boolean,
): void {
  const rendered = new WeakMap<NodeSnapshot, Map<string, string>>();
  api.get("/", (context) => {
    const snapshot = node.snapshot();
    const health = node.health();
    const status = config.status();
    const events = node.events({ minSeverity: "info", limit: PAGE_EVENTS });
    const writable = mayWrite(context.env.connection.remote);
    const nowMs = clock.wallMs();
    const second = Math.floor(nowMs / 1000);
    const key = JSON.stringify([second, health, status, events[0]?.id, writable]);
    let ofSnapshot = rendered.get(snapshot);
    if (ofSnapshot === undefined) rendered.set(snapshot, ofSnapshot = new Map());
    let html = ofSnapshot.get(key);
    if (html === undefined) {
      const { identity } = node;
      const uptimeS = node.uptimeS();
      html = renderPage({
        identity,
        snapshot,
        health,
        config: status,
        events,
        uptimeS,
        nowMs,
        writable,
        trust,
      });
      if (ofSnapshot.size >= 4) ofSnapshot.clear();
      ofSnapshot.set(key, html);
    }
    return page(html);
  });
  for (const { url, contentType, text } of Object.values(ASSETS)) {
    api.get(url, (context) =>
      context.body(text, 200, {
        "content-type": contentType,
        "cache-control": "public, max-age=31536000, immutable",
      }));
  }
}

/** A page with its headers. */
function page(html: string): Response {
  return new Response(html, {
    headers: [
      ["content-type", "text/html; charset=utf-8"],
      ["cache-control", "no-store"],
      ...PAGE_HEADERS,
    ] as [string, string][],
  });
}

/** Adds the page of trust. A rendering is kept for a second, so that asking costs no reading each time. */
export function addTrustPage(
  api: Api,
  { node, clock }: ApiContext,
  security: SecurityService,
): void {
  let kept: { readonly atMs: number; readonly facts: Promise<TrustReading> } | null = null;
  const read = async (): Promise<TrustReading> => {
    const { membership } = security;
    return {
      membership: await membership.status(),
      requests: membership.requests(),
      status: await security.status(),
      policy: security.policy?.show() ?? null,
      audit: await membership.context.audit.verify(),
      nowMs: clock.wallMs(),
    };
  };
  // What was changed is to be seen at once.
  security.membership.subscribe(() => kept = null);
  api.get("/trust", async (context) => {
    const atMs = clock.monotonicMs();
    if (kept === null || atMs - kept.atMs >= 1_000) kept = { atMs, facts: read() };
    const writable = mayWrite(context.env.connection.remote);
    return page(renderTrust({ ...await kept.facts, identity: node.identity, writable }));
  });
}

type TrustReading = Omit<TrustFacts, "identity" | "writable">;
