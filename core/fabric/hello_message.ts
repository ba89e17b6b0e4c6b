// What two nodes tell each other when a connection begins: what they speak and where they listen. Everything
// in it is a hint by an authenticated peer about itself; nothing is believed about others. Pure.
import { WireError, WireReader, WireWriter } from "../base/mod.ts";
import type { Bytes } from "../pq/mod.ts";
import type { SocketAddress } from "../ports/mod.ts";
import { FabricError } from "./errors.ts";
import {
  MAX_CONTACT_ADDRESSES,
  MAX_HOST_BYTES,
  MAX_PROTOCOL_BYTES,
  MAX_PROTOCOLS,
} from "./limits.ts";

const FORMAT = 1;

/** One side's hello. */
export interface Hello {
  /** libp2p's names, as they are negotiated. */
  readonly protocols: readonly string[];
  /** Without links. An empty host stands for the address that the peer sees the sender at. */
  readonly addresses: readonly SocketAddress[];
}

export function encodeHello({ protocols, addresses }: Hello): Bytes {
  return new WireWriter().u8(FORMAT)
    .list(protocols.slice(0, MAX_PROTOCOLS), (writer, name) => writer.text(name))
    .list(
      addresses.slice(0, MAX_CONTACT_ADDRESSES),
      (writer, { host, port }) => writer.text(host).u16(port),
    )
    .finish();
}

/** @throws {FabricError} "malformed" */
export function decodeHello(bytes: Uint8Array): Hello {
  try {
    const reader = new WireReader(bytes, "hello");
    if (reader.u8() !== FORMAT) throw new WireError("Cannot decode hello of another format");
    const hello = {
      protocols: reader.list(MAX_PROTOCOLS, (item) => item.text(MAX_PROTOCOL_BYTES)),
      addresses: reader.list(MAX_CONTACT_ADDRESSES, (item) => ({
        host: item.text(MAX_HOST_BYTES),
        port: item.u16(),
      })),
    };
    reader.end();
    if (!hello.addresses.every(({ port, host }) => port > 0 && !host.includes("%"))) {
      throw new WireError("Cannot decode hello: an address has a wrong form");
    }
    return hello;
  } catch (cause) {
    if (cause instanceof WireError) {
      throw new FabricError("malformed", cause.message, { cause });
    }
    throw cause;
  }
}
