// SPDX-License-Identifier: Apache-2.0
// Small helpers around the document.
import { TEXT } from "./text.js";

/**
 * The element of that id; the page and its scripts agree on them.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} [kind]
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (found === null || (kind !== undefined && !(found instanceof kind))) {
    throw new Error(`no #${id}`);
  }
  return /** @type {T} */ (found);
}

/**
 * A new element.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Fills in the texts that the HTML names. */
export function fillTexts() {
  const texts = /** @type {Record<string, unknown>} */ (TEXT);
  for (const found of document.querySelectorAll("[data-text]")) {
    found.textContent = String(texts[found.getAttribute("data-text") ?? ""]);
  }
  for (const found of document.querySelectorAll("[data-label]")) {
    found.setAttribute("aria-label", String(texts[found.getAttribute("data-label") ?? ""]));
  }
}

/**
 * A slider with its name and its value.
 *
 * @param {string} name
 * @param {{min: number, max: number, step: number, value: number}} range
 * @param {(value: number) => string} show
 * @param {(value: number) => void} take called while it moves
 * @returns {{row: HTMLElement, set: (value: number) => void}}
 */
export function slider(name, range, show, take) {
  const input = element("input", {
    type: "range",
    min: String(range.min),
    max: String(range.max),
    step: String(range.step),
    "aria-label": name,
  });
  const output = element("span", { class: "value", "aria-hidden": "true" }, show(range.value));
  const set = (/** @type {number} */ value) => {
    input.value = String(value);
    input.setAttribute("aria-valuetext", show(value));
    output.textContent = show(value);
  };
  set(range.value);
  input.addEventListener("input", () => {
    set(input.valueAsNumber);
    take(input.valueAsNumber);
  });
  const row = element("label", { class: "slider" }, element("span", {}, name), output, input);
  return { row, set };
}

/**
 * Makes a canvas as sharp as the screen.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {{context: CanvasRenderingContext2D, width: number, height: number}} sizes in CSS pixels
 */
export function sharpen(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth || 300;
  const height = canvas.clientHeight || 150;
  const pixels = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) {
    [canvas.width, canvas.height] = pixels;
  }
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("no canvas");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, width, height };
}

/**
 * A colour of the style sheet.
 *
 * @param {string} name
 */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * Hands a file to the person, who chooses where it goes.
 *
 * @param {Blob} blob
 * @param {string} name
 */
export function saveFile(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/**
 * A score in decimals, a half to the even digit: as the commands print it.
 *
 * @param {number} score a multiple of 1/65536
 * @param {number} digits
 */
export function decimals(score, digits) {
  const scaled = score * 10 ** digits; // exact
  const below = Math.floor(scaled);
  const rest = scaled - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 === 1);
  return ((below + Number(up)) / 10 ** digits).toFixed(digits);
}

/**
 * Milliseconds as 1:02.34.
 *
 * @param {number} timeMs
 */
export function clock(timeMs) {
  const hundredths = Math.round(timeMs / 10);
  return `${Math.floor(hundredths / 6000)}:${((hundredths % 6000) / 100).toFixed(2).padStart(5, "0")}`;
}
