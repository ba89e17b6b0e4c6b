// Kernel.watch() of the real machine: rtnetlink, batman-adv and nl80211 as one stream. The two families
// come and go with their modules, so they are attached when the controller announces them.
import type { KernelEvent } from "../ports/mod.ts";
import { isLost, type OpenNetlinkOptions } from "../../ffi/netlink/mod.ts";
import { FamilyMissingError, watchFamilies } from "../../ffi/genetlink/mod.ts";
import { openRtnetlinkEvents, type RtEvent, type Rtnetlink } from "../../ffi/rtnetlink/mod.ts";
import { Batadv, type BatadvEvent } from "../../ffi/batadv/mod.ts";
import { type Nl80211Event, openNl80211 } from "../../ffi/nl80211/mod.ts";
import { toFault } from "./errors.ts";
import { EventQueue } from "./event_queue.ts";
import { viewAddress, viewLink } from "./link_view.ts";
import { MAX_REMEMBERED_LINKS } from "./limits.ts";
import { allNames } from "./names.ts";

const LOST: KernelEvent = Object.freeze({ type: "lost" });

/**
 * Starts to watch. Links and addresses count from this call on; the mesh and the radios from a moment
 * later, when their families have been looked up.
 *
 * @param rtnetlink asked for names; not owned.
 */
export function watchKernel(
  rtnetlink: Rtnetlink,
  place: OpenNetlinkOptions,
  signal: AbortSignal,
): AsyncIterable<KernelEvent> {
  const watch = new Watch(rtnetlink, place, signal);
  return { [Symbol.asyncIterator]: () => watch.read() };
}

class Watch {
  readonly #rtnetlink: Rtnetlink;
  readonly #place: OpenNetlinkOptions;
  readonly #queue = new EventQueue();
  readonly #stop = new AbortController();
  readonly #sources = new Set<Promise<void>>();
  /** Family → how to end the watching of it. */
  readonly #attached = new Map<string, AbortController>();
  /** Index → name of the links that are there. */
  readonly #names = new Map<number, string>();
  /** Names of links that went lately: their last events may come later, on another socket. */
  readonly #gone = new Map<number, string>();

