// @peculiar/x509, loaded when the first certificate is made: a daemon that belongs to no mesh does not
// carry its 10 MB.
import type * as X509 from "@peculiar/x509";

/** The library's exports. */
export type X509Library = typeof X509;

let loading: Promise<X509Library> | null = null;

/** Loads the library once. */
export function loadX509(): Promise<X509Library> {
  loading ??= (async () => {
    // Its decorators need the polyfill to be there first.
    await import("reflect-metadata");
    return await import("@peculiar/x509");
  })();
  return loading;
}
