// Selectors: what must be true of a process for an entry to fit it. The names are those of SPIRE's unix
// attestor, of which uid, gid and path exist here.
import type { CallerProcess } from "../ports/mod.ts";
import { SpiffeError } from "./errors.ts";
import { MAX_SELECTOR_BYTES, MAX_SELECTORS } from "./limits.ts";

const NUMBER = /^unix:(uid|gid):(0|[1-9]\d{0,9})$/;
const PATH = /^unix:path:\/.+$/;
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Checks an entry's selectors and puts them in order. @throws {SpiffeError} "malformed" */
export function requireSelectors(selectors: readonly string[]): readonly string[] {
  const distinct = [...new Set(selectors)].sort();
  if (distinct.length === 0 || distinct.length > MAX_SELECTORS) {
    throw new SpiffeError(
      "malformed",
      `Cannot use ${distinct.length} selectors: 1 to ${MAX_SELECTORS} are needed, or anybody would fit`,
    );
  }
  for (const selector of distinct) {
    const sound = selector.length <= MAX_SELECTOR_BYTES && !CONTROL.test(selector) &&
      (NUMBER.test(selector) || PATH.test(selector));
    if (!sound) {
      throw new SpiffeError(
        "malformed",
        `Cannot use selector "${selector.slice(0, 80)}": known are unix:uid:<number>, ` +
          "unix:gid:<number> and unix:path:</absolute/path>",
      );
    }
  }
  return distinct;
}

/** All selectors that are true of a process. */
export function selectorsOf({ uid, gid, path }: CallerProcess): ReadonlySet<string> {
  const out = new Set([`unix:uid:${uid}`, `unix:gid:${gid}`]);
  if (path !== null) out.add(`unix:path:${path}`);
  return out;
}
