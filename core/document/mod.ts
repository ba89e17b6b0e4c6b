// Documents that people write: TOML or JSON read by a schema, with errors that name the place, the key and
// what was expected. Knows no document of its own; core/config and core/policy bring theirs.
export { type DocumentError, documentError } from "./errors.ts";
export { MAX_DOCUMENT_BYTES, MAX_REPORTED_ERRORS } from "./limits.ts";
export { formatPath, fromTomlKey, parsePath, type PathPart, toTomlKey } from "./names.ts";
export {
  type DocumentForm,
  type DocumentResult,
  type Finding,
  parseDocument,
  parseDocumentValue,
} from "./parse.ts";
export {
  choices,
  defaultOf,
  expects,
  type KeyInfo,
  type KeyMeta,
  keysOf,
  metaOf,
  schemaAt,
  type Shape,
  shapeOf,
} from "./schema_walk.ts";
export { nearest } from "./suggest.ts";
export { type Reading, readToml, syntaxOf } from "./toml.ts";
