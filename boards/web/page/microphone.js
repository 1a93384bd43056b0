// SPDX-License-Identifier: Apache-2.0
// The microphone at a model's rate.
import { TEXT } from "./text.js";
import { toInt16 } from "./wav.js";

const START_MS = 5000; // for the browser's sound to begin

/** Why there is no sound, in a sentence for the person. */
export class MicrophoneError extends Error {}

export class Microphone {
  /**
   * @param {object} options
   * @param {number} options.sampleRate hertz; the browser resamples
   * @param {boolean} [options.processing] echo cancellation, noise suppression, gain control
   * @param {(samples: Int16Array) => void} options.onSamples
   * @param {() => void} options.onLost it was unplugged, or taken away
   * @returns {Promise<Microphone>}
   * @throws {MicrophoneError}
   */
  static async open({ sampleRate, processing = false, onSamples, onLost }) {
    if (navigator.mediaDevices === undefined) throw new MicrophoneError(TEXT.microphoneInsecure);
    let context;
    let stream;
    try {
      // Made before anything is waited for: a browser lets audio start only while a press counts.
      context = new AudioContext({ sampleRate });
      stream = await navigator.mediaDevices.getUserMedia({
        audio: {
          channelCount: 1,
          echoCancellation: processing,
          noiseSuppression: processing,
          autoGainControl: processing,
        },
      });
      const microphone = new Microphone(context, stream);
      await microphone._connect(onSamples, onLost);
      return microphone;
    } catch (error) {
      for (const track of stream?.getTracks() ?? []) track.stop();
      void context?.close();
      throw error instanceof MicrophoneError ? error : new MicrophoneError(reasonOf(error));
    }
  }

  /**
   * @param {AudioContext} context
   * @param {MediaStream} stream
   */
  constructor(context, stream) {
    this._context = context;
    this._stream = stream;
    this._closed = false;
  }

  /**
   * @param {(samples: Int16Array) => void} onSamples
   * @param {() => void} onLost
   */
  async _connect(onSamples, onLost) {
    await this._context.audioWorklet.addModule("capture.worklet.js");
    const capture = new AudioWorkletNode(this._context, "capture", { channelCount: 1, numberOfOutputs: 0 });
    capture.port.onmessage = (event) => {
      if (!this._closed) onSamples(toInt16(event.data));
    };
    this._context.createMediaStreamSource(this._stream).connect(capture);
    await this._begin();
    const lose = () => {
      if (!this._closed) onLost();
    };
    for (const track of this._stream.getAudioTracks()) track.addEventListener("ended", lose);
    // A telephone call, for instance.
    this._context.addEventListener("statechange", () => {
      if (this._context.state !== "running") lose();
    });
  }

  /** A browser on a machine that has nothing to play sound with may wait for ever. */
  async _begin() {
    const late = new Promise((_, reject) => {
      setTimeout(() => reject(new MicrophoneError(TEXT.microphoneStuck)), START_MS);
    });
    await Promise.race([this._context.resume(), late]);
  }

  /** What the browser does with the sound before we get it. */
  settings() {
    return this._stream.getAudioTracks()[0]?.getSettings() ?? {};
  }

  async close() {
    this._closed = true;
    for (const track of this._stream.getTracks()) track.stop();
    await this._context.close();
  }
}

/** @param {unknown} error */
function reasonOf(error) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return TEXT.microphoneRefused;
    case "NotFoundError":
    case "OverconstrainedError":
      return TEXT.microphoneAbsent;
    case "NotReadableError":
    case "AbortError":
      return TEXT.microphoneBusy;
    default:
      return TEXT.microphoneOther(String(error));
  }
}
