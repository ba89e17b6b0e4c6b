// The Workload API on a clock by hand, with grpc-js in the same process.
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { loadLibc } from "../../ffi/sys/mod.ts";
import { ManualClock, settled } from "../../tests/fixtures/clock.ts";
import { SpiffeMesh } from "../../tests/fixtures/spiffe.ts";
import { viewCertificate } from "./certificate_view.ts";
import { structOf, WORKLOAD_METHODS, WORKLOAD_PROTO, workloadCodecs } from "./workload_proto.ts";
import { loadX509 } from "./x509_library.ts";

loadLibc();
const x509 = await loadX509();
const codecs = await workloadCodecs();
const HALF_HOUR_MS = 30 * 60 * 1000;

interface Answer {
  readonly svids: readonly { readonly x509_svid: Uint8Array; readonly x509_svid_key: Uint8Array }[];
}

Deno.test("FetchX509SVID pushes a new SVID at half of the old one's life", async () => {
  const clock = new ManualClock();
  const mesh = await SpiffeMesh.make(clock);
  const directory = await Deno.makeTempDir({ prefix: "workload" });
  try {
    const { spiffe } = await mesh.node();
    spiffe.entries.create({ path: "/web", selectors: [`unix:uid:${Deno.uid()}`] }, clock.wallMs());
    await spiffe.workloadApi(`${directory}/api.sock`);
    const client = new Client(`unix:${directory}/api.sock`, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set("workload.spiffe.io", "true");
    const answers: Answer[] = [];
    const call = client.makeServerStreamRequest(
      "/SpiffeWorkloadAPI/FetchX509SVID",
      (value: object) => Buffer.from(codecs("X509SVIDRequest").encode(value)),
      (octets) => codecs("X509SVIDResponse").decode(octets) as unknown as Answer,
      {},
      metadata,
    );
    call.on("data", (answer: Answer) => void answers.push(answer));
    const ended = new Promise((resolve) => void call.on("error", resolve));
    const until = async (count: number) => {
      for (let turn = 0; turn < 2_000 && answers.length < count; turn++) await settled();
      assertEquals(answers.length, count);
    };
    await until(1);
    for (let half = 1; half <= 4; half++) {
      // Nothing is pushed before it is due.
      await clock.advance(HALF_HOUR_MS - 1_000);
      assertEquals(answers.length, half);
      await clock.advance(1_000);
      await until(half + 1);
      const [before, now] = [answers[half - 1]?.svids[0], answers[half]?.svids[0]];
      assert(before !== undefined && now !== undefined);
      assertNotEquals(before.x509_svid_key, now.x509_svid_key);
      const view = viewCertificate(x509, now.x509_svid);
      assertEquals(view.uris, ["spiffe://test.mesh/web"]);
      assert(view.notAfterMs > clock.wallMs() + HALF_HOUR_MS);
    }
    call.cancel();
    await ended;
    client.close();
  } finally {
    await mesh.close();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("workloadCodecs() read and write every message of the definition", () => {
  for (const [name, { request, response }] of Object.entries(WORKLOAD_METHODS)) {
    assert(WORKLOAD_PROTO.includes(`rpc ${name}(${request})`));
    for (const message of [request, response]) {
      const codec = codecs(message);
      assertEquals(codec.encode({}).length, 0);
      const filled = codec.decode(codec.encode({}));
      assertEquals(codec.decode(codec.encode(filled)), filled);
    }
  }
  // Octets by hand: field 1 a text, field 2 a Struct with one number.
  const octets = codecs("ValidateJWTSVIDResponse").encode({
    spiffe_id: "a",
    claims: structOf({ exp: 1 }),
  });
  assertEquals(octets.toHex(), "0a016112120a100a03657870120911000000000000f03f");
});

Deno.test("structOf() keeps what JSON can say", () => {
  assertEquals(structOf({ a: [true, null, "x"], b: { c: 1.5 } }), {
    fields: {
      a: { listValue: { values: [{ boolValue: true }, { nullValue: 0 }, { stringValue: "x" }] } },
      b: { structValue: { fields: { c: { numberValue: 1.5 } } } },
    },
  });
});
