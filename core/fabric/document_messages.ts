// What two nodes say about documents. Pure.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import { FabricError } from "./errors.ts";
import { MAX_DOCUMENT_NAME_BYTES, MAX_DOCUMENTS } from "./limits.ts";

/** Versions by document name. */
export type Versions = ReadonlyMap<string, number>;

/** Octets of the longest list of versions. */
export const MAX_VERSIONS_BYTES = 2 + MAX_DOCUMENTS * (2 + MAX_DOCUMENT_NAME_BYTES + 8);

export function encodeVersions(versions: Versions): Bytes {
  return new WireWriter()
    .list([...versions], (writer, [name, version]) => writer.text(name).u53(version))
    .finish();
}

/** @throws {FabricError} "malformed" */
export function decodeVersions(bytes: Uint8Array): Versions {
  try {
    const reader = new WireReader(bytes, "versions");
    const versions = new Map(reader.list(
      MAX_DOCUMENTS,
      (item) => [item.text(MAX_DOCUMENT_NAME_BYTES), item.u53()] as const,
    ));
    reader.end();
    return versions;
  } catch (cause) {
    if (cause instanceof WireError) throw new FabricError("malformed", cause.message, { cause });
    throw cause;
  }
}
