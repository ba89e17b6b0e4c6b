// The suites of the Network and Packets ports against the simulated network, and the machine's loopback.
import { hostNetwork } from "../../core/host/net.ts";
import { SimNetwork, SimPackets, simulate } from "../../core/sim/mod.ts";
import { loadLibc } from "../../ffi/sys/mod.ts";
import { ManualClock } from "../fixtures/clock.ts";
import { testNetwork } from "./network.ts";
import { testPackets } from "./packets.ts";

// Here, so that the library belongs to no test (--sanitize-resources).
loadLibc();

testNetwork("simulated", () => {
  const network = new SimNetwork(new ManualClock());
  const host = (n: number) =>
    network.host({
      addresses: [`2001:db8::${n}`],
      links: { mesh0: { segment: "s", address: `fe80::${n}` } },
    });
  return Promise.resolve({
    a: host(1),
    b: host(2),
    addressOfA: "2001:db8::1",
    addressOfB: "2001:db8::2",
    segment: { link: "mesh0", a: "fe80::1", b: "fe80::2" },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

for (const address of ["127.0.0.1", "::1"]) {
  testNetwork(`the machine's, over ${address}`, () =>
    Promise.resolve({
      a: hostNetwork(),
      b: hostNetwork(),
      addressOfA: address,
      addressOfB: address,
      segment: null,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }));
}

testPackets("simulated", () => {
  const kernel = simulate({ nodes: 1, seed: 1, bare: true }).kernel(0);
  return Promise.resolve({
    kernel,
    packets: new SimPackets(kernel.links),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
