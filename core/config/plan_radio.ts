// Radios: which one an entry means, its mesh interface, its access points. An interface that the document
// does not name is never touched, so that a computer's own Wi-Fi stays as it is.
import type { PathPart } from "../document/mod.ts";
import type { InterfaceMode, Radio, WirelessInterface } from "../ports/mod.ts";
import { channelObstacle, channelSpec } from "./channel.ts";
import { channelOf } from "./checks.ts";
import { fingerprint } from "./fingerprint.ts";
import { hostapdConfig } from "./hostapd.ts";
import { planHardSettings } from "./plan_mesh.ts";
import type { Planner } from "./planner.ts";
import type { Config } from "./schema.ts";
import { planService } from "./plan_service.ts";
import { wpaSupplicantConfig } from "./wpa_supplicant.ts";

type RadioConfig = Config["radios"][number];

/** Whether a radio is the one that `match` names. "any" matches each. */
export function matchesRadio(
  match: string,
  radio: Radio,
  wireless: readonly WirelessInterface[],
): boolean {
  if (match === "any" || match === radio.name) return true;
  if (match.startsWith("path:")) return radio.path === match.slice("path:".length);
  return wireless.some((wlan) => wlan.radio === radio.name && wlan.mac === match);
}

/** The radio of each entry, or `null`. Entries that name one choose before those that say "any". */
export function assignRadios(
  entries: readonly Pick<RadioConfig, "match" | "band">[],
  radios: readonly Radio[],
  wireless: readonly WirelessInterface[],
): readonly (Radio | null)[] {
  const out: (Radio | null)[] = entries.map(() => null);
  const taken = new Set<string>();
  for (const named of [true, false]) {
    for (const [i, entry] of entries.entries()) {
      if ((entry.match !== "any") !== named) continue;
      const found = radios.find((radio) =>
        !taken.has(radio.name) && matchesRadio(entry.match, radio, wireless) &&
        (named || radio.bands.some((band) => band.band === entry.band))
      );
      if (found === undefined) continue;
      taken.add(found.name);
      out[i] = found;
    }
  }
  return out;
}

/** Name of the interface an entry makes on a radio. */
function interfaceOf(own: string | undefined, prefix: string, radio: Radio): string {
  return own ?? `${prefix}${/\d+$/.exec(radio.name)?.[0] ?? radio.index}`;
}

function planCountry(planner: Planner): void {
  const { config, observed } = planner;
  const { country } = config.wireless;
  if (country === undefined) return;
  if (!observed.radios.ok) return;
  planner.want({ path: ["wireless", "country"], wanted: country, found: observed.country }, () => ({
    sentence: `apply the radio rules of ${country}`,
    action: { do: "set-country", country },
    undo: observed.country === null ? null : { do: "set-country", country: observed.country },
    mayDisconnect: true,
  }));
}

/** Makes the interface of an entry in its mode. */
function planInterface(
  planner: Planner,
  path: readonly PathPart[],
  radio: Radio,
  name: string,
  mode: InterfaceMode,
): void {
  const link = planner.link(name);
  const wlan = planner.observed.wireless.find((candidate) => candidate.name === name);
  const fact = { path, wanted: `${name} on ${radio.name}`, found: link === null ? null : name };
  const create = {
    sentence: `make ${name} on ${radio.name}`,
    action: { do: "create-wireless", radio: radio.name, name, mode },
    undo: { do: "delete-wireless", name },
  } as const;
  if (link === null) return planner.mend(fact, create);
  if (wlan === undefined) {
    return planner.obstacle({ ...fact, found: link.kind }, `${name} is no wireless interface`);
  }
  if (wlan.radio !== radio.name) {
    planner.mend({ ...fact, found: `${name} on ${wlan.radio}` }, {
      sentence: `remove ${name} from ${wlan.radio}`,
      action: { do: "delete-wireless", name },
      mayDisconnect: true,
    });
    planner.forget(name);
    return planner.mend(fact, create);
  }
  if (wlan.mode === mode) return planner.fine();
  planner.mend({ path, wanted: mode, found: wlan.mode }, {
    sentence: `bring ${name} down to change its mode`,
    action: { do: "change-link", name, change: { up: false } },
    mayDisconnect: true,
  });
  planner.mend({ path, wanted: mode, found: wlan.mode }, {
    sentence: `change ${name} to mode ${mode}`,
    action: { do: "set-mode", name, mode },
    undo: { do: "set-mode", name, mode: wlan.mode },
    mayDisconnect: true,
  });
}

