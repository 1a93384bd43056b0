// SPDX-License-Identifier: Apache-2.0
// Board: the live view of a real one, over Web Serial.
import { SiteError, sayProblem } from "./app.js";
import { byId, element, slider } from "./dom.js";
import { Frame, LinkError, PROTOCOL_VERSION, Refused, Session, hexBytes, text, words } from "./link.js";
import { TEXT } from "./text.js";
import { LiveView, wordsOf } from "./views.js";
import { crc32 } from "./zip.js";

const BAUD = 115200;
const STATS_MS = 2000;
const SCORE_ONE = 65536;
const ERRORS = ["bad_framing", "bad_length", "bad_checksum", "bad_command", "out_of_order", "overruns", "lost_samples", "dropped_scores", "lost_lines"];

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./link.js").BoardEvent} BoardEvent */
/** @typedef {{open: (options: {baudRate: number}) => Promise<void>, close: () => Promise<void>, readable: ReadableStream<Uint8Array>, writable: WritableStream<Uint8Array>}} Port */

export class Board {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._view = new LiveView(byId("board-view"), "scores");
    this._button = byId("board-toggle", HTMLButtonElement);
    this._loading = byId("board-load", HTMLButtonElement);
    /** @type {Session | null} */
    this._session = null;
    /** @type {Port | null} */
    this._port = null;
    /** @type {string[]} */
    this._labels = [];
    this._sampleRate = 16000;
    this._credits = 1;
    this._lost = 0;
    this._timer = 0;
    this._button.addEventListener("click", () => void this._toggle());
    this._loading.addEventListener("click", () => void this._load());
    const serial = /** @type {{serial?: unknown}} */ (navigator).serial;
    if (serial === undefined) {
      this._button.disabled = true;
      byId("board-hint").textContent = window.isSecureContext ? TEXT.boardUnsupported : TEXT.boardInsecure;
    }
    const models = byId("board-model", HTMLSelectElement);
    models.append(...app.models.map(({ name }, index) => element("option", { value: String(index) }, name)));
  }

  async _toggle() {
    sayProblem("");
    this._button.disabled = true;
    try {
      if (this._session === null) await this._connect();
      else await this._disconnect();
    } catch (error) {
      const said = this._session === null; // _lose has said that the board has gone
      const known = this._labels.length > 0; // it had said hello, so it has gone since
      await this._disconnect();
      if (!(error instanceof LinkError) && !(error instanceof Refused)) throw error;
      if (said) return;
      const silent = known ? TEXT.boardGone : TEXT.boardSilent;
      sayProblem(error instanceof Refused ? TEXT.boardRefused(error.message) : silent);
    } finally {
      this._button.disabled = false;
    }
  }

  async _connect() {
    const { serial } = /** @type {{serial: {requestPort: () => Promise<Port>}}} */ (/** @type {unknown} */ (navigator));
    let port;
    try {
      port = await serial.requestPort();
    } catch {
      this._say(TEXT.boardNone);
      return;
    }
    try {
      await port.open({ baudRate: BAUD });
    } catch (error) {
      sayProblem(TEXT.boardBusy(error instanceof Error ? error.message : String(error)));
      return;
    }
    this._port = port;
    const session = new Session(port, (event) => this._hear(event), () => void this._lose());
    this._session = session;
    const hello = await session.greet();
    if (Number(hello.fields.protocol) !== PROTOCOL_VERSION) {
      await this._disconnect();
      sayProblem(TEXT.boardProtocol(text(hello.fields.protocol)));
      return;
    }
    await session.ask(Frame.scores, Uint8Array.of(1), "ok");
    this._button.textContent = TEXT.boardDisconnect;
    byId("board-live").hidden = false;
    this._timer = setInterval(() => void this._askStats(), STATS_MS);
    await this._askStats();
  }

  async _disconnect() {
    clearInterval(this._timer);
    const [session, port] = [this._session, this._port];
    this._session = this._port = null;
    this._labels = [];
    await session?.close();
    await port?.close().catch(() => undefined);
    this._button.textContent = TEXT.boardConnect;
    byId("board-live").hidden = true;
    this._say("");
  }

  async _lose() {
    await this._disconnect();
    sayProblem(TEXT.boardGone);
  }

  /** @param {BoardEvent} event */
  _hear({ name, fields }) {
    const timeMs = Number(fields.time_ms);
    if (name === "hello") this._greet(fields);
    else if (name === "detection") this._view.detect({ timeMs, label: text(fields.label), score: Number(fields.score) });
    else if (name === "scores" && /^([0-9A-Fa-f]{2})+$/.test(fields.q ?? "")) this._showScores(hexBytes(fields.q));
    else if (name === "stats") this._showStats(fields);
    else if (name === "log" || name === "fatal") this._say(TEXT.boardLog([fields.text, fields.reason].filter(Boolean).map(text).join(": ")));
  }

  /** @param {Record<string, string>} fields */
  _greet(fields) {
    this._labels = (fields.labels ?? "").split(",").map(text);
    this._sampleRate = Number(fields.sample_rate) || this._sampleRate;
    this._credits = Math.max(1, Number(fields.credits) || 1);
    this._view.show(this._labels, this._labels.length, []);
    this._say(TEXT.boardHello({ board: text(fields.board), model: text(fields.model), firmware: text(fields.firmware) }));
    this._loading.disabled = !(Number(fields.model_bytes) > 0);
    this._loading.title = this._loading.disabled ? TEXT.boardTakesNone : "";
    this._showThresholds(text(fields.sha256));
  }

  /** @param {Int8Array} scores */
  _showScores(scores) {
    if (scores.length !== this._labels.length) return; // of a model that is just going
    this._view.picture.push(scores);
    this._view.bars.update(Array.from(scores, (score) => (score + 128) / 256));
  }

  /**
   * A slider for each word. A board does not say its thresholds: they begin at those of this page
   * where it has the same model, else in the middle.
   *
   * @param {string} sha256
   */
  _showThresholds(sha256) {
    const live = this._app.about === null ? null : this._app.live;
    const own = live !== null && live.sha256 === sha256 ? live.modelSettings.thresholds : null;
    const rows = wordsOf(this._labels).map((word) => {
      const label = this._labels.indexOf(word);
      const range = { min: 0, max: 1, step: 0.005, value: own?.[label] ?? 0.5 };
      return slider(TEXT.thresholdOf(word), range, (value) => value.toFixed(3), (value) => void this._setThreshold(label, value)).row;
    });
    byId("board-thresholds").replaceChildren(...rows);
    if (own !== null) this._view.bars.mark(own);
  }

  /** @param {number} label @param {number} value */
  async _setThreshold(label, value) {
    const payload = Uint8Array.of(label & 0xff, label >> 8, ...words(Math.ceil(value * SCORE_ONE)));
    await this._carryOut(async (session) => {
      await session.ask(Frame.threshold, payload, "ok");
      this._view.bars.mark(this._labels.map((_, index) => (index === label ? value : undefined)));
    });
  }

  /** @param {(session: Session) => Promise<void>} act */
  async _carryOut(act) {
    if (this._session === null) return;
    try {
      await act(this._session);
    } catch (error) {
      if (error instanceof Refused) sayProblem(TEXT.boardRefused(error.message));
      else if (error instanceof SiteError) sayProblem(error.message);
      else if (!(error instanceof LinkError)) throw error;
      else if (this._session !== null) sayProblem(TEXT.boardSilent);
    }
  }

  async _askStats() {
    await this._carryOut(async (session) => {
      await session.ask(Frame.stats, new Uint8Array(), "stats");
    });
  }

  async _load() {
    const about = this._app.models[byId("board-model", HTMLSelectElement).selectedIndex];
    const progress = byId("board-progress", HTMLProgressElement);
    this._loading.disabled = true;
    progress.hidden = false;
    sayProblem("");
    await this._carryOut(async (session) => {
      const image = await this._app.imageOf(about);
      await session.load(image, crc32(image), this._credits, (share) => (progress.value = share));
      this._say(TEXT.boardLoaded(about.name));
    });
    progress.hidden = true;
    this._loading.disabled = false;
  }

  /** @param {Record<string, string>} fields */
  _showStats(fields) {
    const number = (/** @type {string} */ name) => Number(fields[name] ?? 0);
    const heard = number("samples") / this._sampleRate;
    const busy = number("ticks_per_second") > 0 && heard > 0 ? number("busy_ticks") / number("ticks_per_second") / heard : null;
    const lost = ERRORS.reduce((sum, name) => sum + number(name), 0);
    const reader = this._session?.reader;
    const rows = [
      [TEXT.statUptime, TEXT.seconds(number("uptime_ms") / 1000)],
      [TEXT.statHeard, TEXT.seconds(heard)],
      [TEXT.statDetections, String(number("detections"))],
      [TEXT.statLoad, busy === null ? "–" : TEXT.cpuShare(busy)],
      [TEXT.statArena, TEXT.bytesOf(number("arena_used"), number("arena_size"))],
      [TEXT.statStack, number("stack_size") > 0 ? TEXT.bytesOf(number("stack_used"), number("stack_size")) : "–"],
      [TEXT.statErrors, String(lost + (reader?.damaged ?? 0) + (reader?.missing ?? 0))],
    ];
    byId("board-stats").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
  }

  /** @param {string} what */
  _say(what) {
    byId("board-state").textContent = what;
  }
}
