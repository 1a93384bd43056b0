// SPDX-License-Identifier: Apache-2.0
// The firmware: one model, or two, in one instance of stapes.wasm (boards/web/module.cc).

/**
 * @typedef {object} Result What came of one inference, or that the model woke or fell asleep.
 * @property {"scores" | "woken" | "asleep"} kind only "scores" has scores and an input
 * @property {boolean} ofWakeWord of the wake word's model
 * @property {number} timeMs end of the newest frame, in milliseconds of audio
 * @property {Int8Array} scores one a label; (score + 128) / 256 is from 0 to 1
 * @property {Int8Array} input what the network saw: a frame, or a window of frames, oldest first
 * @property {Detection | null} detection a word that was heard just now
 */
/**
 * @typedef {object} Detection
 * @property {number} timeMs
 * @property {string} label
 * @property {number} score average over the window, 0 to 1; a multiple of 1/65536
 * @property {boolean} [ofWakeWord]
 */
/**
 * @typedef {object} Wake The model of a wake word, in the page's form, and how long the other one then listens.
 * @property {ArrayBuffer | Uint8Array} file
 * @property {number} awakeMs
 */
/**
 * @typedef {object} DecoderSettings
 * @property {number[]} thresholds one a label, 0 to 1
 * @property {number} averageWindowMs
 * @property {number} suppressionMs
 * @property {number} minimumCount
 */
/**
 * @typedef {object} Exports
 * @property {WebAssembly.Memory} memory
 * @property {(bytes: number) => number} allocate
 * @property {(file: number, bytes: number) => number} open
 * @property {(file: number, bytes: number, awakeMs: number) => number} open_wake
 * @property {() => number} describe
 * @property {() => number} describe_wake
 * @property {(count: number) => number} push
 * @property {() => number} records
 * @property {() => number} record_bytes
 * @property {() => void} reset
 * @property {() => number} awake
 * @property {(label: number) => number} threshold
 * @property {() => number} average_window_ms
 * @property {() => number} suppression_ms
 * @property {() => number} minimum_count
 * @property {(label: number, thresholdQ16: number) => number} set_threshold
 * @property {(windowMs: number, suppressionMs: number, minimumCount: number) => number} reconfigure
 * @property {(label: number) => number} average
 */

export const SCORE_ONE = 65536;
const RECORD_HEADER_BYTES = 16;
const KINDS = /** @type {const} */ (["scores", "scores", "woken", "asleep"]);
const OF_WAKE_WORD = 1;
const NO_DETECTION = -2;
const SILENCE = "_silence_";

// The smallest module with a vector instruction: () => i8x16.splat(0).
const VECTOR_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
]);

/** Whether this browser has 128-bit vectors. */
export function hasVectors() {
  return WebAssembly.validate(VECTOR_PROBE);
}

/** Why a model does not run, in the firmware's words. */
export class ModelError extends Error {}

/** What the module says of a model. */
class About {
  /**
   * @param {Exports} exports
   * @param {number} place
   */
  constructor(exports, place) {
    const buffer = exports.memory.buffer;
    const words = new Uint32Array(buffer, place, 16);
    this.version = text(exports, words[0]);
    this.name = text(exports, words[1]);
    this.sha256 = text(exports, words[2]);
    this.featureCount = words[5];
    this.inputCount = words[6];
    this.sampleRate = words[7];
    this.windowSamples = words[8];
    /** Samples from one inference to the next. */
    this.strideSamples = words[9];
    this.clipStrideFrames = words[10];
    /** Its index, or -1. */
    this.silenceLabel = words[11] | 0;
    this.image = new Uint8Array(buffer, words[12], words[13]).slice();
    this.samples = words[14];
    this.pushSamples = words[15];
    /** @type {string[]} */
    this.labels = Array.from(new Uint32Array(buffer, words[3], words[4]), (label) => text(exports, label));
  }
}

/**
 * @param {Exports} exports
 * @param {number} place
 */
