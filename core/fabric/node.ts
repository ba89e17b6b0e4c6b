// libp2p as the fabric uses it: one transport, one multiplexer, gossip, and a DHT for finding addresses. It
// listens nowhere itself, has no keys, and knows no way to a peer but the sealed one.
import { type GossipSub, gossipsub } from "@libp2p/gossipsub";
import type { Libp2p } from "@libp2p/interface";
import { kadDHT } from "@libp2p/kad-dht";
import { yamux } from "@libp2p/yamux";
import { createLibp2p } from "libp2p";
import { InvariantError } from "../base/mod.ts";
import { hashOf } from "../pq/mod.ts";
import { socketAddressOf } from "./addresses.ts";
import { BoundedDatastore } from "./datastore.ts";
import { MAX_ENVELOPE_BYTES } from "./envelope.ts";
import { type HelloComponents, type HelloPorts, HelloService } from "./hello.ts";
import {
  MAX_CONNECTIONS,
  MAX_CONTACT_ADDRESSES,
  MAX_DIALS,
  MAX_GOSSIP_FRAME_BYTES,
  MAX_GOSSIP_QUEUE_BYTES,
  MAX_STREAMS_PER_CONNECTION,
} from "./limits.ts";
import { keylessIdentity } from "./peer_id.ts";
import { FabricTransport, type TransportPorts } from "./transport.ts";

/** Neighbours that messages of a topic are handed to: wanted, at least, at most (gossipsub's D). */
const FAN_OUT = Object.freeze({ wanted: 6, least: 4, most: 12 });

const MESSAGE_ID_BYTES = 20;

/** The parts of a running node. */
export interface FabricNode {
  readonly libp2p: Libp2p;
  readonly transport: FabricTransport;
  readonly hello: HelloService;
  readonly pubsub: GossipSub;
}

/** Members keep no records for each other: the DHT serves to find addresses, which it does without. */
function noRecords(): never {
  throw new Error("No records are kept here");
}

const gossip = () =>
  gossipsub({
    // Envelopes are signed and judged by core/fabric/gossip.ts.
    globalSignaturePolicy: "StrictNoSign",
    emitSelf: false,
    fallbackToFloodsub: false,
    floodPublish: false,
    allowPublishToZeroTopicPeers: true,
    doPX: false,
    tagMeshPeers: false,
    D: FAN_OUT.wanted,
    Dlo: FAN_OUT.least,
    Dhi: FAN_OUT.most,
    msgIdFn: ({ topic, data }) =>
      hashOf(new Uint8Array([...new TextEncoder().encode(topic), 0, ...data]))
        .subarray(0, MESSAGE_ID_BYTES),
    maxInboundDataLength: MAX_GOSSIP_FRAME_BYTES,
    maxOutboundBufferSize: MAX_GOSSIP_QUEUE_BYTES,
    maxTopicBytesPerPeer: 131_072,
    // Many nodes behind one address are no sign of fraud: each has a credential.
    scoreParams: { IPColocationFactorWeight: 0 },
  });

const dht = () =>
  kadDHT({
    protocol: "/x0tta6bl4/kad/1",
    clientMode: false,
    allowQueryWithZeroPeers: true,
    validators: { pk: noRecords, ipns: noRecords },
    peerInfoMapper: (peer) => ({
      ...peer,
      multiaddrs: peer.multiaddrs.filter((address) => socketAddressOf(address) !== null)
        .slice(0, MAX_CONTACT_ADDRESSES),
    }),
  });

/** A node that isn't started. */
export async function createNode(
  nodeId: string,
  dialMs: number,
  transportPorts: TransportPorts,
  helloPorts: HelloPorts,
): Promise<FabricNode> {
  let transport: FabricTransport | null = null;
  const libp2p = await createLibp2p({
    start: false,
    privateKey: keylessIdentity(nodeId),
    nodeInfo: { name: "x0tta6bl4", version: "1", userAgent: "x0tta6bl4" },
    addresses: { listen: [] },
    datastore: new BoundedDatastore(),
    transports: [(components) => transport = new FabricTransport(components, transportPorts)],
    connectionEncrypters: [],
    streamMuxers: [
      yamux({ maxInboundStreams: MAX_STREAMS_PER_CONNECTION, enableKeepAlive: false }),
    ],
    connectionMonitor: { enabled: false },
    connectionManager: {
      // The links decide who is let in, and how many; who got past them counts as allowed.
      allow: ["/ip4/0.0.0.0/ipcidr/0", "/ip6/::/ipcidr/0"],
      maxConnections: 2 * MAX_CONNECTIONS,
      maxParallelDials: MAX_DIALS,
      maxPeerAddrsToDial: MAX_CONTACT_ADDRESSES,
      dialTimeout: dialMs,
      addressDialTimeout: dialMs,
      reconnectRetries: 0,
    },
    services: {
      ping: (components: HelloComponents): HelloService => new HelloService(components, helloPorts),
      pubsub: gossip(),
      dht: dht(),
    },
  });
  if (transport === null) throw new InvariantError("libp2p made no transport");
  // libp2p would store the key that a peer id carries; this one has none.
  Object.defineProperty(libp2p.peerId, "publicKey", { value: undefined });
  const { ping: hello, pubsub } = libp2p.services;
  return { libp2p: libp2p as unknown as Libp2p, transport, hello, pubsub };
}

/** Stops a node. */
export async function stopNode({ libp2p, pubsub }: FabricNode): Promise<void> {
  // gossipsub 17 forgets its heartbeat's timer when it stops, which then fires once more into nothing.
  const { status } = pubsub as unknown as {
    readonly status?: { readonly heartbeatTimeout?: number };
  };
  await libp2p.stop();
  clearTimeout(status?.heartbeatTimeout);
}

// An envelope must fit a frame with room for what gossipsub says beside it.
if (MAX_ENVELOPE_BYTES * 4 > MAX_GOSSIP_FRAME_BYTES) {
  throw new InvariantError("Gossip frames are too small for envelopes");
}
