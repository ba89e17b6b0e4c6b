// Runs on the host: two guests, each with its own kernel, joined by one wire between their network
// cards. Shows a mesh over a real device, and the loss of its cable.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Qmp, RemoteGuest } from "../harness/mod.ts";

/** Both ends of the wire as QEMU options: frames travel as datagrams between two socket files. */
function wireEnd(dir: string, id: number): string[] {
  const other = 3 - id;
  const netdev = [
    "dgram,id=wire",
    `local.type=unix,local.path=${dir}/wire${id}`,
    `remote.type=unix,remote.path=${dir}/wire${other}`,
  ];
  return [
    ...["-netdev", netdev.join(",")],
    ...["-device", `virtio-net-pci,netdev=wire,mac=52:54:00:00:00:0${id},host_mtu=1560`],
    ...["-qmp", `unix:${dir}/qmp${id},server=on,wait=off`],
  ];
}

function boot(dir: string, id: number): Promise<RemoteGuest> {
  return RemoteGuest.boot({
    memMib: 512,
    log: (line) => console.log(`guest ${id}: ${line}`),
    extraArgs: wireEnd(dir, id),
  });
}

function meshScript(id: number): string {
  return `set -e
    modprobe -a virtio_net batman-adv
    for i in $(seq 50); do [ -e /sys/class/net/eth0 ] && break; sleep 0.1; done
    ip link set eth0 mtu 1560 up
    batctl meshif bat0 interface -M create routing_algo BATMAN_V
    batctl meshif bat0 bridge_loop_avoidance 0
    batctl meshif bat0 interface -M add eth0
    batctl hardif eth0 throughput_override 100mbit
    ip link set bat0 address 02:ba:00:00:00:0${id} up
    ip addr add 10.9.0.${id}/24 dev bat0`;
}

/** Pings until an answer comes or `tries` seconds are over. */
async function pings(guest: RemoteGuest, to: number, tries: number): Promise<boolean> {
  const { status } = await guest.sh(
    `for i in $(seq ${tries}); do ping -c1 -W1 -q 10.9.0.${to} && exit 0; done; exit 1`,
  );
  return status === 0;
}

Deno.test("two guests mesh over a wire, and the one whose cable is pulled sees it", async () => {
  const dir = await Deno.makeTempDir({ prefix: "lab-" });
  try {
    await using first = await boot(dir, 1);
    await using second = await boot(dir, 2);
    const made = await Promise.all([first.sh(meshScript(1)), second.sh(meshScript(2))]);
    assertEquals(made.map((result) => result.status), [0, 0], JSON.stringify(made));

    assert(await pings(first, 2, 60), "no ping from the first guest to the second");
    const { output } = await first.sh("batctl meshif bat0 originators");
    assertMatch(output, /52:54:00:00:00:02/);

    using qmp = await Qmp.connect(`${dir}/qmp1`);
    await qmp.setLink("wire", false);
    const carrier = (want: number) =>
      first.sh(
        `for i in $(seq 50); do [ $(cat /sys/class/net/eth0/carrier) = ${want} ] && exit 0; ` +
          "sleep 0.1; done; exit 1",
      );
    assertEquals((await carrier(0)).status, 0, "carrier stays after the cable is pulled");
    assertEquals(await pings(second, 1, 2), false);

    await qmp.setLink("wire", true);
    assertEquals((await carrier(1)).status, 0, "no carrier after the cable is plugged");
    assert(await pings(second, 1, 60), "no ping after the cable is plugged");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
