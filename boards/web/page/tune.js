// SPDX-License-Identifier: Apache-2.0
// Tune: the decoder's settings by ear, and as commands.
import { sayProblem } from "./app.js";
import { byId, colour, element, sharpen, slider } from "./dom.js";
import { TEXT } from "./text.js";
import { wordsOf } from "./views.js";

const SCORE_STEP = 0.005;

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./firmware.js").Firmware} Firmware */
/** @typedef {import("./firmware.js").DecoderSettings} DecoderSettings */

export class Tune {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    /** @type {{set: (value: number) => void}[]} */
    this._labelSliders = [];
    app.onModel((firmware) => this._take(firmware));
    app.onSettings((settings) => this._show(settings));
    new ResizeObserver(() => this._drawCurve()).observe(byId("curve"));
    this._set = commandLine(TEXT.commandSet);
    this._tune = commandLine(TEXT.commandTune);
    byId("commands").append(this._set.row, this._tune.row);
  }

  /** @param {Firmware} firmware */
  _take(firmware) {
    const own = firmware.modelSettings;
    const words = wordsOf(firmware.labels);
    const score = { min: 0, max: 1, step: SCORE_STEP };
    const percent = (/** @type {number} */ value) => value.toFixed(3);
    this._all = slider(TEXT.threshold, { ...score, value: this._common(own) }, percent, (value) =>
      this._configure({ thresholds: this._withWords(value) }),
    );
    this._labelSliders = [];
    const single = words.map((word) => {
      const label = firmware.labels.indexOf(word);
      const made = slider(word, { ...score, value: own.thresholds[label] }, percent, (value) => {
        const thresholds = this._app.live.settings().thresholds;
        thresholds[label] = value;
        this._configure({ thresholds });
      });
      made.row.querySelector("input")?.setAttribute("aria-label", TEXT.thresholdOf(word));
      this._labelSliders.push({ set: made.set });
      return made.row;
    });
    const time = (/** @type {number} */ min, /** @type {number} */ max, /** @type {number} */ value) => ({ min, max, step: 10, value });
    this._window = slider(
      TEXT.averageWindow,
      time(Math.min(10, own.averageWindowMs), own.averageWindowMs, own.averageWindowMs),
      TEXT.milliseconds,
      (averageWindowMs) => this._configure({ averageWindowMs }),
    );
    this._pause = slider(TEXT.suppression, time(0, Math.max(3000, own.suppressionMs), own.suppressionMs), TEXT.milliseconds, (suppressionMs) =>
      this._configure({ suppressionMs }),
    );
    this._count = slider(TEXT.minimumCount, { min: 1, max: Math.max(50, own.minimumCount), step: 1, value: own.minimumCount }, String, (minimumCount) =>
      this._configure({ minimumCount }),
    );
    const reset = element("button", { type: "button" }, TEXT.resetTuning);
    reset.addEventListener("click", () => this._configure(own));
    byId("sliders").replaceChildren(
      this._all.row,
      element("details", {}, element("summary", {}, TEXT.perLabel), ...(single.length > 1 ? single : [])),
      this._window.row,
      this._pause.row,
      this._count.row,
      reset,
    );
    this._show(firmware.settings());
  }

  /** @param {Partial<DecoderSettings>} changes */
  _configure(changes) {
    sayProblem(this._app.configure(changes) ? "" : TEXT.settingsRefused);
  }

  /**
   * The thresholds with this one for all words; those of silence and unknown words stay.
   *
   * @param {number} value
   */
  _withWords(value) {
    const { labels } = this._app.live;
    const words = wordsOf(labels);
    return this._app.live.settings().thresholds.map((kept, label) => (words.includes(labels[label]) ? value : kept));
  }

  /** @param {DecoderSettings} settings */
  _wordThresholds(settings) {
    const { labels } = this._app.live;
    const words = wordsOf(labels);
    return settings.thresholds.filter((_, label) => words.includes(labels[label]));
  }

  /**
   * The threshold of all words, or their mean.
   *
   * @param {DecoderSettings} settings
   */
  _common(settings) {
    const thresholds = this._wordThresholds(settings);
    return thresholds.reduce((sum, value) => sum + value, 0) / thresholds.length;
  }

  /** @param {DecoderSettings} settings */
  _show(settings) {
    this._all?.set(this._common(settings));
    this._wordThresholds(settings).forEach((value, index) => this._labelSliders[index]?.set(value));
    this._window?.set(settings.averageWindowMs);
    this._pause?.set(settings.suppressionMs);
    this._count?.set(settings.minimumCount);
    this._set.text(this._setCommand(settings));
    this._tune.text(this._tuneCommand(settings));
    this._drawCurve();
  }

  /** @param {DecoderSettings} settings */
  _setCommand(settings) {
    const thresholds = this._wordThresholds(settings);
    const words = wordsOf(this._app.live.labels);
    const same = thresholds.every((value) => value === thresholds[0]);
    const each = words.map((word, index) => `${quoted(`threshold:${word}`)}=${decimals(thresholds[index])}`);
    return [
      "stapes set",
      ...(same ? words.length < this._app.live.labels.length ? each : [`threshold=${decimals(thresholds[0])}`] : each),
      `average_ms=${settings.averageWindowMs}`,
      `suppression_ms=${settings.suppressionMs}`,
      `minimum_count=${settings.minimumCount}`,
    ].join(" ");
  }

  /** @param {DecoderSettings} settings */
  _tuneCommand(settings) {
    return [
      `stapes tune ${quoted(this._app.model.tflite)} --wav stream.wav --labels labels.txt`,
      `--average_window_duration_ms ${settings.averageWindowMs} --suppression_ms ${settings.suppressionMs}`,
      "--output_file tuned.tflite",
    ].join(" ");
  }

  _drawCurve() {
    const canvas = byId("curve", HTMLCanvasElement);
    const stream = this._app.about?.stream ?? null;
    canvas.hidden = stream === null;
    if (this._app.about === null) return;
    if (stream === null) {
      byId("curve-state").textContent = TEXT.noCurve;
      return;
    }
    const here = nearest(stream.det, this._common(this._app.live.settings()));
    const text = TEXT.curvePoint(here.false_reject_rate, here.false_accepts_per_hour, stream.hours);
    byId("curve-state").textContent = text;
    canvas.setAttribute("aria-label", `${TEXT.curveLabel}. ${text}`);
    if (canvas.clientWidth > 0) drawCurve(canvas, stream.det, here);
  }
}

