// The socket of respondd: UDP on all addresses, in the maps' multicast groups on the mesh and its bridge.
// What is asked and answered is core/interop's.
import { messageOf } from "../base/mod.ts";
import type { Config } from "../config/mod.ts";
import { answerRespondd } from "../interop/mod.ts";
import type { HealthCheck, NodeService } from "../node/mod.ts";
import { MAX_RESPONDD_ANSWERS_PER_S } from "./limits.ts";

/** Where maps ask: all nodes of a link, and of a site. Gluon's gluon-respondd. */
const GROUPS = ["ff02::2:1001", "ff05::2:1001"];

/** The respondd service of one daemon; off until {@link follow} is told otherwise. */
export class Respondd {
  readonly #node: NodeService;
  #socket: Deno.DatagramConn | null = null;
  #port = 0;
  #joined = new Set<string>();
  #failure: string | null = null;
  #answeredInS = { second: 0, count: 0 };
  #loop: Promise<void> = Promise.resolve();

  constructor(node: NodeService) {
    this.#node = node;
  }

  /** Opens, closes or joins what the configuration and the present links want. Never rejects. */
  async follow(config: Config): Promise<void> {
    const { enabled, port } = config.respondd;
    if (this.#socket !== null && (!enabled || port !== this.#port)) await this.close();
    if (!enabled) {
      this.#failure = null;
      return;
    }
    if (this.#socket === null && !this.#open(config)) return;
    await this.#join(config);
  }

  #open(config: Config): boolean {
    const { port } = config.respondd;
    try {
      const socket = Deno.listenDatagram({ transport: "udp", hostname: "::", port });
      this.#socket = socket;
      this.#port = port;
      this.#failure = null;
      this.#loop = this.#answer(socket, config);
      return true;
    } catch (thrown) {
      this.#failure = `Cannot answer maps on UDP port ${port}: ${messageOf(thrown)}`;
      return false;
    }
  }

  /** Groups are joined by interface, and interfaces come and go. */
  async #join({ mesh, lan }: Config): Promise<void> {
    const socket = this.#socket;
    // A simulated node's interfaces are not this machine's: there it answers who asks it directly.
    if (socket === null || this.#node.identity.kernel.kind !== "linux") return;
    const names = [mesh.interface, lan.bridge];
    const present = new Set<string>();
    for (const { name, index, up } of this.#node.snapshot().links) {
      if (!up || !names.includes(name)) continue;
      for (const group of GROUPS) {
        const key = `${group}%${index}`;
        present.add(key);
        if (this.#joined.has(key)) continue;
        try {
          await socket.joinMulticastV6(group, index);
          this.#joined.add(key);
          this.#failure = null;
        } catch (thrown) {
          this.#failure = `Cannot join ${group} on ${name}: ${messageOf(thrown)}`;
        }
      }
    }
    for (const key of this.#joined) if (!present.has(key)) this.#joined.delete(key);
  }

  async #answer(socket: Deno.DatagramConn, config: Config): Promise<void> {
    const { contact, location } = config.node;
    for await (const [datagram, from] of socket) {
      if (!this.#allowed()) continue;
      try {
        const answer = await answerRespondd(datagram, {
          identity: this.#node.identity,
          snapshot: this.#node.snapshot(),
          uptimeS: this.#node.uptimeS(),
          ...contact === undefined ? {} : { contact },
          ...location === undefined ? {} : { location: placeOf(location) },
        });
        if (answer !== null) await socket.send(answer, from);
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
