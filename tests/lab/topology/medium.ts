// Runs in a lab guest. The air between mac80211_hwsim radios, in user space: the kernel hands over
// every frame, and this program decides who hears it. Gives each direction of an edge its loss and
// signal, where the kernel's own group masks know only "hears" and "does not".
//
// It deliberately knows no channels, collisions, airtime or rate: a frame arrives at once or not. A
// unicast frame is tried as often as the sender's rate table says; how many tries it took is not
// reported back.
// Source: linux v6.12 drivers/net/wireless/virtual/mac80211_hwsim.h.

import { findFamily } from "../../../ffi/genetlink/mod.ts";
import {
  concat,
  type Datagram,
  decodeAttributes,
  decodeError,
  decodeMessages,
  encodeAttributes,
  encodeMessage,
  NETLINK_GENERIC,
  type NetlinkMessage,
  NLM_F,
  openDatagram,
  openNetlink,
  table,
} from "../../../ffi/netlink/mod.ts";

const CMD = { register: 1, frame: 2, txInfo: 3 } as const;

const ATTRIBUTES = table({
  receiver: [1, "mac"],
  transmitter: [2, "mac"],
  frame: [3, "bytes"],
  flags: [4, "u32"],
  rxRate: [5, "u32"],
  signal: [6, "u32"],
  txInfo: [7, "bytes"],
  cookie: [8, "u64"],
  frequencyMhz: [19, "u32"],
});

/** Flag of a transmission report: somebody acknowledged the frame. */
const TX_STAT_ACK = 4;
/** Offset and length of the receiver's address in an 802.11 frame. */
const RECEIVER_AT = 4;
const MAC_BYTES = 6;
const MAX_TRIES = 32;
const NLMSG_ERROR = 2;

/** One direction of an edge. */
export interface LinkQuality {
  /** Share of frames that are lost, from 0 to 1. */
  readonly loss: number;
  /** Strength at the receiver. */
  readonly signalDbm: number;
}

/** The air; `await using` gives the kernel its own back. */
export class Medium implements AsyncDisposable {
  /** Frames taken from the kernel. */
  frames = 0;
  /** Copies delivered to radios. */
  delivered = 0;
  readonly #links = new Map<string, LinkQuality>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #random: number;

  private constructor(
    private readonly datagram: Datagram,
    private readonly family: number,
    private readonly radios: readonly string[],
    seed: number,
  ) {
    this.#random = seed >>> 0;
    this.#running = this.#run();
  }

  /**
   * Becomes the medium of all hwsim radios of the guest.
   *
   * @param radios addresses of the radios ("02:00:00:00:03:00"), in the order of their nodes.
   * @param seed fixes which frames are lost, as far as the kernel sends the same frames.
   */
  static async open(radios: readonly string[], seed = 1): Promise<Medium> {
    using netlink = openNetlink(NETLINK_GENERIC);
    const family = await findFamily(netlink, "MAC80211_HWSIM");
    if (family === null) throw new Error("Cannot become the radio medium: no mac80211_hwsim");
    const datagram = openDatagram(NETLINK_GENERIC);
    datagram.send(message(family.id, CMD.register, {}, NLM_F.ACK));
    while (await datagram.readable(5000)) {
      for (const answer of decodeMessages(datagram.tryReceive() ?? new Uint8Array())) {
        if (answer.type !== NLMSG_ERROR) continue;
        const { errno } = decodeError(answer);
        if (errno === 0) return new Medium(datagram, family.id, radios, seed);
        datagram.close();
        throw new Error(`Cannot become the radio medium: errno ${errno}`);
      }
    }
    datagram.close();
    throw new Error("Cannot become the radio medium: no answer");
  }

