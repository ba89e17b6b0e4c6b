// The composed kernel of this machine: what it says about itself, parameters, and how it ends.
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openHostKernel } from "../../core/host/mod.ts";
import { KernelFault } from "../../core/ports/mod.ts";
import { loadLibnftables, NftablesMissingError } from "../../ffi/nftables/mod.ts";
import { privilegedTest, TestNamespace } from "./namespaces.ts";

// Here, so that the library belongs to no test (--sanitize-resources); a machine may lack it.
try {
  loadLibnftables();
} catch (error) {
  if (!(error instanceof NftablesMissingError)) throw error;
}

privilegedTest("openHostKernel() says what it is, and that it is real", async () => {
  const kernel = await openHostKernel();
  assertEquals(kernel.info.kind, "linux");
  assertStringIncludes(kernel.info.description, Deno.osRelease());
  await kernel.close();
});

privilegedTest("openHostKernel() rejects for a namespace that is not there", async () => {
  const open = () => openHostKernel({ netns: "x0-no-such-namespace" });
  assertEquals((await assertRejects(open, KernelFault)).code, "not-found");
});

privilegedTest(
  "capabilities() names each thing once, with a remedy for what is missing",
  async () => {
    const kernel = await openHostKernel();
    const capabilities = await kernel.capabilities();
    const ids = capabilities.map((capability) => capability.id);
    assertEquals(new Set(ids).size, ids.length);
    for (
      const id of [
        "net-admin",
        "batman-adv",
        "radio",
        "wireguard",
        "nftables",
        "hostapd",
        "dnsmasq",
      ]
    ) assert(ids.includes(id), id);
    assertEquals(capabilities.find(({ id }) => id === "net-admin")?.state, "ok");
    for (const { state, remedy, detail } of capabilities) {
      assertEquals(remedy === null, state === "ok", detail);
    }
    await kernel.close();
  },
);

privilegedTest("sysctl reads and writes in its namespace, null for what is not there", async () => {
  using namespace = new TestNamespace();
  const kernel = await openHostKernel({ netns: namespace.name });
  await kernel.links.create({ kind: "bridge", name: "br.7" });
  const name = "net.ipv4.conf.br.7.forwarding";
  assertEquals(await kernel.sysctl.read(name), "0");
  await kernel.sysctl.write(name, "1");
  assertEquals(await kernel.sysctl.read(name), "1");
  assertEquals(await kernel.sysctl.read("net.ipv4.no_such_parameter"), null);
  for (
    const [parameter, value, code] of [
      [name, "perhaps", "invalid"],
      ["net.ipv4.no_such_parameter", "1", "not-found"],
      ["../../etc/passwd", "1", "invalid"],
    ] as const
  ) {
    const write = () => kernel.sysctl.write(parameter, value);
    assertEquals((await assertRejects(write, KernelFault)).code, code, parameter);
  }
  await kernel.close();
});

privilegedTest("close() ends those who watch, and later calls reject", async () => {
  using namespace = new TestNamespace();
  const kernel = await openHostKernel({ netns: namespace.name });
  const watching = Array.fromAsync(kernel.watch(new AbortController().signal));
  await kernel.close();
  await watching;
  await assertRejects(() => kernel.links.list(), KernelFault);
});
