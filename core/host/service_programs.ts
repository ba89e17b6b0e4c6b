// What differs between the programs that services.ts runs: how they are started, asked whether they
// serve, and what their configuration lacks. hostap 2.10; dnsmasq 2.91.
import type { ControlStatus } from "../../ffi/wpactrl/mod.ts";
import type { ServiceKind } from "../ports/mod.ts";

/** Where one service keeps its files. */
export interface ServicePlaces {
  /** Configuration, 0600. */
  readonly config: string;
  /** Directory of the control socket. */
  readonly control: string;
  /** Process id, so that one left over by a killed daemon is found. */
  readonly pid: string;
}

/** How far a program is. */
export type Readiness =
  | { readonly state: "ready" | "starting"; readonly detail: string }
  | { readonly state: "failed"; readonly detail: string };

/** One program. */
export interface Program {
  readonly command: string;
  readonly versionArgs: readonly string[];
  /** Finds the version in what the program prints. */
  readonly version: RegExp;
  args(places: ServicePlaces, link: string): string[];
  /** Lines before the given configuration. */
  preamble(places: ServicePlaces): string;
  /** Arguments that check a configuration without running; `null` where the program has none. */
  checkArgs(places: ServicePlaces): string[] | null;
  /** Asked over the control socket; `null` for a program without one. */
  readonly readiness: ((status: ControlStatus) => Readiness) | null;
  /** A line of output that says the program serves, where it has no control socket. */
  readonly readyLine: RegExp | null;
}

/** hostapd's states while it prepares: waiting for the country, for radar detection, choosing a channel. */
const PREPARING: ReadonlySet<string> = new Set([
  "COUNTRY_UPDATE",
  "ACS",
  "HT_SCAN",
  "DFS",
  "NO_IR",
]);

function hostapdReadiness(status: ControlStatus): Readiness {
  const { state, frequencyMhz, stations } = status;
  if (state === "ENABLED") {
    return { state: "ready", detail: `${frequencyMhz ?? "?"} MHz, ${stations ?? 0} clients` };
  }
  if (state === "DFS") {
    // Radar detection takes at least a minute; the program does answer.
    return { state: "ready", detail: `listening for radar on ${frequencyMhz ?? "?"} MHz` };
  }
  if (PREPARING.has(state) || state === "UNINITIALIZED") {
    return { state: "starting", detail: `state ${state}` };
  }
  return { state: "failed", detail: `state ${state === "" ? "unknown" : state}` };
}

function supplicantReadiness(status: ControlStatus): Readiness {
  const { state, mode, frequencyMhz } = status;
  if (state === "COMPLETED") {
    return { state: "ready", detail: `${mode ?? "station"} on ${frequencyMhz ?? "?"} MHz` };
  }
  if (state === "INTERFACE_DISABLED") return { state: "failed", detail: "its interface is gone" };
  return { state: "starting", detail: `state ${state === "" ? "unknown" : state}` };
}

/** The programs by kind. */
export const PROGRAMS: Readonly<Record<ServiceKind, Program>> = {
  hostapd: {
    command: "hostapd",
    versionArgs: ["-v"],
    version: /hostapd v(\S+)/,
    args: (places) => [places.config],
    preamble: (places) => `ctrl_interface=${places.control}\n`,
    checkArgs: () => null,
    readiness: hostapdReadiness,
    readyLine: null,
  },
  wpa_supplicant: {
    command: "wpa_supplicant",
    versionArgs: ["-v"],
    version: /wpa_supplicant v(\S+)/,
    args: (places, link) => ["-Dnl80211", `-i${link}`, `-c${places.config}`],
    preamble: (places) => `ctrl_interface=${places.control}\n`,
    checkArgs: () => null,
    readiness: supplicantReadiness,
    readyLine: null,
  },
  dnsmasq: {
    command: "dnsmasq",
    versionArgs: ["--version"],
    version: /Dnsmasq version (\S+)/,
    args: (places) => [
      "--keep-in-foreground",
      `--conf-file=${places.config}`,
      "--log-facility=-",
      "--pid-file=",
      `--dhcp-leasefile=${places.control}/leases`,
    ],
    preamble: () => "",
    checkArgs: (places) => ["--test", `--conf-file=${places.config}`],
    readiness: null,
    readyLine: /started, version/,
  },
};