  /** Sets one direction between two nodes; without quality, no frame passes. */
  set(from: number, to: number, quality: LinkQuality | undefined): void {
    if (quality === undefined) this.#links.delete(`${from}-${to}`);
    else this.#links.set(`${from}-${to}`, quality);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.datagram.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const bytes = this.datagram.tryReceive();
      if (bytes === null) {
        await this.datagram.readable(1000, signal);
        continue;
      }
      for (const received of decodeMessages(bytes)) {
        if (received.type === this.family && received.payload[0] === CMD.frame) {
          this.#pass(received);
        }
      }
    }
  }

  #pass(received: NetlinkMessage): void {
    const sent = decodeAttributes(ATTRIBUTES, received.payload.subarray(4), "hwsim.frame");
    const { transmitter, frame, flags = 0, txInfo, cookie, frequencyMhz } = sent;
    if (transmitter === undefined || frame === undefined || txInfo === undefined) return;
    this.frames++;
    const from = this.#nodeOf(transmitter);
    const address = frame.subarray(RECEIVER_AT, RECEIVER_AT + MAC_BYTES);
    const group = ((address[0] ?? 0) & 1) === 1;
    const target = group ? undefined : this.#nodeOf(formatMac(address));
    let acknowledged = false;
    let signal = -100;
    for (const [index, receiver] of this.radios.entries()) {
      const to = index + 1;
      const link = this.#links.get(`${from}-${to}`);
      if (link === undefined || !this.#arrives(link, group ? 1 : tries(txInfo))) continue;
      if (to === target) {
        acknowledged = true;
        signal = link.signalDbm;
      }
      this.delivered++;
      this.#send(CMD.frame, {
        receiver: deviceAddress(receiver),
        frame,
        rxRate: 5,
        signal: link.signalDbm >>> 0,
        ...(frequencyMhz === undefined ? {} : { frequencyMhz }),
      });
    }
    this.#send(CMD.txInfo, {
      transmitter,
      flags: acknowledged ? flags | TX_STAT_ACK : flags,
      signal: signal >>> 0,
      txInfo,
      ...(cookie === undefined ? {} : { cookie }),
    });
  }

  #arrives(link: LinkQuality, triesLeft: number): boolean {
    for (let i = 0; i < triesLeft; i++) if (this.#draw() >= link.loss) return true;
    return false;
  }

  /** Number of the node with this address of its radio, or 0. Addresses differ in the first octet
   * between the interfaces of one radio. */
  #nodeOf(mac: string): number {
    return this.radios.findIndex((radio) => radio.slice(2) === mac.slice(2)) + 1;
  }

  /** A number from 0 to 1: mulberry32. */
  #draw(): number {
    this.#random = (this.#random + 0x6d2b79f5) >>> 0;
    let t = this.#random;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  #send(command: number, values: Parameters<typeof encodeAttributes<typeof ATTRIBUTES>>[1]): void {
    this.datagram.send(message(this.family, command, values, 0));
  }
}

function message(
  family: number,
  command: number,
  values: Parameters<typeof encodeAttributes<typeof ATTRIBUTES>>[1],
  flags: number,
): Uint8Array<ArrayBuffer> {
  const header = Uint8Array.of(command, 1, 0, 0);
  const payload = concat([header, encodeAttributes(ATTRIBUTES, values)]);
  return encodeMessage({ type: family, flags: NLM_F.REQUEST | flags, seq: 1, payload });
}

/** How often the sender would transmit: pairs of rate index (negative: unused) and count. */
function tries(txInfo: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at + 1 < txInfo.length; at += 2) {
    if ((txInfo[at] ?? 0xff) < 0x80) sum += txInfo[at + 1] ?? 0;
  }
  return Math.min(Math.max(sum, 1), MAX_TRIES);
}

/** The address by which the driver knows a radio: the permanent one with bit 0x40 set. */
function deviceAddress(radio: string): string {
  const first = parseInt(radio.slice(0, 2), 16) | 0x40;
  return first.toString(16).padStart(2, "0") + radio.slice(2);
}

function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join(":");
}
