// Information elements of beacons and probe responses. They come off the air from anybody, so a bad
// one never makes a scan fail: what can be read is read, and the rest is called malformed.
// IEEE 802.11-2020 §9.4.2 (elements), §9.4.2.24 (RSNE), §9.4.2.56 and §9.4.2.158 (HT and VHT
// operation), §9.4.2.97 (mesh configuration); 802.11ax §9.4.2.249; 802.11be §9.4.2.311.
import { MAX_ELEMENTS, MAX_RSN_SUITES } from "./limits.ts";
import { akmName, cipherName } from "./names.ts";
import { bitOf } from "./values.ts";

/** One element; `extension` is set for id 255. */
export interface Element {
  readonly id: number;
  readonly extension: number | null;
  readonly body: Uint8Array;
}

/** What one RSN element (or the older WPA element) asks for. */
export interface RsnSummary {
  readonly group: string | null;
  readonly pairwise: readonly string[];
  readonly akms: readonly string[];
  /** Management frame protection: IEEE 802.11w. */
  readonly mfp: "none" | "capable" | "required";
}

/** What the elements of one network say. */
export interface NetworkSummary {
  /** Octets of the SSID element; `null` without one, empty for a hidden network. */
  readonly ssid: Uint8Array | null;
  readonly meshId: Uint8Array | null;
  readonly mesh: {
    /** 0 none, 1 SAE. */
    readonly authentication: number;
    readonly peerings: number;
    readonly acceptsPeers: boolean;
  } | null;
  readonly rsn: RsnSummary | null;
  readonly wpa: RsnSummary | null;
  /** An open network whose OWE twin is elsewhere (OWE transition mode). */
  readonly oweTransition: boolean;
  /** Primary channel by the DS parameter set or HT operation. */
  readonly channel: number | null;
  readonly widthMhz: 20 | 40 | 80 | 160 | 320;
  readonly standards: readonly ("n" | "ac" | "ax" | "be")[];
  readonly country: string | null;
  readonly stationCount: number | null;
  /** 0–1, by the access point's own measurement. */
  readonly utilization: number | null;
  /** Some element was cut short or contradicts itself. */
  readonly malformed: boolean;
}

const ID = {
  ssid: 0,
  dsParameter: 3,
  country: 7,
  bssLoad: 11,
  htCapabilities: 45,
  rsn: 48,
  htOperation: 61,
  meshConfiguration: 113,
  meshId: 114,
  vhtCapabilities: 191,
  vhtOperation: 192,
  vendor: 221,
  extension: 255,
} as const;

const EXTENSION = { heCapabilities: 35, ehtOperation: 106, ehtCapabilities: 108 } as const;

/** Splits octets into elements; `malformed` when the last one is cut short or there are too many. */
export function splitElements(
  bytes: Uint8Array,
): { readonly elements: readonly Element[]; readonly malformed: boolean } {
  const elements: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const id = bytes[at] ?? 0;
    const length = bytes[at + 1];
    if (length === undefined || at + 2 + length > bytes.length || elements.length >= MAX_ELEMENTS) {
      return { elements, malformed: true };
    }
    const body = bytes.subarray(at + 2, at + 2 + length);
    if (id === ID.extension && body.length > 0) {
      elements.push({ id, extension: body[0] ?? 0, body: body.subarray(1) });
    } else elements.push({ id, extension: null, body });
    at += 2 + length;
  }
  return { elements, malformed: false };
}

/** A cursor over one element that remembers whether it ran out. */
class Reader {
  #at = 0;
  short = false;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u16(): number {
    if (this.left < 2) {
      this.short = true;
      return 0;
    }
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2, true);
  }

  /** A suite selector: three octets of OUI and one of type. */
  suite(): number {
    if (this.left < 4) {
      this.short = true;
      return 0;
    }
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, false);
  }

  suites(): number[] {
    const count = this.u16();
    if (count > MAX_RSN_SUITES || this.left < count * 4) {
      this.short = true;
      return [];
    }
    return Array.from({ length: count }, () => this.suite());
  }
}

/** The WPA element's suites have another OUI for the same ciphers. */
function wpaCipher(suite: number): number {
  return suite >>> 8 === 0x0050f2 ? 0x000fac00 | suite & 0xff : suite;
}

function readRsn(body: Uint8Array, wpa: boolean): { summary: RsnSummary; short: boolean } {
  const reader = new Reader(body);
  reader.u16();
  const cipher = (suite: number) => cipherName(wpa ? wpaCipher(suite) : suite);
  // Everything after the version is optional, but only from the end.
  const group = reader.left > 0 ? cipher(reader.suite()) : null;
  const pairwise = reader.left > 0 ? reader.suites().map(cipher) : [];
  const akms = reader.left > 0 ? reader.suites().map(akmName) : [];
  const capabilities = reader.left > 0 && !wpa ? reader.u16() : 0;
  const mfp = (capabilities & 0x40) !== 0
    ? "required"
    : (capabilities & 0x80) !== 0
    ? "capable"
    : "none";
  return { summary: { group, pairwise, akms, mfp }, short: reader.short };
}

