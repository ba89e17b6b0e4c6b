// Answers made once a snapshot and sent as they are: the text, its gzip form and its headers are kept until
// the snapshot goes. Serving one reads nothing and serialises nothing. The text is kept as a string, not
// as octets: Deno hands a string to the socket without copying it into a buffer first (half the time a
// request for 30 kB), and headers cost more than a microsecond each, so these have only what they need.
import type { NodeService, NodeSnapshot } from "../../core/node/mod.ts";
import { MIN_GZIP_LENGTH } from "../limits.ts";
import { DATA_HEADERS } from "./headers.ts";

/** Makes one answer's body of a snapshot. `null` when the snapshot has no such part. */
export type Render = (snapshot: NodeSnapshot) => string | null;

/** How to make and label an answer. */
export interface Rendering {
  readonly contentType: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly render: Render;
}

interface Body {
  readonly text: string;
  readonly etag: string;
  readonly headers: [string, string][];
  /** Made when first asked for. */
  gzip: Promise<Uint8Array<ArrayBuffer>> | null;
}

/** Serves renderings of the current snapshot by path. */
export class CachedBodies {
  readonly #node: NodeService;
  readonly #renderings: ReadonlyMap<string, Rendering>;
  readonly #bodies = new WeakMap<NodeSnapshot, Map<string, Body | null>>();

  /** @param renderings by path, without query. */
  constructor(node: NodeService, renderings: ReadonlyMap<string, Rendering>) {
    this.#node = node;
    this.#renderings = renderings;
  }

  /** Whether there is a rendering for the path. */
  has(path: string): boolean {
    return this.#renderings.has(path);
  }

  /** The answer, or `null` when the path is not one of these or the snapshot has no such part. */
  serve(path: string, headers: Headers): Response | Promise<Response> | null {
    const body = this.#body(path);
    if (body === null) return null;
    const match = headers.get("if-none-match");
    if (match !== null && matches(match, body.etag)) {
      return new Response(null, { status: 304, headers: body.headers });
    }
    const compress = body.text.length >= MIN_GZIP_LENGTH &&
      acceptsGzip(headers.get("accept-encoding"));
    if (!compress) return new Response(body.text, { headers: body.headers });
    body.gzip ??= gzip(body.text);
    return body.gzip.then((bytes) =>
      new Response(bytes, { headers: [...body.headers, ["content-encoding", "gzip"]] })
    );
  }

  #body(path: string): Body | null {
    const rendering = this.#renderings.get(path);
    if (rendering === undefined) return null;
    const snapshot = this.#node.snapshot();
    let ofSnapshot = this.#bodies.get(snapshot);
    if (ofSnapshot === undefined) this.#bodies.set(snapshot, ofSnapshot = new Map());
    let body = ofSnapshot.get(path);
    if (body === undefined) ofSnapshot.set(path, body = this.#make(rendering, snapshot));
    return body;
  }

  #make(rendering: Rendering, snapshot: NodeSnapshot): Body | null {
    const text = rendering.render(snapshot);
    if (text === null) return null;
    // The start time tells two runs' revisions apart. Weak: gzip and plain share it.
    const etag = `W/"${this.#node.identity.startedAtMs.toString(36)}-${snapshot.revision}"`;
    return {
      text,
      etag,
      headers: [
        ["content-type", rendering.contentType],
        // Private, so that no shared cache gives one client another's encoding: that spares Vary.
        ["cache-control", "private, no-cache"],
        ["etag", etag],
        ...(rendering.headers ?? DATA_HEADERS),
      ] as [string, string][],
      gzip: null,
    };
  }
}

/** RFC 9110 §13.1.2, weak comparison. */
function matches(header: string, etag: string): boolean {
  if (header === etag || header === "*") return true;
  const opaque = etag.replace(/^W\//, "");
  return header.split(",").some((one) => one.trim().replace(/^W\//, "") === opaque);
}

/** Whether gzip is asked for and not refused with q=0. */
function acceptsGzip(header: string | null): boolean {
  if (header === null || !header.includes("gzip")) return false;
  return header.split(",").some((one) => {
    const [coding, ...parameters] = one.split(";").map((part) => part.trim().toLowerCase());
    return coding === "gzip" && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
