// The suite of the Network port against two network namespaces joined by a wire, and packets through TUN
// devices and raw sockets. Needs root.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { hostNetwork } from "../../core/host/net.ts";
import { hostPackets } from "../../core/host/net_packets.ts";
import { openHostKernel } from "../../core/host/kernel.ts";
import { KernelFault } from "../../core/ports/mod.ts";
import { testNetwork } from "../conformance/network.ts";
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

/** UDP over IPv6 from the discard port, without a checksum: nobody looks at it. */
function datagram(source: Uint8Array, destination: Uint8Array, mark: number): Uint8Array {
  const packet = new Uint8Array(49);
  packet.set([0x60, 0, 0, 0, 0, 9, 17, 64]);
  packet.set(source, 8);
  packet.set(destination, 24);
  packet.set([0, 9, 0, 9, 0, 9, 0, 0, mark], 40);
  return packet;
}

const address = (last: number) => Uint8Array.from([0xfd, ...new Array(14).fill(0), last]);

privilegedTest(
  "Packets: what is routed to a link is read, what is sent past it leaves",
  async () => {
    using namespace = new TestNamespace();
    const netns = namespace.name;
    const packets = hostPackets({ netns });
    const first = await packets.link("t0");
    const second = await packets.link("t1");
    await ip(
      `-n ${netns} link set t0 addrgenmode none`,
      `-n ${netns} link set t1 addrgenmode none`,
      `-n ${netns} link set t0 up`,
      `-n ${netns} link set t1 up`,
      `-n ${netns} addr add fd00::1/128 dev t0`,
      `-n ${netns} route add fd00::/64 dev t0 metric 1024`,
      `-n ${netns} route add fd00::/64 dev t1 metric 4096`,
    );
    await new Deno.Command("ip", {
      args: ["netns", "exec", netns, "bash", "-c", "echo x >/dev/udp/fd00::2/9"],
    }).output();
    const read = await first.read();
    assertEquals([read?.[39], read?.[48]], [2, "x".charCodeAt(0)]);
    const sender = await packets.sender("t1");
    for (const mark of [1, 2, 3]) await sender.send(datagram(address(1), address(2), mark));
    for (const mark of [1, 2, 3]) assertEquals((await second.read())?.[48], mark, "in order");
    sender.close();
    const reading = second.read();
    second.close();
    assertEquals(await reading, null);
    const kernel = await openHostKernel({ netns });
    const names = (await kernel.links.list()).map(({ name }) => name);
    assert(names.includes("t0") && !names.includes("t1"), "a closed link is gone");
    await kernel.close();
    const error = await assertRejects(() => packets.sender("t1"), KernelFault);
    assertEquals(error.code, "no-such-link");
    first.close();
  },
);
