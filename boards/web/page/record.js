// SPDX-License-Identifier: Apache-2.0
// Record: takes of words, one after the other, kept as the clips of a corpus.
import { sayProblem } from "./app.js";
import { ClipStore, StorageError, clipName } from "./clips.js";
import { byId, element, saveFile } from "./dom.js";
import { Microphone, MicrophoneError } from "./microphone.js";
import { isLabel } from "./scoring.js";
import { ServerFolder } from "./server_folder.js";
import { TEXT } from "./text.js";
import { wordsOf } from "./views.js";
import { levelDb, loudestSection, writeWav } from "./wav.js";
import { makeZip } from "./zip.js";

const COUNTDOWN = 3;
const COUNT_MS = 600;
const REST_MS = 700; // to read what became of a take
const SPARE_MS = 1000; // recorded beside the clip, so that there is something to trim
const MIN_VOLUME = 0.004; // mean of the absolute samples, as `stapes data trim` has it
const CLIPPED_SAMPLES = 8; // at full scale, in the clip

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./clips.js").Clip} Clip */

/**
 * Whether a word can be a label and a folder.
 *
 * @param {string} word
 */
export function isWord(word) {
  return isLabel(word) && !/^[._]/.test(word);
}

/**
 * What is wrong with a take: "clipped", "silent", or nothing.
 *
 * @param {Int16Array} clip
 */
export function faultOf(clip) {
  let sum = 0;
  let full = 0;
  for (const sample of clip) {
    sum += Math.abs(sample);
    if (sample >= 32767 || sample <= -32767) ++full;
  }
  if (full >= CLIPPED_SAMPLES) return "clipped";
  return sum / 32768 / clip.length < MIN_VOLUME ? "silent" : "";
}

