import { assertEquals } from "@std/assert";
import type { Address } from "../ports/mod.ts";
import { announcedAddresses, dialTargets, formatEndpoint, parseEndpoint } from "./addresses.ts";

const address = (link: string, text: string, scope: Address["scope"] = "global"): Address => ({
  link,
  address: text,
  prefixLength: 64,
  scope,
  tentative: false,
  duplicate: false,
});
const link = (name: string, up = true, loopback = false) => ({ name, up, loopback, carrier: up });

Deno.test("parseEndpoint() reads what formatEndpoint() writes, and nothing odd", () => {
  for (const text of ["10.0.0.1:6470", "[fd00::1]:1", "[fe80::1%bat0]:65535", "node.example:80"]) {
    const read = parseEndpoint(text);
    assertEquals(read === null ? null : formatEndpoint(read), text);
  }
  for (const text of ["", "10.0.0.1", "fd00::1:6470", "host:0", "host:65536", "[x]:1", "a b:1"]) {
    assertEquals(parseEndpoint(text), null, text);
  }
});

Deno.test("announcedAddresses() tells routable ones first, then the mesh's link-local ones", () => {
  const found = announcedAddresses(
    [
      address("lo", "::1", "host"),
      address("br-lan", "fe80::2", "link"),
      address("eth0", "fe80::3", "link"),
      address("br-lan", "10.0.0.1"),
      address("br-lan", "fd09::1"),
      address("x0", "fd77::1"),
      address("down0", "192.0.2.1"),
      { ...address("br-lan", "fd09::2"), tentative: true },
    ],
    [link("lo", true, true), link("br-lan"), link("eth0"), link("x0"), link("down0", false)],
    { port: 6470, overlay: "x0", meshLinks: ["bat0", "br-lan"] },
  );
  assertEquals(found, ["[fd09::1]:6470", "10.0.0.1:6470", "[fe80::2]:6470"]);
});

Deno.test("dialTargets() tries a link-local address on every link that is up", () => {
  const links = [link("lo", true, true), link("bat0"), link("eth0", false), link("br-lan")];
  assertEquals(dialTargets({ host: "fe80::1", port: 1 }, links), [
    { host: "fe80::1%bat0", port: 1 },
    { host: "fe80::1%br-lan", port: 1 },
  ]);
  assertEquals(dialTargets({ host: "fe80::1%bat0", port: 1 }, links), [
    { host: "fe80::1%bat0", port: 1 },
  ]);
  assertEquals(dialTargets({ host: "10.0.0.1", port: 1 }, links), [{ host: "10.0.0.1", port: 1 }]);
});
