// What the parts of membership share: the ports, and the node's keys and mesh once there are any.
import type { Clock, Files, Random } from "../ports/mod.ts";
import { AuditLog, type AuditTable } from "../audit/mod.ts";
import {
  EARLIEST_SANE_MS,
  IdentityError,
  type MeshState,
  type MeshStateOptions,
  type NodeKeys,
  NodeKeyStore,
  type PassphraseSealing,
  type VersionRecord,
} from "../identity/mod.ts";
import type { Backend, PassphraseCost, PassphraseKdf } from "../pq/mod.ts";
import type { RequestTable, TokenTable } from "./ports.ts";
import { AuthorityVault } from "./vault.ts";

/** Tables of the database that membership uses. */
export interface MembershipTables {
  readonly tokens: TokenTable;
  readonly requests: RequestTable;
  readonly versions: VersionRecord;
  readonly audit: AuditTable;
}

/** All that membership needs of the world. */
export interface MembershipPorts {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly backend: Backend;
  readonly kdf: PassphraseKdf;
  /** Default {@link DEFAULT_PASSPHRASE_COST}; tests take less. */
  readonly passphraseCost?: PassphraseCost;
  readonly tables: MembershipTables;
  /** Absolute; keys, state and authority lie below it. */
  readonly directory: string;
}

/** A node that belongs to a mesh. */
export interface Member {
  readonly keys: NodeKeys;
  readonly state: MeshState;
}

/** The ports with what is made of them once. */
export interface Context extends MembershipPorts {
  readonly keyStore: NodeKeyStore;
  readonly vault: AuthorityVault;
  readonly sealing: PassphraseSealing;
  readonly stateOptions: MeshStateOptions;
  readonly audit: AuditLog;
}

/** Makes the context. @throws FileError when the directory cannot be used. */
export async function makeContext(ports: MembershipPorts): Promise<Context> {
  const { files, clock, random, backend, kdf, passphraseCost, directory, tables } = ports;
  await files.makeDirectory(directory, 0o700);
  const sealing = {
    random,
    backend,
    kdf,
    ...(passphraseCost === undefined ? {} : { cost: passphraseCost }),
  };
  return {
    ...ports,
    sealing,
    keyStore: new NodeKeyStore(files, random, backend, `${directory}/keys`),
    vault: new AuthorityVault(files, sealing, `${directory}/authority`),
    stateOptions: { files, backend, versions: tables.versions, path: `${directory}/mesh.state` },
    audit: await AuditLog.open(tables.audit, files, clock, `${directory}/audit.head`),
  };
}

/** Wall time, or `null` while the clock cannot be right. */
export function trustedNowMs(clock: Clock): number | null {
  const nowMs = Math.round(clock.wallMs());
  return nowMs < EARLIEST_SANE_MS ? null : nowMs;
}

/** Wall time for what must be dated. @throws {IdentityError} "not-yet-valid" while the clock is not set. */
export function requireClock(clock: Clock, act: string): number {
  const nowMs = trustedNowMs(clock);
  if (nowMs !== null) return nowMs;
  const shown = new Date(clock.wallMs()).toISOString();
  throw new IdentityError(
    "not-yet-valid",
    `Cannot ${act}: this node's clock shows ${shown}, and what is signed must be dated; set it`,
  );
}

/** Random id of a request or a token's record, hexadecimal. */
export function newId(context: Pick<MembershipPorts, "random">): string {
  return context.random.bytes(8).toHex();
}