/** A name that says nothing about the person. */
function randomSpeaker() {
  return Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Record {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._words = byId("record-words", HTMLInputElement);
    this._speaker = byId("record-speaker", HTMLInputElement);
    this._takes = byId("record-takes", HTMLInputElement);
    this._start = byId("record-start", HTMLButtonElement);
    this._speaker.value = randomSpeaker();
    this._folder = ServerFolder.ofThisPage();
    /** @type {Promise<ClipStore> | null} */
    this._opened = null;
    /** @type {HTMLAudioElement | null} */
    this._player = null;
    this._running = false;
    byId("record-new-speaker").addEventListener("click", () => (this._speaker.value = randomSpeaker()));
    this._start.addEventListener("click", () => void this._toggle());
    byId("zip").addEventListener("click", () => void this._try(() => this._takeZip()));
    byId("forget").addEventListener("click", () => void this._try(() => this._forget()));
    app.onModel((firmware) => {
      if (this._words.value === "") this._words.value = wordsOf(firmware.labels).join(", ");
    });
    void this._try(() => this._greet());
  }

  async _greet() {
    const store = await this._store();
    store.onOthersChange(() => void this._try(() => this._show()));
    const { name, reason } = (await this._folder?.greet()) ?? {};
    if (name !== undefined) {
      byId("record-folder").textContent = TEXT.recordsInto(name);
      byId("privacy").textContent = TEXT.footerWithFolder;
    }
    if (reason !== undefined) sayProblem(TEXT.folderGone(reason));
    await this._show();
  }

  _store() {
    this._opened ??= ClipStore.open();
    return this._opened;
  }

  /**
   * Does something with storage, and says what is wrong with it.
   *
   * @param {() => Promise<void>} act
   */
  async _try(act) {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      sayProblem(error.full ? TEXT.storageFull : TEXT.storageFailed(error.message));
    }
  }

  async _toggle() {
    if (this._running) {
      this._running = false;
      return;
    }
    this._running = true;
    sayProblem("");
    const words = this._words.value.split(",").map((word) => word.trim()).filter((word) => word !== "");
    const wrong = this._whatIsWrong(words);
    try {
      if (wrong !== "") sayProblem(wrong);
      else await this._try(() => this._recordAll(words));
    } finally {
      this._running = false;
      this._start.textContent = TEXT.recordStart;
      byId("prompt").classList.remove("speak");
      byId("prompt-count").textContent = "";
      byId("prompt-word").textContent = "";
    }
  }

  /** @param {string[]} words */
  _whatIsWrong(words) {
    const bad = words.find((word) => !isWord(word));
    if (bad !== undefined) return TEXT.badWord(bad);
    if (words.length === 0) return TEXT.noWords;
    return /^[A-Za-z0-9-]{1,32}$/.test(this._speaker.value) ? "" : TEXT.badSpeaker;
  }

  /** @param {string[]} words */
  async _recordAll(words) {
    await this._store();
    await navigator.storage?.persist?.(); // so that the browser does not tidy clips away
    const rounds = Math.max(1, Math.min(100, this._takes.valueAsNumber || 1));
    const prompts = Array.from({ length: rounds }, () => words).flat();
    const recorder = new Recorder(this._app.live.sampleRate);
    this._start.textContent = TEXT.recordStop;
    try {
      await recorder.open(() => this._lose());
      for (let done = 0; this._running && done < prompts.length; ) {
        byId("prompt-count").textContent = TEXT.takeOf(done + 1, prompts.length);
        if (await this._take(recorder, prompts[done])) ++done;
      }
      this._say(this._running ? TEXT.recordFinished : TEXT.recordStopped);
    } catch (error) {
      this._say(TEXT.recordStopped);
      if (!(error instanceof MicrophoneError)) throw error;
      sayProblem(error.message);
    } finally {
      await recorder.close();
    }
  }

  _lose() {
    this._running = false;
    sayProblem(TEXT.microphoneLost);
  }

  /**
   * One take; false when it has to be done once more.
   *
   * @param {Recorder} recorder
   * @param {string} word
   */
  async _take(recorder, word) {
    byId("prompt-word").textContent = word;
    for (let count = COUNTDOWN; count > 0; --count) {
      this._say(`${TEXT.getReady} ${count}`);
      await pause(COUNT_MS);
      if (!this._running) return false;
    }
    this._say(TEXT.speakNow);
    byId("prompt").classList.add("speak");
    const clipMs = this._app.model.clip_duration_ms;
    const samples = await recorder.hear(clipMs + SPARE_MS);
    byId("prompt").classList.remove("speak");
    if (!this._running) return false;
    const rate = recorder.sampleRate;
    const clip = loudestSection(samples, Math.floor((rate * clipMs) / 1000));
    const fault = faultOf(clip);
    if (fault === "") await this._keep(word, writeWav(clip, rate));
    this._say(fault === "clipped" ? TEXT.takeClipped : fault === "silent" ? TEXT.takeSilent : TEXT.takeKept);
    await pause(REST_MS);
    return fault === "";
  }

  /** @param {string} word @param {Uint8Array<ArrayBuffer>} wav */
  async _keep(word, wav) {
    await (await this._store()).add(word, this._speaker.value, wav);
    await this._show();
    await this._send();
  }

  /** Sends the clips that are not in the folder yet. */
  async _send() {
    if (this._folder === null) return;
    const store = await this._store();
    for (const clip of await store.all()) {
      if (clip.sent || !(await store.has(clip))) continue; // deleted while others were sent
      let answer = await this._folder.send(clip.word, clipName(clip), clip.wav);
      if (answer.free !== undefined) {
        if (!(await store.renumber(clip, answer.free))) continue;
        answer = await this._folder.send(clip.word, clipName(clip), clip.wav);
      }
      if (answer.reason === "") await store.markSent(clip);
      else sayProblem(TEXT.sendFailed(answer.reason));
      if (answer.reason !== "" && !answer.others) break;
    }
    await this._show();
  }

  async _show() {
    const clips = await (await this._store()).all();
    /** @type {Map<string, Clip[]>} */
    const byWord = new Map();
    for (const clip of clips) byWord.set(clip.word, [...(byWord.get(clip.word) ?? []), clip]);
    const lists = [...byWord].flatMap(([word, entries]) => [
      element("h3", { "data-word": word, "data-count": String(entries.length) }, TEXT.clipsOf(word, entries.length)),
      element("ul", { class: "clips" }, ...entries.map((clip) => this._row(clip))),
    ]);
    const focused = document.activeElement?.closest("#clips") ? document.activeElement.getAttribute("aria-label") : null;
    byId("clips").replaceChildren(...(lists.length > 0 ? lists : [element("p", { class: "muted" }, TEXT.noClips)]));
    if (focused !== null) this._focus(focused);
    byId("zip", HTMLButtonElement).disabled = clips.length === 0;
    byId("forget", HTMLButtonElement).disabled = clips.length === 0;
  }

  /** @param {string} label of the button that had the focus; it may have gone with its clip */
  _focus(label) {
    const same = [...byId("clips").querySelectorAll("button")].find((button) => button.getAttribute("aria-label") === label);
    (same ?? this._start).focus();
  }

  /** @param {Clip} clip */
  _row(clip) {
    const name = `${clip.word}/${clipName(clip)}`;
    const play = element("button", { type: "button", "aria-label": TEXT.playClip(name) }, TEXT.play);
    const remove = element("button", { type: "button", "aria-label": TEXT.removeClip(name) }, TEXT.remove);
    play.addEventListener("click", () => this._play(clip));
    remove.addEventListener("click", () => {
      void this._try(async () => {
        await (await this._store()).remove(clip);
        await this._show();
      });
    });
    const state = this._folder === null ? "" : clip.sent ? TEXT.sent : TEXT.notSent;
    return element(
      "li",
      {},
      element("span", { class: "name" }, clipName(clip)),
      element("span", { class: "muted" }, state),
      play,
      remove,
    );
  }

  /** @param {Clip} clip */
  _play(clip) {
    this._player?.pause();
    const address = URL.createObjectURL(new Blob([clip.wav], { type: "audio/wav" }));
    this._player = new Audio(address);
    this._player.addEventListener("ended", () => URL.revokeObjectURL(address));
    void this._player.play();
  }

  async _takeZip() {
    const clips = await (await this._store()).all();
    const files = clips.map((clip) => ({ name: `${clip.word}/${clipName(clip)}`, bytes: clip.wav }));
    saveFile(makeZip(files), "corpus.zip");
  }

  async _forget() {
    if (!confirm(TEXT.deleteAllSure)) return;
    await (await this._store()).clear();
    await this._show();
  }

  /** @param {string} text */
  _say(text) {
    byId("prompt-state").textContent = text;
  }
}

