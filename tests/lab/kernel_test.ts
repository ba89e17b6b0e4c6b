// Runs in a lab guest, in its own network namespace. What only a kernel with modules can show: families
// that come and go while somebody watches, and what the machine says that it can do.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openHostKernel } from "../../core/host/mod.ts";
import type { Kernel, KernelEvent } from "../../core/ports/mod.ts";
import { loadLibc } from "../../ffi/sys/mod.ts";
import { loadLibnftables } from "../../ffi/nftables/mod.ts";

loadLibc();
loadLibnftables();

async function modprobe(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("modprobe", { args }).output();
  assert(success, `modprobe ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** Watches a kernel while `action` runs; it waits with `until` for events. */
async function watching(
  action: (
    kernel: Kernel,
    until: (what: string, holds: (event: KernelEvent) => boolean) => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const kernel = await openHostKernel();
  const stop = new AbortController();
  const seen: KernelEvent[] = [];
  const reading = (async () => {
    for await (const event of kernel.watch(stop.signal)) seen.push(event);
  })();
  try {
    await action(kernel, async (what, holds) => {
      for (let i = 0; i < 600; i++) {
        if (seen.some(holds)) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const types = [...new Set(seen.map((event) => event.type))].join(", ");
      throw new Error(`Waited in vain for ${what}; seen: ${types}`);
    });
  } finally {
    stop.abort();
    await reading;
    await kernel.close();
  }
}

Deno.test("watch() reports mesh settings, also after batman-adv was unloaded and loaded again", async () => {
  await modprobe("batman-adv");
  await watching(async (kernel, until) => {
    for (const mesh of ["bat0", "bat1"]) {
      await kernel.links.create({ kind: "batadv", name: mesh, algorithm: "BATMAN_IV" });
      await kernel.mesh.configure(mesh, { originatorIntervalMs: 2_000 });
      await until(
        `settings of ${mesh}`,
        (event) => event.type === "mesh-config" && event.mesh === mesh,
      );
      await kernel.links.delete(mesh);
      await modprobe("-r", "batman-adv");
      await modprobe("batman-adv");
    }
  });
});

Deno.test("watch() reports radios that come and go", async () => {
  await watching(async (kernel, until) => {
    await modprobe("mac80211_hwsim", "radios=1");
    await until("a radio", (event) => event.type === "radio" && event.present);
    assertEquals((await kernel.radios.list()).length, 1);
    await modprobe("-r", "mac80211_hwsim");
    await until("its end", (event) => event.type === "radio" && !event.present);
  });
});

Deno.test("capabilities() finds what this machine has", async () => {
  await modprobe("mac80211_hwsim", "radios=2");
  const kernel = await openHostKernel();
  const found = new Map((await kernel.capabilities()).map((item) => [item.id, item]));
  for (
    const [id, detail] of [
      ["batman-adv", "BATMAN_V"],
      ["radio", "2 radios found"],
      ["wireguard", "has WireGuard"],
      ["nftables", ""],
      ["hostapd", "/hostapd"],
      ["wpa_supplicant", "/wpa_supplicant"],
      ["dnsmasq", "/dnsmasq"],
    ] as const
  ) {
    const capability = found.get(id);
    assertEquals(capability?.state, "ok", `${id}: ${capability?.detail}`);
    assertStringIncludes(capability?.detail ?? "", detail);
  }
  await kernel.close();
  await modprobe("-r", "mac80211_hwsim");
});
