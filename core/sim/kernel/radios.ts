// The Radios port of one simulated node. A radio hears others only when an interface of it is up and has
// joined; the country decides which channels may be used. Error codes follow linux v6.12
// net/wireless/nl80211.c and net/mac80211.
import type {
  ChannelSpec,
  InterfaceMode,
  MeshJoin,
  MeshParameters,
  Radio,
  Radios,
  RegulatoryDomain,
  ScanEntry,
  Station,
  Survey,
  WirelessInterface,
} from "../../ports/mod.ts";
import type { Mac } from "../../base/mod.ts";
import { addLink, removeLink } from "./links.ts";
import { deviceMac } from "./mac.ts";
import { bandsUnder, checkChannel, domainOf } from "./regulatory.ts";
import { checkRange, fault, type LinkState, type NodeState, type RadioState } from "./state.ts";

const MODES: readonly InterfaceMode[] = ["managed", "ap", "ibss", "mesh", "monitor"];
/** How long the radio listens for a whole scan. */
const SCAN_MS = 400;
const SCAN_SSIDS_MAX = 4;
const PARAMETERS: MeshParameters = {
  forwarding: true,
  maxPeerLinks: 99,
  rssiThresholdDbm: 0,
  ttl: 31,
};

/** Adds a radio with one interface in managed mode, as a driver does when it loads. */
export function addRadio(node: NodeState, name: string, interfaceName: string): void {
  node.radios.set(name, { index: node.radios.size, name, fixedPowerDbm: null });
  addInterface(node, name, interfaceName, "managed");
}

function addInterface(node: NodeState, radio: string, name: string, mode: InterfaceMode): void {
  const which = [...node.links.values()].filter((link) => link.wireless !== null).length;
  const mac = deviceMac(node.index, which);
  addLink(node, {
    name,
    kind: "device",
    mac,
    port: node.world.medium.addRadio(node.index, mac),
    wireless: { radio, mode, joined: null, channel: null, parameters: PARAMETERS },
  });
}

/** The Radios port of one simulated node. */
export class SimRadios implements Radios {
  readonly #node: NodeState;

  constructor(node: NodeState) {
    this.#node = node;
  }

