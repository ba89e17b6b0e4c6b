// Reading JSON that others wrote.
import { SpiffeError } from "./errors.ts";

/** Whether a value is an object with members. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param what for the message. @throws {SpiffeError} "malformed" */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SpiffeError("malformed", `Cannot read ${what}: it is no JSON`, { cause });
  }
}
