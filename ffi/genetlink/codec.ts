// Generic netlink messages and the controller's answers between octets and plain objects. Pure.
import {
  concat,
  decodeAttributes,
  DecodeError,
  encodeAttributes,
  type NetlinkMessage,
} from "../netlink/mod.ts";
import { CTRL, CTRL_CMD } from "./spec.ts";

const HEADER_BYTES = 4;

/** One message of a family, without the netlink and generic netlink headers. */
export interface GenlMessage {
  readonly command: number;
  readonly version: number;
  /** Attributes. */
  readonly payload: Uint8Array;
}

/** A family as the controller describes it. Its number holds until the module is unloaded. */
export interface Family {
  readonly id: number;
  readonly name: string;
  readonly version: number;
  /** Multicast group name → number. */
  readonly groups: ReadonlyMap<string, number>;
  /** Numbers of the commands the kernel has. */
  readonly commands: ReadonlySet<number>;
}

/** Writes the 4-octet header and the attributes. */
export function encodeGenl(command: number, version: number, attributes: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(command, version, 0, 0), attributes]);
}

/** Splits off the 4-octet header. @throws {DecodeError} */
export function decodeGenl(message: Pick<NetlinkMessage, "payload">): GenlMessage {
  const { payload } = message;
  const [command, version] = payload;
  if (command === undefined || version === undefined || payload.length < HEADER_BYTES) {
    throw new DecodeError("genetlink.header", 0, HEADER_BYTES, payload.length);
  }
  return { command, version, payload: payload.subarray(HEADER_BYTES) };
}

/** Attributes of a GETFAMILY request. */
export function encodeFamilyRequest(name: string): Uint8Array {
  return encodeGenl(CTRL_CMD.GETFAMILY, 1, encodeAttributes(CTRL, { familyName: name }));
}

/** Reads a NEWFAMILY or DELFAMILY message. @throws {DecodeError} */
export function decodeFamily(message: GenlMessage): Family {
  const attributes = decodeAttributes(CTRL, message.payload, "genetlink.family");
  const { familyId, familyName } = attributes;
  if (familyId === undefined || familyName === undefined) {
    throw new DecodeError("genetlink.family", 0, 1, 0);
  }
  const groups = new Map<string, number>();
  for (const { name, id } of attributes.groups ?? []) {
    if (name !== undefined && id !== undefined) groups.set(name, id);
  }
  const commands = new Set<number>();
  for (const { id } of attributes.operations ?? []) if (id !== undefined) commands.add(id);
  return { id: familyId, name: familyName, version: attributes.version ?? 0, groups, commands };
}
