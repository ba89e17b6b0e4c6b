// Channel occupancy between octets and objects. linux v6.12 net/wireless/nl80211.c nl80211_send_survey().
import { decodeAttributes, DecodeError } from "../netlink/mod.ts";
import { attributeTable } from "./spec.ts";
import { counter, type Present, present } from "./values.ts";

/** Occupancy of one channel. Times count from when the radio was last started. */
export type Survey = Present<{
  ifindex: number | undefined;
  frequencyMhz: number;
  noiseDbm: number | undefined;
  /** The interface is on this channel now. */
  inUse: boolean;
  activeMs: number | undefined;
  busyMs: number | undefined;
  extBusyMs: number | undefined;
  receiveMs: number | undefined;
  transmitMs: number | undefined;
  scanMs: number | undefined;
  bssReceiveMs: number | undefined;
}>;

/** Reads one NEW_SURVEY_RESULTS message; `null` when it is for the radio as a whole. @throws {DecodeError} */
export function decodeSurvey(attributes: Uint8Array): Survey | null {
  const raw = decodeAttributes(attributeTable, attributes, "nl80211.survey");
  const { survey } = raw;
  if (survey === undefined) {
    throw new DecodeError("nl80211.survey", 0, 4, attributes.length);
  }
  if (survey.frequencyMhz === undefined) return null;
  return present({
    ifindex: raw.ifindex,
    frequencyMhz: survey.frequencyMhz,
    noiseDbm: survey.noiseDbm,
    inUse: survey.inUse ?? false,
    activeMs: counter(survey.activeMs),
    busyMs: counter(survey.busyMs),
    extBusyMs: counter(survey.extBusyMs),
    receiveMs: counter(survey.receiveMs),
    transmitMs: counter(survey.transmitMs),
    scanMs: counter(survey.scanMs),
    bssReceiveMs: counter(survey.bssReceiveMs),
  });
}