/**
 * A command in a box, with a button that copies it.
 *
 * @param {string} about
 */
function commandLine(about) {
  const code = element("code", { tabindex: "0" });
  const button = element("button", { type: "button" }, TEXT.copy);
  const state = element("span", { role: "status", class: "muted" });
  button.addEventListener("click", () => {
    navigator.clipboard.writeText(code.textContent ?? "").then(
      () => (state.textContent = TEXT.copied),
      () => (state.textContent = TEXT.copyFailed),
    );
  });
  const row = element("div", { class: "command" }, element("p", {}, about), code, element("p", { class: "row" }, button, state));
  return { row, text: (/** @type {string} */ text) => (code.textContent = text) };
}

/** @param {number} value */
const decimals = (value) => String(Number(value.toFixed(4)));

/** For a shell. @param {string} word */
const quoted = (word) => (/^[\w.:/-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/**
 * @param {import("./app.js").CurvePoint[]} curve
 * @param {number} threshold
 */
function nearest(curve, threshold) {
  return curve.reduce((best, point) =>
    Math.abs(point.threshold - threshold) < Math.abs(best.threshold - threshold) ? point : best,
  );
}

/**
 * Words lost over false accepts per hour, whose axis is logarithmic; 0 stands at its left end.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {import("./app.js").CurvePoint[]} curve
 * @param {import("./app.js").CurvePoint} here
 */
function drawCurve(canvas, curve, here) {
  const { context, width, height } = sharpen(canvas);
  const [left, bottom, top, right] = [44, 40, 12, 12];
  const highest = Math.max(...curve.map((point) => point.false_accepts_per_hour), 1);
  const lowest = 0.1;
  const decades = Math.log10(highest / lowest);
  const most = Math.max(...curve.map((point) => point.false_reject_rate)) * 1.05 || 1;
  const x = (/** @type {number} */ rate) =>
    left + ((width - left - right) * Math.log10(Math.max(rate, lowest) / lowest)) / decades;
  const y = (/** @type {number} */ rate) => top + (height - top - bottom) * (1 - rate / most);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui, sans-serif";
  context.strokeStyle = colour("line");
  context.fillStyle = colour("muted");
  context.lineWidth = 1;
  for (let rate = lowest; rate <= highest; rate *= 10) {
    context.strokeRect(x(rate), top, 0, height - top - bottom);
    const text = rate === lowest ? "0" : String(Number(rate.toPrecision(1)));
    context.fillText(text, x(rate) - 4, height - bottom + 16);
  }
  const step = most > 0.5 ? 0.2 : most > 0.2 ? 0.1 : 0.05;
  for (let rate = 0; rate <= most; rate += step) {
    context.strokeRect(left, y(rate), width - left - right, 0);
    context.fillText(`${Math.round(100 * rate)} %`, 4, y(rate) + 4);
  }
  context.fillText(TEXT.curveX, left, height - 6);
  context.fillText(TEXT.curveY, left + 4, top + 10);
  context.strokeStyle = colour("accent");
  context.lineWidth = 2.5;
  context.beginPath();
  for (const point of curve) context.lineTo(x(point.false_accepts_per_hour), y(point.false_reject_rate));
  context.stroke();
  context.fillStyle = colour("bad");
  context.beginPath();
  context.arc(x(here.false_accepts_per_hour), y(here.false_reject_rate), 7, 0, 2 * Math.PI);
  context.fill();
}
