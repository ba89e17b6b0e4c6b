// Starts a daemon: joins kernel, store, observer, configuration, node and web, in the order in which each
// needs the one before; stops in the opposite order.
import { CliError, EXIT } from "../cli/mod.ts";
import { messageOf } from "../base/mod.ts";
import { type Config, ConfigManager, KernelApplier } from "../config/mod.ts";
import {
  hostClock,
  hostFiles,
  hostRandom,
  notifyEnvironment,
  type ServiceNotifier,
  serviceNotifier,
} from "../host/mod.ts";
import { createNode, type DaemonNode } from "../node/mod.ts";
import { Observer } from "../observe/mod.ts";
import type { Clock, Files } from "../ports/mod.ts";
import { DEFAULT_RETENTION, Store, StoreError } from "../store/mod.ts";
import { Cleanup } from "./cleanup.ts";
import { configChecks, eventOfConfig, readConfig } from "./config.ts";
import { chooseKernel, type ChosenKernel } from "./kernel.ts";
import { Listeners } from "./listeners.ts";
import { lockDirectory } from "./lock.ts";
import type { Logger } from "./log.ts";
import {
  absolute,
  type DataPaths,
  dataPaths,
  defaultDataDirectory,
  prepareDirectory,
} from "./paths.ts";
import { Respondd } from "./respondd.ts";
import type { RunOptions } from "./run_options.ts";
import { openSecurity } from "./security.ts";
import { serveUnix } from "./serve.ts";
import { VERSION } from "./version.ts";

/** A daemon that answers. */
export interface Daemon {
  /** Stops in order. Calling it again waits for the same stop. */
  stop(): Promise<void>;
}

/** What every phase of the start has. */
interface Frame {
  readonly options: RunOptions;
  readonly paths: DataPaths;
  readonly clock: Clock;
  readonly files: Files;
  readonly log: Logger;
  readonly cleanup: Cleanup;
}

/** Starts a daemon. @throws {CliError} when it cannot start; nothing is left behind. */
export async function startDaemon(options: RunOptions, log: Logger): Promise<Daemon> {
  const cleanup = new Cleanup();
  try {
    // All the daemon writes is its owner's alone: configuration and backups hold secrets.
    Deno.umask(0o077);
    const paths = dataPaths(options.data ?? defaultDataDirectory());
    prepareDirectory(paths);
    const lock = await lockDirectory(paths);
    cleanup.add("lock", () => lock.release());
    return await start({ options, paths, clock: hostClock(), files: hostFiles(), log, cleanup });
  } catch (thrown) {
    await cleanup.run(log);
    if (thrown instanceof StoreError) {
      throw new CliError(EXIT.failed, thrown.message, null, thrown);
    }
    throw thrown;
  }
}

async function start(frame: Frame): Promise<Daemon> {
  // The heaviest module loads while the disk and the kernel are waited for.
  const web = import("../../web/mod.ts");
  web.catch(() => {});
  const { options, paths, clock, files, log, cleanup } = frame;
  const configPaths = {
    document: options.config === null ? paths.configDocument : absolute(options.config),
    directory: paths.configRecords,
  };
  const document = await readConfig(files, configPaths, options.config !== null);
  const bootId = await readBootId(files);
  let manager: ConfigManager | null = null;
  const inForce = (): Config =>
    manager === null || manager.status().state === "stopped" ? document : manager.current().config;
  const [store, chosen] = await Promise.all([
    openStore(frame, bootId, inForce),
    openKernel(frame, document),
  ]);
  const { kernel, services } = chosen;
  manager = new ConfigManager({
    files,
    clock,
    applier: new KernelApplier({ kernel, services, clock }),
    history: store.configHistory,
    paths: configPaths,
    bootId,
  });
  await startConfig(manager, store, frame);
  const observer = new Observer({
    kernel,
    services,
    clock,
    events: store.events,
    metrics: store.metrics,
    meshName: () => inForce().mesh.interface,
    intervalMs: () => inForce().metrics.intervalMs,
    moreSamples: () => {
      const { rssBytes, heapUsedBytes } = memory();
      return [
        { subject: "node", metric: "rssBytes", value: rssBytes },
        { subject: "node", metric: "heapUsedBytes", value: heapUsedBytes },
      ];
    },
  });
  const checks: (() => ReturnType<typeof configChecks>)[] = [];
  const node = makeNode({ frame, chosen, observer, store, inForce, manager, checks });
  await observer.start();
  cleanup.add("observer", () => observer.stop());
  store.start();
  const security = await openSecurity({
    kernel: chosen.kernel,
    netns: options.kernel.netns,
    clock,
    files,
    store,
    node,
    directory: `${paths.directory}/mesh`,
    config: inForce,
    log,
  });
  cleanup.add("trust", () => security.close());
  checks.push(() => security.checks());
  const { createApp } = await web;
  const app = createApp({
    node,
    security,
    config: manager,
    clock,
    hostNames: () => inForce().api.hostNames,
    onError: (thrown) => log.error(`A request failed: ${messageOf(thrown)}`),
  });
  const network = openNetwork(frame, app, node, inForce());
  checks.push(() => network.listeners.checks(), () => network.respondd.checks());
  await network.respondd.follow(inForce());
  followConfig({ frame, manager, observer, node, network, inForce });
  const daemon = finish(frame, node, observer, store, network.listeners);
  // Last, so that whoever waits for it finds a node that is up.
  cleanup.add("address file", () => files.remove(paths.address));
  await writeAddress(frame, network.listeners);
  return daemon;
}