/** Joins the mesh on the air without encryption. */
function planJoin(planner: Planner, path: readonly PathPart[], entry: RadioConfig, name: string) {
  const { id } = planner.config.mesh;
  const wlan = planner.observed.wireless.find((candidate) => candidate.name === name);
  const spec = channelSpec(entry);
  const wanted = `"${id}" at ${spec.frequencyMhz} MHz, ${spec.widthMhz} MHz wide`;
  const joined = wlan?.mode === entry.mode && wlan.ssid !== null;
  const right = joined && wlan.ssid === id && wlan.frequencyMhz === spec.frequencyMhz &&
    (wlan.widthMhz === null || wlan.widthMhz === spec.widthMhz);
  if (right) return planner.fine();
  const found = joined
    ? `"${wlan.ssid}" at ${wlan.frequencyMhz} MHz, ${wlan.widthMhz} MHz wide`
    : null;
  if (joined) {
    planner.mend({ path, wanted, found }, {
      sentence: `leave the mesh ${found} on ${name}`,
      action: { do: entry.mode === "mesh" ? "leave-mesh" : "leave-ibss", name },
      mayDisconnect: true,
    });
  }
  const rate = entry.multicastRateKbps;
  planner.mend({ path, wanted, found }, {
    sentence: `join the mesh ${wanted} on ${name}`,
    action: entry.mode === "ibss" ? { do: "join-ibss", name, join: { ...spec, ssid: id } } : {
      do: "join-mesh",
      name,
      join: {
        ...spec,
        meshId: id,
        forwarding: false,
        ...(rate === undefined ? {} : { multicastRateKbps: rate }),
      },
    },
    undo: { do: entry.mode === "mesh" ? "leave-mesh" : "leave-ibss", name },
  });
}

function planPower(planner: Planner, path: readonly PathPart[], entry: RadioConfig, radio: Radio) {
  const before = planner.previous?.radios[Number(path[1])]?.txPowerDbm;
  if (entry.txPowerDbm === undefined) {
    if (before === undefined) return;
    return planner.mend({ path: [...path, "txPowerDbm"], wanted: "automatic", found: before }, {
      sentence: `let ${radio.name} choose its transmit power`,
      action: { do: "set-power", radio: radio.name, power: "auto" },
      unseen: true,
    });
  }
  const found = planner.observed.wireless
    .find((wlan) => wlan.radio === radio.name && wlan.txPowerDbm !== null)?.txPowerDbm ?? null;
  const wanted = entry.txPowerDbm;
  planner.want({ path: [...path, "txPowerDbm"], wanted, found }, () => ({
    sentence: `set the transmit power of ${radio.name} to ${wanted} dBm`,
    action: { do: "set-power", radio: radio.name, power: { fixedDbm: wanted } },
    undo: { do: "set-power", radio: radio.name, power: "auto" },
    mayDisconnect: true,
  }));
}

/** Why the entry's radio cannot carry the mesh as wanted, or `null`. */
function meshObstacle(planner: Planner, entry: RadioConfig, radio: Radio): string | null {
  if (!radio.modes.includes(entry.mode)) return `${radio.name} cannot do mode ${entry.mode}`;
  return channelObstacle(radio, entry.band, channelOf(entry), planner.observed.country ?? "00");
}

function planMeshRadio(planner: Planner, i: number, entry: RadioConfig, radio: Radio): void {
  const { config, previous } = planner;
  const path = ["radios", i];
  const name = interfaceOf(entry.interface, "mesh", radio);
  const obstacle = meshObstacle(planner, entry, radio);
  if (!radio.modes.includes(entry.mode)) {
    planner.obstacle({ path: [...path, "mode"], wanted: entry.mode, found: null }, obstacle ?? "");
    return;
  }
  planner.wireless.add(name);
  planInterface(planner, [...path, "interface"], radio, name, entry.mode);
  planner.mtu(["mesh", "hardMtu"], name, config.mesh.hardMtu);
  planner.up([...path, "interface"], name);
  if (obstacle !== null) {
    const wanted = `channel ${channelOf(entry)} at ${entry.band}`;
    planner.obstacle({ path: [...path, "channel"], wanted, found: null }, obstacle);
  } else if (entry.passphrase === undefined) planJoin(planner, [...path, "mesh"], entry, name);
  else {
    const text = wpaSupplicantConfig(entry, config.mesh.id, config.wireless.country ?? null);
    planService(planner, [...path, "passphrase"], {
      name: `wpa_supplicant-${name}`,
      kind: "wpa_supplicant",
      config: text,
      interface: name,
    }, fingerprint(text));
  }
  planPower(planner, path, entry, radio);
  if (!planner.willExist(config.mesh.interface)) return;
  planner.master([...path, "mesh"], name, config.mesh.interface, true);
  planHardSettings(planner, path, name, entry, previous?.radios[i] ?? null);
}

/** Interfaces that a document has on this machine's radios. */
function interfacesOf(planner: Planner, config: Config): ReadonlySet<string> {
  const { radios, wireless } = planner.observed;
  const out = new Set<string>();
  if (!radios.ok) return out;
  for (const [i, radio] of assignRadios(config.radios, radios.value, wireless).entries()) {
    const entry = config.radios[i];
    if (radio === null || entry?.mesh !== true || !config.mesh.enabled) continue;
    out.add(interfaceOf(entry.interface, "mesh", radio));
  }
  for (const { radio, index } of accessPoints(planner, config)) {
    if (radio !== null) out.add(apInterface(config, index, radio));
  }
  return out;
}

