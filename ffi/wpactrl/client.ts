// A client of one control socket. Commands go over one socket and events come over another, so that an
// answer is never mistaken for an event. The programs answer to the path a client is bound to.
// hostap 2.10 src/common/wpa_ctrl.c, hostapd/ctrl_iface.c, wpa_supplicant/ctrl_iface_unix.c.
import {
  type ControlEvent,
  type ControlStation,
  type ControlStatus,
  isEvent,
  parseEvent,
  parseStation,
  parseStatus,
} from "./codec.ts";
import { ControlError } from "./errors.ts";
import { MAX_REPLY_BYTES, MAX_STATIONS, MAX_STRAY_DATAGRAMS, REPLY_TIMEOUT_MS } from "./limits.ts";

/** A connected datagram socket; tests give a scripted one. */
export interface ControlSocket {
  send(text: string): void;
  /** The next datagram if one is queued, else `null`. */
  tryReceive(): string | null;
  /** Resolves `true` when one is queued; `false` on timeout, `signal` or close(). */
  readable(timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
  /** Closes the socket and removes its file. */
  close(): void;
}

/** Opens a fresh, bound and connected socket. Throws while the program does not listen. */
export type OpenControlSocket = () => ControlSocket;

/** Another channel, announced `beacons` ahead. */
export interface ChannelSwitch {
  readonly beacons: number;
  readonly frequencyMhz: number;
  /** Default 20. */
  readonly bandwidthMhz?: number;
  readonly center1Mhz?: number;
  /** 40 MHz: −1 or 1, where the second half lies. */
  readonly secondaryOffset?: -1 | 1;
}

const OK = /^OK\s*$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** Commands one at a time; close() ends what waits. */
export class WpaControl implements Disposable {
  readonly #open: OpenControlSocket;
  readonly #closing = new AbortController();
  #socket: ControlSocket | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(open: OpenControlSocket) {
    this.#open = open;
  }