function memory(): { readonly rssBytes: number; readonly heapUsedBytes: number } {
  const { rss, heapUsed } = Deno.memoryUsage();
  return { rssBytes: rss, heapUsedBytes: heapUsed };
}

interface NodeInput {
  readonly frame: Frame;
  readonly chosen: ChosenKernel;
  readonly observer: Observer;
  readonly store: Store;
  readonly inForce: () => Config;
  readonly manager: ConfigManager;
  readonly checks: readonly (() => ReturnType<typeof configChecks>)[];
}

function makeNode(input: NodeInput): DaemonNode {
  const { frame: { clock, log }, chosen, observer, store, inForce, manager, checks } = input;
  const { kernel, simulatedBecause } = chosen;
  return createNode({
    identity: {
      // Follows the configuration.
      get name() {
        return inForce().node.name;
      },
      version: VERSION,
      kernel: kernel.info,
      startedAtMs: clock.wallMs(),
      simulatedBecause,
    },
    kernel,
    clock,
    observer,
    store,
    checks: () => [...configChecks(manager), ...checks.flatMap((check) => check())],
    memory,
    onBug: (thrown) => log.error(`A listener failed: ${messageOf(thrown)}`),
  });
}

interface Network {
  readonly listeners: Listeners;
  readonly respondd: Respondd;
}

function openNetwork(
  { options, paths, log, cleanup }: Frame,
  app: ConstructorParameters<typeof Listeners>[0] & { close(): void },
  node: DaemonNode,
  config: Config,
): Network {
  const failed = (thrown: unknown) => log.error(`A request failed: ${messageOf(thrown)}`);
  const listeners = new Listeners(app, options.listen, failed);
  listeners.start(config);
  cleanup.add("servers", () => listeners.close());
  const socket = serveUnix(app, paths.socket, failed);
  cleanup.add("socket", () => socket.close());
  // Event streams would keep the servers from ending.
  cleanup.add("streams", () => app.close());
  const respondd = new Respondd(node, options.kernel.netns);
  cleanup.add("respondd", () => respondd.close());
  return { listeners, respondd };
}

interface Follower {
  readonly frame: Frame;
  readonly manager: ConfigManager;
  readonly observer: Observer;
  readonly node: DaemonNode;
  readonly network: Network;
  readonly inForce: () => Config;
}

/** What the configuration changes of the daemon itself while it runs. */
function followConfig({ frame, manager, observer, node, network, inForce }: Follower): void {
  const follow = async () => {
    // What was changed is to be seen at once.
    await observer.refresh();
    await network.respondd.follow(inForce());
    if (await network.listeners.follow(inForce())) await writeAddress(frame, network.listeners);
    node.announce(["config", "health"]);
  };
  let last: Promise<void> = Promise.resolve();
  const end = manager.subscribe(() => {
    last = last.then(follow).catch((thrown) => {
      frame.log.error(`Following the configuration failed: ${messageOf(thrown)}`);
    });
  });
  // The mesh's interfaces come and go, and with them where maps ask.
  const endLinks = observer.subscribe(({ topics }) => {
    if (topics.includes("links")) void network.respondd.follow(inForce());
  });
  frame.cleanup.add("configuration listener", async () => {
    end();
    endLinks();
    await last;
  });
}

