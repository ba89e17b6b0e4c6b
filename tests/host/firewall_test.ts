// The Firewall port over libnftables and nf_tables of this machine's kernel, each test in a network
// namespace of its own; compared with nft where it is installed.
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { configs } from "../../core/config/_arbitrary.ts";
import { defaultConfig, FIREWALL_TABLE, firewallRuleset } from "../../core/config/mod.ts";
import { hostFirewall } from "../../core/host/firewall.ts";
import { KernelFault } from "../../core/ports/mod.ts";
import { loadLibnftables, NftElements, runNft } from "../../ffi/nftables/mod.ts";
import { testFirewall } from "../conformance/firewall.ts";
import { SKIP_REASON, TestNamespace } from "./namespaces.ts";

function whyNot(): string | null {
  if (SKIP_REASON !== null) return SKIP_REASON;
  try {
    loadLibnftables();
  } catch (error) {
    return `${error instanceof Error ? error.message : error} (apt-get install libnftables1)`;
  }
  using namespace = new TestNamespace();
  try {
    runNft("try nftables", "table inet try {\n}\n", { netns: namespace.name });
    return null;
  } catch (error) {
    return `this kernel has no nf_tables: ${error instanceof Error ? error.message : error}`;
  }
}

const skip = whyNot();

function nftTest(name: string, fn: (netns: string) => Promise<void>): void {
  const reason = skip === null ? "" : ` [skipped: ${skip}]`;
  Deno.test({
    name: `${name}${reason}`,
    ignore: skip !== null,
    async fn() {
      using namespace = new TestNamespace();
      await fn(namespace.name);
    },
  });
}

if (skip === null) {
  testFirewall("linux Firewall", () => {
    const namespace = new TestNamespace();
    const firewall = hostFirewall({ netns: namespace.name });
    return Promise.resolve({
      firewall,
      [Symbol.asyncDispose]() {
        firewall.close();
        namespace[Symbol.dispose]();
        return Promise.resolve();
      },
    });
  });
} else {
  Deno.test({ name: `linux Firewall [skipped: ${skip}]`, ignore: true, fn() {} });
}

/** What `nft` itself says, run in the namespace, or `null` where it is not installed. */
async function nft(netns: string, ...args: string[]): Promise<string | null> {
  try {
    const { success, stdout, stderr } = await new Deno.Command("ip", {
      args: ["netns", "exec", netns, "nft", ...args],
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

nftTest("firewallRuleset() of the defaults is what nft then lists", async (netns) => {
  const firewall = hostFirewall({ netns });
  const { text, mark } = firewallRuleset(defaultConfig());
  await firewall.apply(text);
  const listed = await firewall.table("inet", FIREWALL_TABLE) ?? "";
  assert(listed.includes(mark));
  const theirs = await nft(netns, "list", "table", "inet", FIREWALL_TABLE);
  if (theirs !== null) assertEquals(listed, theirs);
  const json = await nft(netns, "-j", "list", "ruleset");
  if (json !== null) {
    const ours = runNft("list", "list ruleset", { netns, json: true });
    assertEquals(JSON.parse(ours), JSON.parse(json));
  }
  // Again, as after a restart: the table is replaced, not doubled.
  await firewall.apply(text);
  assertEquals(await firewall.table("inet", FIREWALL_TABLE), listed);
});

nftTest("firewallRuleset() of any document is taken by the kernel", async (netns) => {
  const firewall = hostFirewall({ netns });
  await fc.assert(
    fc.asyncProperty(configs, async (config) => {
      const { text, mark } = firewallRuleset(config);
      await firewall.apply(text, { check: true });
      await firewall.apply(text);
      assert((await firewall.table("inet", FIREWALL_TABLE))?.includes(mark));
    }),
    { numRuns: 60 },
  );
});

nftTest("addElements() gives a map what nft then lists, with its timeout", async (netns) => {
  const firewall = hostFirewall({ netns });
  await firewall.apply(
    "table inet t {\n  map m {\n    typeof ether daddr . @nh,32,48 : ether daddr\n" +
      "    flags timeout\n  }\n}\n",
  );
  const map = { family: "inet", table: "t", set: "m" } as const;
  // Each part of a concatenated key is padded to four octets.
  const key = Uint8Array.from([2, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 9, 0, 0]);
  const value = Uint8Array.from([2, 0, 0, 0, 0, 7]);
  await firewall.addElements(map, [{ key, value, timeoutMs: 3_600_000 }]);
  const listed = await nft(netns, "-j", "list", "map", "inet", "t", "m");
  if (listed !== null) {
    const { nftables } = JSON.parse(listed) as { nftables: { map?: { elem: unknown[] } }[] };
    const [[element, target]] = nftables.find((item) => item.map)?.map?.elem as [
      [{ elem: { val: { concat: unknown[] }; timeout: number } }, string],
    ];
    assertEquals(element.elem.val.concat, ["02:00:00:00:00:01", 0x020000000009]);
    assertEquals([element.elem.timeout, target], [3600, "02:00:00:00:00:07"]);
  }
  using elements = NftElements.open({ netns });
  const [read, ...more] = await elements.list(map);
  assertEquals([read?.key, read?.value, read?.timeoutMs, more], [key, value, 3_600_000, []]);
  firewall.close();
});

nftTest("addElements() takes a large batch in one transaction", async (netns) => {
  const firewall = hostFirewall({ netns });
  await firewall.apply("table inet t {\n  set s {\n    type ipv4_addr\n  }\n}\n");
  const set = { family: "inet", table: "t", set: "s" } as const;
  const keys = Array.from({ length: 2000 }, (_, i) => Uint8Array.of(10, 1, i >> 8, i & 255));
  await firewall.addElements(set, keys.map((key) => ({ key })));
  using elements = NftElements.open({ netns });
  assertEquals((await elements.list(set)).length, 2000);
  const error = await assertRejects(
    () =>
      firewall.addElements(set, [{ key: Uint8Array.of(10, 2, 0, 0) }, { key: Uint8Array.of(1) }]),
    KernelFault,
  );
  assertEquals(error.code, "invalid");
  assertEquals((await elements.list(set)).length, 2000, "half of a batch was taken");
  await firewall.removeElements(set, keys);
  assertEquals(await elements.list(set), []);
  firewall.close();
});

nftTest("apply() tells nft's own reason", async (netns) => {
  const firewall = hostFirewall({ netns });
  const error = await assertRejects(
    () => firewall.apply("table inet t {\n  chain c {\n    tcp dport 99999 accept\n  }\n}\n"),
    KernelFault,
  );
  assertEquals(error.code, "invalid");
  // The words are nft's and change with its version.
  assert(/^Cannot apply the ruleset: Error: \w+/.test(error.message), error.message);
});