  constructor(rtnetlink: Rtnetlink, place: OpenNetlinkOptions, signal: AbortSignal) {
    this.#rtnetlink = rtnetlink;
    this.#place = place;
    if (signal.aborted) this.#end();
    signal.addEventListener("abort", () => this.#end(), { once: true });
    this.#run(() => this.#watchTables());
    this.#run(() => this.#watchFamilies());
    this.#attachAll();
  }

  async *read(): AsyncGenerator<KernelEvent, void, void> {
    try {
      yield* this.#queue.read();
    } finally {
      this.#end();
      await Promise.all(this.#sources);
    }
  }

  #end(): void {
    this.#stop.abort();
    this.#queue.end();
  }

  #run(source: () => Promise<void>): void {
    const done = source().catch((error) => {
      // A kernel without the family is watched without it; it may come with a module later.
      if (!(error instanceof FamilyMissingError)) this.#queue.fail(toFault(error));
    }).finally(() => this.#sources.delete(done));
    this.#sources.add(done);
  }

  async #watchTables(): Promise<void> {
    using tables = openRtnetlinkEvents(["link", "address"], this.#place);
    await this.#readNames();
    for await (const event of tables.events(this.#stop.signal)) {
      if (isLost(event)) {
        this.#queue.push(LOST);
        await this.#readNames();
      } else this.#table(event);
    }
  }

  #attachAll(): void {
    this.#attach("batadv");
    this.#attach("nl80211");
  }

  /** Watches a family, anew if it was watched: its number and groups may have changed. */
  #attach(family: "batadv" | "nl80211"): void {
    this.#attached.get(family)?.abort();
    const own = new AbortController();
    this.#attached.set(family, own);
    const signal = AbortSignal.any([this.#stop.signal, own.signal]);
    this.#run(() => family === "batadv" ? this.#watchMesh(signal) : this.#watchRadios(signal));
  }

  async #readNames(): Promise<void> {
    this.#names.clear();
    for (const [index, name] of await allNames(this.#rtnetlink)) this.#names.set(index, name);
  }

  #table(event: RtEvent): void {
    if (event.table === "link") {
      const { link } = event;
      if (event.change === "set") this.#names.set(link.index, link.name);
      else this.#forget(link.index, link.name);
      this.#queue.push(
        event.change === "set"
          ? { type: "link", link: viewLink(link, this.#names) }
          : { type: "link-removed", name: link.name, index: link.index },
      );
    } else if (event.table === "address") {
      const view = viewAddress(event.address, this.#names);
      if (view === null) return;
      const { link, address, prefixLength } = view;
      const type = event.change === "set" ? "address" : "address-removed";
      this.#queue.push({ type, link, address, prefixLength });
    }
  }

  #forget(index: number, name: string): void {
    this.#names.delete(index);
    this.#gone.set(index, name);
    const [oldest] = this.#gone.keys();
    if (this.#gone.size > MAX_REMEMBERED_LINKS && oldest !== undefined) this.#gone.delete(oldest);
  }

  #nameOf(index: number): string | undefined {
    return this.#names.get(index) ?? this.#gone.get(index);
  }

  async #watchFamilies(): Promise<void> {
    for await (const change of watchFamilies(this.#stop.signal, this.#place)) {
      if (isLost(change)) {
        // What was lost may have been the coming of a family.
        this.#queue.push(LOST);
        this.#attachAll();
        continue;
      }
      const { name } = change.family;
      if (name !== "batadv" && name !== "nl80211") continue;
      if (change.change === "added") this.#attach(name);
      else this.#attached.get(name)?.abort();
    }
  }

  async #watchMesh(signal: AbortSignal): Promise<void> {
    using batadv = await Batadv.open(this.#place);
    using listening = batadv.events();
    for await (const event of listening.notifications(signal)) {
      if (isLost(event)) this.#queue.push(LOST);
      else this.#mesh(event);
    }
  }

  #mesh(event: BatadvEvent): void {
    switch (event.kind) {
      case "mesh":
        this.#queue.push({ type: "mesh-config", mesh: event.mesh.name });
        return;
      case "hardInterface":
        this.#queue.push({ type: "mesh-config", mesh: event.hardInterface.meshName });
        return;
      case "vlan":
        this.#queue.push({ type: "mesh-config", mesh: event.vlan.meshName });
        return;
      case "tpResult":
        return;
    }
  }

  async #watchRadios(signal: AbortSignal): Promise<void> {
    using radios = await openNl80211(this.#place);
    using listening = radios.listen();
    for await (const event of listening.events(signal)) {
      if (isLost(event)) this.#queue.push(LOST);
      else this.#radio(event);
    }
  }

  #radio(event: Nl80211Event): void {
    switch (event.type) {
      case "wiphy":
      case "wiphy-removed":
        this.#queue.push({ type: "radio", radio: event.name, present: event.type === "wiphy" });
        return;
      case "station": {
        const name = this.#nameOf(event.ifindex);
        if (name === undefined) return;
        this.#queue.push({ type: "station", interface: name, mac: event.station.mac });
        return;
      }
      case "station-removed": {
        const name = this.#nameOf(event.ifindex);
        if (name === undefined) return;
        this.#queue.push({ type: "station-removed", interface: name, mac: event.mac });
        return;
      }
      case "regulatory":
        this.#queue.push({ type: "regulatory", country: event.alpha2 ?? "00" });
        return;
      case "radar":
        if (event.event !== "detected" || event.channel === null) return;
        this.#queue.push({ type: "radar", frequencyMhz: event.channel.frequencyMhz });
        return;
      default:
        return;
    }
  }
}
