// SPDX-License-Identifier: Apache-2.0
// Where the samples of a WAV file are. The rule for which sizes to believe is that of
// host/stapes/audio/wav.py; tests/host/audio/test_wav_sizes.py tries both on the same files.
import { TEXT } from "./text.js";

const PCM = 1;
const EXTENSIBLE = 0xfffe;
// The sub-format of WAVE_FORMAT_EXTENSIBLE is the plain format code followed by these bytes.
const GUID_TAIL = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
// From here on a size says "until the end": what writers to a pipe put there.
const OPEN_SIZE = 0x7ffff000;
const TAG_BYTES = 4096; // most bytes after the end that no header describes
const MOST_CHUNKS = 1000; // that are looked at
const LFS_POINTER = "version https://git-lfs.github.com/spec/";

/** A WAV file that is damaged, or whose header lies; the message says which, and what to do. */
export class WavError extends Error {}

/**
 * @typedef {object} Format
 * @property {number} code
 * @property {number} channels
 * @property {number} rate hertz
 * @property {number} byteRate
 * @property {number} block bytes of a sample of all channels
 * @property {number} bits
 */

/**
 * @typedef {object} Found
 * @property {Format} format
 * @property {number} start of the samples
 * @property {number} stop
 * @property {boolean} openEnded the header does not say where they end: they reach to the file's end
 */

/** @param {DataView} file @param {number} at */
const nameAt = (file, at) => String.fromCharCode(...[0, 1, 2, 3].map((i) => file.getUint8(at + i)));

/** @param {DataView} file */
function isLfsPointer(file) {
  if (file.byteLength <= LFS_POINTER.length) return false;
  return [...LFS_POINTER].every((letter, i) => file.getUint8(i) === letter.charCodeAt(0));
}

/**
 * Judges what the header says by the file's length, whatever its samples are.
 *
 * @param {DataView} file
 * @returns {Found | null} null: no WAV file
 * @throws {WavError}
 */
export function findSamples(file) {
  if (isLfsPointer(file)) throw new WavError(TEXT.wavPointer);
  if (file.byteLength < 12 || nameAt(file, 0) !== "RIFF" || nameAt(file, 8) !== "WAVE") return null;
  /** @type {Format | null} */
  let format = null;
  for (let i = 0, at = 12; i < MOST_CHUNKS && at + 8 <= file.byteLength; ++i) {
    const name = nameAt(file, at);
    const size = file.getUint32(at + 4, true);
    if (name === "fmt ") format = readFormat(file, at + 8, size);
    if (name === "data") {
      if (format === null) throw new WavError(TEXT.wavFormatLate);
      return judge(file, format, at + 8, size);
    }
    at = afterChunk(at + 8, size);
  }
  throw new WavError(TEXT.wavNoChunk(format === null ? "fmt " : "data"));
}

/**
 * Whether a file holds 16-bit mono PCM.
 *
 * @param {Found} found
 * @throws {WavError}
 */
export function isPlain({ format, start, stop }) {
  if (format.code !== PCM || format.bits !== 16 || format.channels !== 1) return false;
  if (format.rate === 0 || format.block !== 2 || format.byteRate !== 2 * format.rate) {
    throw new WavError(TEXT.wavContradiction(format.byteRate, format.rate));
  }
  if ((stop - start) % 2 !== 0) throw cutShort(stop - start, stop - start + 1, "samples");
  return true;
}

/**
 * Writes the true sizes into a header that does not say them.
 *
 * @param {DataView} file
 * @param {Found} found
 */
export function fillSizes(file, { start, stop }) {
  file.setUint32(start - 4, stop - start, true);
  file.setUint32(4, stop - 8, true);
}

/** @param {DataView} file @param {number} at @param {number} size */
function readFormat(file, at, size) {
  const bytes = Math.min(size, file.byteLength - at);
  if (bytes < 16) throw cutShort(bytes, 16, "format");
  const [code, channels, block, bits] = [0, 2, 12, 14].map((offset) => file.getUint16(at + offset, true));
  const [rate, byteRate] = [4, 8].map((offset) => file.getUint32(at + offset, true));
  const wrapped = code === EXTENSIBLE && bytes >= 40 && GUID_TAIL.every((byte, i) => file.getUint8(at + 26 + i) === byte);
  return { code: wrapped ? file.getUint16(at + 24, true) : code, channels, rate, byteRate, block, bits };
}

/**
 * @param {DataView} file
 * @param {Format} format
 * @param {number} start of the body of 'data'
 * @param {number} size that its header promises
 * @returns {Found}
 */
function judge(file, format, start, size) {
  const length = file.byteLength;
  const left = length - start;
  if (isOpen(file, start, size)) {
    return { format, start, stop: length - (left % Math.max(format.block, 1)), openEnded: true };
  }
  const promised = file.getUint32(4, true) + 8;
  const riffIsOpen = promised >= OPEN_SIZE + 8;
  // The last pad byte is often left out.
  if (promised > length + 1 && !riffIsOpen) throw cutShort(length, promised, "RIFF");
  if (size > left) throw cutShort(left, size, "samples");
  const end = endOfChunks(file, afterChunk(start, size));
  if ((!riffIsOpen && end + 1 < promised) || length > end + TAG_BYTES) {
    throw new WavError(TEXT.wavMore(length, Math.min(end, length)));
  }
  return { format, start, stop: start + size, openEnded: false };
}

/**
 * True when `size` does not say where the samples that begin at `start` end.
 *
 * @param {DataView} file @param {number} start @param {number} size
 */
function isOpen(file, start, size) {
  const length = file.byteLength;
  if (size === 0) return length > start && !isChunk(file, start);
  const end = endOfChunks(file, afterChunk(start, size));
  return size >= OPEN_SIZE && (start + size > length || length > end + TAG_BYTES);
}

/** @param {number} body @param {number} size */
const afterChunk = (body, size) => body + size + (size % 2); // chunks start at even positions

/** Whether a whole chunk with a readable name is there. @param {DataView} file @param {number} at */
function isChunk(file, at) {
  if (at + 8 > file.byteLength) return false;
  return /^[ -~]{4}$/.test(nameAt(file, at)) && at + 8 + file.getUint32(at + 4, true) <= file.byteLength;
}

/** The end of the whole chunks from `at` on. @param {DataView} file @param {number} at */
function endOfChunks(file, at) {
  let end = at;
  for (let i = 0; i < MOST_CHUNKS && isChunk(file, end); ++i) {
    end = afterChunk(end + 8, file.getUint32(end + 4, true));
  }
  return end;
}

/** @param {number} found @param {number} promised @param {string} what */
const cutShort = (found, promised, what) => new WavError(TEXT.wavShort(found, promised, what));
