// SPDX-License-Identifier: Apache-2.0
// Samples from files, and files from samples.
import { WavError, fillSizes, findSamples, isPlain } from "./riff.js";
import { TEXT } from "./text.js";

// In units of full scale: floats go a little beyond it; far beyond it they have another scale.
const LOUDEST = 4;

/** Not audio that this browser reads. */
export class AudioError extends Error {}

/**
 * @typedef {object} Heard
 * @property {Int16Array} samples mono, at the wanted rate
 * @property {boolean} exact they are the very samples of the file
 * @property {boolean} openEnded its header does not say how long it is; read to the file's end
 */

/**
 * Samples of a file at a rate. A 16-bit mono WAV at that rate gives its samples as they are.
 * Anything else that the browser decodes is resampled, and its channels are averaged.
 *
 * @param {ArrayBuffer} bytes used up
 * @param {number} sampleRate hertz
 * @returns {Promise<Heard>}
 * @throws {AudioError | WavError}
 */
export async function readAudio(bytes, sampleRate) {
  const file = new DataView(bytes);
  const found = findSamples(file);
  const openEnded = found !== null && found.openEnded;
  if (found !== null && isPlain(found) && found.format.rate === sampleRate) {
    return { samples: samplesOf(bytes, found), exact: true, openEnded };
  }
  if (found !== null && openEnded) fillSizes(file, found);
  const context = new OfflineAudioContext(1, 1, sampleRate);
  let decoded;
  try {
    decoded = await context.decodeAudioData(bytes);
  } catch (error) {
    throw new AudioError(String(error));
  }
  return { samples: toInt16(checkLevel(mixDown(decoded))), exact: false, openEnded };
}

/** @param {ArrayBuffer} bytes @param {import("./riff.js").Found} found */
function samplesOf(bytes, { start, stop }) {
  const count = (stop - start) / 2;
  return start % 2 === 0 ? new Int16Array(bytes, start, count) : new Int16Array(bytes.slice(start, stop));
}

/**
 * Refuses floats of another scale, which 16 bits would cut to a square.
 *
 * @param {Float32Array} samples
 */
function checkLevel(samples) {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  if (peak <= LOUDEST) return samples; // never true for NaN
  throw new WavError(TEXT.tooLoud(peak));
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
 * From -1..1 to 16 bits, rounded to the nearest.
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
