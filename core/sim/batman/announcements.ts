// What an originator tells about itself besides its existence: gateway and translation table. In
// batman-adv this travels in the OGM's TVLV containers, or is asked for when a checksum differs. Here
// the originator keeps what it said with which sequence number, and whoever has heard sequence number
// s knows what was said up to s, and nothing later.
import type { Mac } from "../../base/mod.ts";
import type { GatewayMode } from "../../ports/mod.ts";
import { TVLV_VERSIONS_MAX } from "../limits.ts";

/** A client as announced. */
export interface AnnouncedClient {
  readonly mac: Mac;
  readonly vlan: number | null;
  readonly flags: readonly ("no-purge" | "wireless" | "isolated")[];
}

/** One state of an originator's announcements. */
export interface Announcement {
  readonly ttvn: number;
  readonly clients: readonly AnnouncedClient[];
  readonly gateway: {
    readonly mode: GatewayMode;
    readonly downKbps: number;
    readonly upKbps: number;
  };
}

const NOTHING: Announcement = {
  ttvn: 0,
  clients: [],
  gateway: { mode: "off", downKbps: 0, upKbps: 0 },
};

/** The bounded history of one originator's announcements. */
export class Announcements {
  readonly #versions: { readonly fromSeq: number; readonly said: Announcement }[] = [];
  #newestSeq = 0;

  /** The newest announcement. */
  get current(): Announcement {
    return this.#versions.at(-1)?.said ?? NOTHING;
  }

  /** States what OGMs from sequence number `fromSeq` on carry. */
  publish(fromSeq: number, change: Omit<Announcement, "ttvn">, clientsChanged: boolean): void {
    const ttvn = (this.current.ttvn + (clientsChanged ? 1 : 0)) & 0xff;
    this.#versions.push({ fromSeq, said: { ...change, ttvn } });
    if (this.#versions.length > TVLV_VERSIONS_MAX) this.#versions.shift();
  }

  /** Notes the newest sequence number sent, against which 16-bit ones are unwrapped. */
  sent(seq: number): void {
    this.#newestSeq = seq;
  }

  /** What someone knows who heard the low 16 bits `seq16` last; `null` before the first announcement. */
  at(seq16: number): Announcement | null {
    const seq = this.#newestSeq - ((this.#newestSeq - seq16) & 0xffff);
    for (let index = this.#versions.length - 1; index >= 0; index--) {
      const version = this.#versions[index];
      if (version !== undefined && version.fromSeq <= seq) return version.said;
    }
    return null;
  }
}
