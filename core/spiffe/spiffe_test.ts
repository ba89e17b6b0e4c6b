import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { loadLibc } from "../../ffi/sys/mod.ts";
import { ManualClock, settled } from "../../tests/fixtures/clock.ts";
import { SpiffeMesh } from "../../tests/fixtures/spiffe.ts";
import { hostClock } from "../host/mod.ts";
import { loadX509 } from "./x509_library.ts";
import { spiffeIdOf, viewCertificate } from "./certificate_view.ts";
import { SpiffeError } from "./errors.ts";
import { makeIntermediate } from "./intermediate.ts";
import { issueX509Svid } from "./svid.ts";

loadLibc();
const x509 = await loadX509();
const HOUR_MS = 3600 * 1000;

async function withMesh(
  run: (mesh: SpiffeMesh, clock: ManualClock) => Promise<void>,
  startMs?: number,
) {
  const clock = new ManualClock(startMs);
  const mesh = await SpiffeMesh.make(clock);
  try {
    await run(mesh, clock);
  } finally {
    await mesh.close();
  }
}

/** Real work (signatures, SQLite) between steps of a clock by hand. */
async function eventually(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !condition(); turn++) await settled();
  assert(condition());
}

Deno.test("Spiffe.start() issues an X.509-SVID of exactly the form that the standard asks for", () =>
  withMesh(async (mesh, clock) => {
    const { spiffe, state } = await mesh.node();
    const svid = spiffe.svid();
    const [leaf, intermediate] = svid.chain.map((der) => viewCertificate(x509, der));
    assert(leaf !== undefined && intermediate !== undefined);
    assertEquals(leaf.uris, [state.credential.spiffeId]);
    assertEquals(leaf.usage, {
      digitalSignature: true,
      certSign: false,
      crlSign: false,
      critical: true,
    });
    assertEquals(leaf.extendedUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    assertEquals(leaf.authority, false);
    assert(leaf.notAfterMs - clock.wallMs() <= HOUR_MS && leaf.notAfterMs > clock.wallMs());
    assertEquals(intermediate.pathLength, 0);
    assertEquals(spiffeIdOf(intermediate), { trustDomain: "test.mesh", path: "" });
    assert(leaf.native.verify(intermediate.native.publicKey));
    assertEquals(svid.renewAtMs - clock.wallMs(), HOUR_MS / 2);
  }));

Deno.test("Spiffe renews its SVID at half of its life, for days, with nobody to ask", () =>
  withMesh(async (mesh, clock) => {
    const { spiffe } = await mesh.node();
    let rotations = 0;
    const end = spiffe.onRotate(() => void rotations++);
    for (let half = 1; half <= 48; half++) {
      await clock.advance(HOUR_MS / 2);
      await eventually(() => rotations === half);
      const { notAfterMs, notBeforeMs } = spiffe.svid();
      assert(notBeforeMs < clock.wallMs() && notAfterMs > clock.wallMs());
    }
    end();
  }));

Deno.test("Spiffe.verify() believes in a member's SVID and in no stranger's", () =>
  withMesh(async (mesh, clock) => {
    const [a, b] = [await mesh.node(), await mesh.node()];
    const { nodeId, spiffeId } = a.state.credential;
    const peer = b.spiffe.verify(a.spiffe.svid().chain, "client");
    assertEquals([peer.nodeId, peer.spiffeId, peer.roles], [nodeId, spiffeId, ["node"]]);
    // The same trust domain's name, another authority.
    const other = await SpiffeMesh.make(clock, "test.mesh", 9);
    try {
      const stranger = await other.node();
      const error = assertThrows(
        () => b.spiffe.verify(stranger.spiffe.svid().chain, "client"),
        SpiffeError,
      );
      assertEquals(error.code, "untrusted");
      await assertRejects(() => b.spiffe.learn(stranger.announcement));
    } finally {
      await other.close();
    }
    assertThrows(() => b.spiffe.verify([], "client"), SpiffeError, "no certificate");
  }));

Deno.test("Spiffe.verify() refuses a revoked member's SVID, and the bundle loses it", () =>
  withMesh(async (mesh) => {
    const [a, b] = [await mesh.node(), await mesh.node()];
    const { chain } = a.spiffe.svid();
    const before = b.spiffe.bundle();
    assertEquals(before.x509Authorities.length, 2);
    await mesh.revoke(a);
    assertThrows(() => b.spiffe.verify(chain, "client"), SpiffeError);
    const after = b.spiffe.bundle();
    assertEquals(after.x509Authorities.length, 1);
    assert((after.sequence ?? 0) > (before.sequence ?? 0));
    // It knows itself, too.
    assertThrows(() => a.spiffe.svid(), SpiffeError, "revoked");
  }));

Deno.test("Spiffe.verify() refuses an SVID that expired, and one from the future", () =>
  withMesh(async (mesh, clock) => {
    const [a, b] = [await mesh.node(), await mesh.node()];
    const { chain } = a.spiffe.svid();
    await clock.advance(2 * HOUR_MS);
    const error = assertThrows(() => b.spiffe.verify(chain, "server"), SpiffeError);
    assertEquals(error.code, "expired");
  }));

Deno.test("Spiffe knows members and its bundle's number after a restart", () =>
  withMesh(async (mesh) => {
    const [a, b] = [await mesh.node(), await mesh.node()];
    const before = b.spiffe.bundleDocument();
    await b.restart();
    assertEquals(b.spiffe.bundleDocument(), before);
    assertEquals(
      b.spiffe.verify(a.spiffe.svid().chain, "server").spiffeId,
      a.state.credential.spiffeId,
    );
  }));

Deno.test("Spiffe with a clock in 1970 issues nothing, believes nothing, and mends itself", async () => {
  class SettableClock extends ManualClock {
    offsetMs = 0;
    override wallMs(): number {
      return super.wallMs() + this.offsetMs;
    }
  }
  const clock = new SettableClock(Date.UTC(1970, 0, 2));
  const mesh = await SpiffeMesh.make(clock);
  try {
    const real = Date.now();
    const { spiffe } = await mesh.node({}, {
      notBeforeMs: real - HOUR_MS,
      notAfterMs: real + 90 * 24 * HOUR_MS,
    });
    assertEquals(assertThrows(() => spiffe.svid(), SpiffeError).code, "clock-not-set");
    assertEquals(assertThrows(() => spiffe.bundle(), SpiffeError).code, "clock-not-set");
    assertEquals(
      assertThrows(() => spiffe.verify([new Uint8Array(5)], "client"), SpiffeError).code,
      "clock-not-set",
    );
    assert(spiffe.status().problem?.includes("1970"));
    clock.offsetMs = real - clock.wallMs();
    await clock.advance(10_000);
    await eventually(() => spiffe.status().svid !== null);
    spiffe.svid();
    assertEquals(spiffe.status().problem, null);
  } finally {
    await mesh.close();
  }
});

Deno.test("Spiffe.meshChanged() changes keys: new SVIDs at once, old ones hold until their end", () =>
  withMesh(async (mesh, clock) => {
    const [a, b] = [await mesh.node(), await mesh.node()];
    const old = a.spiffe.svid();
    const before = await makeIntermediate(a.keys, a.state.credential);
    const token = a.spiffe.jwtSvid(["x"]);
    const next = await a.keyStore.prepareNext();
    await a.keyStore.promote(clock.wallMs() + HOUR_MS);
    await a.state.acceptCredential(await mesh.credential(next));
    // The credential is there before the keys: nothing is issued with keys that nobody accepts.
    await a.spiffe.meshChanged();
    assert(a.spiffe.status().problem?.includes("another TLS key"));
    await a.spiffe.meshChanged(next);
    assertEquals(a.spiffe.status().problem, null);
    assert(await b.spiffe.learn(a.announcement));
    const renewed = a.spiffe.svid();
    assertNotEquals(renewed.chain[1], old.chain[1]);
    for (const svid of [old, renewed]) b.spiffe.verify(svid.chain, "client");
    assertEquals((await b.spiffe.validate(token, "x")).nodeId, a.state.credential.nodeId);
    assertEquals(b.spiffe.bundle().x509Authorities.length, 3);
    await clock.advance(HOUR_MS + 1000);
    await b.spiffe.meshChanged();
    assertEquals(b.spiffe.bundle().x509Authorities.length, 2);
    // Whoever got hold of the old key gets nowhere with it.
    const { spiffeId } = a.state.credential;
    const late = await issueX509Svid(before, mesh.random, spiffeId, clock.wallMs(), HOUR_MS);
    assertThrows(() => b.spiffe.verify(late.chain, "client"), SpiffeError, "no known member");
    a.keys.wipe();
  }));

Deno.test("Spiffe.learn() takes nothing old, nothing altered, nothing twice", () =>
  withMesh(async (mesh) => {
    const [a, b] = [await mesh.node(), await mesh.node()];
    const first = a.announcement;
    assertEquals(await b.spiffe.learn(first), false);
    await a.state.acceptCredential(await mesh.credential(a.keys, { roles: ["gateway"] }));
    await a.spiffe.meshChanged();
    assertEquals(await b.spiffe.learn(a.announcement), true);
    assertEquals(b.spiffe.verify(a.spiffe.svid().chain, "client").roles, ["gateway"]);
    assertEquals(await b.spiffe.learn(first), false);
    // Some of each part of it; a changed number of list items or length is among them.
    const { announcement } = a;
    mesh.introduces = false;
    const c = await mesh.node();
    for (let at = 0; at < announcement.length; at += 97) {
      const altered = announcement.slice();
      altered[at] = (altered[at] ?? 0) ^ 1;
      await assertRejects(() => c.spiffe.learn(altered));
      await assertRejects(() => c.spiffe.learn(announcement.slice(0, at)));
    }
    assertEquals(await c.spiffe.learn(announcement), true);
  }));

Deno.test("Spiffe.validate() accepts a member's token and names why it refuses others", () =>
  withMesh(async (mesh, clock) => {
    const [a, b] = [await mesh.node(), await mesh.node()];
    const token = a.spiffe.jwtSvid(["spiffe://test.mesh/db"]);
    const valid = await b.spiffe.validate(token, "spiffe://test.mesh/db");
    assertEquals(valid.spiffeId, a.state.credential.spiffeId);
    const codeOf = async (text: string, audience = "spiffe://test.mesh/db") =>
      (await assertRejects(() => b.spiffe.validate(text, audience), SpiffeError)).code;
    assertEquals(await codeOf(token, "other"), "wrong-audience");
    const [head = "", body = "", signature = ""] = token.split(".");
    const encode = (value: object) =>
      new TextEncoder().encode(JSON.stringify(value)).toBase64({
        alphabet: "base64url",
        omitPadding: true,
      });
    const decode = (text: string) =>
      JSON.parse(
        new TextDecoder().decode(Uint8Array.fromBase64(text, { alphabet: "base64url" })),
      );
    for (const alg of ["none", "HS256", "ES512", "", "toString"]) {
      assertEquals(
        await codeOf(`${encode({ ...decode(head), alg })}.${body}.${signature}`),
        "malformed",
      );
    }
    assertEquals(
      await codeOf(`${encode({ ...decode(head), kid: "x" })}.${body}.${signature}`),
      "untrusted",
    );
    const stolen = encode({ ...decode(body), sub: b.state.credential.spiffeId });
    assertEquals(await codeOf(`${head}.${stolen}.${signature}`), "untrusted");
    assertEquals(await codeOf(`${head}.${body}`), "malformed");
    const flipped = signature.replace(/^./, (first) => first === "A" ? "B" : "A");
    assertEquals(await codeOf(`${head}.${body}.${flipped}`), "untrusted");
    await clock.advance(5 * 60 * 1000);
    assertEquals(await codeOf(token), "expired");
  }));

Deno.test("Spiffe runs on the machine's own clock", async () => {
  const mesh = await SpiffeMesh.make(hostClock());
  try {
    const { spiffe } = await mesh.node();
    spiffe.svid();
  } finally {
    await mesh.close();
  }
});
