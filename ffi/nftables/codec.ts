// Set elements between plain objects and octets. Pure.
import { concat, decodeAttributes, DecodeError, encodeAttributes } from "../netlink/mod.ts";
import { MAX_DATA_BYTES, MAX_ELEMENTS_PER_MESSAGE, MAX_NAME_BYTES } from "./limits.ts";
import {
  NFNL_SUBSYS_NFTABLES,
  NFPROTO,
  NFT_MSG_DELSETELEM,
  NFT_MSG_NEWSETELEM,
  NFTA_LIST_ELEM,
  SET_ELEMENTS,
} from "./spec.ts";

/** An address family of nf_tables. */
export type NftFamily = keyof typeof NFPROTO;

/** A set or map. */
export interface NftSet {
  readonly family: NftFamily;
  readonly table: string;
  readonly set: string;
}

/** An element; for a map with its value. Octets are as the kernel compares them (network byte order). */
export interface NftElement {
  readonly key: Uint8Array;
  readonly value?: Uint8Array;
  /** 1 or more; absent for the set's own. */
  readonly timeoutMs?: number;
}

/** An element as the kernel has it. */
export interface ListedElement extends NftElement {
  /** Until it goes by itself; `null` when it stays. */
  readonly expiresInMs: number | null;
}

/** A message of a batch before it has a sequence number. */
export interface BatchMessage {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** struct nfgenmsg: family, version 0, resource id in network byte order. */
export function encodeGeneric(family: number, resource: number): Uint8Array {
  return Uint8Array.of(family, 0, resource >> 8, resource & 0xff);
}

/** Payload of NFNL_MSG_BATCH_BEGIN and NFNL_MSG_BATCH_END. */
export function encodeBatchEdge(): Uint8Array {
  return encodeGeneric(0, NFNL_SUBSYS_NFTABLES);
}

function name(kind: string, text: string): string {
  if (!/^[a-zA-Z_][\w./-]*$/.test(text) || text.length >= MAX_NAME_BYTES) {
    throw new TypeError(`Cannot name a ${kind} ${JSON.stringify(text.slice(0, 40))}`);
  }
  return text;
}

function data(what: string, bytes: Uint8Array): { readonly value: Uint8Array } {
  if (bytes.length === 0 || bytes.length > MAX_DATA_BYTES) {
    throw new RangeError(`Cannot encode a ${what} of ${bytes.length} octets: 1 to 64 are possible`);
  }
  return { value: bytes };
}

function milliseconds(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`Cannot encode a timeout of ${value} ms`);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/**
 * The messages that add or remove elements.
 *
 * @throws {TypeError | RangeError} names, keys, values or timeouts that cannot be.
 */
export function encodeElements(
  change: "add" | "remove",
  set: NftSet,
  elements: readonly NftElement[],
): readonly BatchMessage[] {
  const out: BatchMessage[] = [];
  for (let at = 0; at < elements.length; at += MAX_ELEMENTS_PER_MESSAGE) {
    const part = elements.slice(at, at + MAX_ELEMENTS_PER_MESSAGE);
    const attributes = encodeAttributes(SET_ELEMENTS, {
      table: name("table", set.table),
      set: name("set", set.set),
      elements: part.map(({ key, value, timeoutMs }) => ({
        index: NFTA_LIST_ELEM,
        value: {
          key: data("key", key),
          ...(value === undefined ? {} : { data: data("value", value) }),
          ...(timeoutMs === undefined ? {} : { timeout: milliseconds(timeoutMs) }),
        },
      })),
    });
    out.push({
      type: change === "add" ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
      payload: concat([encodeGeneric(NFPROTO[set.family], 0), attributes]),
    });
  }
  return out;
}

/** Payload that asks for all elements of a set. */
export function encodeListRequest(set: NftSet): Uint8Array {
  const attributes = encodeAttributes(SET_ELEMENTS, {
    table: name("table", set.table),
    set: name("set", set.set),
  });
  return concat([encodeGeneric(NFPROTO[set.family], 0), attributes]);
}

function time(bytes: Uint8Array, what: string): number {
  if (bytes.length !== 8) throw new DecodeError(what, 0, 8, bytes.length);
  return Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0));
}

/** Reads one message of a listing. @throws {DecodeError} */
export function decodeElements(payload: Uint8Array): readonly ListedElement[] {
  if (payload.length < 4) throw new DecodeError("nft.header", 0, 4, payload.length);
  const { elements = [] } = decodeAttributes(SET_ELEMENTS, payload.subarray(4), "nft");
  const out: ListedElement[] = [];
  for (const { value: element } of elements) {
    const key = element.key?.value;
    // The end marker of an interval set has flags and a key like any other; one without a key is none.
    if (key === undefined) continue;
    out.push({
      key,
      ...(element.data?.value === undefined ? {} : { value: element.data.value }),
      ...(element.timeout === undefined ? {} : { timeoutMs: time(element.timeout, "nft.timeout") }),
      expiresInMs: element.expiration === undefined
        ? null
        : time(element.expiration, "nft.expiration"),
    });
  }
  return out;
}
