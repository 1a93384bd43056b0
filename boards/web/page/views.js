// SPDX-License-Identifier: Apache-2.0
// What is seen while something listens: tiles, bars, a scrolling picture, the list of detections.
import { clock, colour, element, sharpen } from "./dom.js";
import { NOT_WORDS } from "./scoring.js";
import { TEXT } from "./text.js";

const LIT_MS = 1500;
const LIST_LENGTH = 50;
const COLUMN_PIXELS = 2;

/** @typedef {import("./firmware.js").Detection} Detection */

/**
 * The labels that a person can say.
 *
 * @param {string[]} labels
 */
export function wordsOf(labels) {
  return labels.filter((label) => !NOT_WORDS.includes(label));
}

/** A word may be one of both models. @param {string} word @param {boolean} wakes */
const keyOf = (word, wakes) => `${wakes ? "wake" : "word"} ${word}`;

/** Words that light up when they are heard, and stay lit a moment. */
export class Tiles {
  /** @param {HTMLElement} list */
  constructor(list) {
    this._list = list;
    /** @type {Map<string, {tile: HTMLElement, score: HTMLElement, timer: number}>} */
    this._tiles = new Map();
  }

  /**
   * @param {string[]} words
   * @param {string[]} wakeWords those that wake the others, which sleep until then
   */
  show(words, wakeWords = []) {
    for (const { timer } of this._tiles.values()) clearTimeout(timer);
    this._tiles.clear();
    this._list.replaceChildren();
    this._list.classList.toggle("many", words.length + wakeWords.length > 12);
    for (const word of wakeWords) this._add(word, true);
    for (const word of words) this._add(word, false);
    this.sleep(wakeWords.length > 0);
  }

  /** @param {string} word @param {boolean} wakes */
  _add(word, wakes) {
    const score = element("span", { class: "score" }, "\u00a0");
    const tile = element("li", wakes ? { class: "wakes" } : {}, element("span", { class: "word", lang: "" }, word), score);
    this._tiles.set(keyOf(word, wakes), { tile, score, timer: 0 });
    this._list.append(tile);
  }

  /** Shows whether the words that a wake word wakes are asleep. @param {boolean} asleep */
  sleep(asleep) {
    this._list.classList.toggle("asleep", asleep);
  }

  /** @param {Detection} detection */
  light({ label, score, ofWakeWord = false }) {
    const entry = this._tiles.get(keyOf(label, ofWakeWord));
    if (entry === undefined) return;
    clearTimeout(entry.timer);
    entry.tile.classList.add("lit");
    entry.tile.dataset.heard = String(Number(entry.tile.dataset.heard ?? 0) + 1);
    entry.score.textContent = score.toFixed(2);
    entry.timer = setTimeout(() => entry.tile.classList.remove("lit"), LIT_MS);
  }
}

/** A bar for each label: its average score, and a mark at its threshold. */
export class ScoreBars {
  /** @param {HTMLElement} list */
  constructor(list) {
    this._list = list;
    /** @type {{bar: HTMLElement, mark: HTMLElement}[]} */
    this._rows = [];
  }

  /** @param {string[]} labels */
  show(labels) {
    this._rows = labels.map(() => ({
      bar: element("span", { class: "fill" }),
      mark: element("span", { class: "mark" }),
    }));
    this._list.replaceChildren(
      ...labels.map((label, index) => {
        const { bar, mark } = this._rows[index];
        return element("li", {}, element("span", { lang: "" }, label), element("span", { class: "track" }, bar, mark));
      }),
    );
  }

  /** @param {(number | undefined)[]} thresholds 0 to 1; undefined ones stay where they are */
  mark(thresholds) {
    thresholds.forEach((threshold, index) => {
      const row = this._rows[index];
      if (row !== undefined && threshold !== undefined) row.mark.style.insetInlineStart = `${100 * threshold}%`;
    });
  }

  /** @param {number[]} scores 0 to 1 */
  update(scores) {
    scores.forEach((score, index) => {
      const row = this._rows[index];
      if (row !== undefined) row.bar.style.inlineSize = `${100 * score}%`;
    });
  }
}

