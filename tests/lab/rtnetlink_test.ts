// Runs in a lab guest. The host's privileged tests again, on a kernel that has every kind of link.
import "../host/links_test.ts";
import "../host/rtnetlink_test.ts";
import { assertEquals } from "@std/assert";
import { missingKinds, SKIP_REASON } from "../host/namespaces.ts";

Deno.test("the guest's kernel lacks no kind of link, so nothing of the above was skipped", async () => {
  assertEquals(SKIP_REASON, null);
  assertEquals(await missingKinds(), {});
});
