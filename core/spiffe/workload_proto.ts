// The Workload API's messages, by the official definition. SPIFFE Workload API, workload.proto.
import type { Type } from "protobufjs";

/** workload.proto as the SPIFFE project publishes it, without comments and options of other languages. */
export const WORKLOAD_PROTO = `
syntax = "proto3";
import "google/protobuf/struct.proto";

service SpiffeWorkloadAPI {
  rpc FetchX509SVID(X509SVIDRequest) returns (stream X509SVIDResponse);
  rpc FetchX509Bundles(X509BundlesRequest) returns (stream X509BundlesResponse);
  rpc FetchJWTSVID(JWTSVIDRequest) returns (JWTSVIDResponse);
  rpc FetchJWTBundles(JWTBundlesRequest) returns (stream JWTBundlesResponse);
  rpc ValidateJWTSVID(ValidateJWTSVIDRequest) returns (ValidateJWTSVIDResponse);
}

message X509SVIDRequest {}

message X509SVIDResponse {
  repeated X509SVID svids = 1;
  repeated bytes crl = 2;
  map<string, bytes> federated_bundles = 3;
}

message X509SVID {
  string spiffe_id = 1;
  bytes x509_svid = 2;
  bytes x509_svid_key = 3;
  bytes bundle = 4;
  string hint = 5;
}

message X509BundlesRequest {}

message X509BundlesResponse {
  repeated bytes crl = 1;
  map<string, bytes> bundles = 2;
}

message JWTSVIDRequest {
  repeated string audience = 1;
  string spiffe_id = 2;
}

message JWTSVIDResponse {
  repeated JWTSVID svids = 1;
}

message JWTSVID {
  string spiffe_id = 1;
  string svid = 2;
  string hint = 3;
}

message JWTBundlesRequest {}

message JWTBundlesResponse {
  map<string, bytes> bundles = 1;
}

message ValidateJWTSVIDRequest {
  string audience = 1;
  string svid = 2;
}

message ValidateJWTSVIDResponse {
  string spiffe_id = 1;
  google.protobuf.Struct claims = 2;
}
`;

/** Reads and writes one message. */
export interface Codec {
  encode(message: object): Uint8Array;
  /** @throws when the octets are no such message. */
  decode(octets: Uint8Array): Record<string, unknown>;
}

function codecOf(type: Type): Codec {
  return {
    encode: (message) => type.encode(type.fromObject(message)).finish(),
    decode: (octets) => type.toObject(type.decode(octets), { defaults: true, arrays: true }),
  };
}

/** A codec for each message, by its name. Loads the library when called. */
export async function workloadCodecs(): Promise<(message: string) => Codec> {
  const { default: protobuf } = await import("protobufjs");
  const root = new protobuf.Root();
  const struct = protobuf.common.get("google/protobuf/struct.proto");
  root.addJSON(struct?.nested ?? {});
  protobuf.parse(WORKLOAD_PROTO, root, { keepCase: true });
  root.resolveAll();
  return (message) => codecOf(root.lookupType(message));
}

/** The service's methods: request, response, and whether the response is a stream. */
export const WORKLOAD_METHODS = Object.freeze({
  FetchX509SVID: { request: "X509SVIDRequest", response: "X509SVIDResponse", stream: true },
  FetchX509Bundles: {
    request: "X509BundlesRequest",
    response: "X509BundlesResponse",
    stream: true,
  },
  FetchJWTSVID: { request: "JWTSVIDRequest", response: "JWTSVIDResponse", stream: false },
  FetchJWTBundles: { request: "JWTBundlesRequest", response: "JWTBundlesResponse", stream: true },
  ValidateJWTSVID: {
    request: "ValidateJWTSVIDRequest",
    response: "ValidateJWTSVIDResponse",
    stream: false,
  },
});

/** A claims object as google.protobuf.Struct. Numbers, texts, truths, lists and objects; nothing else is in JSON. */
export function structOf(value: Readonly<Record<string, unknown>>): object {
  return {
    fields: Object.fromEntries(Object.entries(value).map(([name, one]) => [name, valueOf(one)])),
  };
}

function valueOf(value: unknown): object {
  if (typeof value === "number") return { numberValue: value };
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (Array.isArray(value)) return { listValue: { values: value.map(valueOf) } };
  if (typeof value === "object" && value !== null) {
    return { structValue: structOf(value as Record<string, unknown>) };
  }
  return { nullValue: 0 };
}