/** Columns of values that come in from the right: features, or scores. */
export class Picture {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this._canvas = canvas;
    this._image = document.createElement("canvas");
    this._rows = 0;
    this._pending = /** @type {Int8Array[]} */ ([]);
    this._marks = /** @type {{label: string, column: number}[]} */ ([]);
    this._columns = 0;
    this._asked = false;
  }

  /** @param {number} rows values in a column; the first one is at the bottom */
  show(rows) {
    this._rows = rows;
    this._image.width = 600;
    this._image.height = rows;
    this._pending = [];
    this._marks = [];
    this._columns = 0;
    this._ask();
  }

  /** @param {Int8Array} column */
  push(column) {
    this._pending.push(column);
    ++this._columns;
    this._ask();
  }

  /** @param {string} label of a detection at the newest column */
  mark(label) {
    this._marks.push({ label, column: this._columns });
    if (this._marks.length > 30) this._marks.shift();
  }

  _ask() {
    if (this._asked || this._rows === 0) return;
    this._asked = true;
    requestAnimationFrame(() => {
      this._asked = false;
      this._draw();
    });
  }

  _draw() {
    this._scroll();
    if (this._canvas.clientWidth === 0) return; // not in sight
    const { context, width, height } = sharpen(this._canvas);
    context.imageSmoothingEnabled = false;
    context.fillStyle = colour("picture");
    context.fillRect(0, 0, width, height);
    const shown = Math.min(this._image.width, Math.ceil(width / COLUMN_PIXELS));
    const from = this._image.width - shown;
    context.drawImage(this._image, from, 0, shown, this._rows, width - shown * COLUMN_PIXELS, 0, shown * COLUMN_PIXELS, height);
    this._drawMarks(context, width);
  }

  _scroll() {
    const count = Math.min(this._pending.length, this._image.width);
    const context = this._image.getContext("2d", { willReadFrequently: true });
    if (count === 0 || context === null) return;
    const columns = this._pending.slice(-count);
    this._pending = [];
    const kept = this._image.width - count;
    if (kept > 0) {
      context.putImageData(context.getImageData(count, 0, kept, this._rows), 0, 0);
    }
    const fresh = context.createImageData(count, this._rows);
    columns.forEach((column, x) => {
      for (let row = 0; row < this._rows; ++row) {
        const place = 4 * ((this._rows - 1 - row) * count + x);
        fresh.data.set(HEAT.subarray(3 * (column[row] + 128), 3 * (column[row] + 128) + 3), place);
        fresh.data[place + 3] = 255;
      }
    });
    context.putImageData(fresh, kept, 0);
  }

  /** @param {CanvasRenderingContext2D} context @param {number} width */
  _drawMarks(context, width) {
    context.font = "600 14px system-ui, sans-serif";
    context.fillStyle = "#ffffff";
    context.strokeStyle = "#000000";
    context.lineWidth = 3;
    for (const { label, column } of this._marks) {
      const x = width - (this._columns - column) * COLUMN_PIXELS;
      context.strokeText(label, x, 18);
      context.fillText(label, x, 18);
    }
  }
}

/** Colours of 256 values, dark to bright, three bytes each. */
const HEAT = makeHeat();

function makeHeat() {
  const stops = [
    [10, 15, 25],
    [14, 55, 84],
    [11, 110, 105],
    [122, 182, 100],
    [255, 231, 122],
  ];
  const colours = new Uint8ClampedArray(256 * 3);
  for (let value = 0; value < 256; ++value) {
    const place = (value / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    for (let part = 0; part < 3; ++part) {
      colours[3 * value + part] = stops[low][part] + (place - low) * (stops[low + 1][part] - stops[low][part]);
    }
  }
  return colours;
}

/** The newest detections first, with their times; screen readers say each new one. */
export class DetectionList {
  /** @param {HTMLElement} list */
  constructor(list) {
    this._list = list;
    this.clear();
  }

  clear() {
    this._empty = true;
    this._list.replaceChildren(element("li", { class: "muted" }, TEXT.noDetections));
  }

  /** @param {Detection} detection */
  add({ timeMs, label, score }) {
    if (this._empty) this._list.replaceChildren();
    this._empty = false;
    const row = element(
      "li",
      {},
      element("span", { class: "time" }, clock(timeMs)),
      element("span", { lang: "" }, label),
      element("span", { class: "number" }, score.toFixed(3)),
    );
    this._list.prepend(row);
    while (this._list.children.length > LIST_LENGTH) this._list.lastElementChild?.remove();
  }
}

/** All of them together, for a microphone or a board. */
export class LiveView {
  /**
   * @param {HTMLElement} place
   * @param {"features" | "scores"} picture
   */
  constructor(place, picture) {
    const features = picture === "features";
    const tiles = element("ul", { class: "tiles", "aria-label": TEXT.wordsLabel });
    const canvas = element("canvas", {
      class: "picture",
      role: "img",
      "aria-label": features ? TEXT.featuresLabel : TEXT.scoresLabel,
    });
    const bars = element("ul", { class: "bars", "aria-hidden": "true" });
    const found = element("ol", { class: "found", "aria-live": "polite", "aria-label": TEXT.detections });
    this._meter = element("meter", { min: "-60", max: "0", low: "-50", high: "-3", optimum: "-20", value: "-60", "aria-label": TEXT.level });
    this._cpu = element("output", { title: TEXT.cpuHint }, "–");
    const facts = element(
      "p",
      { class: "facts" },
      element("span", {}, TEXT.levelTitle),
      this._meter,
      element("span", {}, TEXT.cpu),
      this._cpu,
    );
    place.replaceChildren(
      tiles,
      element(
        "div",
        { class: "columns" },
        element("div", { class: "card" }, element("h3", {}, features ? TEXT.featuresTitle : TEXT.scoresTitle), canvas, ...(features ? [facts] : []), bars),
        element("div", { class: "card" }, element("h3", {}, TEXT.detections), found),
      ),
    );
    this.tiles = new Tiles(tiles);
    this.bars = new ScoreBars(bars);
    this.picture = new Picture(canvas);
    this.found = new DetectionList(found);
  }

  /**
   * @param {string[]} labels
   * @param {number} rows of the picture
   * @param {number[]} thresholds
   * @param {string[]} wakeWords
   */
  show(labels, rows, thresholds, wakeWords = []) {
    this.tiles.show(wordsOf(labels), wakeWords);
    this.bars.show(labels);
    this.bars.mark(thresholds);
    this.picture.show(rows);
    this.found.clear();
  }

  /** @param {Detection} detection */
  detect(detection) {
    if (NOT_WORDS.includes(detection.label)) return;
    this.tiles.light(detection);
    this.picture.mark(detection.label);
    this.found.add(detection);
  }

  /** @param {number} decibels */
  level(decibels) {
    this._meter.value = decibels;
  }

  /** @param {number} share of one core */
  cpu(share) {
    this._cpu.textContent = TEXT.cpuShare(share);
  }
}
