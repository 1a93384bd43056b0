// SPDX-License-Identifier: Apache-2.0
// Samples from files, and files from samples.

/** Not audio that this browser reads. */
export class AudioError extends Error {}

/**
 * @typedef {object} Heard
 * @property {Int16Array} samples mono, at the wanted rate
 * @property {boolean} exact they are the very samples of the file
 */

/**
 * Samples of a file at a rate: of a 16-bit mono WAV at that rate as they are; of anything else that
 * the browser decodes resampled, and its channels averaged.
 *
 * @param {ArrayBuffer} bytes used up
 * @param {number} sampleRate hertz
 * @returns {Promise<Heard>}
 * @throws {AudioError}
 */
export async function readAudio(bytes, sampleRate) {
  const samples = readWav(bytes, sampleRate);
  if (samples !== null) return { samples, exact: true };
  const context = new OfflineAudioContext(1, 1, sampleRate);
  let decoded;
  try {
    decoded = await context.decodeAudioData(bytes);
  } catch (error) {
    throw new AudioError(String(error));
  }
  return { samples: toInt16(mixDown(decoded)), exact: false };
}

/** @param {AudioBuffer} audio */
function mixDown(audio) {
  const mixed = new Float32Array(audio.length);
  for (let channel = 0; channel < audio.numberOfChannels; ++channel) {
    const samples = audio.getChannelData(channel);
    for (let i = 0; i < mixed.length; ++i) mixed[i] += samples[i] / audio.numberOfChannels;
  }
  return mixed;
}

/**
 * The samples of a 16-bit mono PCM WAV file at that rate; null for any other file.
 *
 * @param {ArrayBuffer} bytes
 * @param {number} sampleRate
 * @returns {Int16Array | null}
 */
export function readWav(bytes, sampleRate) {
  const view = new DataView(bytes);
  const name = (/** @type {number} */ at) => (at + 4 <= view.byteLength ? view.getUint32(at, false) : 0);
  if (name(0) !== 0x52494646 || name(8) !== 0x57415645) return null; // RIFF, WAVE
  let fits = false;
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    const start = at + 8;
    if (name(at) === 0x666d7420 && start + 16 <= view.byteLength) {
      fits =
        view.getUint16(start, true) === 1 &&
        view.getUint16(start + 2, true) === 1 &&
        view.getUint32(start + 4, true) === sampleRate &&
        view.getUint16(start + 14, true) === 16;
    } else if (name(at) === 0x64617461) {
      const end = Math.min(start + size, view.byteLength);
      if (!fits) return null;
      const count = (end - start) >> 1;
      return start % 2 === 0 ? new Int16Array(bytes, start, count) : new Int16Array(bytes.slice(start, start + 2 * count));
    }
    at = start + size + (size % 2);
  }
  return null;
}

/**
 * A 16-bit mono WAV file.
 *
 * @param {Int16Array} samples
 * @param {number} sampleRate
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function writeWav(samples, sampleRate) {
  const file = new Uint8Array(44 + 2 * samples.length);
  const view = new DataView(file.buffer);
  const words = [0x52494646, 0, 0x57415645, 0x666d7420];
  words.forEach((word, index) => view.setUint32(4 * index, word, false));
  view.setUint32(4, file.length - 8, true);
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * sampleRate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  view.setUint32(36, 0x64617461, false);
  view.setUint32(40, 2 * samples.length, true);
  file.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), 44);
  return file;
}

/**
 * From -1 to 1 to 16 bits, to the nearest.
 *
 * @param {Float32Array} samples
 */
export function toInt16(samples) {
  return Int16Array.from(samples, (sample) => Math.max(-32768, Math.min(32767, Math.round(sample * 32768))));
}

/**
 * The loudest `length` samples: the window whose samples have the largest sum of absolute values,
 * the first of several. The rule of `stapes data trim`.
 *
 * @param {Int16Array} samples
 * @param {number} length
 */
export function loudestSection(samples, length) {
  if (samples.length <= length) return samples;
  let sum = 0;
  let largest = -1;
  let start = 0;
  for (let i = 0; i < samples.length; ++i) {
    sum += Math.abs(samples[i]);
    if (i >= length) sum -= Math.abs(samples[i - length]);
    if (i >= length - 1 && sum > largest) {
      largest = sum;
      start = i - length + 1;
    }
  }
  return samples.slice(start, start + length);
}

/**
 * Root mean square in dB below full scale; -90 for silence.
 *
 * @param {Int16Array} samples
 */
export function levelDb(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const level = Math.sqrt(sum / Math.max(1, samples.length)) / 32768;
  return Math.max(-90, 20 * Math.log10(level));
}
