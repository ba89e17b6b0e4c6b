// Values in the configuration files of hostapd and wpa_supplicant. Both formats are lines, so a line
// break in a value would be a new setting: names and secrets are written in hexadecimal where the
// program reads it, and refused where it does not and they hold anything but printable ASCII.
// hostap 2.10 hostapd/config_file.c, wpa_supplicant/config.c, src/utils/common.c wpa_config_parse_string().
import {
  MAX_PASSPHRASE_CHARS,
  MAX_SAE_PASSWORD_BYTES,
  MAX_SSID_BYTES,
  MIN_PASSPHRASE_CHARS,
} from "./limits.ts";

/** A setting that cannot be written. Its message names the setting, never a secret value. */
export class ConfigValueError extends TypeError {
  /** The setting, e.g. "passphrase". */
  readonly setting: string;

  constructor(setting: string, problem: string) {
    super(`Cannot use this ${setting}: ${problem}`);
    this.name = "ConfigValueError";
    this.setting = setting;
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join("");
}

/** A network name as hexadecimal digits. @throws {ConfigValueError} */
export function ssidHex(setting: string, name: string | Uint8Array): string {
  const octets = typeof name === "string" ? new TextEncoder().encode(name) : name;
  if (octets.length < 1 || octets.length > MAX_SSID_BYTES) {
    throw new ConfigValueError(setting, `it has ${octets.length} octets, not 1 to 32`);
  }
  return hex(octets);
}

/** A passphrase that every client can type: 8 to 63 printable ASCII characters. @throws {ConfigValueError} */
export function passphrase(value: string): string {
  if (value.length < MIN_PASSPHRASE_CHARS || value.length > MAX_PASSPHRASE_CHARS) {
    throw new ConfigValueError("passphrase", `it has ${value.length} characters, not 8 to 63`);
  }
  if (!/^[\x20-\x7e]+$/.test(value)) {
    throw new ConfigValueError("passphrase", "it has a character that is not printable ASCII");
  }
  return value;
}

/** A SAE password as hexadecimal digits: 1 to 128 octets of UTF-8. @throws {ConfigValueError} */
export function saePasswordHex(value: string): string {
  const octets = new TextEncoder().encode(value);
  if (octets.length < 1 || octets.length > MAX_SAE_PASSWORD_BYTES) {
    throw new ConfigValueError("password", `it has ${octets.length} octets, not 1 to 128`);
  }
  if (octets.includes(0)) throw new ConfigValueError("password", "it has a NUL");
  return hex(octets);
}

/** Name of a network interface. @throws {ConfigValueError} */
export function interfaceName(setting: string, name: string): string {
  if (!/^[A-Za-z0-9_.-]{1,15}$/.test(name) || name === "." || name === "..") {
    throw new ConfigValueError(setting, `${JSON.stringify(name)} is no interface name`);
  }
  return name;
}

/** An absolute path without anything a line-based file could trip over. @throws {ConfigValueError} */
export function directory(setting: string, path: string): string {
  if (!/^\/[A-Za-z0-9_./-]{0,90}$/.test(path)) {
    throw new ConfigValueError(setting, `${JSON.stringify(path)} is no plain absolute path`);
  }
  return path;
}

/** ISO 3166 code. @throws {ConfigValueError} */
export function country(code: string): string {
  if (!/^[A-Z]{2}$/.test(code)) {
    throw new ConfigValueError("country", `${JSON.stringify(code)} is no code of two letters`);
  }
  return code;
}

/** A whole number in a range. @throws {ConfigValueError} */
export function whole(setting: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ConfigValueError(setting, `${value} is not a whole number from ${min} to ${max}`);
  }
  return value;
}
