// Makes an invite when its button is pressed, and shows it as text and QR code. It is a secret: it is asked for
// when somebody wants it, shown outside of what is refreshed, and gone with the page.
// @ts-check
/// <reference lib="dom" />
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const button = document.getElementById("invite");
const result = /** @type {HTMLElement} */ (document.getElementById("invite-result"));

/**
 * The code's two attributes taken out of the text of an SVG, which is not made into markup.
 * @param {string} text
 */
function codeOf(text) {
  const box = /viewBox="([\d .-]+)"/.exec(text)?.[1];
  const path = /\bd="([^"<>]+)"/.exec(text)?.[1];
  if (box === undefined || path === undefined) return null;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", box);
  svg.setAttribute("class", "qr");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "The invite as a QR code");
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

/** @param {string} text */
function paragraph(text) {
  const element = document.createElement("p");
  element.textContent = text;
  return element;
}

async function make() {
  result.replaceChildren(paragraph("…"));
  try {
    const answer = await fetch("/api/v1/membership/invites", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    const body = await answer.json();
    if (!answer.ok) return result.replaceChildren(paragraph(String(body.detail)));
    const code = codeOf(String(body.qrSvg));
    const text = document.createElement("code");
    text.id = "invite-text";
    text.textContent = String(body.text);
    const until = new Date(body.record.expiresMs).toLocaleString();
    const words = paragraph(
      `Good for one node until ${until}. Whoever has it can use it: hand it over like a key.`,
    );
    result.replaceChildren(...(code === null ? [] : [code]), text, words);
  } catch {
    result.replaceChildren(paragraph("The node cannot be reached: no invite was made."));
  }
}

button?.addEventListener("click", make);
