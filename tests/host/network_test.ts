// The suites of the Network and Packets ports against network namespaces of this machine. Needs root.
import { assertEquals } from "@std/assert";
import { hostNetwork } from "../../core/host/net.ts";
import { hostPackets } from "../../core/host/net_packets.ts";
import { openHostKernel } from "../../core/host/kernel.ts";
import { testNetwork } from "../conformance/network.ts";
import { testPackets } from "../conformance/packets.ts";
import { privilegedTest, TestNamespace } from "./namespaces.ts";

async function ip(...lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    const { code, stderr } = await new Deno.Command("ip", { args: line.split(" ") }).output();
    assertEquals(code, 0, `ip ${line}: ${new TextDecoder().decode(stderr)}`);
  }
}

testNetwork("the machine's, in two namespaces", async () => {
  const a = new TestNamespace();
  const b = new TestNamespace();
  await ip(
    `-n ${a.name} link add w0 type veth peer name w0 netns ${b.name}`,
    // Not tentative: the addresses serve at once.
    ...[[a.name, 1], [b.name, 2]].flatMap(([ns, n]) => [
      `-n ${ns} link set w0 addrgenmode none`,
      `-n ${ns} link set w0 up`,
      `-n ${ns} addr add 2001:db8::${n}/64 dev w0 nodad`,
      `-n ${ns} addr add fe80::${n}/64 dev w0 nodad`,
    ]),
  );
  return {
    a: hostNetwork({ netns: a.name }),
    b: hostNetwork({ netns: b.name }),
    addressOfA: "2001:db8::1",
    addressOfB: "2001:db8::2",
    segment: { link: "w0", a: "fe80::1", b: "fe80::2" },
    [Symbol.asyncDispose]: () => {
      for (const namespace of [a, b]) namespace[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}, privilegedTest);

testPackets("the machine's, in a namespace", async () => {
  const namespace = new TestNamespace();
  const netns = namespace.name;
  const kernel = await openHostKernel({ netns });
  return {
    kernel,
    packets: hostPackets({ netns }),
    [Symbol.asyncDispose]: async () => {
      await kernel.close();
      namespace[Symbol.dispose]();
    },
  };
}, privilegedTest);

privilegedTest("Packets: what a program sends is read where its route leads", async () => {
  using namespace = new TestNamespace();
  const netns = namespace.name;
  const link = await hostPackets({ netns }).link("t0");
  await ip(
    `-n ${netns} link set t0 addrgenmode none`,
    `-n ${netns} link set t0 up`,
    `-n ${netns} addr add fd00::1/128 dev t0`,
    `-n ${netns} route add fd00::/64 dev t0`,
  );
  await new Deno.Command("ip", {
    args: ["netns", "exec", netns, "bash", "-c", "echo x >/dev/udp/fd00::2/9"],
  }).output();
  const read = await link.read();
  assertEquals([read?.[39], read?.[48]], [2, "x".charCodeAt(0)]);
  link.close();
});
