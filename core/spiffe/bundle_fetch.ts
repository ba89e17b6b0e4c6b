// Fetches another trust domain's bundle document. SPIFFE Federation §5.2: with https_spiffe the endpoint shows
// an SVID that a bundle we hold verifies; with https_web a certificate of the web's authorities.
import https from "node:https";
import { concat, messageOf } from "../base/mod.ts";
import { SpiffeError } from "./errors.ts";
import { MAX_BUNDLE_BYTES, REQUEST_TIMEOUT_MS } from "./limits.ts";
import { tlsFetch } from "./mtls_client.ts";
import type { FederationRecord } from "./ports.ts";
import type { VerifiedPeer } from "./verify.ts";

/** Gets the document of a relationship. @throws {SpiffeError} */
export type FetchBundle = (record: FederationRecord, signal: AbortSignal) => Promise<string>;

/** What fetching needs. */
export interface BundleFetchOptions {
  /** Believes in a server's chain, or throws. */
  readonly verify: (chain: readonly Uint8Array[]) => VerifiedPeer;
  /** Authorities that https_web trusts in place of the system's, PEM; for tests and private ones. */
  readonly webAuthorities?: readonly string[];
}

/** Fetches over the network. */
export function bundleFetcher(options: BundleFetchOptions): FetchBundle {
  return async (record, signal) => {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    return record.profile === "https_spiffe"
      ? await overSpiffe(record, options, bounded)
      : await overWeb(record, options, bounded);
  };
}

async function overSpiffe(
  { url, endpointSpiffeId }: FederationRecord,
  { verify }: BundleFetchOptions,
  signal: AbortSignal,
): Promise<string> {
  const response = await tlsFetch({ url: new URL(url), signal }, {
    identity: null,
    verify(chain) {
      const { spiffeId } = verify(chain);
      if (spiffeId === endpointSpiffeId) return;
      throw new SpiffeError(
        "wrong-id",
        `Cannot use the bundle endpoint "${url}": it is "${spiffeId}", not "${endpointSpiffeId}"`,
      );
    },
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw statusError(url, response.status);
  }
  return await textOf(response, url);
}

function statusError(url: string, status: number): SpiffeError {
  return new SpiffeError("unreachable", `Cannot fetch "${url}": it answers ${status}`, {
    retryable: true,
  });
}

async function textOf(response: Response, url: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MAX_BUNDLE_BYTES) throw tooLong(url);
    parts.push(part);
  }
  return new TextDecoder().decode(concat(parts));
}

function tooLong(url: string): SpiffeError {
  return new SpiffeError(
    "malformed",
    `Cannot use "${url}": it is longer than ${MAX_BUNDLE_BYTES} octets`,
  );
}

/** Here the stack's own verification is right: the web's authorities, the host's name, no resumed session. */
function overWeb(
  { url }: FederationRecord,
  { webAuthorities }: BundleFetchOptions,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = https.get(url, {
      agent: false,
      signal,
      rejectUnauthorized: true,
      ...(webAuthorities === undefined ? {} : { ca: [...webAuthorities] }),
    }, (message) => {
      if (message.statusCode !== 200) {
        message.resume();
        reject(statusError(url, message.statusCode ?? 0));
        return;
      }
      const parts: Uint8Array[] = [];
      let length = 0;
      message.on("data", (part: Uint8Array) => {
        length += part.length;
        parts.push(part);
        if (length > MAX_BUNDLE_BYTES) {
          message.destroy();
          reject(tooLong(url));
        }
      });
      message.on("end", () => resolve(new TextDecoder().decode(concat(parts))));
      message.on("error", reject);
    });
    request.on("error", (cause: Error) => {
      const why = `Cannot fetch "${url}": ${messageOf(cause)}`;
      reject(new SpiffeError("unreachable", why, { retryable: true, cause }));
    });
  });
}
