// Packet sockets that see one echo session's answers and nothing else: a classic BPF program in the
// kernel drops the mesh's other traffic, which may be a hundred thousand frames a second.
// linux v6.12 uapi/linux/filter.h, uapi/linux/bpf_common.h.
import { type BpfInstruction, openPacketSocket, type SocketPlace } from "../sys/mod.ts";
import type { FrameSocket } from "./icmp_client.ts";
import { COMPAT_VERSION, ETHERTYPE_BATMAN, ICMP_TYPES, PACKET_TYPE_ICMP } from "./icmp_codec.ts";

const LOAD_BYTE = 0x30; // BPF_LD | BPF_B | BPF_ABS
const JUMP_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

/** Offsets in the frame: 14 octets of Ethernet header, then struct batadv_icmp_packet. */
const PACKET_TYPE_AT = 14;
const VERSION_AT = 15;
const MESSAGE_TYPE_AT = 17;
const UID_AT = 30;

/** A program that accepts ICMP messages other than requests, of one uid. A load past the end drops. */
export function icmpFilter(uid: number): BpfInstruction[] {
  const load = (k: number): BpfInstruction => ({ code: LOAD_BYTE, jt: 0, jf: 0, k });
  const test = (k: number, jt: number, jf: number): BpfInstruction => ({
    code: JUMP_EQUAL,
    jt,
    jf,
    k,
  });
  const answer = (k: number): BpfInstruction => ({ code: RETURN, jt: 0, jf: 0, k });
  return [
    load(PACKET_TYPE_AT),
    test(PACKET_TYPE_ICMP, 0, 7),
    load(VERSION_AT),
    test(COMPAT_VERSION, 0, 5),
    load(MESSAGE_TYPE_AT),
    test(ICMP_TYPES.echoRequest, 3, 0),
    load(UID_AT),
    test(uid, 0, 1),
    answer(0xffff),
    answer(0),
  ];
}

/** Frames of a real device, for one session. @throws {SyscallError} EPERM without CAP_NET_RAW. */
export function openIcmpFrames(
  ifindex: number,
  uid: number,
  place: SocketPlace = {},
): FrameSocket {
  const socket = openPacketSocket({
    ...place,
    ifindex,
    protocol: ETHERTYPE_BATMAN,
    filter: icmpFilter(uid),
  });
  return {
    send: (frame) => socket.send(frame),
    tryReceive: () => socket.tryReceive()?.bytes ?? null,
    readable: (timeoutMs, signal) => socket.readable(timeoutMs, signal),
    close: () => socket.close(),
  };
}
