// What every Packets port must do, the machine's or a simulated one.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Kernel, KernelFault, type Packets } from "../../core/ports/mod.ts";

/** A node without links of its own. */
export interface PacketsFixture extends AsyncDisposable {
  readonly packets: Packets;
  /** The same node's kernel. */
  readonly kernel: Kernel;
}

const LINK = "t0";

/** UDP over IPv6 to fd00::2 from fd00::1, with one octet. */
function datagram(mark: number): Uint8Array {
  const packet = new Uint8Array(49);
  packet.set([0x60, 0, 0, 0, 0, 9, 17, 64]);
  packet.set([0xfd], 8);
  packet[23] = 1;
  packet.set([0xfd], 24);
  packet[39] = 2;
  packet.set([0, 9, 0, 9, 0, 9, 0, 0, mark], 40);
  return packet;
}

/** Waits until an address may be sent from. */
async function usable(kernel: Kernel, address: string): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const all = await kernel.links.addresses();
    const found = all.find((one) => one.address === address);
    if (found !== undefined && !found.tentative) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`Cannot use ${address}: it stays tentative`);
}

/** Registers one test; its steps build on each other. */
export function testPackets(
  subject: string,
  open: () => Promise<PacketsFixture>,
  register: (name: string, fn: (t: Deno.TestContext) => Promise<void>) => void = Deno.test,
): void {
  register(`Packets: ${subject}`, async (t) => {
    await using fixture = await open();
    const { packets, kernel } = fixture;
    const names = async () => (await kernel.links.list()).map(({ name }) => name);
    const link = await packets.link(LINK);
    await t.step("link() makes a link that the kernel knows, once", async () => {
      assert((await names()).includes(LINK));
      await assertRejects(() => packets.link(LINK), KernelFault);
    });
    await kernel.links.change(LINK, { up: true });
    await kernel.links.addAddress(LINK, "fd00::1", 128);
    await kernel.links.addRoute({ destination: "fd00::/64", link: LINK });
    await usable(kernel, "fd00::1");
    await t.step("what leaves through the link is read, in order", async () => {
      const sender = await packets.sender(LINK);
      for (const mark of [1, 2, 3]) await sender.send(datagram(mark));
      const marks: number[] = [];
      while (marks.length < 3) {
        const packet = await link.read();
        // The kernel itself may say something on a new link.
        if (packet?.[6] === 17) marks.push(packet[48] ?? 0);
      }
      assertEquals(marks, [1, 2, 3]);
      link.write(datagram(4));
      sender.close();
    });
    await t.step("close() ends reading and removes the link", async () => {
      const sender = await packets.sender(LINK);
      const reading = link.read();
      link.close();
      assertEquals(await reading, null);
      assert(!(await names()).includes(LINK));
      await assertRejects(() => sender.send(datagram(5)));
      sender.close();
      const error = await assertRejects(() => packets.sender(LINK), KernelFault);
      assertEquals(error.code, "no-such-link");
    });
  });
}