function apInterface(config: Config, index: number, radio: Radio): string {
  const base = interfaceOf(config.clientAp[index]?.interface, "ap", radio);
  return config.clientAp[index]?.interface === undefined && index > 0 ? `${base}-${index}` : base;
}

interface PlacedAp {
  readonly index: number;
  readonly radio: Radio | null;
  /** The entry that says how the radio works. */
  readonly entry: RadioConfig;
}

function accessPoints(planner: Planner, config: Config): readonly PlacedAp[] {
  const { radios, wireless } = planner.observed;
  if (!radios.ok) return [];
  const assigned = assignRadios(config.radios, radios.value, wireless);
  return config.clientAp.flatMap((ap, index) => {
    const usable = (radio: Radio | null): radio is Radio =>
      radio !== null && radio.modes.includes("ap") && matchesRadio(ap.radio, radio, wireless);
    const at = assigned.findIndex(usable);
    const entry = config.radios[Math.max(0, at)];
    // Channel and width come from a radio's entry: without one there is nothing to send on.
    return entry === undefined ? [] : [{ index, radio: assigned[at] ?? null, entry }];
  });
}

function planAccessPoint(planner: Planner, { index, radio, entry }: PlacedAp): void {
  const { config, observed } = planner;
  const ap = config.clientAp[index];
  if (ap === undefined) return;
  const path = ["clientAp", index];
  if (radio === null) {
    const fact = { path: [...path, "radio"], wanted: ap.radio, found: null };
    return planner.obstacle(fact, `no radio that "radios" sets up and that can be an access point`);
  }
  const { hostapd } = observed.installed;
  if (!hostapd.ok) {
    return planner.obstacle({ path, wanted: "hostapd", found: null }, hostapd.reason);
  }
  const obstacle = channelObstacle(radio, entry.band, channelOf(entry), observed.country ?? "00");
  if (obstacle !== null) {
    const wanted = `channel ${channelOf(entry)} at ${entry.band}`;
    return planner.obstacle({ path, wanted, found: null }, obstacle);
  }
  const name = apInterface(config, index, radio);
  planner.wireless.add(name);
  const bridge = ap.bridge ?? (config.lan.enabled ? config.lan.bridge : null);
  if (planner.link(name) === null) {
    planner.mend({ path, wanted: name, found: null }, {
      sentence: `make ${name} on ${radio.name}`,
      action: { do: "create-wireless", radio: radio.name, name, mode: "ap" },
      undo: { do: "delete-wireless", name },
    });
  } else planner.fine();
  const text = hostapdConfig({
    ap,
    radio: entry,
    interface: name,
    bridge,
    country: config.wireless.country ?? null,
    standards: radio.bands.find((band) => band.band === entry.band)?.standards ?? [],
  });
  planService(planner, [...path, "ssid"], {
    name: `hostapd-${name}`,
    kind: "hostapd",
    config: text,
    interface: name,
  }, fingerprint(text));
}

/** All radios. */
export function planRadios(planner: Planner): void {
  const { config, observed } = planner;
  planCountry(planner);
  const { radios } = observed;
  const assigned = radios.ok ? assignRadios(config.radios, radios.value, observed.wireless) : [];
  for (const [i, entry] of config.radios.entries()) {
    const radio = assigned[i] ?? null;
    if (radio === null) {
      if (!entry.required) continue;
      const reason = !radios.ok
        ? `this kernel has no radios: ${radios.reason}`
        : entry.match === "any"
        ? `no radio for ${entry.band} is left`
        : `the radio is not there`;
      planner.obstacle({ path: ["radios", i, "match"], wanted: entry.match, found: null }, reason);
    } else if (entry.mesh && config.mesh.enabled) planMeshRadio(planner, i, entry, radio);
  }
}

/** All access points. */
export function planAccessPoints(planner: Planner): void {
  const { config, observed } = planner;
  const placed = accessPoints(planner, config);
  for (const point of placed) planAccessPoint(planner, point);
  const known = new Set(placed.map(({ index }) => index));
  for (const [i, ap] of config.clientAp.entries()) {
    if (known.has(i)) continue;
    const reason = observed.radios.ok ? `no entry in "radios"` : observed.radios.reason;
    planner.obstacle({ path: ["clientAp", i, "radio"], wanted: ap.radio, found: null }, reason);
  }
}

/** Removes what the document before made and this one does not want; what it wants must be planned. */
export function planWirelessLeftovers(planner: Planner): void {
  const { previous } = planner;
  if (previous === null) return;
  for (const name of interfacesOf(planner, previous)) {
    const there = planner.observed.wireless.some((wlan) => wlan.name === name);
    if (!there || planner.wireless.has(name)) continue;
    planner.mend({ path: ["radios"], wanted: "none", found: name }, {
      sentence: `remove ${name}`,
      action: { do: "delete-wireless", name },
      mayDisconnect: true,
    });
  }
}
