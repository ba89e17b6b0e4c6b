/** TCP port of the fabric. */
export const FABRIC_PORT = 6473;

/** Plaintext of one record, octets. */
export const MAX_RECORD_BYTES = 16_384;

/** Records after which a direction goes on under its next key: a gibibyte at most. */
export const RECORDS_PER_KEY = 65_536;

/** Octets that may wait to be sealed on a connection before its streams are told to wait. */
export const MAX_SEND_QUEUE_BYTES = 262_144;

/** Connections in all, and those this node dials and keeps by itself. */
export const MAX_CONNECTIONS = 96;
export const WANTED_CONNECTIONS = 8;

/** Connections beyond those wanted up to which a node goes on mixing. */
export const MAX_EXTRA_CONNECTIONS = 4;

/** Dials under way, to all peers together. */
export const MAX_DIALS = 8;

/** Nodes whose addresses are remembered, and addresses of one. */
export const MAX_CONTACTS = 2_048;
export const MAX_CONTACT_ADDRESSES = 8;

/** Text of one address, octets. */
export const MAX_HOST_BYTES = 64;

/** Protocols that a hello names, and the length of a name. */
export const MAX_PROTOCOLS = 64;
export const MAX_PROTOCOL_BYTES = 100;

/** A hello, encoded. */
export const MAX_HELLO_BYTES = 8_192;

/** Requests and answers, octets, where their handler names no other limit. */
export const MAX_REQUEST_BYTES = 65_536;
export const MAX_ANSWER_BYTES = 1_048_576;

/** Largest limit a handler may name. */
export const MAX_MESSAGE_BYTES = 8_388_608;

/** Streams a peer may have open towards us in one protocol, and in all. */
export const MAX_STREAMS_PER_PROTOCOL = 8;
export const MAX_STREAMS_PER_CONNECTION = 128;

/** Streams a peer may open at once and, on average, in a second. */
export const STREAM_BURST = 200;
export const STREAMS_PER_S = 50;

/** Octets of a gossiped message's payload. What is larger travels as a document. */
export const MAX_GOSSIP_BYTES = 16_384;

/** Topics a node may be subscribed to. */
export const MAX_TOPICS = 64;

/** Gossiped messages a neighbour may hand on at once and, on average, in a second. */
export const GOSSIP_BURST = 2_000;
export const GOSSIP_PER_S = 200;

/** Gossiped messages whose validity is being found out. */
export const MAX_GOSSIP_PENDING = 256;

/** Origins whose sequence numbers and credentials are remembered. */
export const MAX_ORIGINS = 2_048;

/** Invalid messages after which a neighbour's connection ends and it is left alone for a while. */
export const MAX_STRIKES = 8;

/** Nodes that are left alone at a time. */
export const MAX_SHUNNED = 1_024;

/** Documents that are replicated. */
export const MAX_DOCUMENTS = 16;

/** Name of a document, octets. */
export const MAX_DOCUMENT_NAME_BYTES = 64;

/** Octets of one document: revocations of 20,000 nodes fit. */
export const MAX_DOCUMENT_BYTES = MAX_MESSAGE_BYTES;

/** Refused versions that are remembered, so that they aren't fetched again from the same peer. */
export const MAX_REFUSED_DOCUMENTS = 256;

/** A node's status, encoded, and the nodes whose status is remembered. */
export const MAX_STATUS_BYTES = 1_024;
export const MAX_STATUSES = 2_048;

/** Entries that libp2p keeps: of peers, and of the DHT. */
export const MAX_STORED_PEERS = 4_096;
export const MAX_DHT_RECORDS = 1_024;

/** A gossipsub frame: several messages and their control part. */
export const MAX_GOSSIP_FRAME_BYTES = 1_048_576;

/** What may wait to be gossiped to one neighbour, octets. */
export const MAX_GOSSIP_QUEUE_BYTES = 4_194_304;
