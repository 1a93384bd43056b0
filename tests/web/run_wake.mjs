// Runs samples through the page's module with two models under Node, in pieces, and prints all that
// came of them as JSON, a line for each result.
//   node run_wake.mjs MODULE.wasm MODEL WAKE AWAKE_MS SAMPLES PIECE_SAMPLES
import { readFileSync } from "node:fs";
import { Firmware } from "../../boards/web/page/firmware.js";

const [module, model, wake, awakeMs, pcm, piece] = process.argv.slice(2);
const compiled = await WebAssembly.compile(readFileSync(module));
const firmware = await Firmware.open(compiled, readFileSync(model), {
  file: readFileSync(wake),
  awakeMs: Number(awakeMs),
});
const bytes = readFileSync(pcm);
const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
firmware.push(samples.subarray(0, 20000));
firmware.reset(); // sleeps, and forgets
if (firmware.awake()) throw new Error("awake after a reset");
for (let start = 0; start < samples.length; start += Number(piece)) {
  for (const { kind, ofWakeWord, timeMs, scores, input, detection } of firmware.push(
    samples.subarray(start, start + Number(piece)),
  )) {
    const found = { kind, ofWakeWord, timeMs, scores: [...scores], input: [...input], detection };
    console.log(JSON.stringify(found));
  }
}
console.log(JSON.stringify({ awake: firmware.awake() }));
