// Who may do what in a mesh: the document, its decision, its signatures, its packet filter. See
// docs/protocol/policy.md.
export type { PolicyVersions } from "./ports.ts";
