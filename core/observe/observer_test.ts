import { assert, assertEquals, assertGreater } from "@std/assert";
import type { Change, EventDraft, MetricSample } from "../node/mod.ts";
import { type Kernel, KernelFault } from "../ports/mod.ts";
import { simulate } from "../sim/mod.ts";
import { Observer } from "./observer.ts";

function recorder() {
  const drafts: EventDraft[] = [];
  const samples: MetricSample[] = [];
  return {
    drafts,
    samples,
    types: () => drafts.map(({ type }) => type),
    events: {
      add(added: readonly EventDraft[]) {
        drafts.push(...added);
        return [];
      },
      query: () => [],
    },
    metrics: {
      record: (added: readonly MetricSample[]) => void samples.push(...added),
      names: () => [],
      query: () => ({ subject: "", metric: "", resolutionS: 1, points: [] }),
    },
  };
}

/** A port with some methods replaced. */
function overlay<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get(_target, name) {
      const found = Reflect.get(replaced, name) ?? Reflect.get(target, name);
      return typeof found === "function" ? found.bind(target) : found;
    },
  });
}

Deno.test("`Observer` tells of a node that falls silent and comes back", async () => {
  const simulation = simulate({ nodes: 3, seed: 7, topology: "line" });
  await simulation.run(20_000);
  const { events, metrics, types, samples, drafts } = recorder();
  const kernel = simulation.kernel(0);
  const observer = new Observer({
    kernel,
    services: null,
    clock: simulation.clock,
    events,
    metrics,
    meshName: () => null,
  });
  const changes: Change[] = [];
  observer.subscribe((change) => changes.push(change));
  await observer.start();
  assertEquals(types(), []);
  const first = observer.current();
  assertEquals(first.revision, 1);
  assertEquals(first.mesh?.neighbours.length, 1);
  simulation.failNode(1);
  await simulation.run(30_000);
  assert(types().includes("neighbour.lost"), types().join(" "));
  assertEquals(types().filter((type) => type === "originator.lost").length, 2);
  simulation.restartNode(1);
  await simulation.run(60_000);
  assert(types().includes("neighbour.appeared"), types().join(" "));
  assert(observer.current().revision > first.revision);
  assert(changes.some(({ topics }) => topics.includes("events")));
  assert(samples.some(({ metric }) => metric === "tq"));
  assert(drafts.every(({ message }) => !message.includes("undefined")));
  const stopped = observer.stop();
  await simulation.run(1);
  await stopped;
  await kernel.close();
});

Deno.test("`Observer` reads often while it is watched and seldom while not", async () => {
  const simulation = simulate({ nodes: 2, seed: 1 });
  const { events, metrics } = recorder();
  const real = simulation.kernel(0);
  let readings = 0;
  const kernel = overlay<Kernel>(real, {
    links: overlay(real.links, {
      list: () => {
        readings++;
        return real.links.list();
      },
    }),
    // Kernel events would add readings of their own.
    // deno-lint-ignore require-yield
    async *watch(signal) {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  });
  const clock = simulation.clock;
  const services = null;
  const observer = new Observer({
    kernel,
    services,
    clock,
    events,
    metrics,
    meshName: () => null,
  });
  await observer.start();
  readings = 0;
  await simulation.run(60_000);
  assertEquals(readings, 12);
  readings = 0;
  for (let second = 0; second < 20; second++) {
    observer.wanted();
    await simulation.run(1_000);
  }
  assertGreater(readings, 17);
  assert(readings <= 21, `${readings}`);
  const stopped = observer.stop();
  await simulation.run(1);
  await stopped;
  await kernel.close();
});

Deno.test("`Observer` names the part that fails and reads the rest", async () => {
  const simulation = simulate({ nodes: 2, seed: 1 });
  await simulation.run(10_000);
  const { events, metrics, types } = recorder();
  const real = simulation.kernel(0);
  let broken = false;
  const kernel = overlay<Kernel>(real, {
    mesh: overlay(real.mesh, {
      originators: (name) =>
        broken
          ? Promise.reject(new KernelFault("unexpected", "Cannot list originators: EIO"))
          : real.mesh.originators(name),
    }),
    radios: overlay(real.radios, {
      list: () =>
        broken
          ? Promise.reject(new KernelFault("busy", "Cannot list radios: EBUSY"))
          : real.radios.list(),
    }),
  });
  const observer = new Observer({
    kernel,
    services: null,
    clock: simulation.clock,
    events,
    metrics,
    meshName: () => null,
  });
  await observer.refresh();
  assertEquals(observer.current().problems, []);
  broken = true;
  await observer.refresh();
  const snapshot = observer.current();
  assertEquals(snapshot.problems.map(({ part, code }) => `${part} ${code}`).sort(), [
    "mesh unexpected",
    "radios busy",
  ]);
  assertEquals(snapshot.mesh, null, "what cannot be read is not guessed");
  assertEquals(snapshot.radios.length, 1, "what was only busy is as it was");
  assertGreater(snapshot.links.length, 0);
  assert(types().includes("mesh.down") && types().includes("observe.failed"), types().join(" "));
  assertEquals(observer.checks()[0]?.state, "degraded");
  broken = false;
  await observer.refresh();
  assertEquals(observer.current().problems, []);
  await kernel.close();
});