function startsWith(body: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((octet, i) => body[i] === octet);
}

const WPA_VENDOR = [0x00, 0x50, 0xf2, 0x01];
const OWE_TRANSITION_VENDOR = [0x50, 0x6f, 0x9a, 0x1c];

/** Width by VHT operation: its own field, and the distance of its two centres since 802.11-2016. */
function vhtWidth(body: Uint8Array, htWidth: 20 | 40): 20 | 40 | 80 | 160 {
  const [width = 0, center0 = 0, center1 = 0] = body;
  if (width === 0) return htWidth;
  if (width === 1) return center1 !== 0 && Math.abs(center1 - center0) === 8 ? 160 : 80;
  return width === 2 ? 160 : 80;
}

/** Width by EHT operation; `null` when it does not say. */
function ehtWidth(body: Uint8Array): 20 | 40 | 80 | 160 | 320 | null {
  const [parameters = 0, , , , , control = 0] = body;
  if ((parameters & 1) === 0 || body.length < 8) return null;
  return ([20, 40, 80, 160, 320] as const)[control & 7] ?? null;
}

function widthOf(find: Find): NetworkSummary["widthMhz"] {
  const ht = find(ID.htOperation);
  const htWidth = ht !== null && ((ht[1] ?? 0) & 4) !== 0 ? 40 : 20;
  const eht = find(ID.extension, EXTENSION.ehtOperation);
  const vht = find(ID.vhtOperation);
  return (eht === null ? null : ehtWidth(eht)) ?? (vht === null ? htWidth : vhtWidth(vht, htWidth));
}

type Find = (id: number, extension?: number) => Uint8Array | null;

function standardsOf(find: Find): ("n" | "ac" | "ax" | "be")[] {
  const found: ("n" | "ac" | "ax" | "be")[] = [];
  if (find(ID.htCapabilities) !== null) found.push("n");
  if (find(ID.vhtCapabilities) !== null) found.push("ac");
  if (find(ID.extension, EXTENSION.heCapabilities) !== null) found.push("ax");
  if (find(ID.extension, EXTENSION.ehtCapabilities) !== null) found.push("be");
  return found;
}

function meshOf(body: Uint8Array | null): NetworkSummary["mesh"] {
  if (body === null || body.length < 7) return null;
  return {
    authentication: body[4] ?? 0,
    peerings: (body[5] ?? 0) >> 1 & 0x3f,
    acceptsPeers: bitOf(body.subarray(6), 0),
  };
}

function countryOf(body: Uint8Array | null): string | null {
  if (body === null || body.length < 2) return null;
  const text = String.fromCharCode(body[0] ?? 0, body[1] ?? 0);
  return /^[A-Z0-9]{2}$/.test(text) ? text : null;
}

/** Reads the elements of a beacon or probe response. Never throws. */
export function summarizeElements(bytes: Uint8Array): NetworkSummary {
  const { elements, malformed } = splitElements(bytes);
  const find: Find = (id, extension) =>
    elements.find((element) =>
      element.id === id && (extension === undefined || element.extension === extension)
    )?.body ?? null;
  const vendor = (prefix: readonly number[]) =>
    elements.find((element) => element.id === ID.vendor && startsWith(element.body, prefix))?.body;
  const rsnBody = find(ID.rsn);
  const wpaBody = vendor(WPA_VENDOR);
  const rsn = rsnBody === null ? null : readRsn(rsnBody, false);
  const wpa = wpaBody === undefined ? null : readRsn(wpaBody.subarray(4), true);
  const load = find(ID.bssLoad);
  const mesh = find(ID.meshConfiguration);
  const ssid = find(ID.ssid);
  const loadOk = load !== null && load.length >= 5;
  return {
    ssid: ssid !== null && ssid.length > 32 ? null : ssid,
    meshId: find(ID.meshId),
    mesh: meshOf(mesh),
    rsn: rsn?.summary ?? null,
    wpa: wpa?.summary ?? null,
    oweTransition: vendor(OWE_TRANSITION_VENDOR) !== undefined,
    channel: find(ID.dsParameter)?.[0] ?? find(ID.htOperation)?.[0] ?? null,
    widthMhz: widthOf(find),
    standards: standardsOf(find),
    country: countryOf(find(ID.country)),
    stationCount: loadOk ? (load[0] ?? 0) | (load[1] ?? 0) << 8 : null,
    utilization: loadOk ? (load[2] ?? 0) / 255 : null,
    malformed: malformed || (rsn?.short ?? false) || (wpa?.short ?? false) ||
      (mesh !== null && mesh.length < 7) || (ssid?.length ?? 0) > 32,
  };
}
