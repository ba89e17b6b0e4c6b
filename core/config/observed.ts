// What the machine is like now, as far as the document says anything about it. Reading only.
import { messageOf } from "../base/mod.ts";
import {
  type Address,
  type HardInterface,
  type Kernel,
  KernelFault,
  type Link,
  type MeshInfo,
  type MeshVlan,
  type Radio,
  type Route,
  type ServiceKind,
  type Services,
  type ServiceStatus,
  type WirelessInterface,
} from "../ports/mod.ts";
import { FIREWALL_TABLE } from "./firewall.ts";
import type { Config } from "./schema.ts";
import { restingSysctls, wantedSysctls } from "./sysctls.ts";

/** Facts, or why they cannot be had. */
export type Known<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

/** A running service and the configuration it was started with, as far as known. */
export interface ObservedService extends ServiceStatus {
  /** Fingerprint of its configuration; `null` when this process did not start it. */
  readonly fingerprint: string | null;
}

/** One reading of the machine. */
export interface Observed {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  /** Routing algorithms of batman-adv, or why there is none. */
  readonly algorithms: Known<readonly string[]>;
  /** The mesh interface of the document; `null` when there is none. */
  readonly mesh: MeshInfo | null;
  readonly hardInterfaces: readonly HardInterface[];
  /** Of the document's VLANs, those that the mesh interface has. */
  readonly vlans: readonly MeshVlan[];
  readonly radios: Known<readonly Radio[]>;
  readonly wireless: readonly WirelessInterface[];
  /** Country in force, or `null` when it cannot be told. */
  readonly country: string | null;
  /** Parameters of the document; `null` for one that does not exist. */
  readonly sysctls: ReadonlyMap<string, string | null>;
  readonly installed: Readonly<Record<ServiceKind, Known<string>>>;
  readonly services: readonly ObservedService[];
  readonly firewall: Known<string | null>;
}

async function known<T>(read: () => Promise<T>): Promise<Known<T>> {
  try {
    return { ok: true, value: await read() };
  } catch (thrown) {
    if (!(thrown instanceof KernelFault)) throw thrown;
    return { ok: false, reason: messageOf(thrown) };
  }
}

/** A reading whose absence means "none": a thing that is not there yet. */
async function orElse<T>(read: () => Promise<T>, absent: T): Promise<T> {
  const result = await known(read);
  return result.ok ? result.value : absent;
}

async function observeMesh(kernel: Kernel, config: Config, links: readonly Link[]) {
  const name = config.mesh.interface;
  const exists = links.some((link) => link.name === name && link.kind === "batadv");
  if (!exists) return { mesh: null, hardInterfaces: [], vlans: [] };
  const vlans: MeshVlan[] = [];
  for (const { id } of config.mesh.vlans) {
    const vlan = await orElse<MeshVlan | null>(() => kernel.mesh.vlan(name, id), null);
    if (vlan !== null) vlans.push(vlan);
  }
  return {
    mesh: await orElse<MeshInfo | null>(() => kernel.mesh.info(name), null),
    hardInterfaces: await orElse<readonly HardInterface[]>(
      () => kernel.mesh.hardInterfaces(name),
      [],
    ),
    vlans,
  };
}

async function observeFirewall(kernel: Kernel): Promise<Known<string | null>> {
  const state = await known(() => kernel.firewall.available());
  if (!state.ok) return state;
  if (!state.value.ok) return { ok: false, reason: state.value.detail };
  return await known(() => kernel.firewall.table("inet", FIREWALL_TABLE));
}

async function installed(services: Services, kind: ServiceKind): Promise<Known<string>> {
  const { ok, detail } = await services.installed(kind);
  return ok ? { ok, value: detail } : { ok, reason: detail };
}

/** Whether a program is needed; what is not needed is not looked for. */
function needs(config: Config, kind: ServiceKind): boolean {
  switch (kind) {
    case "hostapd":
      return config.clientAp.length > 0;
    case "wpa_supplicant":
      return config.radios.some((radio) => radio.mesh && radio.passphrase !== undefined);
    case "dnsmasq":
      return config.lan.enabled &&
        (config.lan.dhcp.enabled || config.lan.routerAdvertisement.enabled);
  }
}

/**
 * Reads what a plan needs.
 *
 * @param previous the document in force before, if known.
 * @param started fingerprints of the services this process started, by name.
 * @throws {KernelFault} only when not even the links can be listed.
 */
export async function observe(
  kernel: Kernel,
  services: Services,
  config: Config,
  previous: Config | null,
  started: ReadonlyMap<string, string>,
): Promise<Observed> {
  const links = await kernel.links.list();
  const sysctls = new Map<string, string | null>();
  for (const { name } of [...wantedSysctls(config), ...restingSysctls(config, previous)]) {
    sysctls.set(name, await orElse(() => kernel.sysctl.read(name), null));
  }
  const look = (kind: ServiceKind): Promise<Known<string>> =>
    needs(config, kind)
      ? installed(services, kind)
      : Promise.resolve({ ok: false, reason: "not needed" });
  const domain = await known(() => kernel.radios.regulatoryDomain());
  return {
    links,
    addresses: await kernel.links.addresses(),
    routes: await kernel.links.routes(),
    algorithms: await known(() => kernel.mesh.algorithms()),
    ...await observeMesh(kernel, config, links),
    radios: await known(() => kernel.radios.list()),
    wireless: await orElse(() => kernel.radios.interfaces(), []),
    country: domain.ok ? domain.value.country : null,
    sysctls,
    installed: {
      hostapd: await look("hostapd"),
      wpa_supplicant: await look("wpa_supplicant"),
      dnsmasq: await look("dnsmasq"),
    },
    services: (await services.status()).map((status) => ({
      ...status,
      fingerprint: started.get(status.name) ?? null,
    })),
    firewall: await observeFirewall(kernel),
  };
}
