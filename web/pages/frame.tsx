// What all pages have around their content: head, link to the content, what tells of the connection.
import type { Child } from "hono/jsx";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { NodeIdentity } from "../../core/node/mod.ts";
import { ASSETS } from "./assets.ts";

/** One page. */
export interface Frame {
  readonly title: string;
  readonly identity: NodeIdentity;
  /** Beside the one that keeps every page up to date. */
  readonly scripts?: readonly string[];
  readonly header: Child;
  /** What is refreshed. */
  readonly main: Child;
  /** What stays. */
  readonly after: Child;
}

/** Says on every page of a simulated node that it is one. */
export function SimulatedBanner({ identity }: { identity: NodeIdentity }): JSX.Element | null {
  if (identity.kernel.kind !== "simulated") return null;
  return (
    <p class="banner simulated" id="simulated">
      <b>Simulated mesh — no radio is driven:</b>{" "}
      {identity.simulatedBecause ?? "it was started that way"}.{" "}
      <span class="detail">{identity.kernel.description}</span>
    </p>
  );
}

/** Whether what is shown is up to date. */
export function Live(): JSX.Element {
  return (
    <p id="live" class="live" hidden>
      <i aria-hidden="true"></i>
      <span>live</span>
    </p>
  );
}

/** The whole document. */
export function documentOf({ title, identity, scripts, header, main, after }: Frame): string {
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <link rel="icon" href={ASSETS.icon.url} type="image/svg+xml" />
        <link rel="stylesheet" href={ASSETS.style.url} />
        {[ASSETS.script.url, ...scripts ?? []].map((url) => (
          <script key={url} src={url} defer></script>
        ))}
        <noscript>
          <meta http-equiv="refresh" content="30" />
        </noscript>
      </head>
      <body data-started={String(identity.startedAtMs)}>
        <a class="skip" href="#main">Skip to the content</a>
        {header}
        <p id="connection" class="banner" role="status" hidden></p>
        <main id="main" tabindex={-1}>{main}</main>
        {after}
      </body>
    </html>
  );
  return `<!doctype html>${page.toString()}`;
}
