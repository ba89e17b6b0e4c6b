// The page's other sections. Every text from outside (names, SSIDs, messages) goes through JSX, which
// escapes it; nothing here writes raw HTML.
import type { JSX } from "hono/jsx/jsx-runtime";
import type { Health, NodeEvent, NodeSnapshot } from "../../core/node/mod.ts";
import { qualityOf } from "../../core/interop/mod.ts";
import type { Radio, WirelessInterface } from "../../core/ports/mod.ts";
import { MAX_PAGE_ROWS } from "../limits.ts";
import { bytes, dbm, duration, percent, rate, UNKNOWN, utc } from "./format.ts";
import { Quality } from "./topology.tsx";

/** Figures at a glance. */
export function Summary({ snapshot }: { snapshot: NodeSnapshot }): JSX.Element | null {
  const { mesh } = snapshot;
  if (mesh === null) return null;
  const gateway = mesh.gateways.find((one) => one.best);
  const best = mesh.originators.filter((row) => row.best);
  const qualities = best.flatMap((row) => qualityOf(row) ?? []);
  const median = qualities.toSorted((a, b) => a - b)[Math.floor(qualities.length / 2)] ?? null;
  const local = mesh.localClients.filter((one) => !one.flags.includes("no-purge")).length;
  const mode = mesh.info.settings.gatewayMode;
  const figures = [
    ["Neighbours", String(new Set(mesh.neighbours.map((row) => row.neighbour)).size), "in range"],
    ["Nodes reached", String(new Set(best.map((row) => row.originator)).size), mesh.info.algorithm],
    ["Median quality", percent(median), "of all best paths"],
    [
      "Clients here",
      String(local),
      `${mesh.globalClients.filter((one) => one.best).length} elsewhere`,
    ],
    [
      "Gateway",
      mode === "server" ? "this node" : gateway?.originator.slice(-8) ?? "none",
      mode === "server"
        ? rate(mesh.info.settings.gatewayDownKbps)
        : gateway === undefined
        ? `mode: ${mode}`
        : `${rate(gateway.downKbps)} down`,
    ],
  ] as const;
  return (
    <section aria-label="At a glance" id="summary" class="wide">
      <dl class="figures">
        {figures.map(([name, value, detail]) => (
          <div data-key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
            <dd class="detail">{detail}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Direct neighbours. */
export function Neighbours({ snapshot }: { snapshot: NodeSnapshot }): JSX.Element {
  const { mesh, stations } = snapshot;
  const rows = (mesh?.neighbours ?? []).toSorted((a, b) => a.neighbour < b.neighbour ? -1 : 1);
  const own = new Map(
    mesh?.originators.flatMap((row) =>
      row.originator === row.nextHop ? [[`${row.originator} ${row.hardInterface}`, row]] : []
    ),
  );
  return (
    <section id="neighbours" class="card wide" aria-labelledby="neighbours-title">
      <h2 id="neighbours-title">Neighbours</h2>
      {rows.length === 0
        ? <p class="empty">No neighbour is in range.</p>
        : (
          <div class="scroll" tabindex={0} role="group" aria-labelledby="neighbours-title">
            <table>
              <thead>
                <tr>
                  <th scope="col">Neighbour</th>
                  <th scope="col">Interface</th>
                  <th scope="col">Quality</th>
                  <th scope="col" class="number">Signal</th>
                  <th scope="col" class="number">Rate out</th>
                  <th scope="col" class="number">Rate in</th>
                  <th scope="col" class="number">Last heard</th>
                </tr>
              </thead>
              <tbody>
                {rows.slice(0, MAX_PAGE_ROWS).map((row) => {
                  const station = stations.find((one) =>
                    one.mac === row.neighbour && one.interface === row.hardInterface
                  );
                  const path = own.get(`${row.neighbour} ${row.hardInterface}`);
                  const quality = qualityOf(
                    path ?? { tq: null, throughputKbps: row.throughputKbps },
                  );
                  return (
                    <tr data-key={`${row.neighbour}-${row.hardInterface}`}>
                      <th scope="row" class="mono">{row.neighbour}</th>
                      <td class="mono">{row.hardInterface}</td>
                      <td>
                        <Quality value={quality} />
                      </td>
                      <td class="number">{dbm(station?.signalDbm ?? null)}</td>
                      <td class="number">{rate(station?.txBitrateKbps ?? null)}</td>
                      <td class="number">{rate(station?.rxBitrateKbps ?? null)}</td>
                      <td class="number">{duration(row.lastSeenMs)}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
    </section>
  );
}

const MODES: Readonly<Record<WirelessInterface["mode"], string>> = {
  mesh: "mesh",
  ap: "access point",
  managed: "client",
  ibss: "ad hoc",
  monitor: "monitor",
  other: "other",
};

function channelOf(one: WirelessInterface, radio: Radio): string {
  if (one.frequencyMhz === null) return UNKNOWN;
  const channel = radio.bands.flatMap((band) => band.channels)
    .find((channel) => channel.frequencyMhz === one.frequencyMhz);
  const width = one.widthMhz === null ? "" : `, ${one.widthMhz} MHz wide`;
  return `${channel === undefined ? "" : `${channel.number} · `}${one.frequencyMhz} MHz${width}`;
}

function Interface(
  { one, radio, snapshot }: { one: WirelessInterface; radio: Radio; snapshot: NodeSnapshot },
) {
  const survey = snapshot.surveys.find((row) => row.interface === one.name && row.inUse);
  const busy = survey === undefined || survey.busyMs === null || !survey.activeMs
    ? null
    : Math.min(1, survey.busyMs / survey.activeMs);
  const stations = snapshot.stations.filter((station) => station.interface === one.name).length;
  const facts = [
    ["Network", one.ssid ?? "not joined"],
    ["Channel", channelOf(one, radio)],
    ["Power", dbm(one.txPowerDbm)],
    ["Noise", dbm(survey?.noiseDbm ?? null)],
    ["Air time busy", percent(busy)],
    ["Stations", String(stations)],
  ] as const;
  return (
    <div data-key={one.name}>
      <h4>
        <span class="mono">{one.name}</span> <span class="tag">{MODES[one.mode]}</span>
      </h4>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** Radios and their interfaces. */
export function Radios({ snapshot }: { snapshot: NodeSnapshot }): JSX.Element {
  const { radios, wirelessInterfaces, regulatoryDomain } = snapshot;
  return (
    <section id="radios" class="card" aria-labelledby="radios-title">
      <h2 id="radios-title">
        Radios{" "}
        {regulatoryDomain === null ? null : <span class="tag">{regulatoryDomain.country}</span>}
      </h2>
      {radios.length === 0 ? <p class="empty">This node has no radio.</p> : null}
      {radios.map((radio) => (
        <article data-key={radio.name} aria-label={`Radio ${radio.name}`}>
          <h3>
            <span class="mono">{radio.name}</span>
            {radio.bands.map((band) => (
              <span class="tag">
                {band.band}
                {band.standards.length === 0 ? "" : ` ${band.standards[0]}`}
              </span>
            ))}
          </h3>
          {wirelessInterfaces.filter((one) => one.radio === radio.name).map((one) => (
            <Interface one={one} radio={radio} snapshot={snapshot} />
          ))}
        </article>
      ))}
    </section>
  );
}

/** Network links. */
export function Links({ snapshot }: { snapshot: NodeSnapshot }): JSX.Element {
  const { links, addresses } = snapshot;
  return (
    <section id="links" class="card" aria-labelledby="links-title">
      <h2 id="links-title">Links</h2>
      <div class="scroll" tabindex={0} role="group" aria-labelledby="links-title">
        <table>
          <thead>
            <tr>
              <th scope="col">Link</th>
              <th scope="col">State</th>
              <th scope="col" class="number">Received</th>
              <th scope="col" class="number">Sent</th>
            </tr>
          </thead>
          <tbody>
            {links.filter((link) => !link.loopback).slice(0, MAX_PAGE_ROWS).map((link) => {
              const up = link.up && link.carrier;
              const state = up ? "up" : link.up ? "no carrier" : "down";
              return (
                <tr data-key={link.name}>
                  <th scope="row">
                    <span class="mono">{link.name}</span>{" "}
                    <span class="detail">
                      {[link.kind, link.master === null ? "" : `in ${link.master}`].filter(Boolean)
                        .join(", ")}
                    </span>
                    {addresses.filter((one) => one.link === link.name).map((one) => (
                      <span class="detail block mono">{one.address}/{one.prefixLength}</span>
                    ))}
                  </th>
                  <td>
                    <span class={`state ${up ? "ok" : "off"}`}>{state}</span>
                  </td>
                  <td class="number">{bytes(link.counters.rxBytes)}</td>
                  <td class="number">{bytes(link.counters.txBytes)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Health checks, services, and parts that could not be read. */
export function HealthSection(
  { health, snapshot }: { health: Health; snapshot: NodeSnapshot },
): JSX.Element {
  const services = snapshot.services.map((one) => ({
    name: one.name,
    state: one.state === "running" ? "ok" : one.state === "starting" ? "degraded" : "failed",
    reason: one.state === "running" ? one.detail : `${one.state}: ${one.detail}`,
  }));
  const problems = snapshot.problems.map((one) => ({
    name: one.part,
    state: "failed",
    reason: one.message,
  }));
  return (
    <section id="health" class="card" aria-labelledby="health-title">
      <h2 id="health-title">Health</h2>
      <ul class="checks">
        {[...health.checks, ...problems, ...services].map((check) => (
          <li data-key={check.name}>
            <span class={`state ${check.state}`}>{check.state}</span>
            <span>
              <b>{check.name}</b> <span class="detail">{check.reason}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What happened lately. */
export function Events(
  { events, nowMs }: { events: readonly NodeEvent[]; nowMs: number },
): JSX.Element {
  return (
    <section id="events" class="card" aria-labelledby="events-title">
      <h2 id="events-title">Events</h2>
      {events.length === 0 ? <p class="empty">Nothing has happened yet.</p> : null}
      <ol class="events" tabindex={0} aria-labelledby="events-title">
        {events.map((event) => (
          <li data-key={String(event.id)} class={`severity-${event.severity}`}>
            <span class="tag">{event.severity}</span>
            <span>
              {event.message}{" "}
              <span class="detail">
                <time datetime={isoOf(event.atMs)} title={utc(event.atMs)}>
                  {event.atMs > nowMs ? "just now" : `${duration(nowMs - event.atMs)} ago`}
                </time>{" "}
                · <span class="mono">{event.type}</span>
              </span>
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function isoOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}
