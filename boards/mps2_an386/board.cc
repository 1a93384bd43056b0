// Source: Arm MPS2 TRM and application note 386; Cortex-M System Design Kit TRM for the UART and
// the timer.
#include "boards/board.h"

#include "boards/cortex_m/startup.h"
#include "link/protocol.h"

namespace stapes {
namespace board {
namespace {

constexpr uint32_t kClockHertz = 25000000;
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
constexpr uint32_t kUartReceiveVector = 0;

struct Timer {
  volatile uint32_t control;
  volatile uint32_t value;  // counts down
  volatile uint32_t reload;
};
constexpr uint32_t kTimerOn = 1 << 0;

Uart& uart = *reinterpret_cast<Uart*>(0x40004000);
Timer& timer = *reinterpret_cast<Timer*>(0x40000000);
volatile uint32_t& leds = *reinterpret_cast<volatile uint32_t*>(0x40028000);

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

STAPES_BOARD_VECTORS const cortex_m::Handler kVectors[] = {OnUartReceive};
static_assert(sizeof kVectors / sizeof kVectors[0] == kUartReceiveVector + 1);

}  // namespace

const char kName[] = "mps2_an386";
const uint32_t kTicksPerSecond = kClockHertz;

void Init() {
  uart.baud_divider = kClockHertz / kBaud;
  uart.control = kUartOn;
  timer.reload = UINT32_MAX;
  timer.value = UINT32_MAX;
  timer.control = kTimerOn;
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
uint32_t Ticks() { return UINT32_MAX - timer.value; }
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
