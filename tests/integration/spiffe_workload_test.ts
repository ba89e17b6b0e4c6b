// The Workload API as programs of others meet it: grpc-js in a process of its own.
import { assert, assertEquals } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { concatenated } from "../../core/spiffe/der.ts";
import { loadLibc } from "../../ffi/sys/mod.ts";
import { CLIENT, OWN, withMesh, workload } from "./spiffe_support.ts";

loadLibc();

Deno.test("Workload API: grpc-js in another process reads an SVID that its bundle verifies", () =>
  withMesh(async (mesh, directory) => {
    const [{ spiffe }] = [await mesh.node(), await mesh.node()];
    spiffe.entries.create({ path: "/web", hint: "internal", ...OWN }, Date.now());
    spiffe.entries.create({ path: "/other", selectors: ["unix:uid:4000000"] }, Date.now());
    const socket = `${directory}/api.sock`;
    await spiffe.workloadApi(socket);
    const [answer] = await workload(socket, "FetchX509SVID");
    const svids = answer?.["svids"] as Record<string, string>[];
    assertEquals(svids.map(({ spiffe_id, hint }) => [spiffe_id, hint]), [
      ["spiffe://test.mesh/web", "internal"],
    ]);
    const [svid] = svids;
    const leaf = new X509Certificate(Uint8Array.fromBase64(svid?.["x509_svid"] ?? ""));
    const bundle = concatenated(Uint8Array.fromBase64(svid?.["bundle"] ?? ""));
    assertEquals(bundle.length, 2);
    assert(bundle.some((der) => leaf.verify(new X509Certificate(der).publicKey)));
    assertEquals(leaf.subjectAltName, "URI:spiffe://test.mesh/web");
    assert((svid?.["x509_svid_key"] ?? "").length > 0);
    const [bundles] = await workload(socket, "FetchX509Bundles");
    assertEquals(Object.keys(bundles?.["bundles"] as object), ["spiffe://test.mesh"]);
  }));

Deno.test("Workload API: tokens are issued, their keys published, and validated", () =>
  withMesh(async (mesh, directory) => {
    const { spiffe } = await mesh.node();
    spiffe.entries.create({ path: "/web", ...OWN }, Date.now());
    const socket = `${directory}/api.sock`;
    await spiffe.workloadApi(socket);
    const [answer] = await workload(socket, "FetchJWTSVID", '{"audience":["db"]}');
    const [{ svid = "", spiffe_id } = {}] = answer?.["svids"] as Record<string, string>[];
    assertEquals(spiffe_id, "spiffe://test.mesh/web");
    const ask = (audience: string) =>
      workload(socket, "ValidateJWTSVID", JSON.stringify({ audience, svid }));
    const [valid] = await ask("db");
    assertEquals(valid?.["spiffe_id"], "spiffe://test.mesh/web");
    assertEquals((await ask("other"))[0]?.["code"], 3);
    assertEquals((await workload(socket, "FetchJWTSVID", "{}"))[0]?.["code"], 3);
    const [bundles] = await workload(socket, "FetchJWTBundles");
    const text = (bundles?.["bundles"] as Record<string, string>)["spiffe://test.mesh"] ?? "";
    const { keys } = JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(text)));
    assertEquals(keys.length, 1);
    assertEquals([keys[0].use, keys[0].kty, keys[0].crv], ["jwt-svid", "EC", "P-256"]);
  }));

Deno.test("Workload API: no mark is InvalidArgument, no entry is PermissionDenied", () =>
  withMesh(async (mesh, directory) => {
    const { spiffe } = await mesh.node();
    const socket = `${directory}/api.sock`;
    await spiffe.workloadApi(socket);
    spiffe.entries.create({ path: "/x", selectors: ["unix:path:/usr/bin/true"] }, Date.now());
    for (const method of ["FetchX509SVID", "FetchX509Bundles", "FetchJWTBundles", "FetchJWTSVID"]) {
      const request = method === "FetchJWTSVID" ? '{"audience":["a"]}' : "{}";
      const [denied] = await workload(socket, method, request);
      assertEquals([method, denied?.["code"]], [method, 7]);
    }
    const [unmarked] = await workload(socket, "FetchX509SVID", "{}", "1", "unmarked");
    assertEquals(unmarked?.["code"], 3);
  }));

