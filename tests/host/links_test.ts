// The Links port of this machine's kernel against the shared suite, each test in a namespace of its own.
import { openHostKernel } from "../../core/host/mod.ts";
import { openRtnetlink } from "../../ffi/rtnetlink/mod.ts";
import { linksConformance } from "../conformance/links.ts";
import { missingKinds, SKIP_REASON, TestNamespace } from "./namespaces.ts";

async function open() {
  const namespace = new TestNamespace();
  using rtnetlink = openRtnetlink({ netns: namespace.name });
  await rtnetlink.setLink("lo", { up: true });
  const kernel = await openHostKernel({ netns: namespace.name });
  return {
    kernel,
    settle: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    async [Symbol.asyncDispose]() {
      await kernel.close();
      namespace[Symbol.dispose]();
    },
  };
}

if (SKIP_REASON === null) linksConformance("linux", open, await missingKinds());
else {
  Deno.test({ name: `linux: Links [skipped: ${SKIP_REASON}]`, ignore: true, fn() {} });
}
