// SPDX-License-Identifier: Apache-2.0
// An image of the rpi_pico in rp2040js, an emulator that others wrote; its serial port is this
// program's standard input and output.
//
//   node run_image.mjs IMAGE.bin PDM.bin
//
// PDM.bin: 16-bit words, low byte first, whose bits the microphone gives, the most significant one
// first; silence follows. Two things of rp2040js 1.4.1 are done here in its place:
// - Its UART's transmit interrupt never ends. It sends a byte at once, so the interrupt need not come.
// - Its PIO takes no time for delays and runs apart from the processor. Here it runs by the clock.
import { readFileSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { RP2040 } from 'rp2040js';

const RAM = 0x20000000;
const SECOND_STAGE = 0x20041f00;
const SECOND_STAGE_BYTES = 256;
const CLOCK_PIN = 2;
const DATA_PIN = 3;
const BYTE_NANOS = (10 * 1e9) / 115200;
const SLICE_CYCLES = 128_000; // between two looks at standard input
const SLICES_TO_ANSWER = 100; // then nothing more comes: it waits for the host
const SILENCE = 0x5555; // as many ones as zeros

const [image, pdm] = process.argv.slice(2).map((path) => readFileSync(path));
const chip = new RP2040();

/** What the emulator finds wrong with the program ends it; what the emulator lacks does not. */
function complain(component, message) {
  if (message.startsWith('Unimplemented')) return;
  process.stderr.write(`${component}: ${message}\n`);
  process.exit(1);
}
chip.logger = { debug() {}, info() {}, warn: complain, error: complain };

/** As the boot ROM does: copies the second stage, and calls it. */
function boot() {
  chip.flash.set(image);
  chip.sram.set(image.subarray(0, SECOND_STAGE_BYTES), SECOND_STAGE - RAM);
  chip.core.LR = 0;
  chip.core.PC = SECOND_STAGE;
}

const [uart] = chip.uart;
const sent = [];
const toReceive = [];
uart.checkInterrupts = () => {
  chip.setInterrupt(uart.irq, (uart.interruptStatus & uart.interruptMask) !== 0);
};
uart.onByte = (value) => sent.push(value);

/** Bytes of the host, one after the other, as long as the line takes for each. */
let receiving = false;
const nextByte = chip.clock.createAlarm(() => {
  uart.feedByte(toReceive.shift());
  receiving = toReceive.length > 0;
  if (receiving) nextByte.schedule(BYTE_NANOS);
});
process.stdin.on('data', (data) => {
  toReceive.push(...data);
  if (!receiving) nextByte.schedule(BYTE_NANOS);
  receiving = true;
});
process.stdin.on('end', () => process.exit(0));

/** The microphone puts its next bit out when its clock falls. */
let bit = 0;
let clockWasHigh = false;
chip.gpio[CLOCK_PIN].addListener(() => {
  const high = chip.gpio[CLOCK_PIN].outputValue;
  if (clockWasHigh && !high) {
    const at = 2 * (bit >> 4);
    const word = at < pdm.length ? pdm.readUInt16LE(at) : SILENCE;
    chip.gpio[DATA_PIN].setInputValue(((word >> (15 - (bit & 15))) & 1) === 1);
    bit += 1;
  }
  clockWasHigh = high;
});

let now = 0; // cycles of the processor
const pio = chip.pio[0];
const [machine] = pio.machines;
let nextStep = 0; // when the state machine's next instruction is due
pio.run = () => {};

function runPio() {
  while (nextStep <= now) {
    const before = machine.cycles;
    machine.step();
    pio.checkChangedPins();
    nextStep += machine.cycles - before;
  }
}

function advance(cycles) {
  now += cycles;
  chip.clock.tick((cycles * 1e9) / chip.clkSys);
  if (machine.enabled) runPio();
  else nextStep = now;
}

function cyclesToNextEvent() {
  const toAlarm = Math.ceil((chip.clock.nanosToNextAlarm * chip.clkSys) / 1e9);
  return Math.max(1, machine.enabled ? Math.min(toAlarm, nextStep - now) : toAlarm);
}

boot();
let idleSlices = 0;
while (true) {
  for (const end = now + SLICE_CYCLES; now < end; ) {
    advance(chip.core.waiting ? cyclesToNextEvent() : chip.core.executeInstruction());
  }
  const busy = sent.length > 0 || receiving || bit < pdm.length * 8;
  idleSlices = busy ? 0 : idleSlices + 1;
  if (sent.length > 0) process.stdout.write(Uint8Array.from(sent.splice(0)));
  await (idleSlices < SLICES_TO_ANSWER ? setImmediate() : setTimeout(1));
}
