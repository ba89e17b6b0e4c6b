// What the checks of the Links port share.
import { assertEquals, assertRejects } from "@std/assert";
import { type Kernel, KernelFault, type KernelFaultCode } from "../../core/ports/mod.ts";

/** A kernel to try, with nothing in it that the suite's names could clash with. */
export interface LinksFixture extends AsyncDisposable {
  readonly kernel: Kernel;
  /** Lets time pass: real, or virtual. */
  settle(ms: number): Promise<void>;
}

/** One thing to check. */
export type Check = (fixture: LinksFixture) => Promise<void>;

const PATIENCE_STEPS = 200;
const STEP_MS = 10;

/** Waits, within bounds, until something holds. */
export async function eventually(
  fixture: LinksFixture,
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let i = 0; i < PATIENCE_STEPS; i++) {
    if (await holds()) return;
    await fixture.settle(STEP_MS);
  }
  throw new Error(`Waited in vain for: ${what}`);
}

/** Expects a KernelFault with one code. */
export async function rejectsWith(
  code: KernelFaultCode,
  action: () => Promise<unknown>,
): Promise<void> {
  const error = await assertRejects(action, KernelFault);
  assertEquals(error.code, code, error.message);
}

/** Names of all links. */
export async function names(kernel: Kernel): Promise<string[]> {
  return (await kernel.links.list()).map((link) => link.name);
}

/** Makes a veth pair va–vb, both up. */
export async function wire({ kernel: { links } }: LinksFixture): Promise<void> {
  await links.create({ kind: "veth", name: "va", peer: "vb" });
  await links.change("va", { up: true });
  await links.change("vb", { up: true });
}
