// Which kernel the node drives: the machine's where it can, else the simulated mesh, saying why.
import { CliError, EXIT } from "../cli/mod.ts";
import { messageOf } from "../base/mod.ts";
import type { Config } from "../config/mod.ts";
import {
  type Capability,
  type Clock,
  type Files,
  type Kernel,
  KernelFault,
  type Random,
  type Services,
} from "../ports/mod.ts";

/** What the command line asks for. */
export interface KernelWish {
  /** "auto" takes the machine's kernel where it can carry a mesh. */
  readonly kind: "auto" | "linux" | "simulated";
  /** Nodes of the simulated mesh. */
  readonly nodes: number;
  /** Fixes the simulated mesh. */
  readonly seed: number;
  /** A simulated medium that other daemons share, and the number of this one's node. */
  readonly attach: { readonly path: string; readonly node: number } | null;
  /** A network namespace under /run/netns, or `null` for the daemon's own. */
  readonly netns: string | null;
}

/** What kernels are made with. */
export interface KernelDeps {
  /** The document as it is at start: the other nodes of a simulated mesh follow it. */
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  /** Where helper programs keep their configurations and sockets. */
  readonly servicesDirectory: string;
}

/** The kernel in use. */
export interface ChosenKernel {
  readonly kernel: Kernel;
  readonly services: Services;
  /** Why it is simulated although nobody asked for that. */
  readonly simulatedBecause: string | null;
}

/** Capabilities without which there is no mesh. */
const NEEDED = ["net-admin", "batman-adv"];

async function simulated(
  wish: KernelWish,
  deps: KernelDeps,
  simulatedBecause: string | null,
): Promise<ChosenKernel> {
  const { openSimulated } = await import("./kernel_simulated.ts");
  return { ...await openSimulated(wish, deps), simulatedBecause };
}

/** Opens a kernel. @throws {CliError} when the one that was asked for cannot be had. */
export async function chooseKernel(
  wish: KernelWish,
  deps: KernelDeps,
): Promise<ChosenKernel> {
  if (wish.kind === "simulated") return await simulated(wish, deps, null);
  const attempt = await tryHost(wish, deps);
  if ("kernel" in attempt) return { ...attempt, simulatedBecause: null };
  if (wish.kind === "auto") return await simulated(wish, deps, attempt.reason);
  throw new CliError(
    attempt.permission ? EXIT.notPermitted : EXIT.failed,
    `Cannot use this machine's kernel: ${attempt.reason}`,
    attempt.remedy,
  );
}

interface Refusal {
  readonly reason: string;
  readonly remedy: string | null;
  readonly permission: boolean;
}

async function tryHost(
  { netns }: KernelWish,
  { clock, random, files, servicesDirectory }: KernelDeps,
): Promise<{ readonly kernel: Kernel; readonly services: Services } | Refusal> {
  const { hostServices, openHostKernel } = await import("../host/mod.ts");
  const place = netns === null ? {} : { netns };
  const services = hostServices({ clock, files, directory: servicesDirectory, ...place });
  let kernel: Kernel;
  try {
    const meshIdOf = (link: string) => services.meshIdOf(link);
    kernel = await openHostKernel({ clock, random, meshIdOf, ...place });
  } catch (thrown) {
    const permission = thrown instanceof KernelFault && thrown.code === "not-permitted";
    return { reason: messageOf(thrown), remedy: null, permission };
  }
  const lacking = (await kernel.capabilities()).filter(({ id, state }) =>
    NEEDED.includes(id) && state !== "ok"
  );
  if (lacking.length === 0) return { kernel, services };
  await kernel.close();
  const remedies = lacking.map(({ remedy }) => remedy).filter((remedy) => remedy !== null);
  return {
    reason: lacking.map(({ detail }: Capability) => detail).join(" "),
    remedy: remedies.length === 0 ? null : remedies.join("\n"),
    permission: lacking.some(({ id }) => id === "net-admin"),
  };
}