function text(exports, place) {
  const bytes = new Uint8Array(exports.memory.buffer, place);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/**
 * Lays a file down in the module's memory, and lets it be opened.
 *
 * @param {Exports} exports
 * @param {Uint8Array} file
 * @param {(address: number, bytes: number) => number} open
 * @throws {ModelError}
 */
function load(exports, file, open) {
  const address = exports.allocate(file.length);
  if (address === 0) throw new ModelError("needs more memory than this browser gives");
  new Uint8Array(exports.memory.buffer, address, file.length).set(file);
  const reason = open(address, file.length);
  if (reason !== 0) throw new ModelError(text(exports, reason));
}

export class Firmware extends About {
  /**
   * @param {WebAssembly.Module} module
   * @param {ArrayBuffer | Uint8Array} file what `stapes page` wrote of a model
   * @param {Wake | null} wake what wakes the model; without it, the model always listens
   * @returns {Promise<Firmware>}
   * @throws {ModelError} a file is no such model, is damaged, or does not run; or the two do not fit together
   */
  static async open(module, file, wake = null) {
    const instance = await WebAssembly.instantiate(module, {});
    return new Firmware(/** @type {any} */ (instance.exports), new Uint8Array(file), wake);
  }

  /**
   * @param {Exports} exports
   * @param {Uint8Array} file
   * @param {Wake | null} wake
   */
  constructor(exports, file, wake) {
    load(exports, file, (address, bytes) => exports.open(address, bytes));
    super(exports, exports.describe());
    this._exports = exports;
    this.modelSettings = this.settings();
    /** @type {About | null} */
    this.wake = null;
    if (wake !== null) {
      load(exports, new Uint8Array(wake.file), (address, bytes) => exports.open_wake(address, bytes, wake.awakeMs));
      this.wake = new About(exports, exports.describe_wake());
    }
  }

  /**
   * Takes any number of samples; results do not depend on how the audio was cut up.
   *
   * @param {Int16Array} samples at `sampleRate`
   * @returns {Result[]}
   */
  push(samples) {
    /** @type {Result[]} */
    const results = [];
    const [records, bytes] = [this._exports.records(), this._exports.record_bytes()];
    for (let start = 0; start < samples.length; start += this.pushSamples) {
      const part = samples.subarray(start, start + this.pushSamples);
      new Int16Array(this._exports.memory.buffer, this.samples, part.length).set(part);
      const count = this._exports.push(part.length);
      for (let i = 0; i < count; ++i) results.push(this._result(records + i * bytes));
    }
    return results;
  }

  /**
   * @param {number} place
   * @returns {Result}
   */
  _result(place) {
    const buffer = this._exports.memory.buffer;
    const [code, timeMs, label, scoreQ16] = new Uint32Array(buffer, place, 4);
    const kind = KINDS[code];
    const ofWakeWord = code === OF_WAKE_WORD;
    const model = ofWakeWord && this.wake !== null ? this.wake : this;
    const scores = place + RECORD_HEADER_BYTES;
    const [labels, inputs] = kind === "scores" ? [model.labels.length, model.inputCount] : [0, 0];
    const heard = label | 0;
    return {
      kind,
      ofWakeWord,
      timeMs,
      scores: new Int8Array(buffer, scores, labels).slice(),
      input: new Int8Array(buffer, scores + labels, inputs).slice(),
      detection:
        heard === NO_DETECTION
          ? null
          : { timeMs, label: model.labels[heard] ?? SILENCE, score: scoreQ16 / SCORE_ONE, ofWakeWord },
    };
  }

  /** Whether the model listens: always, without a wake word. */
  awake() {
    return this._exports.awake() === 1;
  }

  /** Forgets all audio; settings stay. */
  reset() {
    this._exports.reset();
  }

  /**
   * The average of each label's scores over the window, 0 to 1.
   *
   * @returns {number[]}
   */
  averages() {
    return this.labels.map((_, label) => this._exports.average(label) / SCORE_ONE);
  }

  /**
   * The decoder's settings in force.
   *
   * @returns {DecoderSettings}
   */
  settings() {
    return {
      thresholds: this.labels.map((_, label) => this._exports.threshold(label) / SCORE_ONE),
      averageWindowMs: this._exports.average_window_ms(),
      suppressionMs: this._exports.suppression_ms(),
      minimumCount: this._exports.minimum_count(),
    };
  }

  /**
   * Other settings from the next scores on.
   *
   * @param {DecoderSettings} settings
   * @returns {boolean} false: a setting does not fit, and only thresholds before it have changed
   */
  configure(settings) {
    const { thresholds, averageWindowMs, suppressionMs, minimumCount } = settings;
    const taken = thresholds.every(
      (threshold, label) => this._exports.set_threshold(label, Math.ceil(threshold * SCORE_ONE)) === 1,
    );
    return taken && this._exports.reconfigure(averageWindowMs, suppressionMs, minimumCount) === 1;
  }
}
