// The overlay's addresses: fd ‖ 40 bits of the mesh's hash ‖ 80 bits of node id. Pure.
import { formatNodeId, overlayAddress, overlayPrefix, parseNodeId } from "../identity/mod.ts";

const PREFIX_BYTES = 6;
const ADDRESS_BYTES = 16;

/** The overlay as one node sees it. */
export class Overlay {
  readonly #meshHash: Uint8Array;
  readonly #prefix: Uint8Array;
  /** This node. */
  readonly nodeId: string;
  /** This node's address. */
  readonly address: string;
  /** The whole mesh, "fdxx:xxxx:xxxx::/48". */
  readonly network: string;

  constructor(meshHash: Uint8Array, nodeId: string) {
    this.#meshHash = meshHash;
    this.#prefix = Uint8Array.from([0xfd, ...meshHash.subarray(0, PREFIX_BYTES - 1)]);
    this.nodeId = nodeId;
    this.address = overlayAddress(meshHash, parseNodeId(nodeId));
    this.network = overlayPrefix(meshHash);
  }

  /** Sixteen octets of this node's address. */
  get addressOctets(): Uint8Array {
    return Uint8Array.from([...this.#prefix, ...parseNodeId(this.nodeId)]);
  }

  /** A node's address. @throws {IdentityError} "malformed" */
  addressOf(nodeId: string): string {
    return overlayAddress(this.#meshHash, parseNodeId(nodeId));
  }

  /** Whose address it is; `null` when it is none of this mesh. @param octets sixteen. */
  nodeOf(octets: Uint8Array): string | null {
    if (octets.length !== ADDRESS_BYTES) return null;
    if (!this.#prefix.every((octet, i) => octets[i] === octet)) return null;
    return formatNodeId(octets.subarray(PREFIX_BYTES));
  }

  /** Whether the text of an address lies in the overlay: a tunnel must not run through itself. */
  contains(address: string): boolean {
    const groups = this.network.slice(0, -"::/48".length);
    return address.toLowerCase().startsWith(`${groups}:`);
  }
}
