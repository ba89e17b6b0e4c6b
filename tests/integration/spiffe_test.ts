// SPIFFE as programs of others meet it: the Workload API with grpc-js in a process of its own, mTLS with curl
// and OpenSSL, bundle endpoints of two trust domains.
import { assert, assertEquals, assertRejects } from "@std/assert";
import https from "node:https";
import { X509Certificate } from "node:crypto";
import { p256 } from "@noble/curves/nist.js";
import { hostClock } from "../../core/host/mod.ts";
import { concatenated } from "../../core/spiffe/der.ts";
import { pem, SpiffeError, svidPem } from "../../core/spiffe/mod.ts";
import { loadLibc } from "../../ffi/sys/mod.ts";
import { SpiffeMesh } from "../fixtures/spiffe.ts";

loadLibc();

async function withMesh(run: (mesh: SpiffeMesh, directory: string) => Promise<void>) {
  const mesh = await SpiffeMesh.make(hostClock());
  const directory = await Deno.makeTempDir({ prefix: "spiffe-test" });
  try {
    await run(mesh, directory);
  } finally {
    await mesh.close();
    await Deno.remove(directory, { recursive: true });
  }
}

async function has(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["version"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch {
    return false;
  }
}
const [curl, openssl] = [await has("curl"), await has("openssl")];
/** Skipped, visibly, where a program of others is missing. */
function withProgram(name: string, present: boolean, program: string, run: () => Promise<void>) {
  Deno.test({
    name: present ? name : `${name} [skipped: ${program} is not installed]`,
    ignore: !present,
    fn: run,
  });
}

async function output(command: string, args: readonly string[], stdin = "") {
  const child = new Deno.Command("timeout", {
    args: ["20", command, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const text = (octets: Uint8Array) => new TextDecoder().decode(octets);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const CLIENT = new URL("./spiffe_client.ts", import.meta.url).pathname;

/** Runs the workload; what it printed. */
async function workload(...args: readonly string[]): Promise<Record<string, unknown>[]> {
  const { stdout, stderr } = await output(Deno.execPath(), [
    "run",
    "-A",
    "--no-check",
    CLIENT,
    ...args,
  ]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  assert(lines.length > 0, stderr);
  return lines.map((line) => JSON.parse(line));
}

const OWN = { selectors: [`unix:uid:${Deno.uid()}`, `unix:path:${Deno.execPath()}`] };

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

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

Deno.test("Spiffe.mtlsFetch() and mtlsServer() tell each other who they are", () =>
  withMesh(async (mesh) => {
    const [a, b] = [await mesh.node(), await mesh.node()];
    const server = await a.spiffe.mtlsServer({
      hostname: "127.0.0.1",
      port: 0,
      handler: async (request, peer) =>
        Response.json({ peer: peer.spiffeId, body: await request.text(), path: request.url }),
    });
    const url = `https://127.0.0.1:${server.port}/echo?x=1`;
    const expect = a.state.credential.spiffeId;
    const big = "x".repeat(300_000);
    const response = await b.spiffe.mtlsFetch(url, { expect, method: "POST", body: big });
    const answer = await response.json();
    assertEquals([answer.peer, answer.body.length], [b.state.credential.spiffeId, big.length]);
    assertEquals(new URL(answer.path).search, "?x=1");
    const error = await assertRejects(
      () => b.spiffe.mtlsFetch(url, { expect: b.state.credential.spiffeId }),
      SpiffeError,
    );
    assertEquals(error.code, "wrong-id");
    // Rotation: same listener, new certificate, without a restart.
    const before = a.spiffe.svid();
    await a.state.acceptCredential(await mesh.credential(a.keys));
    await a.spiffe.meshChanged();
    assert(before !== a.spiffe.svid());
    await b.spiffe.learn(a.announcement);
    assertEquals((await (await b.spiffe.mtlsFetch(url, { expect })).json()).body, "");
    await mesh.revoke(b);
    await assertRejects(() => b.spiffe.mtlsFetch(url, { expect }));
  }));

Deno.test("mtlsServer(): a revoked peer's open connection ends at once", () =>
  withMesh(async (mesh) => {
    const [a, b] = [await mesh.node(), await mesh.node()];
    let revoked = () => {};
    const over = new Promise<void>((resolve) => void (revoked = resolve));
    const server = await a.spiffe.mtlsServer({
      hostname: "127.0.0.1",
      port: 0,
      handler: (request) => {
        request.signal.addEventListener("abort", () => revoked());
        return new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)) }));
      },
    });
    const response = await b.spiffe.mtlsFetch(`https://127.0.0.1:${server.port}/`, {
      expect: a.state.credential.spiffeId,
    });
    const reader = response.body?.getReader();
    await reader?.read();
    await mesh.revoke(b);
    await over;
    await reader?.read().catch(() => {});
    await reader?.cancel().catch(() => {});
  }));

async function identityFiles(
  directory: string,
  name: string,
  identity: { cert: string; key: string },
) {
  await Deno.writeTextFile(`${directory}/${name}.pem`, identity.cert);
  await Deno.writeTextFile(`${directory}/${name}.key`, identity.key, { mode: 0o600 });
  return { cert: `${directory}/${name}.pem`, key: `${directory}/${name}.key` };
}

withProgram(
  "mtlsServer(): curl with an SVID is let in, without or with another's it is not",
  curl,
  "curl",
  () =>
    withMesh(async (mesh, directory) => {
      const [a, b] = [await mesh.node(), await mesh.node()];
      const stranger = await SpiffeMesh.make(hostClock(), "test.mesh", 9);
      try {
        const server = await a.spiffe.mtlsServer({
          hostname: "127.0.0.1",
          port: 0,
          handler: (_request, peer) => new Response(peer.spiffeId),
        });
        const url = `https://127.0.0.1:${server.port}/`;
        const roots = a.spiffe.bundle().x509Authorities.map((der) => pem("CERTIFICATE", der)).join(
          "",
        );
        await Deno.writeTextFile(`${directory}/bundle.pem`, roots);
        const svid = svidPem(b.spiffe.svid());
        const own = await identityFiles(directory, "own", svid);
        const other = await identityFiles(
          directory,
          "other",
          svidPem((await stranger.node()).spiffe.svid()),
        );
        // OpenSSL signs with the secret of this key and only compares its public half with the certificate.
        const forged = await identityFiles(directory, "forged", {
          cert: svid.cert,
          key: pem("PRIVATE KEY", forgedKey(b.spiffe.svid().pkcs8)),
        });
        // curl knows no URI names: the chain is checked against the bundle by OpenSSL, in the test below.
        const ask = (identity: { cert: string; key: string } | null) =>
          output("curl", [
            "-sk",
            ...(identity === null ? [] : ["--cert", identity.cert, "--key", identity.key]),
            url,
          ]);
        const good = await ask(own);
        assertEquals([good.code, good.stdout], [0, b.state.credential.spiffeId], good.stderr);
        for (const bad of [null, other, forged]) {
          const { code, stdout } = await ask(bad);
          assert(code !== 0, "was let in");
          assertEquals(stdout, "");
        }
      } finally {
        await stranger.close();
      }
    }),
);

/** Another secret with the same public key. */
function forgedKey(pkcs8: Uint8Array): Uint8Array {
  const forged = pkcs8.slice();
  forged.set(p256.utils.randomSecretKey(), 36);
  return forged;
}

withProgram(
  "mtlsServer(): OpenSSL verifies our chain against the bundle, both ways",
  openssl,
  "openssl",
  () =>
    withMesh(async (mesh, directory) => {
      const [a, b] = [await mesh.node(), await mesh.node()];
      const server = await a.spiffe.mtlsServer({
        hostname: "127.0.0.1",
        port: 0,
        handler: (_request, peer) => new Response(`you are ${peer.spiffeId}`),
      });
      const roots = a.spiffe.bundle().x509Authorities.map((der) => pem("CERTIFICATE", der)).join(
        "",
      );
      await Deno.writeTextFile(`${directory}/bundle.pem`, roots);
      const own = await identityFiles(directory, "own", svidPem(b.spiffe.svid()));
      const verify = await output("openssl", [
        "verify",
        "-x509_strict",
        "-purpose",
        "sslclient",
        "-CAfile",
        `${directory}/bundle.pem`,
        own.cert,
      ]);
      assertEquals(verify.code, 0, verify.stderr);
      const { code, stdout, stderr } = await output("openssl", [
        "s_client",
        "-connect",
        `127.0.0.1:${server.port}`,
        "-CAfile",
        `${directory}/bundle.pem`,
        "-verify_return_error",
        "-purpose",
        "sslserver",
        "-cert",
        own.cert,
        "-key",
        own.key,
        "-ign_eof",
      ], "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
      assertEquals(code, 0, stderr);
      assert(stdout.includes("Verify return code: 0 (ok)"), stdout);
      assert(stdout.includes(`you are ${b.state.credential.spiffeId}`), stdout);
      // And the other way: our client at a server of OpenSSL's that demands our certificate.
      const child = new Deno.Command("openssl", {
        args: [
          ...["s_server", "-accept", "127.0.0.1:0", "-www", "-Verify", "3", "-verify_return_error"],
          ...["-CAfile", `${directory}/bundle.pem`, "-cert", own.cert, "-key", own.key],
        ],
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      try {
        const port = await acceptPort(child.stdout);
        const response = await a.spiffe.mtlsFetch(`https://127.0.0.1:${port}/`, {
          expect: b.state.credential.spiffeId,
        });
        assertEquals(response.status, 200);
        assert((await response.text()).includes("spiffe://test.mesh/node/"));
      } finally {
        child.kill("SIGKILL");
        await child.stdin.close().catch(() => {});
        await child.output().catch(() => {});
        await child.stdout.cancel().catch(() => {});
        await child.stderr.cancel().catch(() => {});
        await child.status;
      }
    }),
);

/** Reads "ACCEPT 127.0.0.1:40123". */
async function acceptPort(stdout: ReadableStream<Uint8Array>): Promise<number> {
  const reader = stdout.getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      text += new TextDecoder().decode(value);
      const port = /ACCEPT \S*?:(\d+)\n/.exec(text)?.[1];
      if (port !== undefined) return Number(port);
      if (done) throw new Error(`openssl did not listen: ${text}`);
    }
  } finally {
    reader.releaseLock();
  }
}

withProgram(
  "mtlsServer() refuses a resumed session that a plain server lets in",
  openssl,
  "openssl",
  () =>
    withMesh(async (mesh, directory) => {
      const [a, b] = [await mesh.node(), await mesh.node()];
      const stranger = await SpiffeMesh.make(hostClock(), "test.mesh", 9);
      const identity = svidPem(a.spiffe.svid());
      const ca = a.spiffe.bundle().x509Authorities.map((der) => pem("CERTIFICATE", der));
      // What a careless program does: it asks for certificates in one server and demands them in another.
      const lax = https.createServer(
        { ...identity, requestCert: true, rejectUnauthorized: false },
        (_q, r) => void r.end("lax"),
      );
      const strict = https.createServer(
        { ...identity, requestCert: true, rejectUnauthorized: true, ca },
        (_q, r) => void r.end("strict let you in"),
      );
      const portOf = (server: https.Server) =>
        new Promise<number>((resolve) =>
          server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port))
        );
      try {
        const guarded = await a.spiffe.mtlsServer({
          hostname: "127.0.0.1",
          port: 0,
          handler: () => new Response("guarded let you in"),
        });
        const bad = await identityFiles(
          directory,
          "bad",
          svidPem((await stranger.node()).spiffe.svid()),
        );
        const session = `${directory}/session`;
        const ask = (port: number, ...more: readonly string[]) =>
          output("openssl", [
            ...["s_client", "-connect", `127.0.0.1:${port}`, "-ign_eof", ...more],
          ], "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        const [laxPort, strictPort] = [await portOf(lax), await portOf(strict)];
        const identified = ["-cert", bad.cert, "-key", bad.key];
        const plain = await ask(strictPort, ...identified);
        assert(!plain.stdout.includes("strict let you in"), "the strict server is not strict");
        await ask(laxPort, ...identified, "-sess_out", session);
        const resumed = await ask(strictPort, "-sess_in", session);
        // The hole, in the stack that we build on. If this fails one day, the stack has mended it.
        assert(resumed.stdout.includes("strict let you in"), "the stack refuses by itself now");
        const refused = await ask(guarded.port, "-sess_in", session);
        assert(
          refused.stdout.includes("Reused"),
          "the session was not resumed, so nothing was shown",
        );
        assert(!refused.stdout.includes("guarded let you in"), "the hole is open");
        // A session of a member ends with the member.
        const good = await identityFiles(directory, "good", svidPem(b.spiffe.svid()));
        const member = await ask(
          guarded.port,
          "-cert",
          good.cert,
          "-key",
          good.key,
          "-sess_out",
          session,
        );
        assert(member.stdout.includes("guarded let you in"), member.stdout);
        await mesh.revoke(b);
        const late = await ask(guarded.port, "-sess_in", session);
        assert(late.stdout.includes("Reused"), "the session was not resumed, so nothing was shown");
        assert(!late.stdout.includes("guarded let you in"), "a revoked member resumed its session");
        assert(guarded.refusals > 0);
      } finally {
        for (const server of [lax, strict]) {
          const closed = new Promise((resolve) => server.close(resolve));
          server.closeAllConnections();
          await closed;
        }
        await stranger.close();
      }
    }),
);

Deno.test("Federation: two trust domains fetch each other's bundles and believe each other's SVIDs", () =>
  withMesh(async (mesh, directory) => {
    const other = await SpiffeMesh.make(hostClock(), "other.mesh", 9);
    try {
      const [here, there] = [await mesh.node(), await other.node()];
      const endpoint = await there.spiffe.bundleEndpoint({ hostname: "127.0.0.1", port: 0 });
      const draft = {
        trustDomain: "other.mesh",
        url: `https://127.0.0.1:${endpoint.port}/`,
        profile: "https_spiffe" as const,
        endpointSpiffeId: there.state.credential.spiffeId,
      };
      const nobody = assertThrowsCode(() => here.spiffe.federation.set(draft));
      assertEquals(nobody, "unknown-domain");
      here.spiffe.federation.set({ ...draft, bundle: there.spiffe.bundleDocument() });
      const signal = AbortSignal.timeout(10_000);
      await here.spiffe.federation.refresh("other.mesh", signal);
      const peer = here.spiffe.verify(there.spiffe.svid().chain, "client");
      assertEquals([peer.trustDomain, peer.nodeId], ["other.mesh", null]);
      const token = there.spiffe.jwtSvid(["here"]);
      assertEquals((await here.spiffe.validate(token, "here")).trustDomain, "other.mesh");
      // Its bundle changes; the next refresh brings it.
      await other.node();
      await here.spiffe.federation.refresh("other.mesh", signal);
      const [status] = here.spiffe.federation.list();
      assertEquals([status?.x509Authorities, status?.problem], [2, null]);
      here.spiffe.entries.create(
        { path: "/web", federatesWith: ["other.mesh"], ...OWN },
        Date.now(),
      );
      await here.spiffe.workloadApi(`${directory}/api.sock`);
      const [answer] = await workload(`${directory}/api.sock`, "FetchX509SVID");
      const federated = answer?.["federated_bundles"] as Record<string, string>;
      assertEquals(Object.keys(federated), ["spiffe://other.mesh"]);
      // It survives a restart; the endpoint with another identity is refused.
      await here.restart();
      assertEquals(here.spiffe.federation.list()[0]?.x509Authorities, 2);
      here.spiffe.federation.set({ ...draft, endpointSpiffeId: "spiffe://other.mesh/somebody" });
      const error = await assertRejects(
        () => here.spiffe.federation.refresh("other.mesh", signal),
        SpiffeError,
      );
      assertEquals(error.code, "wrong-id");
      here.spiffe.federation.remove("other.mesh");
      assertEquals(
        assertThrowsCode(() => here.spiffe.verify(there.spiffe.svid().chain, "client")),
        "unknown-domain",
      );
    } finally {
      await other.close();
    }
  }));

function assertThrowsCode(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof SpiffeError) return error.code;
    throw error;
  }
  throw new Error("nothing was thrown");
}