Deno.test("Workload API: a stream gets what changed, when it changes", () =>
  withMesh(async (mesh, directory) => {
    const { spiffe } = await mesh.node();
    const entry = spiffe.entries.create({ path: "/web", ...OWN }, Date.now());
    const socket = `${directory}/api.sock`;
    await spiffe.workloadApi(socket);
    const args = ["run", "-A", "--no-check", CLIENT, socket, "FetchX509SVID", "{}", "3"];
    const client = new Deno.Command("timeout", {
      args: ["30", Deno.execPath(), ...args],
      stdout: "piped",
    }).spawn();
    const lines = linesOf(client.stdout);
    const next = async () => {
      const { svids } = JSON.parse((await lines.next()).value ?? "{}");
      const bundle = concatenated(Uint8Array.fromBase64(svids[0].bundle));
      return [svids[0].spiffe_id, bundle.length];
    };
    assertEquals(await next(), ["spiffe://test.mesh/web", 1]);
    spiffe.entries.update(entry.id, { path: "/web2", ...OWN });
    assertEquals(await next(), ["spiffe://test.mesh/web2", 1]);
    // A member more: the bundle of every workload grows.
    await mesh.node();
    assertEquals(await next(), ["spiffe://test.mesh/web2", 2]);
    assertEquals((await lines.next()).done, true);
    await client.status;
  }));

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

Deno.test("Workload API: one user's 33rd connection is closed, and there is room when one ends", () =>
  withMesh(async (mesh, directory) => {
    const { spiffe } = await mesh.node();
    const path = `${directory}/api.sock`;
    const server = await spiffe.workloadApi(path);
    const open: Deno.Conn[] = [];
    const connect = () => Deno.connect({ transport: "unix", path });
    const closed = async (connection: Deno.Conn) => {
      // A connection that is served gets HTTP/2 settings at once; one that is refused ends.
      const count = await connection.read(new Uint8Array(64)).catch(() => null);
      return count === null;
    };
    try {
      for (let i = 0; i < 32; i++) {
        const connection = await connect();
        open.push(connection);
        assertEquals(await closed(connection), false);
      }
      const refused = await connect();
      assertEquals(await closed(refused), true);
      refused.close();
      assertEquals([server.connections, server.refused], [32, 1]);
      open.pop()?.close();
      while (server.connections === 32) await new Promise((resolve) => setTimeout(resolve, 10));
      const again = await connect();
      open.push(again);
      assertEquals(await closed(again), false);
    } finally {
      for (const connection of open) connection.close();
    }
  }));

Deno.test("Workload API: random octets on the socket disturb nobody", () =>
  withMesh(async (mesh, directory) => {
    const { spiffe } = await mesh.node();
    spiffe.entries.create({ path: "/web", ...OWN }, Date.now());
    const path = `${directory}/api.sock`;
    const server = await spiffe.workloadApi(path);
    const preface = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    for (let run = 0; run < 40; run++) {
      const connection = await Deno.connect({ transport: "unix", path });
      const noise = crypto.getRandomValues(new Uint8Array(1 + run * 20));
      await connection.write(run % 2 === 0 ? noise : Uint8Array.from([...preface, ...noise]))
        .catch(() => {});
      connection.close();
    }
    while (server.connections > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const [answer] = await workload(path, "FetchX509SVID");
    assertEquals((answer?.["svids"] as unknown[]).length, 1);
  }));

Deno.test("Workload API: a stream whose entry goes ends with PermissionDenied", () =>
  withMesh(async (mesh, directory) => {
    const { spiffe } = await mesh.node();
    const entry = spiffe.entries.create({ path: "/web", ...OWN }, Date.now());
    const socket = `${directory}/api.sock`;
    await spiffe.workloadApi(socket);
    const args = ["run", "-A", "--no-check", CLIENT, socket, "FetchX509SVID", "{}", "9"];
    const client = new Deno.Command("timeout", {
      args: ["30", Deno.execPath(), ...args],
      stdout: "piped",
    }).spawn();
    const lines = linesOf(client.stdout);
    assert((await lines.next()).value?.includes("spiffe://test.mesh/web"));
    spiffe.entries.remove(entry.id);
    assertEquals(JSON.parse((await lines.next()).value ?? "{}").code, 7);
    assertEquals((await lines.next()).done, true);
    await client.status;
  }));
