import { assertEquals, assertThrows } from "@std/assert";
import { KernelFault } from "../ports/mod.ts";
import { sysctlKey } from "./sysctl.ts";

for (
  const { name, key } of [
    { name: "kernel.hostname", key: ["kernel", "hostname"] },
    { name: "net.ipv4.ip_forward", key: ["net", "ipv4", "ip_forward"] },
    {
      name: "net.ipv6.conf.eth0.forwarding",
      key: ["net", "ipv6", "conf", "eth0", "forwarding"],
    },
    {
      name: "net.ipv6.conf.bat0.5.accept_ra",
      key: ["net", "ipv6", "conf", "bat0.5", "accept_ra"],
    },
    {
      name: "net.ipv4.neigh.a.b.c.gc_stale_time",
      key: ["net", "ipv4", "neigh", "a.b.c", "gc_stale_time"],
    },
  ]
) {
  Deno.test(`sysctlKey() splits "${name}" and leaves a device's dots`, () => {
    assertEquals(sysctlKey(name), key);
  });
}

for (
  const name of ["", ".", "net..x", "net.ipv4.conf..forwarding", "a/b", "net.ipv4.conf.../../x.y"]
) {
  Deno.test(`sysctlKey() refuses "${name}"`, () => {
    assertEquals(assertThrows(() => sysctlKey(name), KernelFault).code, "invalid");
  });
}
