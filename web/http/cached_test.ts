import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { AFAR, fixtureApp } from "../../tests/fixtures/app.ts";

const PATH = "/api/v1/mesh/originators";

Deno.test("CachedBodies.serve() answers 304 until the snapshot changes", async () => {
  const { ask, node } = await fixtureApp();
  const first = await ask(PATH, {}, AFAR);
  const etag = first.headers.get("etag") ?? "";
  assertEquals((await first.json()).items.length, 12);
  for (const header of [etag, `"other", ${etag}`, etag.replace("W/", ""), "*"]) {
    const again = await ask(PATH, { headers: { "if-none-match": header } });
    assertEquals([again.status, await again.text()], [304, ""], header);
    assertEquals(again.headers.get("etag"), etag);
  }
  node.update({ takenAtMs: 1 });
  const changed = await ask(PATH, { headers: { "if-none-match": etag } });
  assertEquals(changed.status, 200);
  assertNotEquals(changed.headers.get("etag"), etag);
  await changed.body?.cancel();
});

Deno.test("CachedBodies.serve() compresses only when asked", async () => {
  const { ask } = await fixtureApp({ originators: 200 });
  const plain = await ask(PATH);
  assertEquals(plain.headers.get("content-encoding"), null);
  const text = await plain.text();
  for (const refused of ["br", "gzip;q=0", "deflate, gzip; q=0.0"]) {
    const response = await ask(PATH, { headers: { "accept-encoding": refused } });
    assertEquals(response.headers.get("content-encoding"), null, refused);
    await response.body?.cancel();
  }
  for (const accepted of ["gzip", "br, gzip;q=0.5"]) {
    const response = await ask(PATH, { headers: { "accept-encoding": accepted } });
    assertEquals(response.headers.get("content-encoding"), "gzip", accepted);
    const bytes = await response.bytes();
    assert(bytes.length < text.length / 4, `${bytes.length} of ${text.length}`);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    assertEquals(await new Response(stream).text(), text);
  }
});

Deno.test("CachedBodies.serve() does not read the node's tables again for the same snapshot", async () => {
  const { ask, node } = await fixtureApp();
  await (await ask(PATH)).body?.cancel();
  const { mesh } = node.snapshot();
  assert(mesh !== null);
  let reads = 0;
  const counted = new Proxy(mesh, {
    get: (target, key, receiver) => {
      reads++;
      return Reflect.get(target, key, receiver);
    },
  });
  node.update({ mesh: counted });
  for (let n = 0; n < 50; n++) await (await ask(PATH)).body?.cancel();
  assertEquals(reads, 1);
});

Deno.test("createApp() answers HEAD with the headers of GET", async () => {
  const { ask } = await fixtureApp();
  for (const path of [PATH, "/metrics", "/api/v1/node"]) {
    const head = await ask(path, { method: "HEAD" });
    const get = await ask(path);
    assertEquals([head.status, await head.text()], [200, ""], path);
    assertEquals(head.headers.get("content-type"), get.headers.get("content-type"));
    await get.body?.cancel();
  }
});
