// SPDX-License-Identifier: Apache-2.0
// What the parts of the page share: the site, the model in use, and the decoder's settings.
import { Firmware, ModelError, hasVectors } from "./firmware.js";
import { TEXT } from "./text.js";
import { byId } from "./dom.js";

/**
 * @typedef {object} About What site.json says of a model.
 * @property {string} name
 * @property {string} file
 * @property {string[]} labels
 * @property {number} sample_rate
 * @property {number} clip_duration_ms
 * @property {string} tflite
 * @property {{hours: number, words: number, det: CurvePoint[]} | null} stream
 */
/**
 * @typedef {object} AboutWake What site.json says of the wake word's model.
 * @property {string} name
 * @property {string} file
 * @property {number} awake_ms
 */
/**
 * @typedef {object} CurvePoint
 * @property {number} threshold
 * @property {number} false_reject_rate
 * @property {number} false_accepts_per_hour
 */
/** @typedef {import("./firmware.js").DecoderSettings} DecoderSettings */

/** A part of the site is missing or wrong; a sentence for the person. */
export class SiteError extends Error {}

export class App {
  constructor() {
    /** @type {About[]} */
    this.models = [];
    /** @type {AboutWake | null} what wakes each of them */
    this.wake = null;
    /** @type {About | null} */
    this.about = null;
    /** @type {Firmware | null} */
    this._firmware = null;
    /** @type {((firmware: Firmware) => void)[]} */
    this._onModel = [];
    /** @type {((settings: DecoderSettings) => void)[]} */
    this._onSettings = [];
    this.vectors = false;
    this._turn = 0;
  }

  /**
   * Loads the site's list and the module.
   *
   * @throws {SiteError}
   */
  async load() {
    if (typeof WebAssembly !== "object") throw new SiteError(TEXT.noWasm);
    this.vectors = hasVectors();
    const file = this.vectors ? "stapes_simd.wasm" : "stapes_plain.wasm";
    const [site, module] = await Promise.all([fetchFile("site.json"), fetchFile(file)]);
    const { models, wake } = readSite(new TextDecoder().decode(site));
    [this.models, this.wake] = [models, wake];
    try {
      this._module = await WebAssembly.compile(module);
    } catch (error) {
      throw new SiteError(TEXT.siteDamaged(file, String(error)));
    }
  }

  /**
   * Takes a model into use, and tells the parts.
   *
   * @param {number} index
   * @throws {SiteError} the model before stays
   */
  async choose(index) {
    const turn = ++this._turn;
    const about = this.models[index];
    const file = new Uint8Array(await fetchFile(about.file));
    const firmware = await this._open(about, file, await this._wakeFile());
    if (turn !== this._turn) return; // another one was chosen meanwhile
    this.about = about;
    this._file = file;
    this._firmware = firmware;
    this.settings = firmware.settings();
    for (const take of this._onModel) take(firmware);
  }

  /** The firmware that hears the microphone. */
  get live() {
    if (this._firmware === null) throw new Error("no model");
    return this._firmware;
  }

  /**
   * The model that the person chose.
   *
   * @returns {About}
   */
  get model() {
    if (this.about === null) throw new Error("no model");
    return this.about;
  }

  /** @returns {Promise<import("./firmware.js").Wake | null>} */
  async _wakeFile() {
    if (this.wake === null) return null;
    return { file: await fetchFile(this.wake.file), awakeMs: this.wake.awake_ms };
  }

  /** Another firmware with the same model and settings, which always listens. */
  async another() {
    if (this._file === undefined) throw new Error("no model");
    const firmware = await this._open(this.model, this._file);
    firmware.configure(this.live.settings());
    return firmware;
  }

  /**
   * The image of a model, as a board takes it.
   *
   * @param {About} about
   */
  async imageOf(about) {
    return (await this._open(about, new Uint8Array(await fetchFile(about.file)))).image.slice();
  }

  /**
   * Other settings for the decoder, at once.
   *
   * @param {Partial<DecoderSettings>} changes
   * @returns {boolean} false where it does not take them
   */
  configure(changes) {
    const before = this.live.settings();
    const taken = this.live.configure({ ...before, ...changes });
    if (!taken) this.live.configure(before);
    for (const take of this._onSettings) take(this.live.settings());
    return taken;
  }

  /** @param {(firmware: Firmware) => void} take */
  onModel(take) {
    this._onModel.push(take);
  }

  /** @param {(settings: DecoderSettings) => void} take */
  onSettings(take) {
    this._onSettings.push(take);
  }

  /**
   * @param {About} about
   * @param {Uint8Array} file
   * @param {import("./firmware.js").Wake | null} wake
   */
  async _open(about, file, wake = null) {
    if (this._module === undefined) throw new Error("not loaded");
    try {
      return await Firmware.open(this._module, file, wake);
    } catch (error) {
      if (error instanceof ModelError || error instanceof WebAssembly.RuntimeError) {
        throw new SiteError(TEXT.modelRefused(about.name, error.message));
      }
      throw error;
    }
  }
}

/**
 * What site.json says.
 *
 * @param {string} text
 * @returns {{models: About[], wake: AboutWake | null}}
 * @throws {SiteError}
 */
function readSite(text) {
  let models, wake;
  try {
    ({ models, wake = null } = JSON.parse(text));
  } catch (error) {
    throw new SiteError(TEXT.siteDamaged("site.json", String(error)));
  }
  const fits = Array.isArray(models) && models.length > 0 && models.every(isAbout) && isWake(wake);
  if (!fits) throw new SiteError(TEXT.siteDamaged("site.json", TEXT.noModels));
  return { models, wake };
}

/** @param {any} wake */
function isWake(wake) {
  return wake === null || (typeof wake.name === "string" && typeof wake.file === "string" && wake.awake_ms > 0);
}

/** @param {any} about */
function isAbout(about) {
  const texts = [about?.name, about?.file, about?.tflite];
  const rates = (/** @type {any} */ point) =>
    [point?.threshold, point?.false_reject_rate, point?.false_accepts_per_hour].every(Number.isFinite);
  const curve = about?.stream?.det ?? [{ threshold: 0, false_reject_rate: 0, false_accepts_per_hour: 0 }];
  return (
    texts.every((text) => typeof text === "string") &&
    [about.sample_rate, about.clip_duration_ms].every((number) => number > 0) &&
    Array.isArray(curve) &&
    curve.length > 0 &&
    curve.every(rates)
  );
}

/**
 * A file of the site.
 *
 * @param {string} path
 * @returns {Promise<ArrayBuffer>}
 */
async function fetchFile(path) {
  try {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return await answer.arrayBuffer();
  } catch (error) {
    throw new SiteError(TEXT.siteDamaged(path, error instanceof Error ? error.message : String(error)));
  }
}

/**
 * Says what is wrong, where everybody sees it; an empty text takes it away.
 *
 * @param {string} text
 */
export function sayProblem(text) {
  const place = byId("problem");
  place.textContent = text;
  place.hidden = text === "";
}
