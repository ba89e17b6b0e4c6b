// Runs in a lab guest. The real twin of the conformance suite's fixture: three namespaces on wires, with
// the kernel's batman-adv, seen through core/host.
import type { MeshFixture, MeshFixtureNode } from "../conformance/mesh.ts";
import { hostClock, hostRandom } from "../../core/host/mod.ts";
import { hostMesh } from "../../core/host/mesh.ts";
import { rtnetlinkNames } from "../../core/host/names.ts";
import type { MeshAlgorithm } from "../../core/ports/mod.ts";
import { openRtnetlink } from "../../ffi/rtnetlink/mod.ts";
import { loadLibc } from "../../ffi/sys/mod.ts";
import { line, shell, type WireTopology, wireTopology } from "./topology.ts";

/** The name of every node's mesh interface. */
export const MESH = "bat0";

// The library stays open for the life of the process and belongs to no test.
loadLibc();

/** A running mesh of namespaces n1–n2–n3 in a line. */
export async function startLine(algorithm: MeshAlgorithm): Promise<WireTopology> {
  const topology = await wireTopology(3, line(3));
  try {
    await topology.startBatman(algorithm, { originatorIntervalMs: 200 });
    return topology;
  } catch (error) {
    await topology[Symbol.asyncDispose]();
    throw error;
  }
}

interface OpenedNode extends MeshFixtureNode {
  close(): Promise<void>;
}

async function openNode(topology: WireTopology, id: number): Promise<OpenedNode> {
  const { ns: netns, devices } = topology.node(id);
  const rtnetlink = openRtnetlink({ netns });
  const names = rtnetlinkNames(rtnetlink);
  const mesh = hostMesh({ clock: hostClock(), random: hostRandom(), names, netns });
  return {
    mesh,
    name: MESH,
    mac: await topology.mac(id, MESH),
    hardInterfaces: devices,
    async close() {
      await mesh.close();
      rtnetlink.close();
    },
  };
}

/** Opens the fixture of tests/conformance/mesh.ts on the real kernel. */
export async function openLabMesh(algorithm: MeshAlgorithm): Promise<MeshFixture> {
  const topology = await startLine(algorithm);
  const [a, b, c] = [
    await openNode(topology, 1),
    await openNode(topology, 2),
    await openNode(topology, 3),
  ];
  return {
    algorithm,
    a,
    b,
    c,
    settle: (ms) => hostClock().sleep(ms),
    cut: () => topology.cut(2, 3),
    heal: () => topology.heal(2, 3),
    addVlan: (vlan) =>
      shell([
        `ip -n n1 link add link ${MESH} name ${MESH}.${vlan} type vlan id ${vlan}`,
        `ip -n n1 link set ${MESH}.${vlan} up`,
      ]),
    async [Symbol.asyncDispose]() {
      for (const node of [a, b, c]) await node.close();
      await topology[Symbol.asyncDispose]();
    },
  };
}
