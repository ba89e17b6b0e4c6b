// WireGuard devices: joins the codec and a generic netlink connection. Making the interface itself is
// rtnetlink's business.
import { type Genetlink, openGenetlink } from "../genetlink/mod.ts";
import type { OpenNetlinkOptions } from "../netlink/mod.ts";
import { decodeDevice } from "./decode.ts";
import type { Device, DeviceChange } from "./device.ts";
import { encodeDeviceChange, encodeDeviceQuery } from "./encode.ts";
import { COMMANDS, FAMILY } from "./spec.ts";

/** WireGuard of one network namespace. Methods reject with KernelError, NetlinkTimeout or DecodeError. */
export class Wireguard implements Disposable {
  readonly #genl: Genetlink;

  /** Takes ownership of `genl`. */
  constructor(genl: Genetlink) {
    this.#genl = genl;
  }

  /** @throws {FamilyMissingError} this kernel has no WireGuard; {SyscallError} no socket. */
  static async open(options: OpenNetlinkOptions = {}): Promise<Wireguard> {
    return new Wireguard(await openGenetlink(FAMILY, options));
  }

  close(): void {
    this.#genl.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** A device with its peers. Holds SECRETS: drop what is not needed. */
  async device(ifindex: number): Promise<Device> {
    const query = encodeDeviceQuery(ifindex);
    const op = "wireguard.getDevice";
    const messages = await this.#genl.command(op, COMMANDS.getDevice, query, { dump: true });
    return decodeDevice(messages.map((message) => message.payload));
  }

  /**
   * Changes a device. A large change is several messages: when one is refused, those before it hold.
   *
   * @throws {TypeError|RangeError} for a malformed change, before anything is sent.
   */
  async setDevice(ifindex: number, change: DeviceChange): Promise<void> {
    for (const message of encodeDeviceChange(ifindex, change)) {
      await this.#genl.command("wireguard.setDevice", COMMANDS.setDevice, message);
    }
  }
}
