// The protocol between a medium's server and an attached daemon, version 1.
//
//   daemon → server  hello {version, node} · call {id, target, args} · cancel {id}
//   server → daemon  welcome {version, node, description} · refused {code, message}
//                    result {id, value} · item {id, value} · end {id} · error {id, code, message, retryable}
//
// A call names a method of the Kernel port ("links.list") or of the simulation ("simulation.cut").
// Methods that yield many values answer with items and an end. An abort signal among a method's
// arguments stays with the daemon and becomes a cancel.
import { KernelFault, type KernelFaultCode } from "../../ports/mod.ts";
import type { Firewall, Links, Mesh, Radios, Sysctl, Wireguard } from "../../ports/mod.ts";
import type { Simulation } from "../simulation.ts";

export const PROTOCOL_VERSION = 1;

/** Methods of each section of the Kernel port that answer once. */
export const CALLS = {
  links: [
    ...["list", "get", "create", "change", "delete"] as const,
    ...["addresses", "addAddress", "removeAddress", "routes", "addRoute", "removeRoute"] as const,
    ...["ipNeighbours", "rules", "addRule", "removeRule"] as const,
  ],
  mesh: [
    ...["algorithms", "info", "configure", "hardInterfaces", "configureHardInterface"] as const,
    ...["vlan", "configureVlan", "originators", "neighbours", "gateways", "localClients"] as const,
    ...["globalClients", "claims", "backbones", "datCache", "multicastFlags"] as const,
    ...["ping", "throughput", "translate"] as const,
  ],
  radios: [
    ...["list", "interfaces", "createInterface", "deleteInterface", "setMode"] as const,
    ...["setChannel", "setTxPower", "joinMesh", "leaveMesh", "meshParameters"] as const,
    ...["setMeshParameters", "joinIbss", "leaveIbss", "stations", "removeStation"] as const,
    ...["survey", "scan", "regulatoryDomain", "setRegulatoryDomain"] as const,
  ],
  wireguard: ["device", "configure"],
  firewall: ["available", "apply", "table", "deleteTable", "addElements", "removeElements"],
  sysctl: ["read", "write"],
  kernel: ["capabilities"],
  simulation: [
    ...["cut", "heal", "setLoss", "move", "addClient", "removeClient"] as const,
    ...["failNode", "restartNode", "unplugRadio"] as const,
  ],
} as const;

/** Methods that yield values until they end. */
export const STREAMS = ["mesh.traceroute", "kernel.watch"] as const;

/** What an attached daemon may do to the medium itself. */
export type MediumControl = {
  readonly [Name in typeof CALLS.simulation[number]]: (
    ...args: Parameters<Simulation[Name]>
  ) => Promise<void>;
};

type Missing<Port, Names> = Exclude<keyof Port, Names>;
/** Fails to compile when a port has a method that no daemon could call. */
export type Complete = [
  Missing<Links, typeof CALLS.links[number]>,
  Missing<Mesh, typeof CALLS.mesh[number] | "traceroute">,
  Missing<Radios, typeof CALLS.radios[number]>,
  Missing<Wireguard, typeof CALLS.wireguard[number]>,
  Missing<Firewall, typeof CALLS.firewall[number]>,
  Missing<Sysctl, typeof CALLS.sysctl[number]>,
] extends never[] ? true : never;
export const COMPLETE: Complete = true;

export type ToServer =
  | { readonly type: "hello"; readonly version: number; readonly node: number }
  | {
    readonly type: "call";
    readonly id: number;
    readonly target: string;
    readonly args: readonly unknown[];
  }
  | { readonly type: "cancel"; readonly id: number };

export type ToDaemon =
  | {
    readonly type: "welcome";
    readonly version: number;
    readonly node: number;
    readonly description: string;
  }
  | { readonly type: "refused"; readonly code: KernelFaultCode; readonly message: string }
  | { readonly type: "result"; readonly id: number; readonly value: unknown }
  | { readonly type: "item"; readonly id: number; readonly value: unknown }
  | { readonly type: "end"; readonly id: number }
  | {
    readonly type: "error";
    readonly id: number;
    readonly code: KernelFaultCode;
    readonly message: string;
    readonly retryable: boolean;
  };

const CODES: readonly KernelFaultCode[] = [
  ...["not-permitted", "not-supported", "no-such-link", "not-found", "exists", "busy"] as const,
  ...["invalid", "unreachable", "timeout", "cancelled", "unexpected"] as const,
];

function refuse(what: string): KernelFault {
  return new KernelFault("unexpected", `Cannot read a message of the shared medium: ${what}`);
}

function fields(message: unknown): Record<string, unknown> {
  if (typeof message !== "object" || message === null || Array.isArray(message)) {
    throw refuse("it is no object");
  }
  return message as Record<string, unknown>;
}

function number(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw refuse(`"${name}" is no number`);
}

function text(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw refuse(`"${name}" is no text`);
}

function code(value: unknown): KernelFaultCode {
  const found = CODES.find((known) => known === value);
  if (found === undefined) throw refuse('"code" is no error code');
  return found;
}

/** Checks a message from a daemon. @throws {KernelFault} */
export function readToServer(message: unknown): ToServer {
  const { type, ...rest } = fields(message);
  if (type === "hello") {
    return { type, version: number(rest.version, "version"), node: number(rest.node, "node") };
  }
  if (type === "cancel") return { type, id: number(rest.id, "id") };
  if (type === "call") {
    if (!Array.isArray(rest.args)) throw refuse('"args" is no list');
    return {
      type,
      id: number(rest.id, "id"),
      target: text(rest.target, "target"),
      args: rest.args,
    };
  }
  throw refuse("its type is unknown");
}

/** Checks a message from the server. @throws {KernelFault} */
export function readToDaemon(message: unknown): ToDaemon {
  const { type, ...rest } = fields(message);
  switch (type) {
    case "welcome":
      return {
        type,
        version: number(rest.version, "version"),
        node: number(rest.node, "node"),
        description: text(rest.description, "description"),
      };
    case "refused":
      return { type, code: code(rest.code), message: text(rest.message, "message") };
    case "result":
    case "item":
      return { type, id: number(rest.id, "id"), value: rest.value };
    case "end":
      return { type, id: number(rest.id, "id") };
    case "error":
      return {
        type,
        id: number(rest.id, "id"),
        code: code(rest.code),
        message: text(rest.message, "message"),
        retryable: rest.retryable === true,
      };
    default:
      throw refuse("its type is unknown");
  }
}
