// Bundle endpoints of two trust domains, both profiles.
import { assertEquals, assertRejects } from "@std/assert";
import { hostClock } from "../../core/host/mod.ts";
import { SpiffeError } from "../../core/spiffe/mod.ts";
import { loadLibc } from "../../ffi/sys/mod.ts";
import { SpiffeMesh } from "../fixtures/spiffe.ts";
import { output, OWN, withMesh, withProgram, workload } from "./spiffe_support.ts";

loadLibc();

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
  "openssl",
  "Federation: an https_web endpoint is checked with the web's authorities and its name",
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
