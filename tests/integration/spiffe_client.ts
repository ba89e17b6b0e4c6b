// A workload in a process of its own: reads the Workload API with grpc-js, from the official definition as
// protobufjs reads it, and prints what it got as JSON lines.
// Usage: spiffe_client.ts SOCKET METHOD REQUEST-AS-JSON COUNT [unmarked]
import grpc from "@grpc/grpc-js";
import protobuf from "protobufjs";
import { WORKLOAD_PROTO } from "../../core/spiffe/mod.ts";

const [socket = "", method = "", request = "{}", count = "1", mark = ""] = Deno.args;
const root = new protobuf.Root();
root.addJSON(protobuf.common.get("google/protobuf/struct.proto")?.nested ?? {});
protobuf.parse(WORKLOAD_PROTO, root, { keepCase: true });
const service = root.lookupService("SpiffeWorkloadAPI");
const { requestType, responseType, responseStream } = service.methods[method] ?? {};
const asked = root.lookupType(requestType ?? "");
const answered = root.lookupType(responseType ?? "");
const client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure());
const metadata = new grpc.Metadata();
if (mark !== "unmarked") metadata.set("workload.spiffe.io", "true");
const path = `/SpiffeWorkloadAPI/${method}`;
const encode = (value: object) => Buffer.from(asked.encode(asked.fromObject(value)).finish());
const decode = (octets: Uint8Array) =>
  answered.toObject(answered.decode(octets), { bytes: String, defaults: true });
const show = (value: object) => console.log(JSON.stringify(value));
const fail = (error: grpc.ServiceError) => {
  show({ code: error.code, details: error.details });
  Deno.exit(0);
};
if (responseStream === true) {
  const call = client.makeServerStreamRequest(path, encode, decode, JSON.parse(request), metadata);
  let seen = 0;
  call.on("data", (value: object) => {
    show(value);
    if (++seen === Number(count)) Deno.exit(0);
  });
  call.on("error", fail);
} else {
  client.makeUnaryRequest(path, encode, decode, JSON.parse(request), metadata, (error, value) => {
    if (error !== null) return fail(error);
    show(value ?? {});
    Deno.exit(0);
  });
}
