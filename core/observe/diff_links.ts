// Events of links and addresses. Pure.
import type { EventDraft, NodeSnapshot } from "../node/mod.ts";
import type { Link } from "../ports/mod.ts";
import { changesByKey } from "./keyed.ts";

/** What happened to links and addresses between two snapshots. */
export function diffLinks(previous: NodeSnapshot, next: NodeSnapshot): EventDraft[] {
  const out: EventDraft[] = [];
  const changes = changesByKey(previous.links, next.links, ({ name }) => name);
  for (const link of changes.added) {
    out.push(draft("info", "link.added", link, `Link ${link.name} (${link.kind}) appeared`));
  }
  for (const link of changes.removed) {
    const severity = link.kind === "device" ? "warning" : "notice";
    out.push(draft(severity, "link.removed", link, `Link ${link.name} (${link.kind}) is gone`));
  }
  for (const [before, after] of changes.kept) out.push(...diffLink(before, after));
  return [...out, ...diffAddresses(previous, next)];
}

function diffLink(before: Link, after: Link): EventDraft[] {
  const out: EventDraft[] = [];
  const { name } = after;
  if (before.up !== after.up) {
    out.push(
      after.up
        ? draft("info", "link.up", after, `Link ${name} was switched on`)
        : draft("notice", "link.down", after, `Link ${name} was switched off`),
    );
  }
  if (before.carrier !== after.carrier && after.up && before.up) {
    out.push(
      after.carrier
        ? draft("info", "link.carrier", after, `Link ${name} has a carrier`)
        : draft("warning", "link.carrier-lost", after, `Link ${name} lost its carrier`),
    );
  }
  if (before.master !== after.master) {
    const text = after.master === null
      ? `Link ${name} was taken out of ${before.master}`
      : `Link ${name} was put into ${after.master}`;
    out.push(draft("info", "link.master-changed", after, text, { from: before.master }));
  }
  if (before.mac !== after.mac) {
    const text = `Link ${name} changed its MAC address from ${before.mac} to ${after.mac}`;
    out.push(draft("notice", "link.mac-changed", after, text, { from: before.mac }));
  }
  return out;
}

function diffAddresses(previous: NodeSnapshot, next: NodeSnapshot): EventDraft[] {
  const out: EventDraft[] = [];
  const changes = changesByKey(
    previous.addresses,
    next.addresses,
    ({ link, address, prefixLength }) => `${link} ${address}/${prefixLength}`,
  );
  const event = (
    severity: EventDraft["severity"],
    type: string,
    subject: string,
    message: string,
  ) => out.push({ severity, type, subject, message });
  for (const { link, address, prefixLength } of changes.added) {
    event("info", "address.added", link, `Link ${link} has the address ${address}/${prefixLength}`);
  }
  for (const { link, address, prefixLength } of changes.removed) {
    event("info", "address.removed", link, `Link ${link} lost ${address}/${prefixLength}`);
  }
  for (const [before, { link, address, duplicate }] of changes.kept) {
    if (duplicate && !before.duplicate) {
      event("error", "address.duplicate", link, `Somebody else on ${link} uses ${address}`);
    }
  }
  return out;
}

function draft(
  severity: EventDraft["severity"],
  type: string,
  { name, kind, master }: Link,
  message: string,
  data: Readonly<Record<string, unknown>> = {},
): EventDraft {
  return { severity, type, subject: name, message, data: { kind, master, ...data } };
}
