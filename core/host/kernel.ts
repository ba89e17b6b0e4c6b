// The Kernel port of this machine: Linux over netlink, in one network namespace.
import {
  type Capability,
  type Clock,
  type Kernel,
  type KernelEvent,
  KernelFault,
  type KernelInfo,
  type Links,
  type Random,
  type Sysctl,
} from "../ports/mod.ts";
import { openRtnetlink, type Rtnetlink } from "../../ffi/rtnetlink/mod.ts";
import { hostCapabilities } from "./capabilities.ts";
import { hostClock } from "./clock.ts";
import { toFault } from "./errors.ts";
import { type HostFirewall, hostFirewall } from "./firewall.ts";
import { hostLinks } from "./links.ts";
import { type HostMesh, hostMesh } from "./mesh.ts";
import { rtnetlinkNames } from "./names.ts";
import { type HostRadios, hostRadios } from "./radios.ts";
import { hostRandom } from "./random.ts";
import { hostSysctl } from "./sysctl.ts";
import { watchKernel } from "./watch.ts";
import { type HostWireguard, hostWireguard } from "./wireguard.ts";

/** Which kernel to open. */
export interface HostKernelOptions {
  /** A network namespace under /run/netns; the process' own when absent. */
  readonly netns?: string;
  /** Default the machine's. */
  readonly clock?: Clock;
  /** Default the machine's. */
  readonly random?: Random;
  /** Mesh id of a link that wpa_supplicant serves (HostServices); the kernel does not report it. */
  readonly meshIdOf?: (name: string) => Promise<string | null>;
}

/**
 * Opens the kernel of a network namespace. Families and libraries are opened at their first use, so a
 * machine without batman-adv, radios or WireGuard opens all the same.
 *
 * @throws {KernelFault} "not-found" when there is no such namespace; "not-permitted" without privileges
 * to enter it; "not-supported" where there is no Linux.
 */
export function openHostKernel(options: HostKernelOptions = {}): Promise<Kernel> {
  if (Deno.build.os !== "linux") {
    const message = `Cannot open the kernel of "${Deno.build.os}": only Linux has it`;
    return Promise.reject(new KernelFault("not-supported", message));
  }
  try {
    const place = options.netns === undefined ? {} : { netns: options.netns };
    return Promise.resolve(new HostKernel(options, openRtnetlink(place)));
  } catch (error) {
    return Promise.reject(toFault(error));
  }
}

class HostKernel implements Kernel {
  readonly info: KernelInfo;
  readonly links: Links;
  readonly mesh: HostMesh;
  readonly radios: HostRadios;
  readonly wireguard: HostWireguard;
  readonly firewall: HostFirewall;
  readonly sysctl: Sysctl;
  readonly #rtnetlink: Rtnetlink;
  readonly #place: { readonly netns?: string };
  readonly #closing = new AbortController();

  constructor(options: HostKernelOptions, rtnetlink: Rtnetlink) {
    const { netns, clock = hostClock(), random = hostRandom() } = options;
    const place = netns === undefined ? {} : { netns };
    const names = rtnetlinkNames(rtnetlink);
    const inside = netns === undefined ? "" : `, network namespace ${netns}`;
    this.info = {
      kind: "linux",
      description: `Linux ${Deno.osRelease()} ${Deno.build.arch}${inside}`,
    };
    this.links = hostLinks(rtnetlink);
    this.mesh = hostMesh({ clock, random, names, ...place });
    const { meshIdOf } = options;
    this.radios = hostRadios({
      clock,
      names,
      ...place,
      ...(meshIdOf === undefined ? {} : { meshIdOf }),
    });
    this.wireguard = hostWireguard({ names, ...place });
    this.firewall = hostFirewall(place);
    this.sysctl = hostSysctl(netns);
    this.#rtnetlink = rtnetlink;
    this.#place = place;
  }

  capabilities(): Promise<readonly Capability[]> {
    return hostCapabilities(this.firewall, this.#place);
  }

  watch(signal: AbortSignal): AsyncIterable<KernelEvent> {
    const both = AbortSignal.any([signal, this.#closing.signal]);
    return watchKernel(this.#rtnetlink, this.#place, both);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.mesh.close(), this.radios.close(), this.wireguard.close()]);
    this.firewall.close();
    this.#rtnetlink.close();
  }
}
