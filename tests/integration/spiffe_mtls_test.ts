// mTLS with curl and OpenSSL at the other end; the resumption hole of the TLS stack, shown and closed.
import { assert, assertEquals, assertRejects } from "@std/assert";
import https from "node:https";
import { p256 } from "@noble/curves/nist.js";
import { hostClock } from "../../core/host/mod.ts";
import { pem, SpiffeError, svidPem, type TlsIdentity } from "../../core/spiffe/mod.ts";
import { SpiffeMesh } from "../fixtures/spiffe.ts";
import { identityFiles, output, withMesh, withProgram } from "./spiffe_support.ts";

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

withProgram(
  "curl",
  "mtlsServer(): curl with an SVID is let in, without or with another's it is not",
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
        const ask = (identity: TlsIdentity | null) =>
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
  "openssl",
  "mtlsServer(): OpenSSL verifies our chain against the bundle, both ways",
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
  "openssl",
  "mtlsServer() refuses a resumed session that a plain server lets in",
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
