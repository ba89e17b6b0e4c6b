// The daemon: joins kernel, store, observer, configuration, node and web, runs until it is told to stop,
// and stops in the opposite order.
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
import { Store, StoreError } from "../store/mod.ts";
import { configChecks, eventOfConfig, readConfig } from "./config.ts";
import { chooseKernel, type ChosenKernel } from "./kernel.ts";
import { STOP_TIMEOUT_MS } from "./limits.ts";
import { type ListenAddress, parseListen } from "./listen.ts";
import { lockDirectory } from "./lock.ts";
import type { Logger } from "./log.ts";
import {
  absolute,
  type DataPaths,
  dataPaths,
  defaultDataDirectory,
  prepareDirectory,
} from "./paths.ts";
import type { RunOptions } from "./run_options.ts";
import { type Served, serveTcp, serveUnix } from "./serve.ts";
import { VERSION } from "./version.ts";

/** A daemon that answers. */
export interface Daemon {
  /** Where it answers: "http://127.0.0.1:8080", …, and the path of the unix socket last. */
  readonly addresses: readonly string[];
  /** Stops in order. Calling it again waits for the same stop. */
  stop(): Promise<void>;
}

/** Undoes what was begun, last first. */
class Cleanup {
  readonly #steps: (readonly [string, () => void | Promise<void>])[] = [];

  add(name: string, step: () => void | Promise<void>): void {
    this.#steps.push([name, step]);
  }

  async run(log: Logger): Promise<void> {
    for (const [name, step] of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (thrown) {
        log.error(`Stopping ${name} failed: ${messageOf(thrown)}`);
      }
    }
  }
}

/** Starts a daemon. @throws {CliError} when it cannot start; nothing is left behind. */
export async function startDaemon(options: RunOptions, log: Logger): Promise<Daemon> {
  const cleanup = new Cleanup();
  try {
    return await start(options, log, cleanup);
  } catch (thrown) {
    await cleanup.run(log);
    if (thrown instanceof StoreError) {
      throw new CliError(EXIT.failed, thrown.message, null, thrown);
    }
    throw thrown;
  }
}

async function start(options: RunOptions, log: Logger, cleanup: Cleanup): Promise<Daemon> {
  // All the daemon writes is its owner's alone: configuration and backups hold secrets.
  Deno.umask(0o077);
  const paths = dataPaths(options.data ?? defaultDataDirectory());
  prepareDirectory(paths);
  const lock = await lockDirectory(paths);
  cleanup.add("lock", () => lock.release());

  // The heaviest module loads while the disk and the kernel are waited for.
  const web = import("../../web/mod.ts");
  web.catch(() => {});
  const clock = hostClock();
  const files = hostFiles();
  const configPaths = {
    document: options.config === null ? paths.configDocument : absolute(options.config),
    directory: paths.configRecords,
  };
  const document = await readConfig(files, configPaths, options.config !== null);
  const bootId = await readBootId();
  const [store, chosen] = await Promise.all([
    openStore(paths, bootId, log, cleanup),
    openKernel(options, document, paths, log, cleanup),
  ]);
  const { kernel, services } = chosen;

  const manager = new ConfigManager({
    files,
    clock,
    applier: new KernelApplier({ kernel, services, clock }),
    history: store.configHistory,
    paths: configPaths,
    bootId,
  });
  const inForce = (): Config | null =>
    manager.status().state === "stopped" ? null : manager.current().config;
  const observer = new Observer({
    kernel,
    services,
    clock,
    events: store.events,
    metrics: store.metrics,
    meshName: () => inForce()?.mesh.interface ?? null,
    moreSamples: () => {
      const { rss, heapUsed } = Deno.memoryUsage();
      return [
        { subject: "node", metric: "rssBytes", value: rss },
        { subject: "node", metric: "heapUsedBytes", value: heapUsed },
      ];
    },
  });
  const startedConfig = await startConfig(manager, store, log, cleanup);
  const node = createNode({
    identity: {
      name: startedConfig.node.name,
      version: VERSION,
      kernel: kernel.info,
      startedAtMs: clock.wallMs(),
      simulatedBecause: chosen.simulatedBecause,
    },
    kernel,
    clock,
    observer,
    store,
    checks: () => configChecks(manager),
    memory: () => {
      const { rss, heapUsed } = Deno.memoryUsage();
      return { rssBytes: rss, heapUsedBytes: heapUsed };
    },
    onBug: (thrown) => log.error(`A listener failed: ${messageOf(thrown)}`),
  });
  await observer.start();
  cleanup.add("observer", () => observer.stop());
  store.start();
  manager.subscribe((event) => {
    // What the configuration changed is to be seen at once.
    void observer.refresh().then(() => node.announce(["config", "health"]));
    void event;
  });

  const { createApp } = await web;
  const app = createApp({
    node,
    config: manager,
    clock,
    onError: (thrown) => log.error(`A request failed: ${messageOf(thrown)}`),
  });
  const serveError = (thrown: unknown) => log.error(`A request failed: ${messageOf(thrown)}`);
  const listen = options.listen ?? startedConfig.api.listen.map(parseListen);
  const servers = openServers(app, listen, paths, serveError);
  cleanup.add("servers", async () => {
    app.close();
    await Promise.all(servers.map((server) => server.close()));
  });
  const addresses = servers.map(({ name }) => name);
  const daemon = finish({ node, observer, store, log, cleanup, addresses });
  // Last, so that whoever waits for it finds a node that is up.
  cleanup.add("address file", () => files.remove(paths.address));
  await writeAddress(files, paths, addresses);
  return daemon;
}

