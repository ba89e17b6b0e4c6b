/// <reference lib="dom" />
// The page in a real browser: against the program on a simulated mesh, and against fixtures for what a
// simulated mesh does not do (hostile names, going away).
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { createApp } from "../../web/mod.ts";
import { hostClock } from "../../core/host/mod.ts";
import { fixtureConfig } from "../fixtures/config.ts";
import { type FixtureNode, fixtureNode, type FixtureOptions } from "../fixtures/node.ts";
import { CHROMIUM, hasBrowser, openBrowser, startNode } from "./browser.ts";

const SCHEMES = ["light", "dark"] as const;
const SIZES = {
  desktop: { width: 1400, height: 900 },
  phone: { width: 390, height: 844 },
} as const;

interface Fixture {
  readonly node: FixtureNode;
  readonly url: string;
  restart(): void;
  stopServing(): Promise<void>;
}

async function withBrowser(run: (browser: Browser) => Promise<void>): Promise<void> {
  const browser = await openBrowser();
  try {
    await run(browser);
  } finally {
    await browser.close();
  }
}

/** A page whose errors fail the test. */
async function opened(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ readonly page: Page; readonly errors: string[] }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) errors.push(`loads ${request.url()}`);
  });
  await page.goto(url, { waitUntil: "load" });
  return { page, errors };
}

async function withFixture(
  options: FixtureOptions,
  run: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  const node = fixtureNode({ ...options, wallMs: Date.now });
  const clock = hostClock();
  const config = await fixtureConfig(clock);
  const app = createApp({ node, clock, config });
  const serve = (port: number) =>
    Deno.serve(
      { port, hostname: "127.0.0.1", onListen: () => {} },
      (request, info) => app.fetch(request, { remote: info.remoteAddr }),
    );
  let server = serve(0);
  const { port } = server.addr;
  const stopServing = async (): Promise<void> => {
    app.close();
    await server.shutdown();
  };
  try {
    await run({
      node,
      url: `http://127.0.0.1:${port}`,
      restart: () => server = serve(port),
      stopServing,
    });
  } finally {
    await stopServing();
    await config.close();
  }
}

function browserTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: hasBrowser() ? name : `${name} (skipped: there is no ${CHROMIUM})`,
    ignore: !hasBrowser(),
    sanitizeOps: false,
    sanitizeResources: false,
    fn,
  });
}

async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  return await page.evaluate(async () => {
    // deno-lint-ignore no-explicit-any -- axe was put into the page above
    const results = await (globalThis as any).axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    // deno-lint-ignore no-explicit-any -- axe's own result form
    return results.violations.map((one: any) =>
      // deno-lint-ignore no-explicit-any -- as above
      `${one.id}: ${one.nodes.map((node: any) => node.html.slice(0, 120)).join(" | ")}`
    );
  });
}

browserTest(
  "the page of the running program shows the simulated mesh and keeps it live",
  async () => {
    const node = await startNode({ nodes: 5 });
    try {
      await withBrowser(async (browser) => {
        const { page, errors } = await opened(browser, node.url);
        await page.waitForSelector("#live:not([hidden]):not(.lost)");
        assertMatch(
          await page.textContent("#simulated") ?? "",
          /Simulated mesh — no radio is driven/,
        );
        await page.waitForFunction(() => document.querySelectorAll("#nodes .neighbour").length > 0);
        const before = await page.textContent("#taken");
        await page.waitForFunction(
          (text) => document.getElementById("taken")?.textContent !== text,
          before,
          { timeout: 20_000 },
        );
        assertEquals(errors, []);
      });
    } finally {
      await node.stop();
      await Deno.remove(node.data, { recursive: true });
    }
  },
);

