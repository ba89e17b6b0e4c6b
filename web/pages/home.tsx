// The page: the node's status, complete without JavaScript; with it, kept up to date.
import type { ConfigStatus } from "../../core/config/mod.ts";
import { topologyOf } from "../../core/interop/mod.ts";
import type { Health, NodeEvent, NodeIdentity, NodeSnapshot } from "../../core/node/mod.ts";
import { documentOf, Live, SimulatedBanner } from "./frame.tsx";
import { duration, utc } from "./format.ts";
import { Events, HealthSection, Links, Neighbours, Radios, Summary } from "./sections.tsx";
import { TopologySection } from "./topology.tsx";

/** All the page shows. */
export interface PageFacts {
  readonly identity: NodeIdentity;
  readonly snapshot: NodeSnapshot;
  readonly health: Health;
  readonly config: ConfigStatus;
  /** Newest first. */
  readonly events: readonly NodeEvent[];
  readonly uptimeS: number;
  readonly nowMs: number;
  /** Whether this connection may change the node. */
  readonly writable: boolean;
  /** Whether there is a page of trust. */
  readonly trust: boolean;
}

const STATUS_WORDS = { ok: "Healthy", degraded: "Degraded", failed: "Failed" } as const;

function Banners({ identity, config }: PageFacts) {
  const { pending } = config;
  return (
    <div id="banners">
      <SimulatedBanner identity={identity} />
      {pending === null ? null : (
        <p class="banner pending" id="pending">
          <b>A configuration change by {pending.author} waits to be confirmed:</b>{" "}
          without confirmation it is undone in {pending.remainingS} s. Confirm it on the node with
          {" "}
          <code>config confirm {pending.revision}</code>.
        </p>
      )}
      {config.fileErrors.length === 0 ? null : (
        <p class="banner failed" id="file-errors">
          <b>The configuration file has errors; the last good one is in force:</b>{" "}
          {config.fileErrors[0]?.message}
        </p>
      )}
    </div>
  );
}

function Header({ identity, health, uptimeS }: PageFacts) {
  return (
    <header>
      <div class="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M7 9 L25 9 L16 25 Z" />
          <circle cx="7" cy="9" r="4" />
          <circle cx="25" cy="9" r="4" />
          <circle cx="16" cy="25" r="4" />
        </svg>
        <span>x0tta6bl4</span>
      </div>
      <h1>{identity.name}</h1>
      <p id="status" class={`state ${health.status}`}>{STATUS_WORDS[health.status]}</p>
      <p class="detail" id="uptime">
        up {duration(uptimeS * 1000)} · version {identity.version} · {identity.kernel.description}
      </p>
      <Live />
    </header>
  );
}

/** The whole document. */
export function renderPage(facts: PageFacts): string {
  const { identity, snapshot, health, events, nowMs, writable, trust } = facts;
  const topology = snapshot.mesh === null ? null : topologyOf(snapshot.mesh);
  const missing = snapshot.problems.find((one) => one.part === "mesh")?.message ??
    "the node has no mesh interface";
  return documentOf({
    title: `${identity.name} · x0tta6bl4`,
    identity,
    header: <Header {...facts} />,
    main: (
      <>
        <Banners {...facts} />
        <Summary snapshot={snapshot} />
        <TopologySection topology={topology} name={identity.name} missing={missing} />
        <Events events={events} nowMs={nowMs} />
        <Neighbours snapshot={snapshot} />
        <Radios snapshot={snapshot} />
        <Links snapshot={snapshot} />
        <HealthSection health={health} snapshot={snapshot} />
      </>
    ),
    after: (
      <footer>
        <p>
          As of <time id="taken">{utc(snapshot.takenAtMs)}</time>.{" "}
          <noscript>The page is fetched anew every 30 seconds.</noscript>
        </p>
        <p id="writable">
          {writable
            ? "This connection comes from the node itself: it may change the node."
            : "Over the network this node can only be read: clients cannot authenticate yet. " +
              "Changes are made on the node itself, with its command line."}
        </p>
        <nav aria-label="Interfaces">
          {trust ? <a href="/trust">Trust</a> : null}
          <a href="/api/v1/openapi.json">API description</a>
          <a href="/metrics">Metrics</a>
          <a href="/health/ready">Readiness</a>
          <a href="/api/v1/netjson/graph">NetJSON</a>
        </nav>
      </footer>
    ),
  });
}
