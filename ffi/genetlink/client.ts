// Families by name: look up, command, listen.
import { ERRNO } from "../sys/mod.ts";
import {
  isLost,
  KernelError,
  type Lost,
  type Netlink,
  NETLINK_GENERIC,
  type NetlinkNotifications,
  openNetlink,
  type OpenNetlinkOptions,
  openNotifications,
} from "../netlink/mod.ts";
import { decodeFamily, decodeGenl, encodeFamilyRequest, encodeGenl } from "./codec.ts";
import type { Family, GenlMessage } from "./codec.ts";
import { FamilyMissingError, GroupMissingError } from "./errors.ts";
import { CTRL_CMD, CTRL_GROUP, GENL_ID_CTRL } from "./spec.ts";

/** How a command is sent. */
export interface CommandOptions {
  /** Ask for the whole table. */
  readonly dump?: boolean;
  /** Further NLM_F_* flags. */
  readonly flags?: number;
}

/** A connection to one family. What a family's client needs; tests give it a scripted one. */
export interface Genetlink {
  readonly family: Family;
  /**
   * Sends one command; resolves with the messages that came before the acknowledgement.
   *
   * @param op name for errors, e.g. "batadv.setMesh".
   * @param attributes encoded attributes.
   * @throws {KernelError} the kernel refused; others as {@link Netlink.request}.
   */
  command(
    op: string,
    command: number,
    attributes: Uint8Array,
    options?: CommandOptions,
  ): Promise<readonly GenlMessage[]>;
  /**
   * Listens to groups on a connection of its own; they are joined when this returns.
   *
   * @throws {GroupMissingError} a group the family does not have.
   */
  listen(...groups: readonly string[]): GenlNotifications;
  close(): void;
}

/** Notifications of one family, until closed. */
export interface GenlNotifications extends Disposable {
  /** From the call of listen() on, until `signal` fires or close() is called. */
  notifications(signal?: AbortSignal): AsyncGenerator<GenlMessage | Lost, void, void>;
  close(): void;
}

/** Looks a family up; `null` when this kernel has none of that name, nor a module that brings it. */
export async function findFamily(netlink: Netlink, name: string): Promise<Family | null> {
  try {
    const op = `find netlink family "${name}"`;
    const [answer] = await netlink.request(op, GENL_ID_CTRL, encodeFamilyRequest(name));
    return answer === undefined ? null : decodeFamily(decodeGenl(answer));
  } catch (error) {
    if (error instanceof KernelError && error.errno === ERRNO.ENOENT) return null;
    throw error;
  }
}

class FamilyNotifications implements GenlNotifications {
  readonly #listening: NetlinkNotifications;
  readonly #familyId: number;

  constructor(listening: NetlinkNotifications, familyId: number) {
    this.#listening = listening;
    this.#familyId = familyId;
  }

  async *notifications(signal?: AbortSignal): AsyncGenerator<GenlMessage | Lost, void, void> {
    for await (const item of this.#listening.notifications(signal)) {
      if (isLost(item)) yield item;
      else if (item.type === this.#familyId) yield decodeGenl(item);
    }
  }

  close(): void {
    this.#listening.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** {@link Genetlink} over any request/answer connection, which it owns. */
export class GenetlinkConn implements Genetlink, Disposable {
  readonly family: Family;
  readonly #netlink: Netlink;
  readonly #openGroups: (groups: readonly number[]) => NetlinkNotifications;

  /** @param openGroups opens a listening connection that has joined the groups. */
  constructor(
    family: Family,
    netlink: Netlink,
    openGroups: (groups: readonly number[]) => NetlinkNotifications,
  ) {
    this.family = family;
    this.#netlink = netlink;
    this.#openGroups = openGroups;
  }

  async command(
    op: string,
    command: number,
    attributes: Uint8Array,
    options: CommandOptions = {},
  ): Promise<readonly GenlMessage[]> {
    const payload = encodeGenl(command, this.family.version, attributes);
    const { dump = false, flags = 0 } = options;
    const answers = dump
      ? await this.#netlink.dump(op, this.family.id, payload, flags)
      : await this.#netlink.request(op, this.family.id, payload, flags);
    return answers.map(decodeGenl);
  }

  listen(...groups: readonly string[]): GenlNotifications {
    const numbers = groups.map((name) => {
      const number = this.family.groups.get(name);
      if (number === undefined) throw new GroupMissingError(this.family.name, name);
      return number;
    });
    return new FamilyNotifications(this.#openGroups(numbers), this.family.id);
  }

  close(): void {
    this.#netlink.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a connection to family `name`.
 *
 * @throws {FamilyMissingError} this kernel has no such family; {SyscallError} no socket.
 */
export async function openGenetlink(
  name: string,
  options: OpenNetlinkOptions = {},
): Promise<GenetlinkConn> {
  const netlink = openNetlink(NETLINK_GENERIC, options);
  try {
    const family = await findFamily(netlink, name);
    if (family === null) throw new FamilyMissingError(name);
    return new GenetlinkConn(
      family,
      netlink,
      (groups) => openNotifications(NETLINK_GENERIC, groups, options),
    );
  } catch (error) {
    netlink.close();
    throw error;
  }
}

/** A family that came or went, e.g. because its module was loaded. */
export interface FamilyChange {
  readonly change: "added" | "removed";
  readonly family: Family;
}

/**
 * Families as they come and go, until `signal` fires.
 *
 * @throws {FamilyMissingError} a kernel without generic netlink.
 */
export async function* watchFamilies(
  signal: AbortSignal,
  options: OpenNetlinkOptions = {},
): AsyncGenerator<FamilyChange | Lost, void, void> {
  using controller = await openGenetlink("nlctrl", options);
  using listening = controller.listen(CTRL_GROUP);
  for await (const item of listening.notifications(signal)) {
    if (isLost(item)) yield item;
    else if (item.command === CTRL_CMD.NEWFAMILY) {
      yield { change: "added", family: decodeFamily(item) };
    } else if (item.command === CTRL_CMD.DELFAMILY) {
      yield { change: "removed", family: decodeFamily(item) };
    }
  }
}