function finish(
  { log, cleanup, paths }: Frame,
  node: DaemonNode,
  observer: Observer,
  store: Store,
  listeners: Listeners,
): Daemon {
  const { identity } = node;
  node.started();
  node.record([{
    severity: "info",
    type: "node.started",
    subject: identity.name,
    message: `Node ${identity.name} started, version ${VERSION}, on ${identity.kernel.description}`,
    data: { version: VERSION, kernel: identity.kernel.kind },
  }]);
  for (const url of listeners.urls) log.info(`Listening on ${url}`);
  log.info(`Listening on ${paths.socket}`);
  const notifier = serviceNotifier(
    notifyEnvironment(),
    (reason) => log.warn(`The service manager cannot be told: ${reason}`),
  );
  const endWatchdog = startWatchdog(notifier, observer);
  notifier.send("READY=1", `STATUS=Serving ${listeners.urls.join(", ")}`);
  let stopping: Promise<void> | null = null;
  return {
    stop() {
      stopping ??= (async () => {
        notifier.send("STOPPING=1");
        endWatchdog();
        node.record([{
          severity: "info",
          type: "node.stopped",
          subject: identity.name,
          message: `Node ${identity.name} stops`,
        }]);
        node.stopping();
        store.flush();
        await cleanup.run(log);
      })();
      return stopping;
    },
  };
}

/** Signs of life, as long as the kernel is really being read. */
function startWatchdog(notifier: ServiceNotifier, observer: Observer): () => void {
  if (notifier.watchdogMs === null) return () => {};
  const timer = setInterval(() => {
    if (observer.checks().every(({ state }) => state !== "failed")) notifier.send("WATCHDOG=1");
  }, notifier.watchdogMs);
  return () => clearInterval(timer);
}

async function openStore(frame: Frame, bootId: string, inForce: () => Config): Promise<Store> {
  const { paths, clock, files, log, cleanup } = frame;
  const store = await Store.open({
    path: paths.database,
    clock,
    files,
    bootId,
    retention: () => ({ ...DEFAULT_RETENTION, ...inForce().metrics }),
    log: (message) => log.warn(message),
  });
  cleanup.add("store", () => store.close());
  return store;
}

async function openKernel(frame: Frame, config: Config): Promise<ChosenKernel> {
  const { options, paths, clock, files, log, cleanup } = frame;
  const chosen = await chooseKernel(options.kernel, {
    clock,
    random: hostRandom(),
    files,
    config,
    servicesDirectory: `${paths.directory}/services`,
  });
  cleanup.add("kernel", () => chosen.kernel.close());
  cleanup.add("services", () => chosen.services.close());
  const { description, kind } = chosen.kernel.info;
  if (chosen.simulatedBecause !== null) {
    log.warn(`Nothing here is real: ${description}, because ${chosen.simulatedBecause}`);
  } else if (kind === "simulated") log.info(`Nothing here is real: ${description}, as asked`);
  else log.info(`Driving ${description}`);
  return chosen;
}

async function startConfig(manager: ConfigManager, store: Store, frame: Frame): Promise<void> {
  const { log, cleanup } = frame;
  manager.subscribe((event) => {
    const draft = eventOfConfig(event);
    store.events.add([draft]);
    if (draft.severity === "warning" || draft.severity === "error") log.warn(draft.message);
    else log.info(draft.message);
  });
  await manager.start();
  cleanup.add("configuration", () => manager.close());
}

/** A node whose disk is full stays on the mesh: only programs that look the address up miss it. */
async function writeAddress({ paths, files, log }: Frame, listeners: Listeners): Promise<void> {
  const content = {
    urls: listeners.urls,
    socket: paths.socket,
    pid: Deno.pid,
    version: VERSION,
  };
  try {
    await files.writeAtomic(paths.address, `${JSON.stringify(content, null, 2)}\n`);
  } catch (thrown) {
    log.warn(`Other programs cannot be told where the API listens: ${messageOf(thrown)}`);
  }
}

/** Changes with each boot of the machine. */
async function readBootId(files: Files): Promise<string> {
  const text = await files.readText("/proc/sys/kernel/random/boot_id").catch(() => null);
  // Without one, no deadline of an earlier process is trusted, which is the safe side.
  return text?.trim() ?? crypto.randomUUID();
}
