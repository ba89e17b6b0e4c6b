// Notifications of the routing tables as typed events.
import {
  isLost,
  type Lost,
  NETLINK_ROUTE,
  type NetlinkMessage,
  NetlinkNotifications,
  type OpenNetlinkOptions,
  openNotifications,
} from "../netlink/mod.ts";
import { type AddressMessage, decodeAddress } from "./address.ts";
import { decodeLink, type LinkMessage } from "./link.ts";
import { decodeNeighbour, type NeighbourMessage } from "./neighbour.ts";
import { decodeRoute, type RouteMessage } from "./route.ts";
import { decodeRule, type RuleMessage } from "./rule.ts";
import { AF, RTM, RTNLGRP } from "./spec.ts";

/** A change of a table. "set" is new or changed. */
export type RtEvent =
  | { readonly table: "link"; readonly change: "set" | "removed"; readonly link: LinkMessage }
  | {
    readonly table: "address";
    readonly change: "set" | "removed";
    readonly address: AddressMessage;
  }
  | { readonly table: "route"; readonly change: "set" | "removed"; readonly route: RouteMessage }
  | {
    readonly table: "neighbour";
    readonly change: "set" | "removed";
    readonly neighbour: NeighbourMessage;
  }
  | { readonly table: "rule"; readonly change: "set" | "removed"; readonly rule: RuleMessage };

/** Tables one can listen to. */
export type RtTable = RtEvent["table"];

const GROUPS: { readonly [T in RtTable]: readonly number[] } = {
  link: [RTNLGRP.LINK],
  address: [RTNLGRP.IPV4_IFADDR, RTNLGRP.IPV6_IFADDR],
  route: [RTNLGRP.IPV4_ROUTE, RTNLGRP.IPV6_ROUTE],
  neighbour: [RTNLGRP.NEIGH],
  rule: [RTNLGRP.IPV4_RULE, RTNLGRP.IPV6_RULE],
};

/** Reads a notification; `null` for one that is of no table here. @throws {DecodeError} */
export function decodeEvent(message: NetlinkMessage): RtEvent | null {
  const { type, payload } = message;
  const change = type % 4 === 0 ? "set" : "removed";
  switch (type) {
    case RTM.NEWLINK:
    case RTM.DELLINK: {
      const link = decodeLink(payload);
      // A bridge's view of its port: its "removal" means that the port left the bridge.
      return link.family === AF.UNSPEC ? { table: "link", change, link } : null;
    }
    case RTM.NEWADDR:
    case RTM.DELADDR: {
      const address = decodeAddress(payload);
      return address === null ? null : { table: "address", change, address };
    }
    case RTM.NEWROUTE:
    case RTM.DELROUTE: {
      const route = decodeRoute(payload);
      return route === null ? null : { table: "route", change, route };
    }
    case RTM.NEWNEIGH:
    case RTM.DELNEIGH: {
      const neighbour = decodeNeighbour(payload);
      return neighbour === null ? null : { table: "neighbour", change, neighbour };
    }
    case RTM.NEWRULE:
    case RTM.DELRULE: {
      const rule = decodeRule(payload);
      return rule === null ? null : { table: "rule", change, rule };
    }
    default:
      return null;
  }
}

/** Listens to tables; groups are joined when the constructor's caller has it. Owns its connection. */
export class RtnetlinkEvents implements Disposable {
  readonly #listening: NetlinkNotifications;

  constructor(listening: NetlinkNotifications) {
    this.#listening = listening;
  }

  /** Events from the opening on, until `signal` fires or close() is called. */
  async *events(signal?: AbortSignal): AsyncGenerator<RtEvent | Lost, void, void> {
    for await (const item of this.#listening.notifications(signal)) {
      if (isLost(item)) {
        yield item;
        continue;
      }
      const event = decodeEvent(item);
      if (event !== null) yield event;
    }
  }

  /** Ends the iteration. */
  close(): void {
    this.#listening.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Starts to listen to `tables` of a network namespace. @throws {SyscallError} */
export function openRtnetlinkEvents(
  tables: readonly RtTable[],
  options: OpenNetlinkOptions = {},
): RtnetlinkEvents {
  const groups = tables.flatMap((table) => GROUPS[table]);
  return new RtnetlinkEvents(openNotifications(NETLINK_ROUTE, groups, options));
}
