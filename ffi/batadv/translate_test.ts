import { assertEquals } from "@std/assert";
import {
  decodeDatEntry,
  decodeGlobalClient,
  decodeLocalClient,
  decodeOriginator,
} from "./tables_codec.ts";
import * as samples from "./testing.ts";
import { macOfIp, translateMac } from "./translate.ts";

const SELF = "02:ba:00:00:00:05";
const global = decodeGlobalClient(samples.sample(samples.GLOBAL_CLIENT));
const tables = {
  self: SELF,
  originators: [decodeOriginator(samples.sample(samples.ORIGINATOR_IV))],
  local: [decodeLocalClient(samples.sample(samples.LOCAL_CLIENT))],
  global: [{ ...global, best: false, originator: "02:ba:00:00:00:0a" }, global],
};

Deno.test("translateMac() finds nodes, clients of others, own clients and nobody", () => {
  const rows = [
    { name: "another node", mac: "02:ba:00:00:00:09", want: "02:ba:00:00:00:09" },
    { name: "this node", mac: SELF, want: SELF },
    { name: "its client, the best announcer", mac: global.address, want: "02:ba:00:00:00:09" },
    { name: "own client", mac: "02:cc:00:00:00:01", want: SELF },
    { name: "nobody", mac: "02:dd:00:00:00:01", want: null },
  ];
  for (const { name, mac, want } of rows) assertEquals(translateMac(mac, tables), want, name);
  assertEquals(translateMac("02:cc:00:00:00:01", { ...tables, self: null }), null);
});

Deno.test("macOfIp() looks in the ARP cache", () => {
  const cache = [decodeDatEntry(samples.sample(samples.DAT_ENTRY))];
  assertEquals(macOfIp("10.1.2.3", cache), "02:cc:00:00:00:04");
  assertEquals(macOfIp("10.1.2.4", cache), null);
});
