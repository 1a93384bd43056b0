// SPDX-License-Identifier: Apache-2.0
// Every text of the page, in one place: translate this file, and `lang` in index.html.

/** @param {string[]} words */
const listed = (words) =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words[words.length - 1]}`;

/** @param {number} count @param {string} one @param {string} many */
const counted = (count, one, many) => `${count} ${count === 1 ? one : many}`;

export const TEXT = {
  skip: "To the content",
  model: "Model",
  tabsLabel: "Parts of the page",
  tabListen: "Listen",
  tabRecording: "Recording",
  tabTune: "Tune",
  tabRecord: "Record",
  tabBoard: "Board",
  footer: "The sound stays in this browser. Nothing is sent anywhere.",
  attribution: "Licences, and whose data",
  footerWithFolder: "The sound stays in this browser, except for clips that you record: they go to the server of this page.",
  /** @param {string} name @param {string} version @param {boolean} vectors */
  aboutModel: (name, version, vectors) =>
    `Model ${name}, firmware ${version}${vectors ? "" : ", without vectors"}.`,

  // Listen
  /** @param {string[]} words */
  say: (words) => (words.length === 1 ? `Say “${words[0]}”` : `Say ${listed(words)}`),
  /** @param {string[]} wakeWords @param {number} seconds @param {string[]} words */
  sayAfter: (wakeWords, seconds, words) =>
    `Say ${wakeWords.length === 1 ? `“${wakeWords[0]}”` : listed(wakeWords)}, then within ${seconds} s ${listed(words)}`,
  listenHint: "Press Listen and allow the microphone. Speak as you would to a person across a table.",
  listen: "Listen",
  listening: "Stop",
  processing: "Let the browser clean up the sound (echo, noise, level)",
  processingOn: "On: the model hears other sound than it was trained with.",
  processingOff: "Off: the model hears what the microphone hears.",
  processingStuck: "This browser does not let us switch it.",
  wordsLabel: "Words",
  detections: "Detections",
  noDetections: "Nothing yet.",
  featuresLabel: "Picture of the features as the device sees them; the newest are on the right",
  scoresLabel: "Picture of the scores of each label; the newest are on the right",
  featuresTitle: "What the device sees",
  scoresTitle: "Scores",
  level: "Level of the sound",
  levelTitle: "Level",
  cpu: "CPU",
  cpuHint: "Share of one processor core that the firmware takes",
  /** @param {number} share */
  cpuShare: (share) => `${(100 * share).toFixed(share < 0.1 ? 2 : 1)} %`,
  latency: "Heard",
  /** @param {string} word @param {number} score */
  heard: (word, score) => `${word}, score ${score.toFixed(2)}`,

  microphoneInsecure:
    "The browser gives the microphone only to pages on this machine or over HTTPS. Start the server with --https, or open the page on localhost.",
  microphoneRefused:
    "The browser refused the microphone. Allow it for this page in the address bar or in the settings, then press Listen again.",
  microphoneAbsent: "No microphone was found. Connect one, then press Listen again.",
  microphoneBusy: "The microphone cannot be opened. Close other programs that use it, then try again.",
  microphoneLost: "The microphone has gone. Connect it again, then start again.",
  microphoneStuck:
    "The browser does not start its sound. Connect something that plays sound, close other programs that use it, then try again.",
  /** @param {string} reason */
  microphoneOther: (reason) => `The microphone does not start: ${reason}. Try another browser.`,

  // Recording
  recordingTitle: "Try a recording",
  recordingHint:
    "Drop a WAV here, or any file that this browser plays. A 16-bit mono WAV at the model's rate gives the same bits as on the board. With a label file you see misses and false accepts.",
  chooseAudio: "Choose audio",
  chooseLabels: "Choose labels",
  recordingNone: "No recording yet.",
  /** @param {string} name @param {number} percent */
  recordingBusy: (name, percent) => `${name}: ${percent} % heard`,
  /** @param {string} name @param {number} seconds @param {number} count @param {number} times */
  recordingDone: (name, seconds, count, times) =>
    `${name}: ${seconds.toFixed(1)} s, ${counted(count, "detection", "detections")}, ${times.toFixed(0)} × faster than real time.`,
  recordingInexact:
    "The file was converted to the model's rate, so its bits differ from those of a converted WAV on the board.",
  recordingOpenEnded: "Its header does not say how long it is, so the page read to the end of the file.",
  /** @param {number} peak */
  tooLoud: (peak) =>
    `found samples up to ${Number(peak.toPrecision(6))}, expected -1 to 1: most likely floats that kept the scale of integers. Divide them by full scale (32768 for 16 bits).`,
  wavPointer:
    "found a Git LFS pointer, not the file itself, expected a WAV file; fetch it with: git lfs pull",
  wavFormatLate: "found samples before any 'fmt ' chunk, expected 'fmt ' first; record it again",
  /** @param {string} name */
  wavNoChunk: (name) => `found no '${name}' chunk, expected one; the file is damaged, record it again`,
  /** @param {number} byteRate @param {number} rate */
  wavContradiction: (byteRate, rate) =>
    `found a header that contradicts itself (${byteRate} bytes/s at ${rate} Hz), expected 2 bytes a sample; write the header anew with: sox IN.wav OUT.wav`,
  /** @param {number} found @param {number} promised @param {string} what */
  wavShort: (found, promised, what) =>
    `cut short, or its header is wrong: found ${found} bytes of ${what}, expected ${promised}; copy or record it again`,
  /** @param {number} found @param {number} promised */
  wavMore: (found, promised) =>
    `found ${found} bytes, expected ${promised} as its header says: its sizes wrapped at 4 GiB, or more was added; write the header anew with: sox --ignore-length IN.wav OUT.wav`,
  /** @param {string} name */
  notAudio: (name) =>
    `${name}: this browser finds no audio in it. Choose a WAV, FLAC, Ogg, MP3 or M4A file.`,
  /** @param {string} name */
  unreadable: (name) => `${name}: cannot be read. Choose a file, not a folder, that is still there.`,
  /** @param {string} name */
  largeAudio: (name) => `${name}: larger than 1 GB. Choose a shorter recording, or cut it into parts.`,
  /** @param {string} name */
  manyLabels: (name) => `${name}: larger than 4 MB. Choose the label file of this recording.`,
  /** @param {string} name */
  labelsWait: (name) => `${name}: read. Now choose the audio that it belongs to.`,
  /** @param {string} label @param {string} time @param {string} end */
  lateLabel: (label, time, end) =>
    `“${label}” at ${time} lies after the end of the recording (${end}). Choose the label file of this recording.`,
  /** @param {number} most @param {number} count */
  moreRows: (most, count) => `These are the first ${most} of ${count} lines.`,
  /** @param {string[]} labels @param {number} count */
  strangeLabels: (labels, count) =>
    `The model does not know ${labels.map((label) => `“${label}”`).join(", ")}${count > labels.length ? " and more" : ""}, so these words count as missed.`,
  /** @param {string} name */
  emptyAudio: (name) => `${name}: no samples in it. Choose a longer recording.`,
  /** @param {string} name @param {number} line @param {string} found */
  badLabels: (name, line, found) =>
    `${name}, line ${line}: found “${found}”, expected “label, time in ms” or a line of a label track (start, end, label). Correct the line.`,
  waveLabel: "The recording, with what was detected in it",
  playerLabel: "The recording",
  columnTime: "Time",
  columnWord: "Word",
  columnScore: "Score",
  columnVerdict: "Verdict",
  verdictCorrect: "correct",
  verdictWrong: "wrong word",
  verdictFalse: "false accept",
  verdictMissed: "missed",
  /** @param {Record<string, number>} share @param {number} words */
  tutorialLine: (share, words) =>
    `${share.matched.toFixed(1)}% matched, ${share.correct.toFixed(1)}% correctly, ${share.wrong.toFixed(1)}% wrongly, ${share.falsePositives.toFixed(1)}% false positives (of ${counted(words, "word", "words")})`,
  /** @param {{words: number, correct: number, wrong: number, missed: number}} score */
  scoreLine: (score) =>
    `${counted(score.words, "word", "words")}: ${score.correct} correct, ${score.wrong} wrong, ${score.missed} missed`,
  /** @param {number} count @param {number} perHour */
  falseAcceptLine: (count, perHour) =>
    `${counted(count, "false accept", "false accepts")} (${perHour.toFixed(1)} per hour)`,

  // Tune
  tuneTitle: "Tune by ear",
  tuneHint: "What you move acts at once, on the microphone and on the recording. The model's file stays as it is.",
  threshold: "Threshold",
  /** @param {string} label */
  thresholdOf: (label) => `Threshold of “${label}”`,
  perLabel: "A threshold for each label",
  averageWindow: "Averaging window",
  suppression: "Pause after a detection",
  minimumCount: "Scores needed",
  /** @param {number} value */
  milliseconds: (value) => `${value} ms`,
  resetTuning: "Back to the model's own",
  settingsRefused: "The decoder does not take these settings. They are as before.",
  curveLabel: "Detection error trade-off of the model: words lost over false accepts per hour",
  curveX: "false accepts per hour",
  curveY: "words lost",
  /** @param {number} lost @param {number} perHour @param {number} hours */
  curvePoint: (lost, perHour, hours) =>
    `At this threshold the model lost ${(100 * lost).toFixed(1)} % of the words, with ${perHour.toFixed(1)} false accepts per hour, in ${hours} h of test audio. The window and the pause were the model's own.`,
  noCurve: "This model carries no curve. A card.json beside the model, as models/card.py writes it, brings one.",
  commandsTitle: "Copy as a command",
  copy: "Copy",
  copied: "Copied",
  copyFailed: "Select the text and copy it.",
  commandSet: "For a running board:",
  commandTune: "To choose the best threshold for this window and pause, with audio of your own:",

  // Record
  recordTitle: "Record a corpus",
  recordHint:
    "Say each word when it is asked for. The page keeps the loudest second of each take in this browser, until you take the ZIP.",
  recordWords: "Words, with commas between them",
  recordSpeaker: "Speaker (a random name: all clips of one person must carry the same one)",
  newSpeaker: "Another person",
  recordTakes: "Takes of each word",
  recordStart: "Start",
  recordStop: "Stop",
  /** @param {number} done @param {number} total */
  takeOf: (done, total) => `Take ${done} of ${total}`,
  getReady: "Get ready",
  speakNow: "Speak now",
  takeKept: "Kept.",
  takeClipped: "Too loud: the sound was cut off. Move back a little. Once more.",
  takeSilent: "Too quiet. Come closer. Once more.",
  recordFinished: "All takes are recorded. Thank you.",
  recordStopped: "Stopped. All takes so far are kept.",
  takeZip: "Take all clips as a ZIP",
  deleteAll: "Delete all clips",
  deleteAllSure: "Delete all clips in this browser? Take the ZIP first to keep them.",
  /** @param {string} word @param {number} count */
  clipsOf: (word, count) => `${word}: ${counted(count, "clip", "clips")}`,
  noClips: "No clips yet.",
  play: "Play",
  remove: "Delete",
  /** @param {string} name */
  playClip: (name) => `Play ${name}`,
  /** @param {string} name */
  removeClip: (name) => `Delete ${name}`,
  sent: "in the folder",
  notSent: "only in this browser",
  /** @param {string} folder */
  recordsInto: (folder) => `Clips also go to the folder ${folder} on the server.`,
  /** @param {string} reason */
  folderGone: (reason) =>
    `The server's folder cannot be reached (${reason}). Clips stay in this browser. Open the address that stapes page printed.`,
  /** @param {string} reason */
  sendFailed: (reason) => `The server did not take a clip (${reason}). It stays in this browser and goes with the next one.`,
  storageFull:
    "The browser's storage is full, so the last take is not kept. All earlier takes are safe. Take the ZIP, delete the clips, then go on.",
  /** @param {string} reason */
  storageFailed: (reason) => `The browser cannot keep clips (${reason}). Leave private browsing, or use another browser.`,
  /** @param {string} word */
  badWord: (word) =>
    `“${word}” cannot be a word: expected 1 to 48 bytes of text without comma, quote or slash, and no underscore or dot at the start.`,
  noWords: "Enter at least one word.",
  badSpeaker: "The speaker's name: expected 1 to 32 letters, digits or “-”.",

  // Board
  boardTitle: "Watch a board",
  boardHint: "Connect a board that runs Stapes over USB. You see what it hears, and you can change its thresholds.",
  boardConnect: "Connect",
  boardDisconnect: "Disconnect",
  boardUnsupported:
    "This browser has no Web Serial, which reads a USB port. Use Chromium, Chrome or Edge on a computer, or `stapes monitor` in a terminal.",
  boardInsecure: "Web Serial needs HTTPS or localhost. Start the server with --https.",
  boardNone: "No board was chosen.",
  boardSilent:
    "Nothing that speaks Stapes answers at this port. Check the cable and the firmware, and close other programs that use the port.",
  boardGone: "The board has gone. Connect it again, then press Connect.",
  /** @param {string} reason */
  boardBusy: (reason) => `The port cannot be opened (${reason}). Close other programs that use it.`,
  /** @param {string} found */
  boardProtocol: (found) => `The board speaks protocol ${found}, this page protocol 1. Flash a firmware of this version.`,
  /** @param {{board: string, model: string, firmware: string}} hello */
  boardHello: (hello) => `${hello.board}: model ${hello.model}, firmware ${hello.firmware}`,
  boardStats: "Statistics",
  boardModel: "Model",
  boardLoad: "Load onto the board",
  boardProgress: "Progress of loading",
  boardTakesNone: "This firmware takes no models. Build it with -DSTAPES_MODEL_SLOTS=ON.",
  /** @param {string} name */
  boardLoaded: (name) => `The board runs ${name} now.`,
  /** @param {string} reason */
  boardRefused: (reason) => `The board refused: ${reason}. Nothing has changed.`,
  statUptime: "Running for",
  statHeard: "Heard",
  statDetections: "Detections",
  statLoad: "Processor",
  statArena: "Network's memory",
  statStack: "Stack",
  statErrors: "Damaged or lost",
  /** @param {number} used @param {number} size */
  bytesOf: (used, size) => `${used} of ${size} bytes`,
  /** @param {number} seconds */
  seconds: (seconds) => `${seconds.toFixed(1)} s`,
  /** @param {string} reason */
  boardLog: (reason) => `The board says: ${reason}`,

  // The page itself
  noWasm: "This browser has no WebAssembly, so the firmware cannot run. Update the browser.",
  /** @param {string} file @param {string} reason */
  siteDamaged: (file, reason) =>
    `${file} cannot be loaded (${reason}). Load the page again; if that does not help, write the site again with stapes page.`,
  noModels: "it names no models",
  /** @param {string} name @param {string} reason */
  modelFailed: (name, reason) => `Model ${name} has stopped (${reason}). Load the page again, or choose another model.`,
  /** @param {string} reason */
  pageFailed: (reason) => `Something in this page went wrong (${reason}). Load it again. Recorded clips stay.`,
  /** @param {string} name @param {string} reason */
  modelRefused: (name, reason) => `Model ${name}: ${reason}. Write the site again with stapes page.`,
};
