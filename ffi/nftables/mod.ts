// nftables: whole rulesets through libnftables, single set elements over netlink.
export { decodeElements, encodeElements, type ListedElement } from "./codec.ts";
export type { NftElement, NftFamily, NftSet } from "./codec.ts";
export { NftBatches, NftElements } from "./elements.ts";
export { NftablesMissingError, NftError } from "./errors.ts";
export { loadLibnftables, type NftRunOptions, runNft } from "./library.ts";
