// SPDX-License-Identifier: Apache-2.0
// What a board provides: the calls that a port to new hardware implements (docs/porting.md).
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/port.h"
#include "base/span.h"

namespace stapes {
namespace board {

// --- Every board has its own.

// Clocks, pins, serial port. Called once, first, with interrupts on.
void Init();

void SetLed(bool on);  // lit after a detection; nothing happens without one
bool ButtonDown();     // false without a button

// The serial port. Both return at once with the number of bytes moved; interrupts or DMA do the
// rest while the program computes. At least kReceiveBytes (link/protocol.h) are kept until they are
// read; kTransmitBytes or more are taken at once when nothing waits to be sent.
std::size_t UartRead(Span<uint8_t> bytes);
std::size_t UartWrite(Span<const uint8_t> bytes);
constexpr uint32_t kTransmitBytes = 128;

// Starts to capture the microphone into a ring, by interrupts or DMA: mono, 16 bits. The ring holds
// kAudioRingMs or more. False: no microphone, or it cannot give this rate (hertz).
bool AudioStart(uint32_t sample_rate);
std::size_t AudioRead(Span<int16_t> samples);  // the oldest samples of the ring: how many
constexpr uint32_t kAudioRingMs = 60;

// What was lost because nobody read it in time, since Init.
Losses Lost();

// The finest clock, modulo 2^32, and its rate; 0 hertz: there is no such clock.
uint32_t Ticks();
extern const uint32_t kTicksPerSecond;

uint64_t UniqueId();  // the chip's own number; 0 without one

// The first call starts the watchdog. It restarts the board when no further call comes for about
// kWatchdogMs.
void FeedWatchdog();
constexpr uint32_t kWatchdogMs = 8000;

// --- boards/common has these for most boards; Millis and Sleep need a SysTick interrupt there.

uint32_t Millis();  // since Init, modulo 2^32
StackUse Stack();   // high-water mark
// Why the board restarted, if a fault or the watchdog was the cause; else nullptr.
const Fault* LastFault();

// Sleeps until an interrupt comes: a millisecond at most.
void Sleep();

// Ends the program where it can end (host, emulator); a board restarts.
[[noreturn]] void Exit(int status);

}  // namespace board

// The firmware: the compiled-in model behind the board's serial port. Returns only when the
// model cannot run, after it has said why; the result is a status for Exit.
int RunFirmware();

}  // namespace stapes
