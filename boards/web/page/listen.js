// SPDX-License-Identifier: Apache-2.0
// Listen: the microphone into the firmware.
import { sayProblem } from "./app.js";
import { byId } from "./dom.js";
import { Microphone, MicrophoneError } from "./microphone.js";
import { TEXT } from "./text.js";
import { LiveView, Tiles, wordsOf } from "./views.js";
import { levelDb } from "./wav.js";

const LOAD_SECONDS = 5; // over which the load is an average

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./firmware.js").Firmware} Firmware */
/** @typedef {import("./firmware.js").Result} Result */

export class Listen {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._view = new LiveView(byId("listen-view"), "features");
    this._tuneTiles = new Tiles(byId("tune-tiles"));
    this._button = byId("listen-toggle", HTMLButtonElement);
    this._processing = byId("processing", HTMLInputElement);
    /** @type {Microphone | null} */
    this._microphone = null;
    this._busy = false;
    this._again = false; // restart when the change that is going on is over
    this._load = new Load();
    this._button.addEventListener("click", () => void this.toggle());
    this._processing.addEventListener("change", () => void this._restart());
    app.onModel((firmware) => void this._take(firmware));
    app.onSettings((settings) => this._view.bars.mark(settings.thresholds));
    this._showState();
  }

  /** @param {Firmware} firmware */
  async _take(firmware) {
    const words = wordsOf(firmware.labels);
    const wakeWords = firmware.wake === null ? [] : wordsOf(firmware.wake.labels);
    const seconds = (this._app.wake?.awake_ms ?? 0) / 1000;
    byId("say").textContent = wakeWords.length > 0 ? TEXT.sayAfter(wakeWords, seconds, words) : TEXT.say(words);
    const { featureCount } = firmware.wake ?? firmware;
    this._view.show(firmware.labels, featureCount, firmware.settings().thresholds, wakeWords);
    this._tuneTiles.show(words);
    await this._restart();
  }

  async toggle() {
    if (this._busy) return;
    sayProblem("");
    await this._change(async () => {
      if (this._microphone === null) await this._start();
      else await this._stop();
    });
  }

  async _restart() {
    this._again = this._busy;
    if (this._microphone === null || this._busy) return;
    await this._change(async () => {
      await this._stop();
      await this._start();
    });
  }

  /** @param {() => Promise<void>} act */
  async _change(act) {
    this._busy = true;
    try {
      await act();
    } finally {
      this._busy = false;
      this._showState();
    }
    if (this._again) await this._restart();
  }

  async _start() {
    this._app.live.reset();
    this._load = new Load();
    try {
      this._microphone = await Microphone.open({
        sampleRate: this._app.live.sampleRate,
        processing: this._processing.checked,
        onSamples: (samples) => this._hear(samples),
        onLost: () => void this._lose(TEXT.microphoneLost),
      });
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error;
      sayProblem(error.message);
      return;
    }
    this._wakeLock = await navigator.wakeLock?.request("screen").catch(() => undefined);
  }

  async _stop() {
    const microphone = this._microphone;
    this._microphone = null;
    await microphone?.close();
    await this._wakeLock?.release();
  }

  /** @param {string} why */
  async _lose(why) {
    await this._stop();
    sayProblem(why);
    this._showState();
  }

  /** @param {Int16Array} samples */
  _hear(samples) {
    const firmware = this._app.live;
    const start = performance.now();
    let results;
    try {
      results = firmware.push(samples);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      void this._lose(TEXT.modelFailed(firmware.name, error.message));
      return;
    }
    this._load.add(performance.now() - start, samples.length / firmware.sampleRate);
    for (const result of results) this._show(firmware, result);
    const awake = firmware.awake();
    if (results.length > 0) this._view.bars.update(firmware.averages().map((score) => (awake ? score : 0)));
    this._view.tiles.sleep(!awake);
    this._view.level(levelDb(samples));
    this._view.cpu(this._load.share());
  }

  /** @param {Firmware} firmware @param {Result} result */
  _show(firmware, result) {
    const always = firmware.wake ?? firmware; // the model that hears all
    if (result.kind === "scores" && result.ofWakeWord === (firmware.wake !== null)) {
      const frames = Math.min(always.clipStrideFrames, always.inputCount / always.featureCount);
      for (let frame = frames; frame > 0; --frame) {
        const start = result.input.length - frame * always.featureCount;
        this._view.picture.push(result.input.subarray(start, start + always.featureCount));
      }
    }
    if (result.detection !== null) {
      this._view.detect(result.detection);
      if (!result.ofWakeWord) this._tuneTiles.light(result.detection);
    }
  }

  _showState() {
    const on = this._microphone !== null;
    this._button.textContent = on ? TEXT.listening : TEXT.listen;
    this._button.setAttribute("aria-pressed", String(on));
    document.body.classList.toggle("listening", on);
    const wanted = this._processing.checked;
    const found = this._microphone?.settings().noiseSuppression;
    const stuck = found !== undefined && found !== wanted;
    byId("processing-state").textContent = stuck
      ? TEXT.processingStuck
      : wanted
        ? TEXT.processingOn
        : TEXT.processingOff;
  }
}

/** The share of a processor core that the firmware takes, over the newest seconds. */
class Load {
  constructor() {
    this._busyMs = 0;
    this._seconds = 0;
  }

  /** @param {number} busyMs @param {number} seconds of audio */
  add(busyMs, seconds) {
    const kept = Math.max(0, 1 - seconds / LOAD_SECONDS);
    this._busyMs = this._busyMs * kept + busyMs;
    this._seconds = this._seconds * kept + seconds;
  }

  share() {
    return this._seconds > 0 ? this._busyMs / (1000 * this._seconds) : 0;
  }
}
