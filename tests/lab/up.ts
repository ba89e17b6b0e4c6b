// Runs in a lab guest for `deno task lab up`: a ring of nodes on hwsim radios, each with a daemon, and
// one forwarded port a node on the guest's network card. Ends when the guest does.
// Arguments: NODES FIRST_PORT COMMAND…

import { API_PORT, startDaemons } from "./daemons.ts";
import { type Edge, line, radioTopology, shell } from "./topology.ts";

const [count = 3, firstPort = 8080] = Deno.args.slice(0, 2).map(Number);
const command = Deno.args.slice(2);

const edges: Edge[] = line(count);
if (count > 3) edges.push([count, 1]);

await shell([
  "modprobe -a virtio_net batman-adv wireguard",
  "ip addr add 10.0.2.15/24 dev eth0",
  "ip link set eth0 up",
  "sysctl -q -w net.ipv4.ip_forward=1",
]);
const topology = await radioTopology(count, edges, { joinMesh: false });
const rules = [
  "table ip up {",
  "chain in { type nat hook prerouting priority dstnat;",
  ...topology.nodes.map(({ id }) =>
    `iifname eth0 tcp dport ${firstPort + id - 1} dnat to 10.77.${id}.2:${API_PORT};`
  ),
  "}",
  'chain out { type nat hook postrouting priority srcnat; oifname "mgmt*" masquerade; }',
  "}",
];
await shell([`nft '${rules.join("\n")}'`]);
const daemons = await startDaemons(topology, {
  ...(command.length === 0 ? {} : { command }),
  log: (id, text) => console.log(`n${id}: ${text}`),
});
try {
  await daemons.ready(600);
} catch (error) {
  console.log(`lab: ${error instanceof Error ? error.message : error}`);
  await daemons[Symbol.asyncDispose]();
  Deno.exit(1);
}
console.log("lab: every node answers; Ctrl-C ends the lab");
for (const { id } of daemons.all) {
  console.log(`lab: n${id}  http://127.0.0.1:${firstPort + id - 1}/`);
}
await Promise.race(daemons.all.map(async ({ id, process }) => {
  console.log(`lab: daemon of n${id} ended with status ${(await process.status).code}`);
}));
Deno.exit(1);
