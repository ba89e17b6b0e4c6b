// Messages as the kernel of linux v6.12 sends them, for tests and the fuzz corpus. The keys are counted
// octets and belong to nobody.
import { type Attributes, encodeAttributes } from "../netlink/mod.ts";
import { DEVICE, type PEER } from "./spec.ts";
import { writeEndpoint } from "./text.ts";

/** Attributes of one GET_DEVICE message. */
export type DeviceSample = Attributes<typeof DEVICE>;

/** 32 octets that count up from `start`. */
export function key(start: number): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => (start + i) & 0xff);
}

/** struct __kernel_timespec. */
export function timespec(seconds: bigint, nanoseconds: bigint): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, seconds, true);
  view.setBigInt64(8, nanoseconds, true);
  return bytes;
}

/** A peer that has talked, over IPv4. */
export const PEER_V4: Attributes<typeof PEER> = {
  publicKey: key(1),
  presharedKey: key(100),
  lastHandshakeTime: timespec(1_700_000_000n, 250_000_000n),
  persistentKeepaliveInterval: 25,
  txBytes: 9_007_199_254_740_993n,
  rxBytes: 148n,
  protocolVersion: 1,
  endpoint: writeEndpoint({ address: "192.0.2.7", port: 51_820, scopeId: 0 }),
  allowedIps: [
    { family: 2, ipAddr: "10.0.0.0", cidrMask: 24 },
    { family: 10, ipAddr: "fd00::", cidrMask: 8 },
  ],
};

/** A peer that is only configured, with a link-local endpoint. */
export const PEER_V6: Attributes<typeof PEER> = {
  publicKey: key(2),
  presharedKey: new Uint8Array(32),
  lastHandshakeTime: timespec(0n, 0n),
  persistentKeepaliveInterval: 0,
  txBytes: 0n,
  rxBytes: 0n,
  protocolVersion: 1,
  endpoint: writeEndpoint({ address: "fe80::1", port: 4_242, scopeId: 5 }),
};

/** The first message of a device. */
export const DEVICE_FIRST: DeviceSample = {
  listenPort: 51_820,
  fwmark: 0x42,
  ifindex: 9,
  ifname: "wg0",
  privateKey: key(50),
  publicKey: key(60),
  peers: [PEER_V4, PEER_V6],
};

/** A second message: the last peer goes on, and another follows. */
export const DEVICE_MORE: DeviceSample = {
  peers: [
    { publicKey: key(2), allowedIps: [{ family: 2, ipAddr: "10.9.0.1", cidrMask: 32 }] },
    { ...PEER_V6, publicKey: key(3) },
  ],
};

/** A sample in octets. */
export function sample(raw: DeviceSample): Uint8Array {
  return encodeAttributes(DEVICE, raw);
}
