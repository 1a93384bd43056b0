// What a board provides: the calls that a port to new hardware implements, and all of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/port.h"
#include "base/span.h"

namespace stapes {
namespace board {

// The name in the hello line: that of the folder.
extern const char kName[];

// Clocks, pins, serial port. Called once, first.
void Init();

// The serial port. Both return at once with the number of bytes moved. Reception goes on while the
// program computes: at least kReceiveBytes (link/protocol.h) are kept until they are read.
std::size_t UartRead(Span<uint8_t> bytes);
std::size_t UartWrite(Span<const uint8_t> bytes);
uint32_t UartOverruns();  // received bytes lost because there was no room

// Samples of the microphone at the model's rate: how many there were. 0 without a microphone.
std::size_t AudioRead(Span<int16_t> samples);

uint32_t Millis();               // since Init, modulo 2^32
uint32_t Ticks();                // the finest clock, modulo 2^32
extern const uint32_t kTicksPerSecond;  // of Ticks; 0: there is no such clock

StackUse Stack();                // high-water mark

void SetLed(bool on);            // lit after a detection; nothing happens without one

// Sleeps until something may have happened: a byte, samples, a millisecond.
void Idle();

// Sleeps for a millisecond at most, whatever has happened.
void Pause();

// Ends the program where it can end (host, emulator); a board resets.
[[noreturn]] void Exit(int status);

}  // namespace board

// The firmware: the compiled-in model behind the board's serial port. Comes back only when the
// model cannot run, having said why; then with a status for Exit.
int RunFirmware();

}  // namespace stapes