interface Started {
  readonly node: DaemonNode;
  readonly observer: Observer;
  readonly store: Store;
  readonly log: Logger;
  readonly cleanup: Cleanup;
  readonly addresses: readonly string[];
}

function finish({ node, observer, store, log, cleanup, addresses }: Started): Daemon {
  node.started();
  node.record([{
    severity: "info",
    type: "node.started",
    subject: node.identity.name,
    message:
      `Node ${node.identity.name} started, version ${VERSION}, on ${node.identity.kernel.description}`,
    data: { version: VERSION, kernel: node.identity.kernel.kind },
  }]);
  for (const address of addresses) log.info(`Listening on ${address}`);
  const notifier = serviceNotifier(
    notifyEnvironment(),
    (reason) => log.warn(`The service manager cannot be told: ${reason}`),
  );
  const watchdog = startWatchdog(notifier, observer);
  notifier.send("READY=1", `STATUS=Serving ${addresses[0] ?? ""}`);
  let stopping: Promise<void> | null = null;
  return {
    addresses,
    stop() {
      stopping ??= (async () => {
        notifier.send("STOPPING=1");
        watchdog?.();
        node.record([{
          severity: "info",
          type: "node.stopped",
          subject: node.identity.name,
          message: `Node ${node.identity.name} stops`,
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
function startWatchdog(notifier: ServiceNotifier, observer: Observer): (() => void) | null {
  if (notifier.watchdogMs === null) return null;
  const timer = setInterval(() => {
    if (observer.checks().every(({ state }) => state !== "failed")) notifier.send("WATCHDOG=1");
  }, notifier.watchdogMs);
  return () => clearInterval(timer);
}

async function openStore(
  paths: DataPaths,
  bootId: string,
  log: Logger,
  cleanup: Cleanup,
): Promise<Store> {
  const store = await Store.open({
    path: paths.database,
    clock: hostClock(),
    files: hostFiles(),
    bootId,
    log: (message) => log.warn(message),
  });
  cleanup.add("store", () => store.close());
  return store;
}

async function openKernel(
  options: RunOptions,
  config: Config,
  paths: DataPaths,
  log: Logger,
  cleanup: Cleanup,
): Promise<ChosenKernel> {
  const chosen = await chooseKernel(options.kernel, {
    clock: hostClock(),
    random: hostRandom(),
    files: hostFiles(),
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

async function startConfig(
  manager: ConfigManager,
  store: Store,
  log: Logger,
  cleanup: Cleanup,
): Promise<Config> {
  manager.subscribe((event) => {
    const draft = eventOfConfig(event);
    store.events.add([draft]);
    if (draft.severity === "warning" || draft.severity === "error") log.warn(draft.message);
    else log.info(draft.message);
  });
  await manager.start();
  cleanup.add("configuration", () => manager.close());
  return manager.current().config;
}

function openServers(
  app: Parameters<typeof serveTcp>[0],
  listen: readonly ListenAddress[],
  paths: DataPaths,
  onError: (thrown: unknown) => void,
): readonly Served[] {
  const servers: Served[] = [];
  try {
    for (const address of listen) servers.push(serveTcp(app, address, onError));
    servers.push(serveUnix(app, paths.socket, onError));
    return servers;
  } catch (thrown) {
    for (const server of servers) void server.close();
    throw thrown;
  }
}

async function writeAddress(
  files: ReturnType<typeof hostFiles>,
  paths: DataPaths,
  addresses: readonly string[],
): Promise<void> {
  const urls = addresses.filter((address) => address.startsWith("http"));
  const content = { urls, socket: paths.socket, pid: Deno.pid, version: VERSION };
  await files.writeAtomic(paths.address, `${JSON.stringify(content, null, 2)}\n`);
}

/** Changes with each boot of the machine. */
async function readBootId(): Promise<string> {
  const text = await hostFiles().readText("/proc/sys/kernel/random/boot_id").catch(() => null);
  // Without one, no deadline of an earlier process is trusted, which is the safe side.
  return text?.trim() ?? crypto.randomUUID();
}

/** Runs a daemon until a signal comes. @returns when it has stopped. */
export async function runDaemon(options: RunOptions, log: Logger): Promise<void> {
  const { promise: signalled, resolve } = Promise.withResolvers<string>();
  const handlers = (["SIGTERM", "SIGINT"] as const).map((signal) => {
    const handler = () => resolve(signal);
    Deno.addSignalListener(signal, handler);
    return () => Deno.removeSignalListener(signal, handler);
  });
  try {
    const daemon = await startDaemon(options, log);
    log.info(`Stopping: ${await signalled}`);
    const late = setTimeout(() => {
      log.error(`The stop took longer than ${STOP_TIMEOUT_MS} ms: ending now`);
      Deno.exit(EXIT.failed);
    }, STOP_TIMEOUT_MS);
    await daemon.stop();
    clearTimeout(late);
    log.info("Stopped");
  } finally {
    for (const remove of handlers) remove();
  }
}
