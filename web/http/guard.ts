// What every request must pass before any handler sees it. Pure apart from reading headers. Looks at the
// connection only where it matters: asking the server for it costs as much as a header.
import { type Connection, mayWrite } from "../connection.ts";
import { MAX_BODY_BYTES, MAX_TARGET_LENGTH } from "../limits.ts";
import { problemResponse } from "./problem.ts";

const READS = new Set(["GET", "HEAD"]);
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE"]);
const BODY_TYPES = /^application\/(json|toml)\s*(;|$)/i;

/** Why writes over the network are refused; shown by the API and on the page. */
export const WRITES_ARE_LOCAL =
  "Cannot change the node from over the network: clients cannot authenticate yet, so changes are " +
  "accepted only from the node itself (its command line, its unix socket, or loopback)";

/**
 * Checks a request.
 *
 * @returns the refusal, or `null` when the request may go on.
 */
export function guard(
  request: Request,
  connection: Connection,
  hostAllowed: (host: string) => boolean,
): Response | null {
  const { method, headers, url } = request;
  if (!METHODS.has(method)) {
    const detail = `Cannot do "${method.slice(0, 20)}": the methods here are ${
      [...METHODS].join(", ")
    }`;
    return problemResponse(
      { status: 405, code: "method-not-allowed", title: "Method not allowed", detail },
      { allow: [...METHODS].join(", ") },
    );
  }
  if (url.length > MAX_TARGET_LENGTH) {
    const detail =
      `Cannot read a request target of ${url.length} characters: at most ${MAX_TARGET_LENGTH}`;
    return problemResponse({ status: 414, code: "target-too-long", title: "URI too long", detail });
  }
  const host = headers.get("host") ?? "";
  if (!hostAllowed(host) && connection.remote.transport !== "unix") {
    const detail = `Cannot answer for "${host.slice(0, 100)}": this node knows itself by IP ` +
      "address, localhost, its own name, and the names in its configuration";
    return problemResponse({
      status: 421,
      code: "unknown-host",
      title: "Misdirected request",
      detail,
    });
  }
  return READS.has(method) ? null : guardWrite(request, connection);
}

/** Writes must come from this machine, not from another site's page, with a body we read. */
function guardWrite(request: Request, { remote }: Connection): Response | null {
  const { headers } = request;
  if (!mayWrite(remote)) {
    return problemResponse({
      status: 403,
      code: "local-only",
      title: "Only from the node itself",
      detail: WRITES_ARE_LOCAL,
    });
  }
  const foreign = foreignOrigin(headers);
  if (foreign !== null) {
    const detail =
      `Cannot accept a change sent by a page of "${foreign.slice(0, 100)}": only this ` +
      "node's own pages may send one";
    return problemResponse({
      status: 403,
      code: "foreign-origin",
      title: "Foreign origin",
      detail,
    });
  }
  const length = Number(headers.get("content-length") ?? 0);
  if (length > MAX_BODY_BYTES) return bodyTooLarge(length);
  const type = headers.get("content-type");
  const hasBody = request.body !== null && headers.get("content-length") !== "0";
  if (hasBody && !BODY_TYPES.test(type ?? "")) {
    const detail = `Cannot read a body of type "${(type ?? "").slice(0, 100)}": send ` +
      "application/json, or application/toml for a configuration";
    return problemResponse({ status: 415, code: "body-type", title: "Unsupported body", detail });
  }
  return null;
}

/** @param lengthBytes `null` when it was not told. */
export function bodyTooLarge(lengthBytes: number | null): Response {
  const size = lengthBytes === null ? "" : ` of ${lengthBytes} octets`;
  const detail = `Cannot read a body${size}: at most ${MAX_BODY_BYTES} octets are taken`;
  return problemResponse({ status: 413, code: "body-too-large", title: "Body too large", detail });
}

/** The foreign site that sent the request, or `null`. Clients that are no browsers send neither header. */
function foreignOrigin(headers: Headers): string | null {
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  if (origin !== null) {
    const own = URL.canParse(origin) && new URL(origin).host === headers.get("host")?.toLowerCase();
    return own ? null : origin;
  }
  return site === null || site === "same-origin" || site === "none" ? null : site;
}
