// Renews docs/screenshots from the running program on a simulated mesh: desktop and phone, light and
// dark. Needs /usr/bin/chromium.
import { ROOT } from "./lib/modules.ts";
import { openBrowser, startNode } from "../tests/browser/browser.ts";

const NODES = 40;
/** Long enough for the simulated mesh to settle. */
const SETTLE_MS = 20_000;
const SHOTS = [
  { name: "desktop-light", width: 1400, height: 1000, scale: 1, colorScheme: "light" },
  { name: "desktop-dark", width: 1400, height: 1000, scale: 1, colorScheme: "dark" },
  { name: "phone-light", width: 390, height: 844, scale: 2, colorScheme: "light" },
  { name: "phone-dark", width: 390, height: 844, scale: 2, colorScheme: "dark" },
] as const;

if (import.meta.main) {
  const folder = `${ROOT}/docs/screenshots`;
  await Deno.mkdir(folder, { recursive: true });
  const node = await startNode({ nodes: NODES });
  const browser = await openBrowser();
  try {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    for (const { name, width, height, scale, colorScheme } of SHOTS) {
      const page = await browser.newPage({
        viewport: { width, height },
        deviceScaleFactor: scale,
        colorScheme,
      });
      await page.goto(node.url);
      await page.waitForSelector("#live:not([hidden])");
      await page.waitForSelector("#nodes > g");
      // Long enough for nodes to have moved to their places.
      await page.waitForTimeout(2_500);
      const path = `${folder}/${name}.png`;
      await page.screenshot({ path, fullPage: name.startsWith("desktop") });
      await page.close();
      console.log(path);
    }
  } finally {
    await browser.close();
    await node.stop();
    await Deno.remove(node.data, { recursive: true });
  }
}