  /**
   * Sends one command and resolves with its answer, as it is.
   *
   * @throws {ControlError} "timeout", "unknown-command", "closed"; {SyscallError} nobody listens.
   */
  request(command: string, timeoutMs: number = REPLY_TIMEOUT_MS): Promise<string> {
    const turn = this.#last.then(() => this.#exchange(command, timeoutMs));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** As {@link request}, for commands that answer OK. @throws {ControlError} "refused" */
  async order(command: string, timeoutMs?: number): Promise<void> {
    const answer = await this.request(command, timeoutMs);
    if (!OK.test(answer)) throw new ControlError("refused", verbOf(command), "it answers FAIL");
  }

  /** Whether the program answers. Never rejects. */
  async ping(timeoutMs?: number): Promise<boolean> {
    try {
      return (await this.request("PING", timeoutMs)).startsWith("PONG");
    } catch {
      return false;
    }
  }

  async status(): Promise<ControlStatus> {
    return parseStatus(await this.request("STATUS"));
  }

  /** Every station of the access point, or peer of the mesh point. @throws {ControlError} "malformed" */
  async stations(): Promise<ControlStation[]> {
    const found: ControlStation[] = [];
    let next = parseStation(await this.request("STA-FIRST"));
    while (next !== null) {
      found.push(next);
      if (found.length > MAX_STATIONS) {
        throw new ControlError("malformed", "STA-NEXT", `more than ${MAX_STATIONS} stations`);
      }
      next = parseStation(await this.request(`STA-NEXT ${next.mac}`));
    }
    return found;
  }

  /** hostapd: starts the access point. */
  async enable(): Promise<void> {
    await this.order("ENABLE");
  }

  /** hostapd: stops it; the process stays. */
  async disable(): Promise<void> {
    await this.order("DISABLE");
  }

  /** hostapd: reads its file again, keeping clients where it can. */
  async reload(): Promise<void> {
    await this.order("RELOAD");
  }

  /** wpa_supplicant: reads its file again. */
  async reconfigure(): Promise<void> {
    await this.order("RECONFIGURE");
  }

  async terminate(): Promise<void> {
    await this.order("TERMINATE");
  }

  /** hostapd: disconnects a client. @throws {TypeError} */
  async deauthenticate(mac: string): Promise<void> {
    if (!MAC.test(mac)) throw new TypeError(`Cannot disconnect "${mac}": no MAC address`);
    await this.order(`DEAUTHENTICATE ${mac}`);
  }

  /** hostapd: moves the access point with its clients to another channel. @throws {TypeError} */
  async switchChannel(change: ChannelSwitch): Promise<void> {
    const { beacons, frequencyMhz, bandwidthMhz = 20, center1Mhz, secondaryOffset } = change;
    for (const value of [beacons, frequencyMhz, bandwidthMhz, center1Mhz ?? 0]) {
      if (!Number.isSafeInteger(value) || value < 0) {
        throw new TypeError(`Cannot switch channel: ${value} is no whole number`);
      }
    }
    const words = [
      `CHAN_SWITCH ${beacons} ${frequencyMhz}`,
      ...(center1Mhz === undefined ? [] : [`center_freq1=${center1Mhz}`]),
      ...(secondaryOffset === undefined ? [] : [`sec_channel_offset=${secondaryOffset}`]),
      `bandwidth=${bandwidthMhz}`,
      ...(bandwidthMhz >= 80 ? ["vht"] : []),
      "ht",
    ];
    await this.order(words.join(" "));
  }

  /**
   * Events from when the program has accepted us, until `signal` fires, close() is called or the program
   * ends. Opens its own socket.
   *
   * @throws {ControlError} "timeout", "refused"; {SyscallError} nobody listens.
   */
  async *events(signal?: AbortSignal): AsyncGenerator<ControlEvent, void, void> {
    const ended = signal === undefined
      ? this.#closing.signal
      : AbortSignal.any([signal, this.#closing.signal]);
    const socket = this.#open();
    try {
      socket.send("ATTACH");
      const early: string[] = [];
      const answer = await receiveAnswer(socket, "ATTACH", REPLY_TIMEOUT_MS, ended, early);
      if (!OK.test(answer)) throw new ControlError("refused", "ATTACH", "it answers FAIL");
      yield* early.map(parseEvent).filter((event) => event !== null);
      while (!ended.aborted) {
        if (!await socket.readable(Infinity, ended)) return;
        for (let text = socket.tryReceive(); text !== null; text = socket.tryReceive()) {
          const event = parseEvent(text);
          if (event !== null) yield event;
        }
      }
    } finally {
      socket.close();
    }
  }

  close(): void {
    this.#closing.abort();
    this.#drop();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #drop(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  async #exchange(command: string, timeoutMs: number): Promise<string> {
    const verb = verbOf(command);
    if (/[\n\r\0]/.test(command)) throw new TypeError(`Cannot run "${verb}": it has a line break`);
    if (this.#closing.signal.aborted) throw new ControlError("closed", verb, "it was closed");
    this.#socket ??= this.#open();
    try {
      this.#socket.send(command);
      const answer = await receiveAnswer(
        this.#socket,
        verb,
        timeoutMs,
        this.#closing.signal,
        [],
      );
      if (answer.startsWith("UNKNOWN COMMAND")) {
        throw new ControlError("unknown-command", verb, "this version does not know it");
      }
      return answer;
    } catch (error) {
      // A late answer would be taken for the next one's: begin anew.
      this.#drop();
      throw error;
    }
  }
}

function verbOf(command: string): string {
  return command.split(" ", 1)[0] ?? "";
}

async function receiveAnswer(
  socket: ControlSocket,
  verb: string,
  timeoutMs: number,
  signal: AbortSignal,
  events: string[],
): Promise<string> {
  for (let i = 0; i < MAX_STRAY_DATAGRAMS; i++) {
    if (!await socket.readable(timeoutMs, signal)) {
      if (signal.aborted) throw new ControlError("closed", verb, "it was closed");
      throw new ControlError("timeout", verb, `no answer in ${timeoutMs} ms`);
    }
    const text = socket.tryReceive();
    if (text === null) continue;
    if (text.length > MAX_REPLY_BYTES) {
      throw new ControlError("malformed", verb, "its answer is too long");
    }
    if (!isEvent(text)) return text;
    events.push(text);
  }
  throw new ControlError("timeout", verb, "only events came");
}
