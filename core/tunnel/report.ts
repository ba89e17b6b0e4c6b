// Puts the status together. Reads; changes nothing.
import type { PeerState } from "../handshake/mod.ts";
import { KernelFault } from "../ports/mod.ts";
import type { TunnelPorts } from "./options.ts";
import type { OverlayDrops } from "./overlay_firewall.ts";
import type { Parts } from "./parts.ts";
import type { TunnelPeerStatus, TunnelsStatus } from "./status.ts";
import type { Tunnel } from "./tunnel_table.ts";

/** What the tunnels themselves have counted. */
export interface Counted {
  readonly totals: Pick<TunnelsStatus["totals"], "idled" | "lost" | "displaced" | "refused">;
  readonly error: string | null;
}

const seconds = (ms: number) => Math.max(0, Math.round(ms / 1000));

/** One peer's status. @param state its handshakes; `undefined` between being asked for and being kept. */
export function peerStatus(
  tunnel: Tunnel,
  state: PeerState | undefined,
  nowMs: number,
): TunnelPeerStatus {
  const { nodeId, address, use, lastHandshakeMs } = tunnel;
  const psk = state?.psk ?? { kind: "none" as const };
  // The machine calls a PSK random from its start on; the kernel has it only once there is a peer.
  const kind = tunnel.publicKey === null ? "none" : psk.kind;
  const lastError = state?.lastError ?? null;
  return {
    nodeId,
    address,
    state: tunnel.up ? "up" : tunnel.credential === null ? "connecting" : "down",
    underlay: tunnel.endpoint ?? tunnel.underlay,
    psk: {
      kind,
      ageS: kind === "none" || psk.kind === "none" ? null : seconds(nowMs - psk.sinceMs),
    },
    lastHandshakeMs,
    rxBytes: use.counters.rxBytes,
    txBytes: use.counters.txBytes,
    silentS: seconds(nowMs - use.activeMs),
    failures: state?.failures ?? 0,
    completed: state?.completed ?? 0,
    lastError: lastError === null
      ? null
      : { code: lastError.code, agoS: seconds(nowMs - lastError.atMs) },
  };
}

async function dropsOf(parts: Parts): Promise<OverlayDrops | null> {
  if (parts.firewallError !== null) return null;
  try {
    return await parts.firewall.drops();
  } catch (error) {
    if (error instanceof KernelFault) return null;
    throw error;
  }
}

/** Everything about the tunnels now. */
export async function statusOf(
  { clock }: TunnelPorts,
  parts: Parts,
  states: ReadonlyMap<string, PeerState>,
  { totals, error }: Counted,
): Promise<TunnelsStatus> {
  const { overlay, settings, device, table, book, sessions, discovery, waiter, prober } = parts;
  const drops = await dropsOf(parts);
  const nowMs = clock.monotonicMs();
  const tunnels = table.all();
  return {
    nodeId: overlay.nodeId,
    address: overlay.address,
    network: overlay.network,
    link: settings.tunnelLink,
    mtu: device.mtu,
    port: settings.port,
    mode: waiter === null ? "kept" : "on-demand",
    modeReason: waiter === null ? parts.waiterReason : null,
    firewallError: parts.firewallError,
    error,
    peers: tunnels.map((tunnel) => peerStatus(tunnel, states.get(tunnel.nodeId), nowMs))
      .sort((a, b) => a.nodeId < b.nodeId ? -1 : 1),
    totals: {
      ...totals,
      known: book.size,
      kept: tunnels.length,
      up: tunnels.filter(({ up }) => up).length,
      unnamed: prober.open,
    },
    handshakes: sessions.figures,
    discovery: discovery?.figures ?? { sent: 0, heard: 0, foreign: 0, limited: 0, links: [] },
    waiting: waiter?.figures ?? null,
    drops,
  };
}
