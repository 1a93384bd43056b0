// Source: Arm application note 547 and Corstone SSE-300 TRM (addresses are those of the secure
// state); Cortex-M System Design Kit TRM for the UART; Armv8.1-M ARM for the coprocessor access.
#include "boards/board.h"

#include "boards/cortex_m/startup.h"
#include "link/protocol.h"

namespace stapes {
namespace board {
namespace {

constexpr uint32_t kClockHertz = 32000000;
constexpr uint32_t kBaud = 115200;

struct Uart {
  volatile uint32_t data;
  volatile uint32_t state;
  volatile uint32_t control;
  volatile uint32_t interrupt;
  volatile uint32_t baud_divider;
};
constexpr uint32_t kTransmitFull = 1 << 0;
constexpr uint32_t kReceiveFull = 1 << 1;
constexpr uint32_t kReceiveOverrun = 1 << 3;
constexpr uint32_t kUartOn = 1 << 0 | 1 << 1 | 1 << 3;  // transmit, receive, receive interrupt
constexpr uint32_t kReceiveInterrupt = 1 << 1;
constexpr uint32_t kUartReceiveVector = 33;

// The system counter drives all timers.
struct CounterControl {
  volatile uint32_t control;
};
constexpr uint32_t kCounterOn = 1 << 0;

struct Timer {
  volatile uint32_t count_low;  // of the system counter
};

Uart& uart = *reinterpret_cast<Uart*>(0x59303000);
CounterControl& counter = *reinterpret_cast<CounterControl*>(0x58100000);
Timer& timer = *reinterpret_cast<Timer*>(0x58000000);
volatile uint32_t& leds = *reinterpret_cast<volatile uint32_t*>(0x59302000);
volatile uint32_t& coprocessor_access = *reinterpret_cast<volatile uint32_t*>(0xE000ED88);
constexpr uint32_t kHeliumOn = 0xf << 20;  // coprocessors 10 and 11, full access

volatile uint32_t millis;

// One writer (the interrupt), one reader (UartRead): each moves its own index only.
constexpr uint32_t kRingBytes = kReceiveBytes;
static_assert((kRingBytes & (kRingBytes - 1)) == 0, "indices wrap with the ring");
uint8_t ring[kRingBytes];
volatile uint32_t ring_written;
volatile uint32_t ring_read;
volatile uint32_t overruns;

void OnUartReceive() {
  uart.interrupt = kReceiveInterrupt;
  while (uart.state & kReceiveFull) {
    const uint8_t byte = static_cast<uint8_t>(uart.data);
    if (ring_written - ring_read == kRingBytes) {
      overruns = overruns + 1;
    } else {
      ring[ring_written % kRingBytes] = byte;
      ring_written = ring_written + 1;
    }
  }
  if (uart.state & kReceiveOverrun) {
    uart.state = kReceiveOverrun;
    overruns = overruns + 1;
  }
}

// Semihosting: the emulator's (or the debugger's) SYS_EXIT_EXTENDED.
[[noreturn]] void ExitToHost(uint32_t status) {
  constexpr uint32_t kExitExtended = 0x20;
  constexpr uint32_t kApplicationExit = 0x20026;
  const uint32_t block[2] = {kApplicationExit, status};
  register uint32_t operation asm("r0") = kExitExtended;
  register const uint32_t* argument asm("r1") = block;
  asm volatile("bkpt 0xAB" : "+r"(operation) : "r"(argument) : "memory");
  while (true) {
  }
}

// Nothing else is enabled.
struct Vectors {
  cortex_m::Handler handlers[kUartReceiveVector + 1];
};

constexpr Vectors MakeVectors() {
  Vectors vectors = {};
  for (cortex_m::Handler& handler : vectors.handlers) handler = cortex_m::FaultHandler;
  vectors.handlers[kUartReceiveVector] = OnUartReceive;
  return vectors;
}

STAPES_BOARD_VECTORS constexpr Vectors kVectors = MakeVectors();

}  // namespace

const char kName[] = "mps3_an547";
const uint32_t kTicksPerSecond = kClockHertz;

void Init() {
  coprocessor_access = coprocessor_access | kHeliumOn;
  asm volatile("dsb\nisb\n" ::: "memory");
  uart.baud_divider = kClockHertz / kBaud;
  uart.control = kUartOn;
  counter.control = kCounterOn;
  cortex_m::EnableInterrupt(kUartReceiveVector);
  cortex_m::StartSysTick(kClockHertz);
}

std::size_t UartRead(Span<uint8_t> bytes) {
  std::size_t count = 0;
  while (count < bytes.size() && ring_read != ring_written) {
    bytes[count++] = ring[ring_read % kRingBytes];
    ring_read = ring_read + 1;
  }
  return count;
}

std::size_t UartWrite(Span<const uint8_t> bytes) {
  std::size_t count = 0;
  while (count < bytes.size() && !(uart.state & kTransmitFull)) {
    uart.data = bytes[count++];
  }
  return count;
}

uint32_t UartOverruns() { return overruns; }
std::size_t AudioRead(Span<int16_t>) { return 0; }
uint32_t Millis() { return millis; }
uint32_t Ticks() { return timer.count_low; }
StackUse Stack() { return cortex_m::MeasureStack(); }
void SetLed(bool on) { leds = on; }

void Idle() {
  // With interrupts held back a byte that comes now still ends the sleep.
  asm volatile("cpsid i" ::: "memory");
  if (ring_read == ring_written) {
    asm volatile("wfi");
  }
  asm volatile("cpsie i" ::: "memory");
}

void Pause() { asm volatile("wfi"); }

void Exit(int status) { ExitToHost(static_cast<uint32_t>(status)); }

}  // namespace board
}  // namespace stapes

extern "C" void SysTickHandler() { stapes::board::millis = stapes::board::millis + 1; }
