// The one form of an error answer: RFC 9457 problem details, with the error's code and whether trying
// again can help. Never a stack.
import { API_HEADERS } from "./headers.ts";

/** Problem details. */
export interface Problem {
  readonly status: number;
  /** From a closed list; the same for the same cause. */
  readonly code: string;
  readonly title: string;
  /** One sentence for a person. */
  readonly detail: string;
  readonly retryable?: boolean;
  readonly errors?: readonly {
    readonly path: string;
    readonly message: string;
    readonly line?: number;
    readonly expected?: string;
  }[];
}

/** Renders problem details. */
export function problemResponse(
  problem: Problem,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { status, code, title, detail, retryable = false, errors } = problem;
  const type = `urn:x0tta6bl4:problem:${code}`;
  const body = { type, title, status, detail, code, retryable, ...(errors ? { errors } : {}) };
  return new Response(JSON.stringify(body), {
    status,
    headers: [
      ["content-type", "application/problem+json"],
      ["cache-control", "no-store"],
      ...Object.entries(headers),
      ...API_HEADERS,
    ] as [string, string][],
  });
}
