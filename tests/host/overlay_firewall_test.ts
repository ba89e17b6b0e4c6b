// The overlay's packet filter in this machine's kernel, in a namespace of its own.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { hostFirewall } from "../../core/host/firewall.ts";
import { KernelFault } from "../../core/ports/mod.ts";
import { OverlayFirewall, type OverlayRules } from "../../core/tunnel/overlay_firewall.ts";
import { loadLibnftables } from "../../ffi/nftables/mod.ts";
import { privilegedTest, SKIP_REASON, TestNamespace } from "./namespaces.ts";

if (SKIP_REASON === null) loadLibnftables();

const RULES: OverlayRules = {
  network: "fd12:3456:789a::/48",
  tunnelLinks: ["x0wg", "x0wait"],
  meshLinks: ["bat0", "br-lan"],
  tcpPorts: [6470, 6470, 80],
  udpPorts: [6470, 6472],
  maxNodes: 2,
  nodeLifetimeS: 60,
};

const mac = (last: number) => Uint8Array.of(2, 0xba, 0, 0, 0, last);

privilegedTest("OverlayFirewall: applied again and again, bounded, removed", async () => {
  using namespace = new TestNamespace();
  const kernel = hostFirewall({ netns: namespace.name });
  const firewall = new OverlayFirewall(kernel);
  try {
    assertEquals(await firewall.drops(), {
      cameOutside: null,
      leftOutside: null,
      inTheClear: null,
    });
    await firewall.apply(RULES);
    await firewall.apply({ ...RULES, meshLinks: [], tcpPorts: [], udpPorts: [] });
    await firewall.apply(RULES);
    assertEquals(await firewall.drops(), { cameOutside: 0, leftOutside: 0, inTheClear: 0 });
    await firewall.addNode(mac(1), 60_000);
    await firewall.addNode(mac(1), 60_000);
    await firewall.addNode(mac(2), 60_000);
    const full = await assertRejects(() => firewall.addNode(mac(3), 60_000), KernelFault);
    assert(full.message.length > 0);
    const text = await kernel.table("inet", "x0_overlay") ?? "";
    assert(text.includes("02:ba:00:00:00:01") && !text.includes("02:ba:00:00:00:03"), text);
    await firewall.remove();
    assertEquals(await kernel.table("inet", "x0_overlay"), null);
  } finally {
    kernel.close();
  }
});
