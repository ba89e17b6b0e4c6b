// Network namespaces for privileged tests on the machine that runs them. Each test has its own, so that
// nothing of the machine is touched.
import { createNamespace, deleteNamespace, ERRNO, loadLibc } from "../../ffi/sys/mod.ts";
import { KernelError } from "../../ffi/netlink/mod.ts";
import { type NewLinkIn, openRtnetlink } from "../../ffi/rtnetlink/mod.ts";

// Here, so that the library belongs to no test (--sanitize-resources).
loadLibc();

let used = 0;

/** A network namespace until it is disposed. */
export class TestNamespace implements Disposable {
  readonly name = `x0-test-${Deno.pid}-${used++}`;

  constructor() {
    createNamespace(this.name);
  }

  [Symbol.dispose](): void {
    deleteNamespace(this.name);
  }
}

function whyNot(): string | null {
  try {
    new TestNamespace()[Symbol.dispose]();
    return null;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return `needs root and CAP_SYS_ADMIN for network namespaces: ${cause}`;
  }
}

/** Why privileged tests cannot run here; `null` when they can. */
export const SKIP_REASON: string | null = whyNot();

/** Registers a test that needs privileges; it is reported as ignored, with the reason, without them. */
export function privilegedTest(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  const skipped = SKIP_REASON === null ? "" : ` [skipped: ${SKIP_REASON}]`;
  Deno.test({ name: `${name}${skipped}`, ignore: SKIP_REASON !== null, fn });
}

/** Link kinds that this kernel lacks, with the reason: found by trying, in a namespace. */
export async function missingKinds(): Promise<Partial<Record<NewLinkIn["kind"], string>>> {
  if (SKIP_REASON !== null) return {};
  using namespace = new TestNamespace();
  using rtnetlink = openRtnetlink({ netns: namespace.name });
  await rtnetlink.createLink({ kind: "veth", name: "p0", peer: { name: "p1" } });
  const link = await rtnetlink.index("p0");
  const tries: NewLinkIn[] = [
    { kind: "batadv", name: "t" },
    { kind: "bridge", name: "t" },
    { kind: "dummy", name: "t" },
    { kind: "wireguard", name: "t" },
    { kind: "vlan", name: "t", link, id: 9 },
    { kind: "vxlan", name: "t", link, id: 9 },
    { kind: "macvlan", name: "t", link },
  ];
  const missing: Partial<Record<NewLinkIn["kind"], string>> = {};
  for (const attempt of tries) {
    try {
      await rtnetlink.createLink(attempt);
      await rtnetlink.deleteLink("t");
    } catch (error) {
      if (!(error instanceof KernelError) || error.errno !== ERRNO.EOPNOTSUPP) throw error;
      missing[attempt.kind] = `this kernel has no links of kind ${attempt.kind}`;
    }
  }
  return missing;
}