/** Pieces of a microphone that stays open. */
class Recorder {
  /** @param {number} sampleRate */
  constructor(sampleRate) {
    this.sampleRate = sampleRate;
    /** @type {((samples: Int16Array) => void) | null} */
    this._taker = null;
    /** @type {(() => void) | null} */
    this._give = null;
    /** @type {Microphone | null} */
    this._microphone = null;
  }

  /** @param {() => void} onLost */
  async open(onLost) {
    this._microphone = await Microphone.open({
      sampleRate: this.sampleRate,
      onSamples: (samples) => {
        byId("prompt-level", HTMLMeterElement).value = levelDb(samples);
        this._taker?.(samples);
      },
      onLost: () => {
        this._give?.();
        onLost();
      },
    });
  }

  async close() {
    await this._microphone?.close();
  }

  /**
   * What comes from now on; less when the microphone goes.
   *
   * @param {number} milliseconds
   * @returns {Promise<Int16Array>}
   */
  hear(milliseconds) {
    const wanted = Math.floor((this.sampleRate * milliseconds) / 1000);
    const heard = new Int16Array(wanted);
    let filled = 0;
    return new Promise((resolve) => {
      this._give = () => {
        this._taker = null;
        this._give = null;
        resolve(heard.subarray(0, filled));
      };
      this._taker = (samples) => {
        const part = samples.subarray(0, wanted - filled);
        heard.set(part, filled);
        filled += part.length;
        if (filled === wanted) this._give?.();
      };
    });
  }
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
