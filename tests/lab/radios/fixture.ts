// Runs in a lab guest. Two hwsim radios in two namespaces as the fixture of the Radios suite.
import { assert } from "@std/assert";
import { hostClock, openHostKernel } from "../../../core/host/mod.ts";
import type { RadiosFixture, RadiosFixtureNode } from "../../conformance/radios.ts";
import { encodeAttributes, table } from "../../../ffi/netlink/mod.ts";
import { openGenetlink } from "../../../ffi/genetlink/mod.ts";
import { loadLibc } from "../../../ffi/sys/mod.ts";
import { radioTopology, shell } from "../topology.ts";

loadLibc();

/** Makes the regulatory database known: packages were unpacked without their maintainer scripts. */
export async function installRegulatoryDatabase(): Promise<void> {
  await shell([
    "cd /usr/lib/firmware",
    "for f in regulatory.db regulatory.db.p7s; do [ -e $f ] || ln -s $f-debian $f; done",
  ]);
}

// linux v6.12 drivers/net/wireless/virtual/mac80211_hwsim.h
const HWSIM_CMD_DEL_RADIO = 5;
const hwsimTable = table({ radioId: [10, "u32"], radioName: [17, "string"] });

/** Takes a radio away, as pulling it out does. `name` is the wiphy's ("phy1"); from its own namespace. */
export async function unplug(name: string, netns: string): Promise<void> {
  using hwsim = await openGenetlink("MAC80211_HWSIM", { netns });
  const attributes = encodeAttributes(hwsimTable, { radioName: name });
  await hwsim.command("remove radio", HWSIM_CMD_DEL_RADIO, attributes);
}

const RMMOD = "modprobe -r mac80211_hwsim";

/** Opens two nodes whose radios hear each other. */
export async function openRadios(): Promise<RadiosFixture> {
  await installRegulatoryDatabase();
  const topology = await radioTopology(2, [[1, 2]], { joinMesh: false });
  // A country stays set in the guest when the radios of an earlier test are gone.
  await shell(["iw reg set 00"]);
  const clock = hostClock();
  const [one, two] = topology.nodes;
  assert(one?.phy !== undefined && two?.phy !== undefined);
  const kernels = [
    await openHostKernel({ netns: one.ns }),
    await openHostKernel({ netns: two.ns }),
  ] as const;
  const node = (i: 0 | 1, phy: string): RadiosFixtureNode => ({
    radios: kernels[i].radios,
    radio: phy,
    interface: "wlan0",
    setUp: (up) => kernels[i].links.change("wlan0", { up }),
  });
  const { phy } = two;
  return {
    a: node(0, one.phy),
    b: node(1, phy),
    // The world domain lets nobody begin to transmit on channel 14.
    forbidden: { frequencyMhz: 2484, widthMhz: 20 },
    country: "DE",
    settle: (ms) => clock.sleep(ms),
    unplugB: () => unplug(phy, two.ns),
    async [Symbol.asyncDispose]() {
      for (const kernel of kernels) await kernel.close();
      // The topology would take the radios back first, and one is gone; the kernel does it by itself.
      await shell([...topology.nodes.map((node) => `ip netns delete ${node.ns}`), RMMOD]);
    },
  };
}
