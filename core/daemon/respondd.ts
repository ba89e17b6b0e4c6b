// The socket of respondd: UDP on all addresses, in the maps' multicast groups on the mesh and its bridge.
// What is asked and answered is core/interop's.
import { messageOf } from "../base/mod.ts";
import type { Config } from "../config/mod.ts";
import { answerRespondd } from "../interop/mod.ts";
import { openLinkUdp, openPlainUdp, type UdpService } from "../host/mod.ts";
import type { HealthCheck, NodeService } from "../node/mod.ts";
import { MAX_RESPONDD_ANSWERS_PER_S } from "./limits.ts";

/** Where maps ask: all nodes of a link, and of a site. Gluon's gluon-respondd. */
const GROUPS = ["ff02::2:1001", "ff05::2:1001"];

/** The respondd service of one daemon; off until {@link follow} is told otherwise. */
export class Respondd {
  readonly #node: NodeService;
  readonly #netns: string | null;
  #config: Config["node"] | null = null;
  #socket: UdpService | null = null;
  #port = 0;
  #joined = new Set<string>();
  #failure: string | null = null;
  #answeredInS = { second: 0, count: 0 };
  #loop: Promise<void> = Promise.resolve();

  /** @param netns where the node's links are; `null` for the daemon's own namespace. */
  constructor(node: NodeService, netns: string | null = null) {
    this.#node = node;
    this.#netns = netns;
  }

  /** Opens, closes or joins what the configuration and the present links want. Never rejects. */
  async follow(config: Config): Promise<void> {
    const { enabled, port } = config.respondd;
    this.#config = config.node;
    if (this.#socket !== null && (!enabled || port !== this.#port)) await this.close();
    if (!enabled) {
      this.#failure = null;
      return;
    }
    if (this.#socket === null && !this.#open(port)) return;
    this.#join(config);
  }

  /** Whether the node's links are this machine's. A simulated one answers who asks it directly. */
  get #real(): boolean {
    return this.#node.identity.kernel.kind === "linux";
  }

  #open(port: number): boolean {
    try {
      const socket = this.#real ? openLinkUdp(port, this.#netns ?? undefined) : openPlainUdp(port);
      this.#socket = socket;
      this.#port = port;
      this.#failure = null;
      this.#loop = this.#answer(socket).catch((thrown) => {
        this.#failure = `No map is answered any more: ${messageOf(thrown)}`;
      });
      return true;
    } catch (thrown) {
      this.#failure = `Cannot answer maps on UDP port ${port}: ${messageOf(thrown)}`;
      return false;
    }
  }

  /** Groups are joined by interface, and interfaces come and go. */
  #join({ mesh, lan }: Config): void {
    const socket = this.#socket;
    if (socket === null || !this.#real) return;
    const names = [mesh.interface, lan.bridge];
    const present = new Set<string>();
    for (const { name, index, up } of this.#node.snapshot().links) {
      if (!up || !names.includes(name)) continue;
      for (const group of GROUPS) {
        const key = `${group}%${index}`;
        present.add(key);
        if (this.#joined.has(key)) continue;
        try {
          socket.join(group, index);
          this.#joined.add(key);
          this.#failure = null;
        } catch (thrown) {
          this.#failure = `Cannot join ${group} on ${name}: ${messageOf(thrown)}`;
        }
      }
    }
    for (const key of this.#joined) if (!present.has(key)) this.#joined.delete(key);
  }

  async #answer(socket: UdpService): Promise<void> {
    for await (const question of socket.questions()) {
      if (!this.#allowed()) continue;
      try {
        const { contact, location } = this.#config ?? {};
        const answer = await answerRespondd(question.bytes, {
          identity: this.#node.identity,
          snapshot: this.#node.snapshot(),
          uptimeS: this.#node.uptimeS(),
          ...contact === undefined ? {} : { contact },
          ...location === undefined ? {} : { location: placeOf(location) },
        });
        if (answer !== null) await question.answer(answer);
      } catch (thrown) {
        // One answer that cannot be sent (its asker is gone, a queue is full) is not the socket's end.
        if (this.#socket !== socket) return;
        this.#failure = `The last map was not answered: ${messageOf(thrown)}`;
      }
    }
  }

  /** Answers are larger than questions: a bound keeps this node from being used to flood others. */
  #allowed(): boolean {
    const second = Math.floor(this.#node.uptimeS());
    if (this.#answeredInS.second !== second) this.#answeredInS = { second, count: 0 };
    return this.#answeredInS.count++ < MAX_RESPONDD_ANSWERS_PER_S;
  }

  /** Empty when it is off. */
  checks(): readonly HealthCheck[] {
    const name = "respondd";
    if (this.#failure !== null) return [{ name, state: "degraded", reason: this.#failure }];
    if (this.#socket === null) return [];
    return [{ name, state: "ok", reason: `Answers maps on UDP port ${this.#port}` }];
  }

  /** Closes the socket. */
  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = null;
    this.#joined.clear();
    socket?.close();
    await this.#loop;
  }
}

type Location = NonNullable<Config["node"]["location"]>;

function placeOf({ latitude, longitude, altitudeM }: Location) {
  return { latitude, longitude, ...altitudeM === undefined ? {} : { altitudeM } };
}
