// SPDX-License-Identifier: Apache-2.0
// The serial link of a board (docs/protocol.md): lines from it, frames to it.

export const PROTOCOL_VERSION = 1;
export const Frame = {
  hello: 1,
  reset: 2,
  scores: 3,
  stats: 4,
  threshold: 7,
  modelBegin: 11,
  modelData: 12,
  modelCommit: 13,
};

const ANSWER_MS = 1000;
const TRIES = 5;
const MODEL_PIECE_BYTES = 240; // of a payload of 256: a multiple of 16, with its offset before it
const LONGEST_LINE = 16384; // a longer one is noise

/**
 * @typedef {object} BoardEvent
 * @property {string} name
 * @property {Record<string, string>} fields
 * @property {number} lost lines that are missing before it
 */
/**
 * @typedef {object} ByteStream What a serial port is.
 * @property {ReadableStream<Uint8Array>} readable
 * @property {WritableStream<Uint8Array>} writable
 */

/** The board refused a request; the message is in the board's own words. */
export class Refused extends Error {}
/** Nothing answers, or it has gone. */
export class LinkError extends Error {}

/**
 * CRC-16/CCITT-FALSE.
 *
 * @param {ArrayLike<number>} bytes
 */
export function crc16(bytes) {
  let crc = 0xffff;
  for (let i = 0; i < bytes.length; ++i) {
    crc ^= bytes[i] << 8;
    for (let bit = 0; bit < 8; ++bit) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

/**
 * COBS( type, sequence number, payload, checksum ), 0.
 *
 * @param {number} type
 * @param {number} sequence
 * @param {Uint8Array} payload
 */
export function encodeFrame(type, sequence, payload = new Uint8Array()) {
  const body = [type, sequence, ...payload];
  const crc = crc16(body);
  body.push(crc & 0xff, crc >> 8);
  const frame = [0];
  let code = 0; // where the distance to the next zero goes
  for (const byte of body) {
    if (byte !== 0) frame.push(byte);
    const distance = frame.length - code;
    if (byte === 0 || distance === 0xff) {
      frame[code] = distance;
      code = frame.length;
      frame.push(0);
    }
  }
  frame[code] = frame.length - code;
  frame.push(0);
  return Uint8Array.from(frame);
}

/** Makes events of the bytes that come; any bytes may come. */
export class LineReader {
  constructor() {
    this.damaged = 0;
    this.missing = 0;
    this._text = "";
    /** @type {number | null} */
    this._next = null;
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {BoardEvent[]}
   */
  feed(bytes) {
    /** @type {BoardEvent[]} */
    const events = [];
    for (const byte of bytes) {
      if (byte === 0x24) {
        if (this._text !== "") ++this.damaged; // cut by a restart
        this._text = "$";
      } else if (byte === 0x0a || byte === 0x0d) {
        this._end(events);
      } else if (this._text !== "") {
        this._text += String.fromCharCode(byte);
        if (this._text.length > LONGEST_LINE) this._text = "";
      }
    }
    return events;
  }

  /** @param {BoardEvent[]} events */
  _end(events) {
    if (this._text === "") return;
    const event = parseLine(this._text);
    this._text = "";
    if (event === null) {
      ++this.damaged;
      return;
    }
    const restarted = event.name === "hello" && event.fields.request === undefined;
    const lost = this._next === null || restarted ? 0 : (event.sequence - this._next) & 0xffff;
    this._next = (event.sequence + 1) & 0xffff;
    this.missing += lost;
    events.push({ name: event.name, fields: event.fields, lost });
  }
}

/**
 * @param {string} line from its $ on
 * @returns {{sequence: number, name: string, fields: Record<string, string>} | null}
 */
function parseLine(line) {
  const found = /^\$([0-9A-F]{4}) ([^*]+)\*([0-9A-F]{4})$/.exec(line);
  if (found === null) return null;
  const covered = Uint8Array.from(line.slice(1, -5), (character) => character.charCodeAt(0));
  if (crc16(covered) !== parseInt(found[3], 16)) return null;
  const [name, ...parts] = found[2].split(" ");
  /** @type {Record<string, string>} */
  const fields = {};
  for (const part of parts) {
    const equals = part.indexOf("=");
    if (equals > 0) fields[part.slice(0, equals)] = part.slice(equals + 1);
  }
  return { sequence: parseInt(found[1], 16), name, fields };
}

/**
 * A value of a field: what stands as %XX is bytes of UTF-8.
 *
 * @param {string | undefined} value
 */
export function text(value) {
  try {
    return decodeURIComponent(value ?? "");
  } catch {
    return value ?? "";
  }
}

/**
 * Scores as two hexadecimal digits each.
 *
 * @param {string} digits
 */
export function hexBytes(digits) {
  return Int8Array.from({ length: digits.length >> 1 }, (_, i) => (parseInt(digits.slice(2 * i, 2 * i + 2), 16) << 24) >> 24);
}

/** A conversation: requests that are answered, and events that come by themselves. */
export class Session {
  /**
   * @param {ByteStream} port
   * @param {(event: BoardEvent) => void} onEvent
   * @param {() => void} onClosed the board has gone
   */
  constructor(port, onEvent, onClosed) {
    this.reader = new LineReader();
    this._onEvent = onEvent;
    this._onClosed = onClosed;
    this._request = 0;
    this._closed = false;
    /** @type {((event: BoardEvent) => boolean) | null} */
    this._waiting = null;
    /** @type {Promise<unknown>} */
    this._turn = Promise.resolve();
    this._incoming = port.readable.getReader();
    this._outgoing = port.writable.getWriter();
    void this._read();
  }

  async close() {
    this._closed = true;
    await this._incoming.cancel().catch(() => undefined);
    this._incoming.releaseLock();
    await this._outgoing.close().catch(() => undefined);
    this._outgoing.releaseLock();
  }

  /** Ends whatever the board has received before, and asks who it is. */
  async greet() {
    await this._write(Uint8Array.of(0));
    return this.ask(Frame.hello, new Uint8Array(), "hello");
  }

  /**
   * Asks until it is answered; one request at a time.
   *
   * @param {number} type
   * @param {Uint8Array} payload
   * @param {string} answer the event that answers
   * @returns {Promise<BoardEvent>}
   * @throws {Refused | LinkError}
   */
  ask(type, payload, answer) {
    const turn = this._turn.then(() => this._ask(type, payload, answer));
    this._turn = turn.catch(() => undefined);
    return turn;
  }

  /**
   * @param {number} type
   * @param {Uint8Array} payload
   * @param {string} answer
   */
  async _ask(type, payload, answer) {
    this._request = (this._request + 1) & 0xff;
    const request = String(this._request);
    const frame = encodeFrame(type, this._request, payload);
    for (let tries = 0; tries < TRIES && !this._closed; ++tries) {
      const answered = this._wait((event) => event.fields.request === request && [answer, "refused"].includes(event.name));
      await this._write(frame);
      const event = await answered;
      if (event?.name === "refused") throw new Refused(refusal(event));
      if (event !== null) return event;
    }
    throw new LinkError("silent");
  }

  /**
   * Sends a model, which replaces the running one once the board has checked it.
   *
   * @param {Uint8Array} image
   * @param {number} crc CRC-32 of the image
   * @param {number} credits frames that may be on their way
   * @param {(share: number) => void} onProgress
   * @returns {Promise<BoardEvent>} the hello of the new model
   */
  load(image, crc, credits, onProgress) {
    const turn = this._turn.then(() => this._load(image, crc, credits, onProgress));
    this._turn = turn.catch(() => undefined);
    return turn;
  }

  /**
   * @param {Uint8Array} image
   * @param {number} crc
   * @param {number} credits
   * @param {(share: number) => void} onProgress
   */
  async _load(image, crc, credits, onProgress) {
    await this._ask(Frame.modelBegin, words(image.length, crc), "ok");
    let taken = 0;
    for (let silences = 0; taken < image.length; ) {
      const end = Math.min(taken + credits * MODEL_PIECE_BYTES, image.length);
      const answered = this._wait((event) => event.name === "refused" || (event.name === "model" && Number(event.fields.next) >= end));
      for (let at = taken; at < end; at += MODEL_PIECE_BYTES) {
        const piece = image.subarray(at, Math.min(at + MODEL_PIECE_BYTES, end));
        await this._write(encodeFrame(Frame.modelData, this._request, Uint8Array.of(...words(at), ...piece)));
      }
      const event = await answered;
      if (event?.name === "refused") throw new Refused(refusal(event));
      if (event === null && ++silences === TRIES) throw new LinkError("silent");
      if (event !== null) [taken, silences] = [end, 0];
      onProgress(taken / image.length);
    }
    return this._ask(Frame.modelCommit, words(crc), "hello");
  }

  /**
   * The next event that fits; null when none comes in time.
   *
   * @param {(event: BoardEvent) => boolean} fits
   * @returns {Promise<BoardEvent | null>}
   */
  _wait(fits) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this._waiting = null;
        resolve(null);
      }, ANSWER_MS);
      this._waiting = (event) => {
        if (!fits(event)) return false;
        clearTimeout(timer);
        this._waiting = null;
        resolve(event);
        return true;
      };
    });
  }

  /** @param {Uint8Array} bytes */
  async _write(bytes) {
    try {
      await this._outgoing.write(bytes);
    } catch (error) {
      throw new LinkError(String(error));
    }
  }

  async _read() {
    try {
      for (;;) {
        const { value, done } = await this._incoming.read();
        if (done) break;
        for (const event of this.reader.feed(value)) {
          this._waiting?.(event);
          this._onEvent(event);
        }
      }
    } catch {
      // Unplugged: the same as an end.
    }
    if (!this._closed) this._onClosed();
  }
}

/** @param {...number} values each as 32 bits, low byte first */
export function words(...values) {
  const bytes = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, index) => bytes.setUint32(4 * index, value, true));
  return new Uint8Array(bytes.buffer);
}

/** @param {BoardEvent} event */
function refusal(event) {
  const operator = event.fields.operator === undefined ? "" : `, operator ${text(event.fields.operator)}`;
  return text(event.fields.reason) + operator;
}
