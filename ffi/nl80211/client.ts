// The nl80211 family as calls: joins the codecs and a connection. Holds no state of its own.
// Deliberately absent: keys, authentication and access points, which wpa_supplicant and hostapd do.
import { encodeAttributes, isLost, type Lost, type OpenNetlinkOptions } from "../netlink/mod.ts";
import { type Genetlink, type GenlNotifications, openGenetlink } from "../genetlink/mod.ts";
import type { Channel } from "./channel.ts";
import { decodeEvent, type Nl80211Event } from "./codec_event.ts";
import {
  decodeInterface,
  encodeChannelSwitch,
  encodeNewInterface,
  encodeSetChannel,
  encodeSetMode,
  encodeSetTxPower,
  type TxPower,
  type WirelessInterface,
} from "./codec_interface.ts";
import {
  decodeMeshConfig,
  encodeJoinIbss,
  encodeJoinMesh,
  encodeSetMeshConfig,
  type IbssJoin,
  type MeshConfig,
  type MeshJoin,
} from "./codec_mesh.ts";
import { decodeRegDomain, encodeSetRegDomain, type RegDomain } from "./codec_regulatory.ts";
import { type Bss, decodeBss, encodeTriggerScan, type ScanRequest } from "./codec_scan.ts";
import { decodeStation, type Station } from "./codec_station.ts";
import { decodeSurvey, type Survey } from "./codec_survey.ts";
import { decodeWiphyName, decodeWiphyPart, mergeWiphys, type Wiphy } from "./codec_wiphy.ts";
import type { InterfaceMode } from "./names.ts";
import { attributeTable, COMMAND, NL80211_FAMILY, NL80211_GROUPS } from "./spec.ts";

type Values = Parameters<typeof encodeAttributes<typeof attributeTable>>[1];

const encode = (values: Values): Uint8Array => encodeAttributes(attributeTable, values);

/** A radio or one of its interfaces. */
export type Target = { readonly wiphy: number } | { readonly ifindex: number };

/** Typed notifications, until closed. */
export interface Nl80211Events extends Disposable {
  /** Events from the call of listen() on, until `signal` fires or close() is called. */
  events(signal?: AbortSignal): AsyncGenerator<Nl80211Event | Lost, void, void>;
  close(): void;
}

class Events implements Nl80211Events {
  readonly #listening: GenlNotifications;

  constructor(listening: GenlNotifications) {
    this.#listening = listening;
  }

  async *events(signal?: AbortSignal): AsyncGenerator<Nl80211Event | Lost, void, void> {
    for await (const item of this.#listening.notifications(signal)) {
      if (isLost(item)) yield item;
      else {
        const event = decodeEvent(item.command, item.payload);
        if (event !== null) yield event;
      }
    }
  }

