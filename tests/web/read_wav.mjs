// Reads 16-bit mono WAVs by the page's reader under Node; writes what it found as JSON.
//   node read_wav.mjs FILE...
import { readFileSync } from "node:fs";
import { readAudio } from "../../boards/web/page/wav.js";

const results = [];
for (const path of process.argv.slice(2)) {
  const bytes = Uint8Array.from(readFileSync(path)).buffer;
  try {
    const { samples, openEnded } = await readAudio(bytes, 16000);
    const body = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    results.push({ samples: body.toString("base64"), openEnded, refused: "" });
  } catch (error) {
    results.push({ samples: "", openEnded: false, refused: error.message });
  }
}
console.log(JSON.stringify(results));
