// SPDX-License-Identifier: Apache-2.0
// DMA puts received bytes into a ring of two halves. A hardware counter counts the bytes without
// the processor. So nothing is lost while the program computes, unless a whole ring comes before
// the program reads.
#include "boards/chips/nrf52840/uarte.h"

#include "boards/board.h"
#include "boards/chips/nrf52840/losses.h"
#include "boards/chips/nrf52840/registers.h"
#include "boards/common/cortex_m/startup.h"
#include "link/protocol.h"

namespace stapes {
namespace nrf52840 {
namespace {

constexpr Peripheral kUarte(0x40002000);
constexpr uint32_t kStartRx = 0x000;
constexpr uint32_t kStartTx = 0x008;
constexpr uint32_t kRxReady = 0x108;    // EVENTS_RXDRDY
constexpr uint32_t kEndTx = 0x120;      // EVENTS_ENDTX
constexpr uint32_t kError = 0x124;      // EVENTS_ERROR
constexpr uint32_t kRxStarted = 0x14C;  // EVENTS_RXSTARTED
constexpr uint32_t kEndRxStartRx = 1 << 5;
constexpr uint32_t kEndTxInterrupt = 1 << 8;
constexpr uint32_t kErrorInterrupt = 1 << 9;
constexpr uint32_t kRxStartedInterrupt = 1 << 19;
constexpr uint32_t kErrorSource = 0x480;
constexpr uint32_t kOverrun = 1 << 0;
constexpr uint32_t kEnabled = 8;
constexpr uint32_t kSelectTransmit = 0x50C;
constexpr uint32_t kSelectReceive = 0x514;
constexpr uint32_t kBaudRate = 0x524;
constexpr uint32_t k115200 = 0x01D60000;
constexpr uint32_t kRxPointer = 0x534;
constexpr uint32_t kRxMaxCount = 0x538;
constexpr uint32_t kTxPointer = 0x544;
constexpr uint32_t kTxMaxCount = 0x548;

constexpr Peripheral kCounter(0x4000A000);  // TIMER2
constexpr uint32_t kCounterStart = 0x000;
constexpr uint32_t kCounterCount = 0x008;
constexpr uint32_t kCounterClear = 0x00C;
constexpr uint32_t kCounterCapture0 = 0x040;
constexpr uint32_t kCounterMode = 0x504;
constexpr uint32_t kCountEvents = 2;  // low-power counter
constexpr uint32_t kCounterBitMode = 0x508;
constexpr uint32_t k32Bits = 3;
constexpr uint32_t kCounterValue0 = 0x540;

constexpr Peripheral kPpi(0x4001F000);
constexpr uint32_t kPpiEnableSet = 0x504;
constexpr uint32_t kPpiEvent0 = 0x510;
constexpr uint32_t kPpiTask0 = 0x514;

constexpr uint32_t kRingBytes = 2 * kReceiveBytes;
constexpr uint32_t kHalfBytes = kRingBytes / 2;
static_assert((kRingBytes & (kRingBytes - 1)) == 0, "positions wrap with the ring");

uint8_t received[kRingBytes];
uint32_t next_half;          // the half that DMA fills after the current one
uint32_t read_position;      // number of the next byte to read, modulo 2^32
uint32_t overwritten;        // lost because nobody read them
volatile uint32_t overruns;  // lost because DMA came too late

// What is sent lies in one buffer while the other is filled. EasyDMA reads RAM only (6.34.1).
uint8_t to_send[2][board::kTransmitBytes];
volatile uint32_t filled_bytes;  // of the buffer that is not being sent
volatile uint32_t filling;       // index of that buffer
volatile bool sending;

uint32_t ReceivedBytes() {
  kCounter.Trigger(kCounterCapture0);
  return kCounter.At(kCounterValue0);
}

void QueueNextHalf() {
  kUarte.At(kRxPointer) = AddressOf(received + next_half * kHalfBytes);
  next_half ^= 1;
}

void SendFilled() {
  sending = filled_bytes > 0;
  if (!sending) {
    return;
  }
  kUarte.At(kTxPointer) = AddressOf(to_send[filling]);
  kUarte.At(kTxMaxCount) = filled_bytes;
  filling = filling ^ 1;
  filled_bytes = 0;
  kUarte.Trigger(kStartTx);
}

void StartCounter() {
  kCounter.At(kCounterMode) = kCountEvents;
  kCounter.At(kCounterBitMode) = k32Bits;
  kCounter.Trigger(kCounterClear);
  kCounter.Trigger(kCounterStart);
  kPpi.At(kPpiEvent0) = kUarte.AddressOf(kRxReady);
  kPpi.At(kPpiTask0) = kCounter.AddressOf(kCounterCount);
  kPpi.At(kPpiEnableSet) = 1;
}

}  // namespace

void StartUarte(Pin transmit, Pin receive) {
  StartCounter();
  transmit.MakeIdleHigh();
  receive.MakeInputPulledUp();
  kUarte.At(kSelectTransmit) = transmit.Select();
  kUarte.At(kSelectReceive) = receive.Select();
  kUarte.At(kBaudRate) = k115200;
  kUarte.At(kShorts) = kEndRxStartRx;
  kUarte.At(kInterruptSet) = kEndTxInterrupt | kErrorInterrupt | kRxStartedInterrupt;
  kUarte.At(kEnable) = kEnabled;
  kUarte.At(kRxMaxCount) = kHalfBytes;
  QueueNextHalf();
  kUarte.Trigger(kStartRx);
  cortex_m::EnableInterrupt(kUarteInterrupt);
}

void OnUarte() {
  if (kUarte.Happened(kRxStarted)) {
    kUarte.Clear(kRxStarted);
    QueueNextHalf();  // the pointer is free once reception has started (6.34.2)
  }
  if (kUarte.Happened(kEndTx)) {
    kUarte.Clear(kEndTx);
    SendFilled();
  }
  if (kUarte.Happened(kError)) {
    kUarte.Clear(kError);
    const uint32_t source = kUarte.At(kErrorSource);
    kUarte.At(kErrorSource) = source;
    overruns = overruns + ((source & kOverrun) != 0);
  }
}

uint32_t LostBytes() { return overwritten + overruns; }

}  // namespace nrf52840

std::size_t board::UartRead(Span<uint8_t> bytes) {
  using namespace nrf52840;
  uint32_t waiting = ReceivedBytes() - read_position;
  if (waiting > kRingBytes) {
    overwritten += waiting - kHalfBytes;
    read_position += waiting - kHalfBytes;
    waiting = kHalfBytes;
  }
  std::size_t count = 0;
  while (count < bytes.size() && count < waiting) {
    bytes[count++] = const_cast<const volatile uint8_t&>(received[read_position++ % kRingBytes]);
  }
  return count;
}

std::size_t board::UartWrite(Span<const uint8_t> bytes) {
  using namespace nrf52840;
  const cortex_m::InterruptsOff hold;
  std::size_t count = 0;
  while (count < bytes.size() && filled_bytes < kTransmitBytes) {
    to_send[filling][filled_bytes] = bytes[count++];
    filled_bytes = filled_bytes + 1;
  }
  if (!sending) {
    SendFilled();
  }
  return count;
}

}  // namespace stapes
