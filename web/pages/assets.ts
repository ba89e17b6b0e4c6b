// Files the page loads. They are part of the program: text imports, so that a bundle has them too.
import icon from "../static/icon.svg" with { type: "text" };
import invite from "../static/invite.js" with { type: "text" };
import script from "../static/app.js" with { type: "text" };
import style from "../static/style.css" with { type: "text" };

/** A file as served. */
export interface Asset {
  /** Changes with the content, so that browsers may keep it for ever. */
  readonly url: string;
  readonly contentType: string;
  readonly text: string;
}

function asset(name: string, contentType: string, text: string): Asset {
  return { url: `/static/${fingerprint(text)}/${name}`, contentType, text };
}

/** FNV-1a, 32 bits: tells versions of a file apart, nothing more. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0).toString(36);
}

/** All of them. */
export const ASSETS = {
  icon: asset("icon.svg", "image/svg+xml", icon),
  invite: asset("invite.js", "text/javascript; charset=utf-8", invite),
  script: asset("app.js", "text/javascript; charset=utf-8", script),
  style: asset("style.css", "text/css; charset=utf-8", style),
} as const;
