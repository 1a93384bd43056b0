// SPDX-License-Identifier: Apache-2.0
// What an application needs from its board: one serial port, a button and a few meters.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"

namespace stapes {

// High-water mark of the stack; 0 and 0 where nobody measures it.
struct StackUse {
  uint32_t used_bytes;
  uint32_t size_bytes;
};

// What was lost because nobody read it in time.
struct Losses {
  uint32_t bytes;    // of the serial port
  uint32_t samples;  // of the microphone
};

// Why a board restarted by itself. Addresses and status as the processor states them.
struct Fault {
  const char* reason;  // a literal
  uint32_t exception;  // its number: 2 NMI, 3 hard fault, 16 the first external interrupt
  uint32_t pc;         // where it was; 0 when that is not known
  uint32_t status;     // configurable fault status; 0 on an Armv6-M
  uint32_t address;    // the last faulting address; 0 on an Armv6-M
};

class Port {
 public:
  // Both return at once with the number of bytes moved, 0 when none could be.
  virtual std::size_t Read(Span<uint8_t> bytes) = 0;
  virtual std::size_t Write(Span<const uint8_t> bytes) = 0;
  virtual void Pause() = 0;             // sleeps for a moment: a millisecond, or until a byte comes
  virtual Losses Lost() const = 0;      // since the start
  virtual bool ButtonDown() const = 0;  // false without a button
  virtual uint64_t UniqueId() const = 0;        // of the chip; 0 without one
  virtual uint32_t Millis() const = 0;          // since the start, modulo 2^32
  virtual uint32_t Ticks() const = 0;           // fine clock, modulo 2^32; counts TicksPerSecond()
  virtual uint32_t TicksPerSecond() const = 0;  // 0: there is no such clock
  virtual StackUse Stack() const = 0;

 protected:
  ~Port() = default;
};

}  // namespace stapes
