// Programs beside the daemon: started with the text that the document implies, stopped when it implies none.
import type { PathPart } from "../document/mod.ts";
import type { ServiceSpec } from "../ports/mod.ts";
import { dnsmasqConfig } from "./dnsmasq.ts";
import { fingerprint } from "./fingerprint.ts";
import type { Planner } from "./planner.ts";

/** Has a program run with a configuration. */
export function planService(
  planner: Planner,
  path: readonly PathPart[],
  spec: ServiceSpec,
  print: string,
): void {
  const { observed } = planner;
  planner.services.add(spec.name);
  const program = observed.installed[spec.kind];
  const fact = { path, wanted: `${spec.kind} on ${spec.interface}`, found: null };
  if (!program.ok) return planner.obstacle(fact, program.reason);
  const running = observed.services.find((service) => service.name === spec.name);
  const alive = running?.state === "running" || running?.state === "starting";
  if (alive && running.fingerprint === print) return planner.fine();
  const found = running === undefined ? null : `${running.state}: ${running.detail}`;
  planner.mend({ ...fact, found }, {
    sentence: `${alive ? "restart" : "start"} ${spec.kind} on ${spec.interface}`,
    action: { do: "ensure-service", spec, fingerprint: print },
    undo: { do: "stop-service", name: spec.name },
    mayDisconnect: true,
  });
}

/** DHCP, DNS and router advertisement. */
export function planDnsmasq(planner: Planner): void {
  const { config } = planner;
  const text = dnsmasqConfig(config);
  if (text === null) return;
  const key = config.lan.dhcp.enabled ? "dhcp" : "routerAdvertisement";
  const name = config.lan.bridge;
  planService(planner, ["lan", key, "enabled"], {
    name: `dnsmasq-${name}`,
    kind: "dnsmasq",
    config: text,
    interface: name,
  }, fingerprint(text));
}

/** Stops what the document no longer implies. To be called after everything that wants a service. */
export function planStops(planner: Planner): void {
  for (const { name, kind, state } of planner.observed.services) {
    if (planner.services.has(name) || state === "stopped") continue;
    planner.mend(
      { path: [kind === "dnsmasq" ? "lan" : "radios"], wanted: "stopped", found: state },
      {
        sentence: `stop ${name}`,
        action: { do: "stop-service", name },
        mayDisconnect: true,
      },
    );
  }
}
