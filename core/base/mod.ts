// What every layer of core may use: assertions, coded errors, addresses. Imports nothing, does no I/O.
export { invariant, unreachable } from "./assert.ts";
export { CodedError, type CodedErrorOptions, InvariantError, messageOf } from "./errors.ts";
export { concat } from "./octets.ts";
export { isMac, type Mac, macFromBytes, macToBytes } from "./mac.ts";
export { WireError, WireReader, WireWriter } from "./wire.ts";