  close(): void {
    this.#listening.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** All calls reject with KernelError (the kernel refused) or DecodeError. */
export class Nl80211Client implements Disposable {
  readonly #genl: Genetlink;

  /** Takes ownership of the connection. */
  constructor(genl: Genetlink) {
    this.#genl = genl;
  }

  /** Every radio of this namespace. */
  async wiphys(): Promise<Wiphy[]> {
    const parts = await this.#dump("list radios", COMMAND.getWiphy, { splitWiphyDump: true });
    return mergeWiphys(parts.map(decodeWiphyPart));
  }

  /** Names of radios by index: a short question, where {@link wiphys} is a long one. */
  async wiphyNames(): Promise<Map<number, string>> {
    const parts = await this.#dump("list radios", COMMAND.getWiphy, {});
    return new Map(parts.map(decodeWiphyName));
  }

  /** Sets the channel of a radio's monitor, or of an interface before it joins. */
  async setChannel(target: Target, channel: Channel): Promise<void> {
    await this.#send("set channel", COMMAND.setWiphy, encodeSetChannel(target, channel));
  }

  async setTxPower(target: Target, power: TxPower): Promise<void> {
    await this.#send("set transmit power", COMMAND.setWiphy, encodeSetTxPower(target, power));
  }

  /** Moves a radio with its interfaces to the namespace that `netnsFd` is open on. */
  async moveWiphy(wiphy: number, netnsFd: number): Promise<void> {
    await this.#send("move radio", COMMAND.setWiphyNetns, encode({ wiphy, netnsFd }));
  }

  async interfaces(): Promise<WirelessInterface[]> {
    return (await this.#dump("list interfaces", COMMAND.getInterface, {})).map(decodeInterface);
  }

  async interface(ifindex: number): Promise<WirelessInterface | null> {
    const answers = await this.#ask("get interface", COMMAND.getInterface, { ifindex });
    return answers[0] === undefined ? null : decodeInterface(answers[0]);
  }

  /** Creates an interface, link down. */
  async createInterface(
    wiphy: number,
    name: string,
    mode: InterfaceMode,
    options: { readonly fourAddress?: boolean; readonly mac?: string } = {},
  ): Promise<void> {
    const request = encodeNewInterface(wiphy, name, mode, options);
    await this.#send("create interface", COMMAND.newInterface, request);
  }

  async deleteInterface(ifindex: number): Promise<void> {
    await this.#send("delete interface", COMMAND.delInterface, encode({ ifindex }));
  }

  /** Changes what an interface is for. Its link must be down. */
  async setMode(ifindex: number, mode: InterfaceMode): Promise<void> {
    await this.#send("set interface mode", COMMAND.setInterface, encodeSetMode(ifindex, mode));
  }

  /** Moves a mesh or IBSS with its members to another channel. */
  async switchChannel(
    ifindex: number,
    channel: Channel,
    options: { readonly count: number; readonly blockTraffic?: boolean },
  ): Promise<void> {
    const request = encodeChannelSwitch(ifindex, channel, options);
    await this.#send("switch channel", COMMAND.channelSwitch, request);
  }

  async joinMesh(ifindex: number, join: MeshJoin): Promise<void> {
    await this.#send("join mesh", COMMAND.joinMesh, encodeJoinMesh(ifindex, join));
  }

  async leaveMesh(ifindex: number): Promise<void> {
    await this.#send("leave mesh", COMMAND.leaveMesh, encode({ ifindex }));
  }

  async meshConfig(ifindex: number): Promise<MeshConfig> {
    const answers = await this.#ask("get mesh config", COMMAND.getMeshConfig, { ifindex });
    return decodeMeshConfig(answers[0] ?? new Uint8Array(0));
  }

  /** Changes the given parameters only. */
  async setMeshConfig(ifindex: number, config: MeshConfig): Promise<void> {
    const request = encodeSetMeshConfig(ifindex, config);
    await this.#send("set mesh config", COMMAND.setMeshConfig, request);
  }

  async joinIbss(ifindex: number, join: IbssJoin): Promise<void> {
    await this.#send("join IBSS", COMMAND.joinIbss, encodeJoinIbss(ifindex, join));
  }

  async leaveIbss(ifindex: number): Promise<void> {
    await this.#send("leave IBSS", COMMAND.leaveIbss, encode({ ifindex }));
  }

  async stations(ifindex: number): Promise<Station[]> {
    return (await this.#dump("list stations", COMMAND.getStation, { ifindex })).map(decodeStation);
  }

  async removeStation(ifindex: number, mac: string): Promise<void> {
    await this.#send("remove station", COMMAND.delStation, encode({ ifindex, mac }));
  }

  async survey(ifindex: number): Promise<Survey[]> {
    const answers = await this.#dump("read survey", COMMAND.getSurvey, { ifindex });
    return answers.map(decodeSurvey).filter((survey) => survey !== null);
  }

  /** Starts a scan; its end is the event "scan-done" or "scan-aborted". */
  async triggerScan(ifindex: number, request: ScanRequest = {}): Promise<void> {
    await this.#send("scan", COMMAND.triggerScan, encodeTriggerScan(ifindex, request));
  }

  async abortScan(ifindex: number): Promise<void> {
    await this.#send("abort scan", COMMAND.abortScan, encode({ ifindex }));
  }

  /** Networks heard lately, by this scan or an earlier one. */
  async scanResults(ifindex: number): Promise<Bss[]> {
    return (await this.#dump("read scan", COMMAND.getScan, { ifindex })).map(decodeBss);
  }

  /** The global regulatory domain first, then those of radios that have their own. */
  async regDomains(): Promise<RegDomain[]> {
    return (await this.#dump("get regulatory domain", COMMAND.getReg, {})).map(decodeRegDomain);
  }

  /** Asks for a country's rules; they are in force when the event "regulatory" comes. */
  async requestRegDomain(alpha2: string): Promise<void> {
    const request = encodeSetRegDomain(alpha2);
    await this.#send("set regulatory domain", COMMAND.reqSetReg, request);
  }

  /** Listens to the given groups, all four by default, on a connection of its own. */
  listen(...groups: readonly (keyof typeof NL80211_GROUPS)[]): Nl80211Events {
    const wanted = groups.length === 0 ? Object.values(NL80211_GROUPS) : groups;
    return new Events(this.#genl.listen(...wanted));
  }

  close(): void {
    this.#genl.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #send(op: string, command: number, attributes: Uint8Array): Promise<void> {
    await this.#genl.command(op, command, attributes);
  }

  async #ask(op: string, command: number, values: Values): Promise<Uint8Array[]> {
    const answers = await this.#genl.command(op, command, encode(values));
    return answers.map((answer) => answer.payload);
  }

  async #dump(op: string, command: number, values: Values): Promise<Uint8Array[]> {
    const answers = await this.#genl.command(op, command, encode(values), { dump: true });
    return answers.map((answer) => answer.payload);
  }
}

/**
 * Opens nl80211 in this namespace or a named one.
 *
 * @throws {FamilyMissingError} this kernel has no cfg80211; {SyscallError} no socket.
 */
export async function openNl80211(options: OpenNetlinkOptions = {}): Promise<Nl80211Client> {
  return new Nl80211Client(await openGenetlink(NL80211_FAMILY, options));
}
