// Runs in a lab guest. The lab itself: the kernel and tools that the other tests rely on.

import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";

async function output(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assertEquals(code, 0, `${program} ${args.join(" ")}: ${text}`);
  return text;
}

Deno.test("guest runs kernel 6.12", () => {
  assertStringIncludes(Deno.osRelease(), "6.12.");
});

for (
  const name of ["batman-adv", "mac80211_hwsim", "wireguard", "vxlan", "veth", "bridge", "dummy"]
) {
  Deno.test(`guest loads ${name}`, async () => {
    await output("modprobe", name);
    const { isDirectory } = await Deno.stat(`/sys/module/${name.replaceAll("-", "_")}`);
    assertEquals(isDirectory, true);
  });
}

Deno.test("guest has the project's source and the shared run directory", async () => {
  const config: unknown = JSON.parse(await Deno.readTextFile("deno.json"));
  assertEquals((config as { name: string }).name, "x0tta6bl4");
  await Deno.writeTextFile("/out/written-by-guest", "yes");
});

for (
  const [program, ...args] of [
    ["batctl", "-v"],
    ["iw", "--version"],
    ["ip", "-V"],
    ["wg", "--version"],
    ["nft", "--version"],
    ["hostapd_cli", "-v"],
    ["wpa_cli", "-v"],
    ["dnsmasq", "--version"],
    ["tcpdump", "--version"],
    ["openssl", "version"],
    ["iperf3", "--version"],
    ["jq", "--version"],
    ["ping", "-c1", "127.0.0.1"],
  ] as const
) {
  Deno.test(`guest has ${program}`, async () => {
    assertGreater((await output(program, ...args)).length, 0);
  });
}

Deno.test("guest filters on egress", async () => {
  await output("ip", "link", "add", "egress0", "type", "dummy");
  await output(
    "nft",
    "add table netdev t; add chain netdev t e " +
      '{ type filter hook egress device "egress0" priority 0; policy accept; }',
  );
  assertStringIncludes(await output("nft", "list", "ruleset"), "hook egress");
  await output("nft", "delete", "table", "netdev", "t");
  await output("ip", "link", "delete", "egress0");
});
