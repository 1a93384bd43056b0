// SPDX-License-Identifier: Apache-2.0
// Hands the microphone's samples to the page, in pieces that are worth a message.
const PIECE = 512;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this._piece = new Float32Array(PIECE);
    this._filled = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const samples = inputs[0]?.[0];
    if (samples === undefined) return true;
    for (const sample of samples) {
      this._piece[this._filled++] = sample;
      if (this._filled === PIECE) {
        this.port.postMessage(this._piece);
        this._filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("capture", Capture);