withProgram(
  "Federation: an https_web endpoint is checked with the web's authorities and its name",
  openssl,
  "openssl",
  () =>
    withMesh(async (mesh, directory) => {
      const other = await SpiffeMesh.make(hostClock(), "other.mesh", 9);
      try {
        const there = await other.node();
        const made = await output("openssl", [
          ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
          ...["-keyout", `${directory}/web.key`, "-out", `${directory}/web.pem`, "-days", "2"],
          ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        ]);
        assertEquals(made.code, 0, made.stderr);
        const cert = await Deno.readTextFile(`${directory}/web.pem`);
        const key = await Deno.readTextFile(`${directory}/web.key`);
        const endpoint = await there.spiffe.bundleEndpoint({
          hostname: "127.0.0.1",
          port: 0,
          webIdentity: { cert, key },
        });
        const set = { trustDomain: "other.mesh", profile: "https_web" as const };
        const here = await mesh.node({ webAuthorities: [cert] });
        const signal = AbortSignal.timeout(10_000);
        here.spiffe.federation.set({ ...set, url: `https://localhost:${endpoint.port}/bundle` });
        await here.spiffe.federation.refresh("other.mesh", signal);
        assertEquals(here.spiffe.federation.list()[0]?.x509Authorities, 1);
        // Another name, and an authority that is not known.
        here.spiffe.federation.set({ ...set, url: `https://127.0.0.1:${endpoint.port}/bundle` });
        await assertRejects(
          () => here.spiffe.federation.refresh("other.mesh", signal),
          SpiffeError,
        );
        const strict = await mesh.node();
        strict.spiffe.federation.set({ ...set, url: `https://localhost:${endpoint.port}/bundle` });
        await assertRejects(
          () => strict.spiffe.federation.refresh("other.mesh", signal),
          SpiffeError,
        );
      } finally {
        await other.close();
      }
    }),
);
