// Runs samples through the page's module under Node, clip by clip, and writes all that came of them.
//   node run_model.mjs MODULE.wasm MODEL SAMPLES CLIP_SAMPLES OUTPUT
import { readFileSync, writeFileSync } from "node:fs";
import { Firmware, SCORE_ONE } from "../../boards/web/page/firmware.js";

const [module, model, pcm, clipSamples, output] = process.argv.slice(2);
const firmware = await Firmware.open(await WebAssembly.compile(readFileSync(module)), readFileSync(model));
const bytes = readFileSync(pcm);
const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
const parts = [];
for (let start = 0; start < samples.length; start += Number(clipSamples)) {
  firmware.reset();
  for (const result of firmware.push(samples.subarray(start, start + Number(clipSamples)))) {
    const found = result.detection;
    const label = found === null ? -2 : firmware.labels.indexOf(found.label);
    const head = new Int32Array([result.timeMs, label, found === null ? 0 : found.score * SCORE_ONE]);
    parts.push(new Uint8Array(head.buffer), new Uint8Array(result.scores.buffer));
    parts.push(new Uint8Array(result.input.buffer));
  }
}
writeFileSync(output, Buffer.concat(parts));
