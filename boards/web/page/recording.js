// SPDX-License-Identifier: Apache-2.0
// Recording: a file through the firmware, against its labels where there are some.
import { byId, clock, colour, decimals, element, sharpen } from "./dom.js";
import { WavError } from "./riff.js";
import { LabelError, readLabels, scoreStream, tutorialScore } from "./scoring.js";
import { TEXT } from "./text.js";
import { AudioError, readAudio } from "./wav.js";

const SLICE_SECONDS = 10;
const PAUSE_MS = 40; // of work at a time; then the page can react
const MOST_ROWS = 1000; // in the table
const MOST_LABEL_BYTES = 1 << 22;
const MOST_AUDIO_BYTES = 1 << 30;

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./firmware.js").Detection} Detection */
/** @typedef {import("./scoring.js").LabelTime} LabelTime */
/** @typedef {{timeMs: number, label: string, score: number | null, verdict: string}} Row */

export class Recording {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._run = 0; // of the newest run; older ones end
    /** @type {File | null} */
    this._file = null;
    /** @type {LabelTime[] | null} */
    this._truth = null;
    /** @type {Int16Array | null} */
    this._samples = null;
    /** @type {Detection[]} */
    this._detections = [];
    /** @type {Row[]} */
    this._rows = [];
    /** @type {string[]} */
    this._remarks = []; // on the recording
    this._done = ""; // what was said of it
    this._labelFault = ""; // of the newest choice
    this._waitAudio();
    app.onModel(() => {
      if (this._file !== null) void this._takeAudio(this._file);
    });
    app.onSettings(() => void this._play());
    new ResizeObserver(() => this._drawWave()).observe(byId("wave"));
    this._say(TEXT.recordingNone);
  }

  _waitAudio() {
    const audio = byId("audio-file", HTMLInputElement);
    const labels = byId("labels-file", HTMLInputElement);
    audio.addEventListener("change", () => void this.take([...(audio.files ?? [])]));
    labels.addEventListener("change", () => void this.take([...(labels.files ?? [])], true));
    // The same file again is a choice, too: it may have been corrected.
    for (const input of [audio, labels]) input.addEventListener("click", () => (input.value = ""));
    const drop = byId("drop");
    drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      void this.take([...(event.dataTransfer?.files ?? [])]);
    });
  }

  /**
   * @param {File[]} files audio, labels, or both
   * @param {boolean} [labels] true: all are labels, whatever their names
   */
  async take(files, labels = false) {
    if (this._labelFault !== "") {
      this._labelFault = "";
      if (this._samples !== null) this._sayDone();
    }
    for (const file of files) {
      if (labels || /\.(txt|jsonl?|csv|labels)$/i.test(file.name)) await this._takeLabels(file);
      else await this._takeAudio(file);
    }
  }

  /** @param {File} file */
  async _takeLabels(file) {
    try {
      if (file.size > MOST_LABEL_BYTES) throw new RangeError();
      this._truth = readLabels(await file.text());
    } catch (error) {
      this._labelFault = whyNoLabels(file.name, error);
      this._sayDone();
      return;
    }
    if (this._samples === null) this._say(TEXT.labelsWait(file.name));
    this._show();
  }

  /**
   * Brings a file to the rate of the model; where that fails, the one before stays.
   *
   * @param {File} file
   */
  async _takeAudio(file) {
    const run = ++this._run;
    const { sampleRate } = this._app.live;
    let heard;
    try {
      if (file.size > MOST_AUDIO_BYTES) throw new AudioError("large");
      heard = await readAudio(await file.arrayBuffer(), sampleRate);
      if (heard.samples.length === 0) throw new AudioError("empty");
    } catch (error) {
      if (run === this._run) this._say(whyNot(file.name, error), true);
      return;
    }
    if (run !== this._run) return;
    const player = byId("player", HTMLAudioElement);
    if (player.src !== "" && file !== this._file) URL.revokeObjectURL(player.src);
    if (file !== this._file) player.src = URL.createObjectURL(file);
    this._file = file;
    this._samples = heard.samples;
    this._remarks = [heard.exact ? "" : TEXT.recordingInexact, heard.openEnded ? TEXT.recordingOpenEnded : ""];
    await this._play();
  }

  /** Lets the firmware hear all of it, with the settings of now. */
  async _play() {
    if (this._samples === null || this._file === null) return;
    const run = ++this._run;
    const samples = this._samples;
    const firmware = await this._app.another();
    const step = SLICE_SECONDS * firmware.sampleRate;
    /** @type {Detection[]} */
    const detections = [];
    let busyMs = 0;
    let paused = performance.now();
    for (let start = 0; start < samples.length; start += step) {
      const began = performance.now();
      try {
        for (const result of firmware.push(samples.subarray(start, start + step))) {
          if (result.detection !== null) detections.push(result.detection);
        }
      } catch (error) {
        if (!(error instanceof WebAssembly.RuntimeError)) throw error;
        this._say(TEXT.modelFailed(firmware.name, error.message), true);
        return;
      }
      busyMs += performance.now() - began;
      if (performance.now() - paused > PAUSE_MS) {
        this._say(TEXT.recordingBusy(this._file.name, Math.round((100 * start) / samples.length)));
        await new Promise((resume) => setTimeout(resume));
        if (run !== this._run) return;
        paused = performance.now();
      }
    }
    if (run !== this._run) return;
    const seconds = samples.length / firmware.sampleRate;
    const said = TEXT.recordingDone(this._file.name, seconds, detections.length, seconds / Math.max(busyMs / 1000, 1e-6));
    this._detections = detections;
    this._done = [said, ...this._remarks].filter((text) => text !== "").join(" ");
    this._sayDone();
    this._show();
  }

  _show() {
    if (this._samples === null) return;
    byId("recording-results").hidden = false;
    this._rows = this._judge();
    const rows = this._rows.slice(0, MOST_ROWS).map((row) => {
      const score = row.score === null ? "" : decimals(row.score, 5);
      const cells = [clock(row.timeMs), row.label, score, row.verdict].map((text) => element("td", {}, text));
      const made = element("tr", { "data-time": String(row.timeMs), "data-label": row.label }, ...cells);
      if (row.verdict !== "") made.dataset.verdict = row.verdict;
      return made;
    });
    byId("found").querySelector("tbody")?.replaceChildren(...rows);
    byId("found-more").textContent = this._rows.length > MOST_ROWS ? TEXT.moreRows(MOST_ROWS, this._rows.length) : "";
    this._drawWave();
  }

  /** @returns {Row[]} in order of time */
  _judge() {
    const figures = byId("figures");
    figures.replaceChildren();
    const row = (/** @type {LabelTime} */ entry, /** @type {string} */ verdict) => ({
      timeMs: entry.timeMs,
      label: entry.label,
      score: entry.score ?? null,
      verdict,
    });
    if (this._truth === null || this._samples === null) return this._detections.map((entry) => row(entry, ""));
    const clipMs = this._app.model.clip_duration_ms;
    const score = scoreStream(this._truth, this._detections, clipMs);
    const hours = this._samples.length / this._app.live.sampleRate / 3600;
    const wrong = score.wrong.length;
    const lines = [
      TEXT.tutorialLine(tutorialScore(this._truth, this._detections, clipMs), this._truth.length),
      TEXT.scoreLine({ words: score.words, correct: score.correct.length, wrong, missed: score.missed.length }),
      TEXT.falseAcceptLine(score.falseAccepts.length, score.falseAccepts.length / hours),
    ];
    const last = this._truth.at(-1);
    if (last !== undefined && last.timeMs > 3600000 * hours) {
      lines.push(TEXT.lateLabel(last.label, clock(last.timeMs), clock(3600000 * hours)));
    }
    const known = new Set(["_silence_", "_unknown_", ...this._app.live.labels]);
    const strange = [...new Set(this._truth.map(({ label }) => label))].filter((label) => !known.has(label));
    if (strange.length > 0) lines.push(TEXT.strangeLabels(strange.slice(0, 5), strange.length));
    figures.append(...lines.map((line) => element("p", {}, line)));
    return [
      ...score.correct.map((entry) => row(entry.detected, TEXT.verdictCorrect)),
      ...score.wrong.map((entry) => row(entry.detected, TEXT.verdictWrong)),
      ...score.missed.map((entry) => row({ timeMs: entry.timeMs, label: entry.label }, TEXT.verdictMissed)),
      ...score.falseAccepts.map((entry) => row(entry, TEXT.verdictFalse)),
    ].sort((a, b) => a.timeMs - b.timeMs);
  }

  _drawWave() {
    const canvas = byId("wave", HTMLCanvasElement);
    if (this._samples === null || canvas.clientWidth === 0) return;
    const { context, width, height } = sharpen(canvas);
    context.clearRect(0, 0, width, height);
    drawEnvelope(context, this._samples, width, height);
    const perMs = width / ((1000 * this._samples.length) / this._app.live.sampleRate);
    context.font = "600 13px system-ui, sans-serif";
    let free = 0; // where the next text has room
    for (const { timeMs, label, verdict } of this._rows) {
      const x = timeMs * perMs;
      context.fillStyle = colour(VERDICT_COLOURS[verdict] ?? "accent");
      context.fillRect(x - 1, 0, 2, height);
      if (x < free) continue;
      context.fillText(label, Math.min(x + 4, width - context.measureText(label).width), 14);
      free = x + context.measureText(label).width + 8;
    }
    byId("wave-legend").replaceChildren(...this._legend());
  }

  _legend() {
    if (this._truth === null) return [];
    return Object.entries(VERDICT_COLOURS).map(([verdict, name]) =>
      element("span", { class: `key ${name}` }, verdict),
    );
  }

  /** What became of the recording, and what is wrong with its labels. */
  _sayDone() {
    this._say(`${this._done} ${this._labelFault}`.trim(), this._labelFault !== "");
  }

  /** @param {string} text @param {boolean} [bad] */
  _say(text, bad = false) {
    const place = byId("recording-state");
    place.textContent = text;
    place.classList.toggle("notice", bad);
  }
}

