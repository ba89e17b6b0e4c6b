/// <reference lib="dom" />
// The page of trust in a real browser, against the program on a simulated mesh.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { CHROMIUM, hasBrowser, openBrowser, startNode } from "./browser.ts";

async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  return await page.evaluate(async () => {
    // deno-lint-ignore no-explicit-any -- axe was put into the page above
    const { violations } = await (globalThis as any).axe.run(document);
    // deno-lint-ignore no-explicit-any -- axe's own result form
    return violations.map((one: any) => `${one.id}: ${one.nodes[0]?.html.slice(0, 120)}`);
  });
}

Deno.test({
  name: hasBrowser()
    ? "the page of trust tells of the mesh, and makes an invite with its QR code"
    : `the page of trust (skipped: there is no ${CHROMIUM})`,
  ignore: !hasBrowser(),
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const node = await startNode({ nodes: 3 });
    const browser = await openBrowser();
    try {
      const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
      const page = await context.newPage();
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error") errors.push(message.text());
      });
      await page.goto(`${node.url}/trust`, { waitUntil: "load" });
      assertStringIncludes(await page.locator("#membership").innerText(), "belongs to no mesh");
      assertEquals(await page.locator("#invite").count(), 0);
      const made = await fetch(`${node.url}/api/v1/membership/create`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ mesh: "page.mesh" }),
      });
      assertEquals(made.status, 200, await made.text());
      await page.reload({ waitUntil: "load" });
      const membership = await page.locator("#membership").innerText();
      assertMatch(membership, /spiffe:\/\/page\.mesh\/node\/[a-z2-7]{16}/);
      assertStringIncludes(await page.locator("#rules").innerText(), "audit log is sound");
      assertEquals(await violations(page), []);
      await page.locator("#invite").click();
      const text = await page.locator("#invite-text").innerText();
      assertMatch(text, /^x0t1:[a-z2-7]+$/);
      assert((await page.locator("svg.qr path").getAttribute("d") ?? "").length > 1_000);
      assertEquals(await violations(page), []);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert(wide <= 390, `the page is ${wide} pixels wide`);
      await page.screenshot({ path: `${node.data}/trust.png`, fullPage: true });
      assertEquals(errors, []);
      if (Deno.env.has("X0_KEEP_PICTURE")) {
        await Deno.copyFile(`${node.data}/trust.png`, Deno.env.get("X0_KEEP_PICTURE") ?? "");
      }
    } finally {
      await browser.close();
      await node.stop();
      await Deno.remove(node.data, { recursive: true });
    }
  },
});
