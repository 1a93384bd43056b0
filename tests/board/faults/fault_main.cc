// SPDX-License-Identifier: Apache-2.0
// Runs in place of the firmware and goes wrong when a byte asks for it: what the start-up code
// and the watchdog make of it. Says why it restarted, and whenever it is ready for a
// byte.
#include "app/event_sink.h"
#include "boards/board.h"
#include "boards/common/interrupts_off.h"

namespace stapes {
namespace {

class SerialSink : public CharacterSink {
 public:
  void Put(char character) override {
    const uint8_t byte = static_cast<uint8_t>(character);
    while (board::UartWrite({&byte, 1}) == 0) {
      board::Sleep();
    }
  }
  void EndLine() override {}
};

// Each call takes some stack, until none is left: nobody gives it a zero.
[[gnu::noinline]] uint32_t Deeper(volatile uint32_t* above) {
  volatile uint32_t here[16] = {*above};
  return here[0] == 0 ? 0 : Deeper(here) + here[0];
}

#ifdef __riscv
#define STAPES_UNDEFINED "unimp"
#else
#define STAPES_UNDEFINED "udf #0"
#endif

[[gnu::noinline]] void Undefined() { asm volatile(STAPES_UNDEFINED); }

void CallNothing() {
  void (*volatile nothing)() = reinterpret_cast<void (*)()>(0xC0000001);
  nothing();
}

void Overflow() {
  volatile uint32_t top = 1;
  Deeper(&top);
}

[[gnu::noinline]] void Hang() {
  while (true) {
  }
}

void HangHoldingInterrupts() {
  const InterruptsOff hold;
  Hang();
}

// Asks a debugger to run a command of its machine. Source: Arm, Semihosting for AArch32,
// SYS_SYSTEM; RISC-V Semihosting 0.4, chapter 2: between two shifts that do nothing, without a page
// boundary in between.
void Escape() {
  static const char command[] = "touch semihosting_ran_this";
  const uint32_t block[2] = {static_cast<uint32_t>(reinterpret_cast<uintptr_t>(command)),
                             sizeof command - 1};
#ifdef __riscv
  register uint32_t operation asm("a0") = 0x12;
  register const uint32_t* argument asm("a1") = block;
  asm volatile(
      ".option push\n.option norvc\n.balign 16\n"
      "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop\n"
      : "+r"(operation)
      : "r"(argument)
      : "memory");
#else
  register uint32_t operation asm("r0") = 0x12;
  register const uint32_t* argument asm("r1") = block;
  asm volatile("bkpt 0xAB" : "+r"(operation) : "r"(argument) : "memory");
#endif
}

// Twelve seconds of the emulated clock, 64 ns an instruction: longer than the watchdog waits.
void WorkAndFeed() {
  for (int i = 0; i < 100; ++i) {
    board::FeedWatchdog();
    for (uint32_t left = 120000000 / 64 / 3; left > 0; --left) {
      asm volatile("nop");
    }
  }
}

void Provoke(uint8_t what) {
  switch (what) {
    case 'u':
      return Undefined();
    case 'c':
      return CallNothing();
    case 's':
      return Overflow();
    case 'x':
      return Escape();
    case 'h':
      return Hang();
    case 'i':
      return HangHoldingInterrupts();
    case 'w':
      return WorkAndFeed();
    default:
      return;
  }
}

}  // namespace

int RunFirmware() {
  board::FeedWatchdog();
  SerialSink sink;
  LineWriter lines(sink);
  if (const Fault* fault = board::LastFault()) {
    WriteFault(lines, *fault);
  }
  while (true) {
    lines.Begin("ready");
    lines.Field("undefined_at", static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&Undefined)));
    lines.Field("hang_at", static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&Hang)));
    lines.End();
    uint8_t byte = 0;
    while (board::UartRead({&byte, 1}) == 0) {
      board::FeedWatchdog();
      board::Sleep();
    }
    Provoke(byte);
  }
}

}  // namespace stapes
