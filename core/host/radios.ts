// The Radios port over nl80211. A setting counts as made only when the kernel reads it back.
import { ERRNO } from "../../ffi/sys/mod.ts";
import {
  type Nl80211Client,
  openNl80211,
  type WirelessInterface as RawInterface,
} from "../../ffi/nl80211/mod.ts";
import { KernelFault } from "../ports/mod.ts";
import type {
  ChannelSpec,
  Clock,
  InterfaceMode,
  MeshJoin,
  MeshParameters,
  Radios,
  WirelessInterface,
} from "../ports/mod.ts";
import { FamilyClient, type LinkNames } from "./family.ts";
import { errnoOf, explained, fault } from "./radios_fault.ts";
import { scanOnce } from "./radios_scan.ts";
import {
  rawChannel,
  rawMode,
  viewBss,
  viewDomain,
  viewInterface,
  viewRadio,
  viewStation,
  viewSurvey,
  whyNot,
} from "./radios_view.ts";

/** What {@link hostRadios} needs. */
export interface HostRadiosOptions {
  readonly clock: Clock;
  readonly names: LinkNames;
  /** A network namespace under /run/netns; the caller's own when absent. */
  readonly netns?: string;
  /**
   * Mesh id of an interface that wpa_supplicant serves; `null` when it serves none. The kernel does not
   * report mesh ids, so that one joined by another program stays unknown without this.
   */
  readonly meshIdOf?: (name: string) => Promise<string | null>;
}

/** The Radios port with an end. */
export interface HostRadios extends Radios {
  close(): Promise<void>;
}

/** Reads and changes the radios of this machine. Nothing is opened before the first call. */
export function hostRadios(options: HostRadiosOptions): HostRadios {
  const place = options.netns === undefined ? {} : { netns: options.netns };
  return new KernelRadios(options, new FamilyClient(() => openNl80211(place)));
}

/** What counts as heard in a scan although its time says a little before it. */
const SCAN_SLACK_MS = 100;

/** IEEE 802.11 time unit in ms. */
const TIME_UNIT_MS = 1.024;

/** The kernel's own default for meshes, 1000, is so long that a scan hardly ever hears one. */
const MESH_BEACON_INTERVAL_MS = 102.4;

