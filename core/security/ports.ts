// What trust as a whole stands on. The daemon hands it in.
import type { HeadTable } from "../audit/mod.ts";
import type { Config } from "../config/mod.ts";
import type { MembershipTables } from "../membership/mod.ts";
import type { EventDraft } from "../node/mod.ts";
import type { PolicyVersions } from "../policy/mod.ts";
import type {
  Clock,
  Files,
  Kernel,
  ListenForWorkloads,
  Network,
  Packets,
  Random,
} from "../ports/mod.ts";
import type { SpiffeTables } from "../spiffe/mod.ts";
import type { Backend, PassphraseCost, PassphraseKdf } from "../pq/mod.ts";

/** Tables of the database that trust uses. */
export interface SecurityTables extends MembershipTables {
  readonly policyVersions: PolicyVersions;
  readonly auditHeads: HeadTable;
  readonly spiffe: SpiffeTables;
}

/** All that trust needs of the world. */
export interface SecurityPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly kernel: Kernel;
  readonly network: Network;
  /** Packets that can wait for their tunnel; absent where the kernel is simulated. */
  readonly packets?: Packets;
  readonly backend: Backend;
  readonly kdf: PassphraseKdf;
  /** Verifies tokens of other trust domains. */
  readonly subtle: SubtleCrypto;
  readonly listenForWorkloads: ListenForWorkloads;
  readonly passphraseCost?: PassphraseCost;
  readonly tables: SecurityTables;
  /** Absolute; keys, state and authority lie below it. */
  readonly directory: string;
  /** Version of the program. */
  readonly version: string;
  /** The configuration in force. */
  config(): Config;
  uptimeS(): number;
  /** Something worth an event. */
  record(event: EventDraft): void;
  /** What a person may want to know. */
  readonly note: (message: string) => void;
  /** What went wrong. */
  readonly log: (message: string) => void;
}