for (const colorScheme of SCHEMES) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    browserTest(`the page is accessible: ${size}, ${colorScheme}`, () =>
      withFixture(
        { originators: 24, neighbours: 6, simulatedBecause: "this machine has no batman-adv" },
        ({ node, url }) =>
          withBrowser(async (browser) => {
            node.emit({
              severity: "error",
              type: "service.failed",
              subject: "",
              message: "hostapd failed",
              data: {},
            });
            node.setHealth({
              status: "degraded",
              ready: true,
              checks: [
                { name: "kernel", state: "ok", reason: "read" },
                { name: "radio", state: "degraded", reason: "one radio is missing" },
                { name: "database", state: "failed", reason: "the disk is full" },
              ],
            });
            // The page's own policy keeps injected scripts out; the check needs one.
            const { page, errors } = await opened(browser, url, {
              viewport,
              colorScheme,
              bypassCSP: true,
            });
            await page.click("#topology-table > summary");
            assertEquals(await violations(page), []);
            const overflow = await page.evaluate(() =>
              document.documentElement.scrollWidth - document.documentElement.clientWidth
            );
            assertEquals(overflow, 0, "the page scrolls sideways");
            assertEquals(errors, []);
          }),
      ));
  }
}

browserTest("the page is complete without JavaScript", () =>
  withFixture(
    { originators: 12 },
    ({ url }) =>
      withBrowser(async (browser) => {
        const { page } = await opened(browser, url, { javaScriptEnabled: false });
        assertEquals(await page.textContent("h1"), "fixture");
        assertEquals(await page.locator("#nodes > g").count(), 13);
        assertEquals(await page.locator("#neighbours tbody tr").count(), 3);
        assert(await page.locator("#live").isHidden());
        assertStringIncludes(await page.textContent("footer") ?? "", "every 30 seconds");
      }),
  ));

browserTest("the page follows changes in place: an opened table and focus stay", () =>
  withFixture(
    { originators: 4 },
    ({ node, url }) =>
      withBrowser(async (browser) => {
        const { page, errors } = await opened(browser, url);
        await page.waitForSelector("#live:not([hidden])");
        await page.click("#topology-table > summary");
        await page.focus("#topology-table > summary");
        const { mesh } = node.snapshot();
        assert(mesh !== null);
        node.update({ mesh: { ...mesh, originators: mesh.originators.slice(0, 3) } });
        node.emit({
          severity: "notice",
          type: "test",
          subject: "",
          message: "seen live",
          data: {},
        });
        await page.waitForFunction(() => document.querySelectorAll("#nodes > g").length === 4);
        await page.waitForSelector("#events >> text=seen live");
        assertEquals(await page.locator("#topology-table").getAttribute("open"), "");
        assertEquals(await page.evaluate(() => document.activeElement?.tagName), "SUMMARY");
        assertEquals(errors, []);
      }),
  ));

browserTest("the page says when the node is gone, and when it is back", () =>
  withFixture(
    { originators: 3 },
    ({ url, stopServing, restart }) =>
      withBrowser(async (browser) => {
        const { page } = await opened(browser, url);
        await page.waitForSelector("#live:not([hidden]):not(.lost)");
        await stopServing();
        await page.waitForSelector("#connection:not([hidden])");
        assertMatch(await page.textContent("#connection") ?? "", /cannot be reached.*as of 20/);
        restart();
        await page.waitForSelector("#connection >> text=Connected again", { timeout: 20_000 });
        assertEquals(await page.textContent("#live span"), "live");
      }),
  ));

const HOSTILE =
  `"><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>'`;

browserTest("the page shows hostile names as text", () =>
  withFixture(
    { originators: 3, simulatedBecause: HOSTILE, name: HOSTILE },
    ({ node, url }) =>
      withBrowser(async (browser) => {
        const { wirelessInterfaces, links } = node.snapshot();
        node.update({
          wirelessInterfaces: wirelessInterfaces.map((one) => ({ ...one, ssid: HOSTILE })),
          links: links.map((one) => ({ ...one, name: HOSTILE })),
          problems: [{ part: HOSTILE, code: "x", message: HOSTILE }],
        });
        node.emit({
          severity: "warning",
          type: HOSTILE,
          subject: HOSTILE,
          message: HOSTILE,
          data: {},
        });
        const { page, errors } = await opened(browser, url);
        await page.waitForSelector("#live:not([hidden]):not(.lost)");
        node.update({});
        await page.waitForTimeout(1_500);
        assertEquals(await page.locator("img, main script, header script").count(), 0);
        assertEquals(await page.title(), `${HOSTILE} · x0tta6bl4`);
        assertEquals(await page.textContent("h1"), HOSTILE);
        assertStringIncludes(await page.textContent("#radios") ?? "", HOSTILE);
        assertStringIncludes(await page.textContent("#events") ?? "", HOSTILE);
        assertEquals(errors, []);
      }),
  ));
