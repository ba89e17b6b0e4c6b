// Runs in a lab guest. Members of one test mesh with real tunnels, each in the namespace of a lab node,
// all in one process.
import { hostClock } from "../../core/host/clock.ts";
import { openHostKernel } from "../../core/host/kernel.ts";
import { hostNetwork } from "../../core/host/net.ts";
import { hostPackets } from "../../core/host/net_packets.ts";
import { hostRandom } from "../../core/host/random.ts";
import type { Kernel } from "../../core/ports/mod.ts";
import { webcryptoBackend } from "../../core/pq/mod.ts";
import { type TunnelOptions, Tunnels } from "../../core/tunnel/mod.ts";
import { type TestMember, testMember, type TestMemberOptions } from "../../core/tunnel/testing.ts";
import type { Topology } from "./topology.ts";

/** One node with tunnels. */
export interface TunnelNode extends TestMember, AsyncDisposable {
  /** Number of its lab node. */
  readonly id: number;
  /** Overlay address. */
  readonly address: string;
  readonly kernel: Kernel;
  readonly tunnels: Tunnels;
}

/** What a lab node is given. */
export interface TunnelNodeOptions extends TunnelOptions {
  readonly member?: TestMemberOptions;
}

/** Starts tunnels in the namespace of lab node `id`, over its bat0. */
export async function startTunnels(
  topology: Topology,
  id: number,
  options: TunnelNodeOptions = {},
): Promise<TunnelNode> {
  const { member: choice = {}, ...rest } = options;
  const backend = webcryptoBackend(crypto.subtle);
  const member = await testMember(backend, id, choice);
  const { ns: netns } = topology.node(id);
  const kernel = await openHostKernel({ netns });
  const tunnels = await Tunnels.start({
    clock: hostClock(),
    random: hostRandom(),
    kernel,
    network: hostNetwork({ netns }),
    packets: hostPackets({ netns }),
    keys: member.keys,
    state: member.state,
    backend,
  }, rest);
  const { address } = await tunnels.status();
  return {
    ...member,
    id,
    address,
    kernel,
    tunnels,
    async [Symbol.asyncDispose]() {
      await tunnels.stop();
      await kernel.close();
    },
  };
}

/** Asks until the answer is yes, at most `seconds`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  seconds = 60,
): Promise<void> {
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Cannot wait any longer: ${what}`);
}