  // deno-lint-ignore require-await
  async list(): Promise<readonly Radio[]> {
    const bands = bandsUnder(this.#node.country);
    return [...this.#node.radios.values()].map((radio) => ({
      index: radio.index,
      name: radio.name,
      bands,
      modes: MODES,
      sae: false,
      maxScanSsids: SCAN_SSIDS_MAX,
      country: null,
    }));
  }

  // deno-lint-ignore require-await
  async interfaces(): Promise<readonly WirelessInterface[]> {
    const found: WirelessInterface[] = [];
    for (const link of this.#node.links.values()) {
      const { wireless, port } = link;
      if (wireless === null || port === null) continue;
      found.push({
        name: link.name,
        index: link.index,
        radio: wireless.radio,
        mac: link.mac ?? "",
        mode: wireless.mode,
        frequencyMhz: wireless.channel?.frequencyMhz ?? null,
        widthMhz: (wireless.channel?.widthMhz ?? null) as WirelessInterface["widthMhz"],
        centerFrequencyMhz: wireless.channel?.centerFrequencyMhz ?? null,
        txPowerDbm: port.txPowerDbm,
        ssid: wireless.joined,
      });
    }
    return found;
  }

  // deno-lint-ignore require-await
  async createInterface(radio: string, name: string, mode: InterfaceMode): Promise<void> {
    this.#radio(radio);
    checkMode(mode);
    if (this.#node.links.has(name)) {
      throw fault("exists", `Cannot create "${name}": that name is taken`);
    }
    if (!/^[^\s/:]{1,15}$/.test(name)) {
      throw fault("invalid", `Cannot create "${name}": 1 to 15 characters, no space or slash`);
    }
    addInterface(this.#node, radio, name, mode);
  }

  // deno-lint-ignore require-await
  async deleteInterface(name: string): Promise<void> {
    removeLink(this.#node, this.#node.wireless(name).link);
  }

  // deno-lint-ignore require-await
  async setMode(name: string, mode: InterfaceMode): Promise<void> {
    const { link, wireless } = this.#node.wireless(name);
    checkMode(mode);
    if (wireless.mode === mode) return;
    if (link.up) throw fault("busy", `Cannot make "${name}" ${mode}: the link is up`);
    wireless.mode = mode;
    wireless.channel = null;
    this.#node.changed(link);
  }

  // deno-lint-ignore require-await
  async setChannel(name: string, spec: ChannelSpec): Promise<void> {
    const { link, wireless, port } = this.#node.wireless(name);
    const { centerFrequencyMhz } = checkChannel(this.#node.country, spec, name);
    if (wireless.joined !== null) {
      throw fault("busy", `Cannot tune "${name}": it has joined "${wireless.joined}"`);
    }
    wireless.channel = {
      frequencyMhz: spec.frequencyMhz,
      widthMhz: spec.widthMhz,
      centerFrequencyMhz,
    };
    this.#applyPower(link, port.txPowerDbm);
  }

  // deno-lint-ignore require-await
  async setTxPower(
    radio: string,
    power: { readonly fixedDbm: number } | "auto",
  ): Promise<void> {
    const state = this.#radio(radio);
    if (power !== "auto") checkRange("the transmit power", power.fixedDbm, 0, 100);
    state.fixedPowerDbm = power === "auto" ? null : power.fixedDbm;
    for (const link of this.#node.links.values()) {
      if (link.wireless?.radio === radio) this.#applyPower(link, null);
    }
  }

  // deno-lint-ignore require-await
  async joinMesh(name: string, join: MeshJoin): Promise<void> {
    const octets = new TextEncoder().encode(join.meshId).length;
    if (octets < 1 || octets > 32) {
      throw fault("invalid", `Cannot join the mesh "${join.meshId}": its id has 1 to 32 octets`);
    }
    this.#checkJoin(name, "mesh");
    const { wireless } = this.#node.wireless(name);
    this.#join(name, `mesh:${join.meshId}`, join.meshId, join);
    wireless.parameters = { ...wireless.parameters, forwarding: join.forwarding };
  }

  // deno-lint-ignore require-await
  async leaveMesh(name: string): Promise<void> {
    this.#leave(name, "mesh");
  }

  // deno-lint-ignore require-await
  async meshParameters(name: string): Promise<MeshParameters> {
    this.#joined(name, "mesh", "read the mesh parameters of");
    return { ...this.#node.wireless(name).wireless.parameters };
  }

  // deno-lint-ignore require-await
  async setMeshParameters(name: string, change: Partial<MeshParameters>): Promise<void> {
    this.#joined(name, "mesh", "set the mesh parameters of");
    if (change.maxPeerLinks !== undefined) checkRange("maxPeerLinks", change.maxPeerLinks, 0, 255);
    if (change.ttl !== undefined) checkRange("ttl", change.ttl, 1, 255);
    if (change.rssiThresholdDbm !== undefined) {
      checkRange("rssiThresholdDbm", change.rssiThresholdDbm, -255, 0);
    }
    const { wireless } = this.#node.wireless(name);
    wireless.parameters = { ...wireless.parameters, ...change };
  }

  // deno-lint-ignore require-await
  async joinIbss(name: string, join: ChannelSpec & { readonly ssid: string }): Promise<void> {
    const octets = new TextEncoder().encode(join.ssid).length;
    if (octets < 1 || octets > 32) {
      throw fault("invalid", `Cannot join "${join.ssid}": an SSID has 1 to 32 octets`);
    }
    this.#checkJoin(name, "ibss");
    this.#join(name, `ibss:${join.ssid}`, join.ssid, join);
  }

  // deno-lint-ignore require-await
  async leaveIbss(name: string): Promise<void> {
    this.#leave(name, "ibss");
  }

  // deno-lint-ignore require-await
  async stations(name: string): Promise<readonly Station[]> {
    const { wireless, port } = this.#node.wireless(name);
    const nowMs = this.#node.world.clock.monotonicMs();
    return [...port.stations.values()].map((heard) => {
      const out = [...port.links.values()].find((link) => link.to.mac === heard.mac);
      const back = out?.to.links.get(port.id);
      const throughput = out?.throughputKbps ?? 0;
      return {
        interface: name,
        mac: heard.mac,
        signalDbm: Math.round(heard.signalDbm),
        signalAverageDbm: Math.round(heard.signalAverageDbm),
        inactiveMs: Math.max(0, Math.round(nowMs - heard.lastHeardMs)),
        connectedS: Math.floor((nowMs - heard.sinceMs) / 1000),
        rxBytes: back?.bytes ?? 0,
        txBytes: out?.bytes ?? 0,
        rxPackets: back?.packets ?? 0,
        txPackets: out?.packets ?? 0,
        txRetries: 0,
        txFailed: 0,
        rxDropped: 0,
        txBitrateKbps: out?.bitrateKbps || null,
        rxBitrateKbps: back?.bitrateKbps || null,
        expectedThroughputKbps: throughput > 0 ? throughput : null,
        authorized: true,
        peering: wireless.mode === "mesh" ? "established" : null,
      };
    });
  }

  // deno-lint-ignore require-await
  async removeStation(name: string, mac: Mac): Promise<void> {
    const { port } = this.#node.wireless(name);
    if (!port.stations.delete(mac)) {
      throw fault("not-found", `Cannot remove the station "${mac}": "${name}" has none such`);
    }
    this.#node.events.emit({ type: "station-removed", interface: name, mac });
  }

  // deno-lint-ignore require-await
  async survey(name: string): Promise<readonly Survey[]> {
    const { wireless, port } = this.#node.wireless(name);
    const rows: Survey[] = [];
    for (const band of bandsUnder(this.#node.country)) {
      for (const channel of band.channels) {
        if (channel.disabled) continue;
        const inUse = channel.frequencyMhz === wireless.channel?.frequencyMhz;
        rows.push({
          interface: name,
          frequencyMhz: channel.frequencyMhz,
          noiseDbm: inUse ? Math.round(port.noiseDbm) : null,
          inUse,
          activeMs: inUse ? Math.round(port.activeMs) : null,
          busyMs: inUse ? Math.round(port.busyMs) : null,
          receiveMs: inUse ? Math.round(port.receiveMs) : null,
          transmitMs: inUse ? Math.round(port.transmitMs) : null,
        });
      }
    }
    return rows;
  }

  async scan(
    name: string,
    options: { readonly timeoutMs: number },
  ): Promise<readonly ScanEntry[]> {
    const { link, port } = this.#node.wireless(name);
    if (!link.up) {
      throw fault("invalid", `Cannot scan with "${name}": the link is down (ENETDOWN)`);
    }
    const { clock, medium } = this.#node.world;
    if (options.timeoutMs < SCAN_MS) {
      await clock.sleep(options.timeoutMs);
      throw fault(
        "timeout",
        `Cannot scan with "${name}": it takes longer than ${options.timeoutMs} ms`,
      );
    }
    await clock.sleep(SCAN_MS);
    return medium.audible(port).map(({ port: heard, tuning, signalDbm }) => {
      const [kind, ...rest] = tuning.network.split(":");
      const network = rest.join(":");
      return {
        bssid: heard.mac,
        frequencyMhz: tuning.frequencyMhz,
        signalDbm: Math.round(signalDbm),
        ssid: kind === "mesh" ? null : network,
        meshId: kind === "mesh" ? network : null,
        lastSeenMs: 0,
        security: "open" as const,
      };
    });
  }

  // deno-lint-ignore require-await
  async regulatoryDomain(): Promise<RegulatoryDomain> {
    const domain = domainOf(this.#node.country);
    if (domain === null) {
      throw fault("not-found", "Cannot read the regulatory domain: there is none");
    }
    return domain;
  }

  // deno-lint-ignore require-await
  async setRegulatoryDomain(country: string): Promise<void> {
    if (!/^([A-Z]{2}|00)$/.test(country) || domainOf(country) === null) {
      throw fault(
        "invalid",
        `Cannot set the country "${country}": the simulation has no rules for it`,
      );
    }
    this.#node.country = country;
    for (const link of this.#node.links.values()) {
      const { wireless, port } = link;
      if (wireless === null || port === null || wireless.channel === null) continue;
      try {
        checkChannel(country, wireless.channel as ChannelSpec, link.name);
        this.#applyPower(link, null);
      } catch {
        // As cfg80211 does: what sends on a channel that became forbidden is stopped.
        wireless.joined = null;
        wireless.channel = null;
        this.#node.world.medium.tune(port, null);
        this.#node.changed(link);
      }
    }
    this.#node.events.emit({ type: "regulatory", country });
  }

  #radio(name: string): RadioState {
    const radio = this.#node.radios.get(name);
    if (radio === undefined) {
      throw fault("no-such-link", `Cannot use the radio "${name}": there is none`);
    }
    return radio;
  }

  #checkJoin(name: string, mode: "mesh" | "ibss"): void {
    const { link, wireless } = this.#node.wireless(name);
    if (wireless.mode !== mode) {
      throw fault("not-supported", `Cannot join with "${name}": its mode is ${wireless.mode}`);
    }
    if (!link.up) {
      throw fault("invalid", `Cannot join with "${name}": the link is down (ENETDOWN)`);
    }
    if (wireless.joined !== null) {
      throw fault("busy", `Cannot join with "${name}": it has joined "${wireless.joined}"`);
    }
  }

  #join(name: string, network: string, shown: string, spec: ChannelSpec): void {
    const { link, wireless, port } = this.#node.wireless(name);
    const { centerFrequencyMhz } = checkChannel(this.#node.country, spec, name);
    wireless.channel = {
      frequencyMhz: spec.frequencyMhz,
      widthMhz: spec.widthMhz,
      centerFrequencyMhz,
    };
    wireless.joined = shown;
    this.#applyPower(link, null);
    this.#node.world.medium.tune(port, { network, ...wireless.channel });
    this.#node.changed(link);
  }

  #joined(name: string, mode: "mesh" | "ibss", act: string): void {
    const { wireless } = this.#node.wireless(name);
    if (wireless.mode !== mode) {
      throw fault("not-supported", `Cannot ${act} "${name}": its mode is ${wireless.mode}`);
    }
    if (wireless.joined === null) {
      throw fault("invalid", `Cannot ${act} "${name}": it has not joined (ENOTCONN)`);
    }
  }

  #leave(name: string, mode: "mesh" | "ibss"): void {
    this.#joined(name, mode, "leave with");
    const { link, wireless, port } = this.#node.wireless(name);
    wireless.joined = null;
    wireless.channel = null;
    this.#node.world.medium.tune(port, null);
    this.#node.changed(link);
  }

  /** The power the driver uses: the fixed one, but never above what the channel allows. */
  #applyPower(link: LinkState, fallbackDbm: number | null): void {
    const { wireless, port } = link;
    if (wireless === null || port === null) return;
    const fixed = this.#node.radios.get(wireless.radio)?.fixedPowerDbm ?? null;
    const channel = bandsUnder(this.#node.country).flatMap((band) => band.channels)
      .find((one) => one.frequencyMhz === wireless.channel?.frequencyMhz);
    const limit = channel?.maxTxPowerDbm ?? 20;
    const dbm = Math.min(limit, fixed ?? fallbackDbm ?? limit);
    if (dbm !== port.txPowerDbm) this.#node.world.medium.setPower(port, dbm);
  }
}

function checkMode(mode: InterfaceMode): void {
  if (!MODES.includes(mode)) {
    throw fault("not-supported", `Cannot use the mode "${mode}": the radio has it not`);
  }
}
