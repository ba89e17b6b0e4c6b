// Security headers. No page or answer needs inline script or style, frames, or anything from elsewhere.

/** For data asked for often: with its own media type and nosniff, no browser runs or embeds it. */
export const DATA_HEADERS: readonly (readonly [string, string])[] = [
  ["x-content-type-options", "nosniff"],
];

/** For everything else that is no page: nothing in it may run or load. */
export const API_HEADERS: readonly (readonly [string, string])[] = [
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-resource-policy", "same-origin"],
];

/** For pages: own script, style, images and connections, nothing inline, nothing foreign. */
export const PAGE_HEADERS: readonly (readonly [string, string])[] = [
  [
    "content-security-policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  ],
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"],
];
