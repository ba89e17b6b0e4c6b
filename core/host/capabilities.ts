// What this machine can and cannot do, found by trying. Nothing here changes the machine, apart from
// modules that the kernel loads by itself when their family is asked for.
import type { Capability, Firewall } from "../ports/mod.ts";
import { messageOf } from "../base/mod.ts";
import { NETLINK_GENERIC, openNetlink, type OpenNetlinkOptions } from "../../ffi/netlink/mod.ts";
import { findFamily } from "../../ffi/genetlink/mod.ts";
import { Batadv } from "../../ffi/batadv/mod.ts";
import { openNl80211 } from "../../ffi/nl80211/mod.ts";

const CAP_NET_ADMIN = 12n;

/** Where the programs of a distribution are. */
const PROGRAM_DIRECTORIES = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin"];

type Finding = Pick<Capability, "state" | "detail">;

interface Check {
  readonly id: string;
  readonly needed: string;
  readonly remedy: string;
  readonly find: (place: OpenNetlinkOptions) => Promise<Finding> | Finding;
}

const ok = (detail: string): Finding => ({ state: "ok", detail });
const missing = (detail: string): Finding => ({ state: "missing", detail });
const degraded = (detail: string): Finding => ({ state: "degraded", detail });

function netAdmin(): Finding {
  const status = Deno.readTextFileSync("/proc/self/status");
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (mask === undefined) return degraded("The process' capabilities cannot be told.");
  const has = (BigInt(`0x${mask}`) >> CAP_NET_ADMIN & 1n) === 1n;
  return has
    ? ok("The process has CAP_NET_ADMIN.")
    : missing("The process lacks CAP_NET_ADMIN: it can read the network but not change it.");
}

async function family(name: string, place: OpenNetlinkOptions): Promise<boolean> {
  using netlink = openNetlink(NETLINK_GENERIC, place);
  return await findFamily(netlink, name) !== null;
}

async function batmanAdv(place: OpenNetlinkOptions): Promise<Finding> {
  if (!await family("batadv", place)) return missing("This kernel has no batman-adv.");
  const version = moduleVersion("batman_adv");
  try {
    using batadv = await Batadv.open(place);
    const algorithms = await batadv.routingAlgorithms();
    return ok(`batman-adv ${version} with ${algorithms.join(" and ")}.`);
  } catch (error) {
    return degraded(`batman-adv ${version}, but ${messageOf(error)}.`);
  }
}

function moduleVersion(module: string): string {
  try {
    return Deno.readTextFileSync(`/sys/module/${module}/version`).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "(built in)";
    throw error;
  }
}

async function wireguard(place: OpenNetlinkOptions): Promise<Finding> {
  return await family("wireguard", place)
    ? ok("This kernel has WireGuard.")
    : missing("This kernel has no WireGuard.");
}

async function radio(place: OpenNetlinkOptions): Promise<Finding> {
  if (!await family("nl80211", place)) return missing("This kernel has no wireless subsystem.");
  using radios = await openNl80211(place);
  const list = await radios.wiphys();
  if (list.length === 0) return missing("No radio was found.");
  return ok(`${list.length} ${list.length === 1 ? "radio" : "radios"} found.`);
}

async function program(name: string): Promise<Finding> {
  for (const directory of PROGRAM_DIRECTORIES) {
    try {
      const { isFile } = await Deno.stat(`${directory}/${name}`);
      if (isFile) return ok(`${directory}/${name} is installed.`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return missing(`${name} is not installed.`);
}

const CHECKS: readonly Check[] = [
  {
    id: "net-admin",
    needed: "changing links, addresses, routes, mesh, radios and firewall",
    remedy: "Run as root, or give the service AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW.",
    find: netAdmin,
  },
  {
    id: "batman-adv",
    needed: "the mesh",
    remedy: "modprobe batman-adv",
    find: batmanAdv,
  },
  {
    id: "radio",
    needed: "a wireless mesh and client access",
    remedy: "Plug in a radio whose driver supports 802.11s, and install its firmware.",
    find: radio,
  },
  {
    id: "wireguard",
    needed: "tunnels to other sites",
    remedy: "modprobe wireguard",
    find: wireguard,
  },
  {
    id: "hostapd",
    needed: "client access points",
    remedy: "apt-get install hostapd",
    find: () => program("hostapd"),
  },
  {
    id: "wpa_supplicant",
    needed: "an encrypted (SAE) wireless mesh",
    remedy: "apt-get install wpasupplicant",
    find: () => program("wpa_supplicant"),
  },
  {
    id: "dnsmasq",
    needed: "DHCP, DNS and router advertisements for clients",
    remedy: "apt-get install dnsmasq-base",
    find: () => program("dnsmasq"),
  },
];

async function nftables(firewall: Firewall): Promise<Capability> {
  const found = await attempt(async () => {
    const { ok: works, detail } = await firewall.available();
    return works ? ok(detail) : missing(detail);
  });
  return {
    id: "nftables",
    ...found,
    needed: "the firewall",
    remedy: found.state === "ok" ? null : "apt-get install libnftables1",
  };
}

async function attempt(find: () => Promise<Finding> | Finding): Promise<Finding> {
  try {
    return await find();
  } catch (error) {
    return degraded(`It cannot be told: ${messageOf(error)}.`);
  }
}

/** Tries everything, in a network namespace. Never rejects. */
export async function hostCapabilities(
  firewall: Firewall,
  place: OpenNetlinkOptions,
): Promise<readonly Capability[]> {
  const out: Capability[] = [];
  for (const { id, needed, remedy, find } of CHECKS) {
    const found = await attempt(() => find(place));
    out.push({ id, ...found, needed, remedy: found.state === "ok" ? null : remedy });
  }
  out.push(await nftables(firewall));
  return out;
}