/** @type {Record<string, string>} */
const VERDICT_COLOURS = {
  [TEXT.verdictCorrect]: "good",
  [TEXT.verdictWrong]: "fair",
  [TEXT.verdictMissed]: "muted",
  [TEXT.verdictFalse]: "bad",
};

/**
 * @param {string} name of a file
 * @param {unknown} error
 */
function whyNoLabels(name, error) {
  if (error instanceof LabelError) return TEXT.badLabels(name, error.line, error.message);
  return error instanceof RangeError ? TEXT.manyLabels(name) : TEXT.unreadable(name);
}

/**
 * @param {string} name of a file
 * @param {unknown} error
 */
function whyNot(name, error) {
  if (error instanceof WavError) return `${name}: ${error.message}`;
  if (!(error instanceof AudioError)) return TEXT.unreadable(name);
  if (error.message === "empty") return TEXT.emptyAudio(name);
  return error.message === "large" ? TEXT.largeAudio(name) : TEXT.notAudio(name);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Int16Array} samples
 * @param {number} width
 * @param {number} height
 */
function drawEnvelope(context, samples, width, height) {
  context.fillStyle = colour("wave");
  const perPixel = samples.length / width;
  for (let x = 0; x < width; ++x) {
    let low = 0;
    let high = 0;
    const end = Math.min(samples.length, Math.ceil((x + 1) * perPixel));
    const skip = Math.max(1, Math.floor(perPixel / 200));
    for (let i = Math.floor(x * perPixel); i < end; i += skip) {
      low = Math.min(low, samples[i]);
      high = Math.max(high, samples[i]);
    }
    const top = (0.5 - high / 65536) * height;
    context.fillRect(x, top, 1, Math.max(1, ((high - low) / 65536) * height));
  }
}
