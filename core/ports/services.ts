// Long-running programs beside the daemon that the kernel leaves work to: hostapd (client AP),
// wpa_supplicant (SAE mesh), dnsmasq (DHCP, DNS, router advertisement).

/** A program the node can run beside itself. */
export type ServiceKind = "hostapd" | "wpa_supplicant" | "dnsmasq";

/** A service to run. */
export interface ServiceSpec {
  /** Unique on this node, e.g. "hostapd-wlan0". */
  readonly name: string;
  readonly kind: ServiceKind;
  /** Configuration file content in the program's own format. May hold secrets: kept 0600, never logged. */
  readonly config: string;
  /** Interface it serves, for its control socket. */
  readonly interface: string;
}

/** How a service does. */
export interface ServiceStatus {
  readonly name: string;
  readonly kind: ServiceKind;
  readonly state: "running" | "starting" | "failed" | "stopped";
  /** What a person needs to know: why it failed, what it said last. */
  readonly detail: string;
  readonly restarts: number;
}

/** Why a service could not be run. Carried by KernelFault codes: "not-supported" when not installed. */
export interface Services {
  /** Whether the program is installed, with its version or the reason. */
  installed(kind: ServiceKind): Promise<{ readonly ok: boolean; readonly detail: string }>;
  /** Starts it, or restarts it when its configuration changed; resolves when it answers. */
  ensure(spec: ServiceSpec): Promise<void>;
  stop(name: string): Promise<void>;
  status(): Promise<readonly ServiceStatus[]>;
  /** Stops all. */
  close(): Promise<void>;
}
