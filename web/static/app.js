// Keeps the page up to date: on every change the node reports, fetches the page again and changes what
// differs in place, so that focus, scroll position and opened tables stay. The server renders everything;
// nothing here makes markup from data. Without this script the page is complete, only not live.
// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
"use strict";

/** At most one refresh in this time. */
const REFRESH_MS = 1_000;
/** The stream is taken for dead when not even a heartbeat came for so long. */
const SILENCE_MS = 40_000;
/** Regions that are brought up to date. */
const REGIONS = ["main", "#status", "#uptime", "#taken", "#writable"];

const live = /** @type {HTMLElement} */ (document.getElementById("live"));
const connection = /** @type {HTMLElement} */ (document.getElementById("connection"));
const startedAtMs = document.body.dataset["started"];

let connected = true;
let refreshing = false;
let dueAgain = false;
let lastRefreshMs = 0;

/**
 * What identifies an element among its siblings.
 * @param {Element} element
 */
function keyOf(element) {
  return element.id || element.getAttribute("data-key") || null;
}

/**
 * Makes `from` like `to`.
 * @param {Element} from
 * @param {Element} to
 */
function morph(from, to) {
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    const kept = name === "open" && from.tagName === "DETAILS";
    if (!kept && !to.hasAttribute(name)) from.removeAttribute(name);
  }
  morphChildren(from, to);
}

/**
 * @param {Element} from
 * @param {Element} to
 */
function morphChildren(from, to) {
  /** @type {Map<string, Element>} */
  const keyed = new Map();
  for (const child of from.children) {
    const key = keyOf(child);
    if (key !== null) keyed.set(key, child);
  }
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const key = wanted instanceof Element ? keyOf(wanted) : null;
    const known = key === null ? undefined : keyed.get(key);
    if (known !== undefined && wanted instanceof Element && known.tagName === wanted.tagName) {
      if (known === at) at = at.nextSibling;
      else from.insertBefore(known, at);
      morph(known, wanted);
    } else if (at !== null && canBecome(at, wanted)) {
      const next = at.nextSibling;
      if (at instanceof Element && wanted instanceof Element) morph(at, wanted);
      else if (at.nodeValue !== wanted.nodeValue) at.nodeValue = wanted.nodeValue;
      at = next;
    } else {
      from.insertBefore(document.importNode(wanted, true), at);
    }
  }
  while (at !== null) {
    const next = at.nextSibling;
    at.remove();
    at = /** @type {ChildNode | null} */ (next);
  }
}

/**
 * Whether a node without a key can be changed into another.
 * @param {ChildNode} node
 * @param {ChildNode} wanted
 */
function canBecome(node, wanted) {
  if (!(node instanceof Element) || !(wanted instanceof Element)) {
    return node.nodeType === wanted.nodeType && !(node instanceof Element);
  }
  return node.tagName === wanted.tagName && keyOf(node) === null && keyOf(wanted) === null;
}

/**
 * The page as it is now. XMLHttpRequest parses it into a document in which no script runs.
 * @returns {Promise<Document>}
 */
function fetchPage() {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.pathname);
    request.responseType = "document";
    request.timeout = 10_000;
    request.onload = () => {
      const page = request.responseXML;
      if (request.status === 200 && page !== null) resolve(page);
      else reject(new Error(`status ${request.status}`));
    };
    request.onerror = request.ontimeout = () => reject(new Error("no answer"));
    request.send();
  });
}

async function refresh() {
  if (refreshing || document.hidden) {
    dueAgain = true;
    return;
  }
  refreshing = true;
  dueAgain = false;
  const waitMs = lastRefreshMs + REFRESH_MS - performance.now();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  try {
    const page = await fetchPage();
    // Another run of the program may come with another script and style.
    if (page.body.dataset["started"] !== startedAtMs) {
      location.reload();
      return;
    }
    for (const region of REGIONS) {
      const [from, to] = [document.querySelector(region), page.querySelector(region)];
      if (from !== null && to !== null) morph(from, to);
    }
    setConnected(true);
  } catch {
    setConnected(false);
  }
  lastRefreshMs = performance.now();
  refreshing = false;
  if (dueAgain) refresh();
}

/** @param {boolean} now */
function setConnected(now) {
  live.hidden = false;
  live.classList.toggle("lost", !now);
  const word = live.querySelector("span");
  if (word !== null) word.textContent = now ? "live" : "not live";
  if (now === connected) return;
  connected = now;
  if (now) {
    connection.textContent = "Connected again.";
    connection.className = "banner";
    setTimeout(() => {
      if (connected) connection.hidden = true;
    }, 5_000);
  } else {
    const taken = document.getElementById("taken")?.textContent ?? "before";
    connection.textContent =
      `The node cannot be reached; trying again. What is shown is as of ${taken}.`;
    connection.className = "banner failed";
  }
  connection.hidden = false;
}

/** @type {EventSource | null} */
let source = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let watchdog;

function listen() {
  source?.close();
  const stream = new EventSource("/api/v1/events/stream");
  source = stream;
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(check, SILENCE_MS);
  };
  stream.onopen = alive;
  stream.addEventListener("hello", () => {
    alive();
    refresh();
  });
  stream.addEventListener("change", () => {
    alive();
    refresh();
  });
  // The server ends the stream of a page that was too slow: a new one starts from what is now.
  stream.addEventListener("dropped", () => setTimeout(listen, REFRESH_MS));
  stream.onerror = () => {
    setConnected(false);
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 5_000);
  };
  alive();
}

/** Heartbeats are comments, which scripts do not see: silence is checked with a request. */
async function check() {
  await refresh();
  if (!connected || source?.readyState === EventSource.CLOSED) listen();
  else watchdog = setTimeout(check, SILENCE_MS);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && dueAgain) refresh();
});
live.hidden = false;
listen();
