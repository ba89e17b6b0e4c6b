// From a document and a reading of the machine to the least that must be done. Pure. The order is the
// order of acting: what others depend on first, the packet filter last, when its interfaces are there.
import type { Observed } from "./observed.ts";
import {
  planBridges,
  planFirewall,
  planLanAddresses,
  planPorts,
  planSysctls,
  planWan,
} from "./plan_lan.ts";
import { planMesh, planVlans, planWired } from "./plan_mesh.ts";
import { Planner } from "./planner.ts";
import { planAccessPoints, planRadios, planWirelessLeftovers } from "./plan_radio.ts";
import { planDnsmasq, planStops } from "./plan_service.ts";
import type { Difference } from "./report.ts";
import type { Config } from "./schema.ts";
import type { Step } from "./step.ts";

/** What to do, what cannot be done, and how much is right already. */
export interface Plan {
  /** In the order of acting. Empty when nothing is to be done. */
  readonly steps: readonly Step[];
  /** What no step can mend: an unplugged radio, a forbidden channel, a missing program. */
  readonly obstacles: readonly Difference[];
  /** Facts that are as wanted. */
  readonly unchanged: number;
}

/**
 * Plans.
 *
 * @param previous the document in force before, if known: what only it made is removed. What nobody's
 * document made is left alone.
 */
export function plan(config: Config, observed: Observed, previous: Config | null = null): Plan {
  const planner = new Planner(config, observed, previous);
  planBridges(planner);
  planMesh(planner);
  planRadios(planner);
  planWired(planner);
  planVlans(planner);
  planPorts(planner);
  planLanAddresses(planner);
  planWan(planner);
  planSysctls(planner);
  planAccessPoints(planner);
  planDnsmasq(planner);
  // Programs let go of interfaces before those go, and old interfaces make room for new ones.
  planner.before(0, () => planWirelessLeftovers(planner));
  planner.before(0, () => planStops(planner));
  planFirewall(planner);
  return { steps: planner.steps, obstacles: planner.obstacles, unchanged: planner.right };
}
