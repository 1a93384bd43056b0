#include "boards/cortex_m/startup.h"

#include "boards/board.h"
#include "link/line_writer.h"

// The linker script's marks: only their addresses mean anything.
extern "C" {
extern uint32_t stapes_stack_bottom[], stapes_stack_top[];
extern uint32_t stapes_data_start[], stapes_data_end[], stapes_data_image[];
extern uint32_t stapes_bss_start[], stapes_bss_end[];
int main();
[[noreturn]] void ResetHandler();
}

namespace stapes {
namespace cortex_m {
namespace {

constexpr uint32_t kStackPaint = 0xA5A5A5A5;

volatile uint32_t& Register(uint32_t address) {
  return *reinterpret_cast<volatile uint32_t*>(address);
}

constexpr uint32_t kSysTickControl = 0xE000E010;
constexpr uint32_t kSysTickReload = 0xE000E014;
constexpr uint32_t kSysTickValue = 0xE000E018;
constexpr uint32_t kInterruptSetEnable = 0xE000E100;
constexpr uint32_t kInterruptState = 0xE000ED04;
constexpr uint32_t kFaultStatus = 0xE000ED28;
constexpr uint32_t kFaultAddress = 0xE000ED38;
constexpr uint32_t kExceptionMask = 0x1FF;
constexpr uint32_t kPcInFrame = 6;  // of the eight words that an exception stacks

class FaultSink : public CharacterSink {
 public:
  void Put(char character) override {
    const uint8_t byte = static_cast<uint8_t>(character);
    for (uint32_t tries = 0; tries < 1000000 && board::UartWrite({&byte, 1}) == 0; ++tries) {
    }
  }
  void EndLine() override {}
};

bool InStack(const uint32_t* frame) {
  return frame >= stapes_stack_bottom && frame + kPcInFrame < stapes_stack_top;
}

}  // namespace

// The stack may have overflowed: a fresh one is used, and `frame` is believed with care.
extern "C" [[noreturn, gnu::used]] void ReportFault(const uint32_t* frame) {
  FaultSink sink;
  LineWriter lines(sink);
  sink.Put('\n');  // a line may have been cut short
  lines.Begin("fatal");
  lines.Field("reason", InStack(frame) ? "fault" : "stack overflow");
  lines.Field("exception", Register(kInterruptState) & kExceptionMask);
  lines.Field("pc", InStack(frame) ? frame[kPcInFrame] : 0);
  lines.Field("fault_status", Register(kFaultStatus));
  lines.Field("fault_address", Register(kFaultAddress));
  lines.End();
  board::Exit(1);
}

[[gnu::naked]] void FaultHandler() {
  asm volatile(
      "mrs r0, msp\n"
      "ldr r1, =stapes_stack_top\n"
      "msr msp, r1\n"
      "b ReportFault\n");
}

StackUse MeasureStack() {
  const uint32_t* untouched = stapes_stack_bottom;
  while (untouched < stapes_stack_top && *untouched == kStackPaint) {
    ++untouched;
  }
  const auto bytes = [](const uint32_t* from) {
    return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(stapes_stack_top) -
                                 reinterpret_cast<uintptr_t>(from));
  };
  return {bytes(untouched), bytes(stapes_stack_bottom)};
}

void StartSysTick(uint32_t hertz) {
  Register(kSysTickReload) = hertz / 1000 - 1;
  Register(kSysTickValue) = 0;
  Register(kSysTickControl) = 7;  // processor clock, interrupt, on
}

void EnableInterrupt(uint32_t number) {
  Register(kInterruptSetEnable + number / 32 * 4) = 1u << number % 32;
}

namespace {

union Vector {
  constexpr Vector(const uint32_t* top) : stack(top) {}
  constexpr Vector(Handler entry) : handler(entry) {}
  const uint32_t* stack;
  Handler handler;
};

[[gnu::section(".vectors.core"), gnu::used]] constexpr Vector kCoreVectors[16] = {
    stapes_stack_top, ResetHandler, FaultHandler, FaultHandler, FaultHandler, FaultHandler,
    FaultHandler,     FaultHandler, FaultHandler, FaultHandler, FaultHandler, FaultHandler,
    FaultHandler,     FaultHandler, FaultHandler, SysTickHandler,
};

}  // namespace
}  // namespace cortex_m
}  // namespace stapes

// Runs before any memory is set up: nothing here may rely on .data or .bss.
extern "C" void ResetHandler() {
  using stapes::cortex_m::kStackPaint;
  uint32_t* frame = static_cast<uint32_t*>(__builtin_frame_address(0));
  // Volatile, or the loops become calls of memset and memcpy, whose frames they would paint over.
  for (volatile uint32_t* word = stapes_stack_bottom; word < frame - 16; ++word) {
    *word = kStackPaint;
  }
  const uint32_t* image = stapes_data_image;
  for (volatile uint32_t* word = stapes_data_start; word < stapes_data_end; ++word) {
    *word = *image++;
  }
  for (volatile uint32_t* word = stapes_bss_start; word < stapes_bss_end; ++word) {
    *word = 0;
  }
  main();
  stapes::board::Exit(0);
}
