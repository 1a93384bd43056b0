// SPDX-License-Identifier: Apache-2.0
// What the scope of an AudioWorklet has, which TypeScript's libraries leave out.
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;
