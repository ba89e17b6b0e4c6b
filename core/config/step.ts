// One act on the machine: what it is, why, how to undo it. Data only; execute.ts carries it out.
import type {
  ChannelSpec,
  InterfaceMode,
  Kernel,
  LinkChange,
  LinkSpec,
  MeshJoin,
  MeshSettings,
  RouteSpec,
  Services,
  ServiceSpec,
} from "../ports/mod.ts";
import { FIREWALL_TABLE } from "./firewall.ts";
import type { PlannedStep } from "./report.ts";

type HardSettings = Parameters<Kernel["mesh"]["configureHardInterface"]>[2];

/** What is done, in the words of the ports. */
export type Action =
  | { readonly do: "create-link"; readonly spec: LinkSpec }
  | { readonly do: "delete-link"; readonly name: string }
  | { readonly do: "change-link"; readonly name: string; readonly change: LinkChange }
  | {
    readonly do: "add-address" | "remove-address";
    readonly link: string;
    readonly address: string;
    readonly prefixLength: number;
  }
  | { readonly do: "add-route" | "remove-route"; readonly route: RouteSpec }
  | {
    readonly do: "configure-mesh";
    readonly mesh: string;
    readonly settings: Partial<MeshSettings>;
  }
  | {
    readonly do: "configure-hard-interface";
    readonly mesh: string;
    readonly name: string;
    readonly settings: HardSettings;
  }
  | {
    readonly do: "configure-vlan";
    readonly mesh: string;
    readonly vlan: number;
    readonly apIsolation: boolean;
  }
  | { readonly do: "set-country"; readonly country: string }
  | {
    readonly do: "create-wireless";
    readonly radio: string;
    readonly name: string;
    readonly mode: InterfaceMode;
  }
  | { readonly do: "delete-wireless"; readonly name: string }
  | { readonly do: "set-mode"; readonly name: string; readonly mode: InterfaceMode }
  | { readonly do: "join-mesh"; readonly name: string; readonly join: MeshJoin }
  | { readonly do: "leave-mesh" | "leave-ibss"; readonly name: string }
  | {
    readonly do: "join-ibss";
    readonly name: string;
    readonly join: ChannelSpec & { readonly ssid: string };
  }
  | {
    readonly do: "set-power";
    readonly radio: string;
    readonly power: { readonly fixedDbm: number } | "auto";
  }
  | { readonly do: "write-sysctl"; readonly name: string; readonly value: string }
  | {
    readonly do: "ensure-service";
    readonly spec: ServiceSpec;
    readonly fingerprint: string;
  }
  | { readonly do: "stop-service"; readonly name: string }
  | { readonly do: "apply-firewall"; readonly text: string }
  | { readonly do: "delete-firewall" };

/** A step of a plan. */
export interface Step extends PlannedStep {
  /** In a few words, for a report: "1500". */
  readonly wanted: string;
  readonly found: string;
  readonly action: Action;
  /** What takes it back, or `null` where rolling back means applying the previous document. */
  readonly undo: Action | null;
  /** Its effect cannot be read back. */
  readonly unseen: boolean;
}

/** Tells steps that do the same from others. Holds secrets: never shown. */
export function stepId(step: Step): string {
  return JSON.stringify(step.action);
}

/** What carries actions out. */
export interface Hands {
  readonly kernel: Kernel;
  readonly services: Services;
}

/** Does one action. @throws {KernelFault} */
export async function perform(action: Action, hands: Hands): Promise<void> {
  const { links, mesh, radios, firewall, sysctl } = hands.kernel;
  switch (action.do) {
    case "create-link":
      return await links.create(action.spec);
    case "delete-link":
      return await links.delete(action.name);
    case "change-link":
      return await links.change(action.name, action.change);
    case "add-address":
      return await links.addAddress(action.link, action.address, action.prefixLength);
    case "remove-address":
      return await links.removeAddress(action.link, action.address, action.prefixLength);
    case "add-route":
      return await links.addRoute(action.route);
    case "remove-route":
      return await links.removeRoute(action.route);
    case "configure-mesh":
      return await mesh.configure(action.mesh, action.settings);
    case "configure-hard-interface":
      return await mesh.configureHardInterface(action.mesh, action.name, action.settings);
    case "configure-vlan":
      return await mesh.configureVlan(action.mesh, action.vlan, {
        apIsolation: action.apIsolation,
      });
    case "set-country":
      return await radios.setRegulatoryDomain(action.country);
    case "create-wireless":
      return await radios.createInterface(action.radio, action.name, action.mode);
    case "delete-wireless":
      return await radios.deleteInterface(action.name);
    case "set-mode":
      return await radios.setMode(action.name, action.mode);
    case "join-mesh":
      return await radios.joinMesh(action.name, action.join);
    case "leave-mesh":
      return await radios.leaveMesh(action.name);
    case "leave-ibss":
      return await radios.leaveIbss(action.name);
    case "join-ibss":
      return await radios.joinIbss(action.name, action.join);
    case "set-power":
      return await radios.setTxPower(action.radio, action.power);
    case "write-sysctl":
      return await sysctl.write(action.name, action.value);
    case "ensure-service":
      return await hands.services.ensure(action.spec);
    case "stop-service":
      return await hands.services.stop(action.name);
    case "apply-firewall":
      await firewall.apply(action.text, { check: true });
      return await firewall.apply(action.text);
    case "delete-firewall":
      return await firewall.deleteTable("inet", FIREWALL_TABLE);
  }
}
