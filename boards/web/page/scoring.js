// SPDX-License-Identifier: Apache-2.0
// Detections against what was said: the rules of `stapes stream score` (host/stapes/stream).

/**
 * @typedef {object} LabelTime
 * @property {number} timeMs the start of a clip in a ground truth, the end of what was heard in a detection
 * @property {string} label
 * @property {number} [score]
 */
/**
 * @typedef {object} StreamScore
 * @property {{spoken: LabelTime, detected: LabelTime}[]} correct
 * @property {{spoken: LabelTime, detected: LabelTime}[]} wrong
 * @property {LabelTime[]} missed
 * @property {LabelTime[]} falseAccepts
 * @property {number} words
 */

export const TOLERANCE_MS = 750;
export const NOT_WORDS = ["_silence_", "_unknown_"];
const SILENCE = "_silence_";
const MOST_TIME_MS = 2 ** 32; // a board's clock goes no further
const LABEL_BYTES = 48;

/** A line that does not give a label and a time. */
export class LabelError extends Error {
  /** @param {number} line @param {string} found */
  constructor(line, found) {
    super(found);
    this.line = line;
  }
}

/**
 * Lines "label, time_ms[, score]", JSON objects with `label` and `time_ms`, or those of a label track
 * that Audacity has exported, in order of time.
 *
 * @param {string} text
 * @returns {LabelTime[]}
 * @throws {LabelError}
 */
export function readLabels(text) {
  /** @type {LabelTime[]} */
  const entries = [];
  text.replace(/^\ufeff/, "").split(/\r\n|\r|\n/).forEach((raw, index) => {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || raw.startsWith("\\\t")) return; // Audacity's frequencies
    const entry = line.startsWith("{") ? fromJson(line) : line.includes("\t") ? fromTrack(line) : fromText(line);
    if (entry === undefined || (entry !== null && !isLabelTime(entry))) throw new LabelError(index + 1, line.slice(0, 60));
    if (entry !== null) entries.push(entry);
  });
  return inOrder(entries);
}

/**
 * Whether a model can have this label: the rule of `check_label` (host/stapes/model/settings.py).
 *
 * @param {string} label
 */
export function isLabel(label) {
  const bytes = new TextEncoder().encode(label).length;
  return bytes >= 1 && bytes <= LABEL_BYTES && !/[,/\\"\p{C}]|(?! )\p{Z}/u.test(label);
}

/** @param {LabelTime} entry */
function isLabelTime({ timeMs, label }) {
  return timeMs >= 0 && timeMs <= MOST_TIME_MS && isLabel(label);
}

/** A decimal number, or NaN. @param {string} text */
const numberOf = (text) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN);

/**
 * @param {string} line
 * @returns {LabelTime | undefined}
 */
function fromText(line) {
  const [label, time, score, ...more] = line.split(",").map((part) => part.trim());
  if (time === undefined || more.length > 0) return undefined;
  if (score !== undefined && !Number.isFinite(numberOf(score))) return undefined;
  return { timeMs: numberOf(time), label };
}

/**
 * A region or a point: start and end in seconds, with a comma in some languages, and the label.
 *
 * @param {string} line
 * @returns {LabelTime | undefined}
 */
function fromTrack(line) {
  const [start, end, label, ...more] = line.split("\t");
  const [startMs, endMs] = [start, end].map((time) => 1000 * numberOf((time ?? "").trim().replace(",", ".")));
  const fits = endMs >= startMs && endMs <= MOST_TIME_MS && more.length === 0;
  return fits && label !== undefined ? { timeMs: startMs, label: label.trim() } : undefined;
}

/**
 * Null for an object of another event, undefined for a line that is wrong.
 *
 * @param {string} line
 * @returns {LabelTime | null | undefined}
 */
function fromJson(line) {
  let event;
  try {
    event = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (event.label === undefined) return null;
  const fits = typeof event.label === "string" && typeof event.time_ms === "number";
  return fits ? { timeMs: event.time_ms, label: event.label } : undefined;
}

/** @param {LabelTime[]} entries */
function inOrder(entries) {
  const by = (/** @type {LabelTime} */ a, /** @type {LabelTime} */ b) =>
    a.timeMs - b.timeMs || (a.label < b.label ? -1 : a.label > b.label ? 1 : 0);
  return [...entries].sort(by);
}

/**
 * Pairs each word with one detection at most, and each detection with one word; the right label
 * goes first.
 *
 * @param {LabelTime[]} truth
 * @param {LabelTime[]} detections
 * @param {number} clipMs length of a clip
 * @returns {StreamScore}
 */
export function scoreStream(truth, detections, clipMs) {
  const isWord = (/** @type {LabelTime} */ entry) => !NOT_WORDS.includes(entry.label);
  const words = inOrder(truth.filter(isWord));
  const heard = inOrder(detections.filter(isWord));
  const right = pair(words, heard, clipMs, true);
  const other = pair(right.words, right.heard, clipMs, false);
  return {
    correct: right.pairs,
    wrong: other.pairs,
    missed: other.words,
    falseAccepts: other.heard,
    words: words.length,
  };
}

/**
 * @param {LabelTime[]} words
 * @param {LabelTime[]} heard
 * @param {number} clipMs
 * @param {boolean} sameLabel
 */
function pair(words, heard, clipMs, sameLabel) {
  /** @type {{spoken: LabelTime, detected: LabelTime}[]} */
  const pairs = [];
  /** @type {LabelTime[]} */
  const left = [];
  /** @type {Set<LabelTime>} */
  const taken = new Set();
  for (const spoken of words) {
    const latest = spoken.timeMs + clipMs + TOLERANCE_MS;
    const detected = heard.find(
      (entry) =>
        !taken.has(entry) &&
        entry.timeMs >= spoken.timeMs &&
        entry.timeMs <= latest &&
        (!sameLabel || entry.label === spoken.label),
    );
    if (detected === undefined) {
      left.push(spoken);
    } else {
      taken.add(detected);
      pairs.push({ spoken, detected });
    }
  }
  return { pairs, words: left, heard: heard.filter((entry) => !taken.has(entry)) };
}

/**
 * The counts of TensorFlow's test_streaming_accuracy, rule for rule, in percent of the words.
 *
 * @param {LabelTime[]} truth
 * @param {LabelTime[]} detections
 * @param {number} clipMs
 */
export function tutorialScore(truth, detections, clipMs) {
  const words = [...truth].sort((a, b) => a.timeMs - b.timeMs);
  /** @type {Set<number>} */
  const matched = new Set();
  let correct = 0;
  let wrong = 0;
  let falsePositives = 0;
  for (const found of inOrder(detections)) {
    if (found.label === SILENCE) continue;
    const start = found.timeMs - clipMs;
    const first = words.find((word) => word.timeMs >= start - TOLERANCE_MS);
    if (first === undefined || first.timeMs > start + TOLERANCE_MS) {
      ++falsePositives;
      continue;
    }
    if (first.label === found.label && !matched.has(first.timeMs)) ++correct;
    else ++wrong;
    matched.add(first.timeMs);
  }
  const percent = (/** @type {number} */ count) => (words.length > 0 ? (100 * count) / words.length : 0);
  return {
    matched: percent(matched.size),
    correct: percent(correct),
    wrong: percent(wrong),
    falsePositives: percent(falsePositives),
  };
}
