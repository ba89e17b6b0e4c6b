// Between node:http and the web's Request and Response.
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";

const BODILESS = ["GET", "HEAD"];

function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name = "", value = ""] = [raw[i], raw[i + 1]];
    headers.append(name, value);
  }
  return headers;
}

/** A request that came, as the web has it. @throws {TypeError} for one that has no such form. */
export function requestOf(message: IncomingMessage, signal: AbortSignal): Request {
  const { method = "GET", url = "/", headers, rawHeaders } = message;
  const target = new URL(url, `https://${headers.host ?? "localhost"}`);
  return new Request(target, {
    method,
    headers: headersOf(rawHeaders),
    signal,
    body: BODILESS.includes(method)
      ? null
      : Readable.toWeb(message) as unknown as ReadableStream<Uint8Array>,
  });
}

/** Sends a response. Resolves when it is handed over or the other end is gone. */
export async function sendResponse(response: Response, out: ServerResponse): Promise<void> {
  out.statusCode = response.status;
  for (const [name, value] of response.headers) out.appendHeader(name, value);
  if (response.body === null) {
    out.end();
    return;
  }
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || out.destroyed) break;
      if (!out.write(value)) await drained(out);
    }
  } finally {
    await reader.cancel().catch(() => {});
    out.end();
  }
}

function drained(out: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      out.off("drain", done);
      out.off("close", done);
      resolve();
    };
    out.on("drain", done);
    out.on("close", done);
  });
}

/** A response that came, as the web has it. The body is read as the caller reads. */
export function responseOf(message: IncomingMessage): Response {
  const status = message.statusCode ?? 502;
  const bodiless = status === 204 || status === 304 || status < 200;
  if (bodiless) message.resume();
  return new Response(
    bodiless ? null : Readable.toWeb(message) as unknown as ReadableStream<Uint8Array>,
    { status, headers: headersOf(message.rawHeaders) },
  );
}
