// Trust, wired to this machine: sockets, randomness, the database's tables, the log.
import type { Config } from "../config/mod.ts";
import { hostNetwork, hostPackets, hostRandom, listenForWorkloads } from "../host/mod.ts";
import type { DaemonNode } from "../node/mod.ts";
import type { Clock, Files, Kernel } from "../ports/mod.ts";
import { passphraseKdf, selectBackend } from "../pq/mod.ts";
import { Security } from "../security/mod.ts";
import type { Store } from "../store/mod.ts";
import type { Logger } from "./log.ts";
import { VERSION } from "./version.ts";

/** What it is wired to. */
export interface SecurityWiring {
  readonly kernel: Kernel;
  /** Network namespace of the node's links; `null` for the daemon's own. */
  readonly netns: string | null;
  readonly clock: Clock;
  readonly files: Files;
  readonly store: Store;
  readonly node: DaemonNode;
  readonly directory: string;
  readonly config: () => Config;
  readonly log: Logger;
}

/** Opens it. Rejects when its directory can't be used. */
export async function openSecurity(wiring: SecurityWiring): Promise<Security> {
  const { kernel, netns, clock, files, store, node, directory, config, log } = wiring;
  const random = hostRandom();
  const { backend, reason } = await selectBackend(crypto.subtle, random);
  log.info(`Cryptography: ${backend.name} (${reason})`);
  const place = netns === null ? {} : { netns };
  const security = await Security.open({
    clock,
    random,
    files,
    kernel,
    network: hostNetwork(place),
    // A simulated kernel routes no packets to programs.
    ...(kernel.info.kind === "linux" ? { packets: hostPackets(place) } : {}),
    backend,
    kdf: passphraseKdf(crypto.subtle),
    subtle: crypto.subtle,
    listenForWorkloads,
    tables: {
      tokens: store.tokens,
      requests: store.requests,
      versions: store.meshVersions,
      audit: store.audit,
      policyVersions: store.policyVersions,
      auditHeads: store.auditHeads,
      spiffe: store.spiffe,
    },
    directory,
    version: VERSION,
    config,
    uptimeS: () => node.uptimeS(),
    record: (event) => node.record([event]),
    note: (message) => log.info(message),
    log: (message) => log.warn(message),
  });
  return security;
}