/** Path of a radio's device below /sys/devices; `null` where sysfs shows another namespace's radios. */
async function devicePath(radio: string): Promise<string | null> {
  try {
    const path = await Deno.realPath(`/sys/class/ieee80211/${radio}/device`);
    return path.startsWith("/sys/devices/") ? path.slice("/sys/devices/".length) : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

class KernelRadios implements HostRadios {
  readonly #options: HostRadiosOptions;
  readonly #family: FamilyClient<Nl80211Client>;
  /** Mesh ids joined here, by interface index. */
  readonly #meshIds = new Map<number, string>();

  constructor(options: HostRadiosOptions, family: FamilyClient<Nl80211Client>) {
    this.#options = options;
    this.#family = family;
  }

  close(): Promise<void> {
    return this.#family.close();
  }

  list(): ReturnType<Radios["list"]> {
    return this.#run(async (client) => {
      const wiphys = await client.wiphys();
      const domains = await client.regDomains();
      return await Promise.all(
        wiphys.map(async (wiphy) => viewRadio(wiphy, domains, await devicePath(wiphy.name))),
      );
    });
  }

  interfaces(): Promise<readonly WirelessInterface[]> {
    return this.#run(async (client) => {
      const raw = await client.interfaces();
      const radios = await client.wiphyNames();
      const found = await Promise.all(raw.map(async (item) => {
        const radio = radios.get(item.wiphy) ?? `phy${item.wiphy}`;
        return viewInterface(item, radio, await this.#network(client, item));
      }));
      return found.filter((item) => item !== null).sort((a, b) => a.index - b.index);
    });
  }

  createInterface(radio: string, name: string, mode: InterfaceMode): Promise<void> {
    return this.#run(async (client) => {
      const wiphy = await this.#wiphyIndex(client, radio, `create interface "${name}" on`);
      await client.createInterface(wiphy, name, rawMode(mode));
    });
  }

  deleteInterface(name: string): Promise<void> {
    return this.#of(name, async (client, index) => {
      await client.deleteInterface(index);
      this.#meshIds.delete(index);
    });
  }

  setMode(name: string, mode: InterfaceMode): Promise<void> {
    return this.#of(name, async (client, index) => {
      const raw = rawMode(mode);
      await client.setMode(index, raw);
      const after = (await client.interface(index))?.mode;
      if (after !== raw) {
        throw new KernelFault(
          "invalid",
          `Cannot make "${name}" ${mode}: the kernel keeps ${after}`,
        );
      }
    });
  }

  setChannel(name: string, channel: ChannelSpec): Promise<void> {
    return this.#placing(
      name,
      "set the channel of",
      channel,
      (client, ifindex) => client.setChannel({ ifindex }, rawChannel(channel)),
    );
  }

  setTxPower(...[radio, power]: Parameters<Radios["setTxPower"]>): Promise<void> {
    return this.#run(async (client) => {
      const wiphy = await this.#wiphyIndex(client, radio, "set the transmit power of");
      await client.setTxPower(
        { wiphy },
        power === "auto"
          ? { setting: "auto" }
          : { setting: "fixed", mbm: Math.round(power.fixedDbm * 100) },
      );
    });
  }

  joinMesh(name: string, join: MeshJoin): Promise<void> {
    return this.#placing(name, "join the mesh with", join, async (client, index) => {
      const { beaconIntervalMs = MESH_BEACON_INTERVAL_MS, multicastRateKbps } = join;
      await client.joinMesh(index, {
        meshId: join.meshId,
        channel: rawChannel(join),
        beaconIntervalTu: Math.round(beaconIntervalMs / TIME_UNIT_MS),
        ...(multicastRateKbps === undefined ? {} : { multicastRateKbps }),
        config: { forwarding: join.forwarding ? 1 : 0 },
      });
      this.#meshIds.set(index, join.meshId);
      const kept = (await client.meshConfig(index)).forwarding;
      if (kept !== (join.forwarding ? 1 : 0)) {
        await client.setMeshConfig(index, { forwarding: join.forwarding ? 1 : 0 });
      }
    });
  }

  leaveMesh(name: string): Promise<void> {
    return this.#of(name, async (client, index) => {
      await client.leaveMesh(index);
      this.#meshIds.delete(index);
    });
  }

  meshParameters(name: string): Promise<MeshParameters> {
    return this.#of(name, async (client, index) => {
      const config = await client.meshConfig(index);
      return {
        forwarding: config.forwarding === 1,
        maxPeerLinks: config.maxPeerLinks ?? 0,
        rssiThresholdDbm: config.rssiThresholdDbm ?? 0,
        ttl: config.ttl ?? 0,
      };
    });
  }

  async setMeshParameters(name: string, change: Partial<MeshParameters>): Promise<void> {
    const { forwarding, ...same } = change;
    await this.#of(
      name,
      (client, index) =>
        client.setMeshConfig(index, {
          ...same,
          ...(forwarding === undefined ? {} : { forwarding: forwarding ? 1 : 0 }),
        }),
    );
    const after = await this.meshParameters(name);
    for (const [key, wanted] of Object.entries(change)) {
      const kept = after[key as keyof MeshParameters];
      if (wanted !== undefined && kept !== wanted) {
        throw new KernelFault(
          "invalid",
          `Cannot set "${key}" of "${name}" to ${wanted}: the kernel keeps ${kept}`,
        );
      }
    }
  }

  joinIbss(...[name, join]: Parameters<Radios["joinIbss"]>): Promise<void> {
    return this.#placing(
      name,
      "join the IBSS with",
      join,
      (client, index) =>
        client.joinIbss(index, {
          ssid: join.ssid,
          channel: rawChannel(join),
          fixedFrequency: true,
        }),
    );
  }

  leaveIbss(name: string): Promise<void> {
    return this.#of(name, (client, index) => client.leaveIbss(index));
  }

  stations(name: string): ReturnType<Radios["stations"]> {
    return this.#of(
      name,
      async (client, index) =>
        (await client.stations(index)).map((station) => viewStation(station, name)),
    );
  }

  removeStation(name: string, mac: string): Promise<void> {
    return this.#of(name, (client, index) => client.removeStation(index, mac));
  }

  survey(name: string): ReturnType<Radios["survey"]> {
    return this.#of(
      name,
      async (client, index) =>
        (await client.survey(index)).map((survey) => viewSurvey(survey, name)),
    );
  }

  scan(...[name, options]: Parameters<Radios["scan"]>): ReturnType<Radios["scan"]> {
    return this.#of(name, async (client, index) => {
      const startedMs = this.#options.clock.monotonicMs();
      await scanOnce(client, this.#options.clock, { name, index, timeoutMs: options.timeoutMs });
      const elapsedMs = this.#options.clock.monotonicMs() - startedMs + SCAN_SLACK_MS;
      const found = await client.scanResults(index);
      return found.map(viewBss).filter((entry) => entry.lastSeenMs <= elapsedMs);
    });
  }

  regulatoryDomain(): ReturnType<Radios["regulatoryDomain"]> {
    return this.#run(async (client) => {
      const domain = (await client.regDomains()).find(({ wiphy }) => wiphy === null);
      if (domain === undefined) {
        throw new KernelFault("not-found", "Cannot read the regulatory domain: there is none");
      }
      return viewDomain(domain);
    });
  }

  setRegulatoryDomain(country: string): Promise<void> {
    return this.#run((client) => client.requestRegDomain(country));
  }

  /**
   * The network an interface is in, where the kernel does not tell with the interface: a mesh, or one that
   * wpa_supplicant associated with by itself.
   */
  async #network(client: Nl80211Client, raw: RawInterface): Promise<string | null> {
    if (raw.ssid !== null || raw.channel === null || raw.ifindex === null) return raw.ssid;
    if (raw.mode === "mesh") return await this.#meshId(raw.ifindex, raw.name);
    if (raw.mode !== "station") return null;
    const heard = await client.scanResults(raw.ifindex);
    return heard.find((bss) => bss.status === "associated")?.ssid ?? null;
  }

  async #meshId(index: number | null, name: string | null): Promise<string | null> {
    if (index === null || name === null) return null;
    const served = await this.#options.meshIdOf?.(name) ?? null;
    return served ?? this.#meshIds.get(index) ?? null;
  }

  async #wiphyIndex(client: Nl80211Client, radio: string, act: string): Promise<number> {
    for (const [index, name] of await client.wiphyNames()) if (name === radio) return index;
    throw new KernelFault("no-such-link", `Cannot ${act} radio "${radio}": there is no such radio`);
  }

  /** Runs what needs a channel; a refusal is explained by the radio's own channel table. */
  #placing(
    name: string,
    act: string,
    channel: ChannelSpec,
    action: (client: Nl80211Client, index: number) => Promise<void>,
  ): Promise<void> {
    return this.#of(name, async (client, index) => {
      try {
        await action(client, index);
      } catch (thrown) {
        if (errnoOf(thrown) !== ERRNO.EINVAL && errnoOf(thrown) !== ERRNO.EPERM) {
          throw explained(thrown, name, act);
        }
        const reason = await this.#whyNot(client, index, channel);
        if (reason === null) throw fault(thrown);
        const { frequencyMhz, widthMhz } = channel;
        throw new KernelFault(
          "invalid",
          `Cannot ${act} "${name}" on ${frequencyMhz} MHz (${widthMhz} MHz wide): ${reason}`,
          { cause: thrown },
        );
      }
    });
  }

  async #whyNot(
    client: Nl80211Client,
    index: number,
    channel: ChannelSpec,
  ): Promise<string | null> {
    const wiphy = (await client.interface(index))?.wiphy;
    const radio = (await client.wiphys()).find((item) => item.index === wiphy);
    if (radio === undefined) return null;
    const domains = await client.regDomains();
    const domain = domains.find((item) => item.wiphy === wiphy) ?? domains[0];
    return whyNot(radio, channel, domain?.alpha2 ?? "00");
  }

  async #run<T>(action: (client: Nl80211Client) => Promise<T>): Promise<T> {
    try {
      return await this.#family.use(action);
    } catch (thrown) {
      throw fault(thrown);
    }
  }

  #of<T>(name: string, action: (client: Nl80211Client, index: number) => Promise<T>): Promise<T> {
    return this.#run(async (client) => {
      const index = await this.#options.names.indexOf(name);
      try {
        return await action(client, index);
      } catch (thrown) {
        throw explained(thrown, name, "use");
      }
    });
  }
}
