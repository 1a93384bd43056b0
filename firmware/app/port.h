// What an application needs of the world: one serial port and a few meters.
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

class Port {
 public:
  // Both return at once with the number of bytes moved, 0 when none could be.
  virtual std::size_t Read(Span<uint8_t> bytes) = 0;
  virtual std::size_t Write(Span<const uint8_t> bytes) = 0;
  virtual void Pause() = 0;               // sleeps for a millisecond at most
  virtual uint32_t Overruns() const = 0;  // bytes lost because nobody read them in time
  virtual uint32_t Millis() const = 0;    // since the start, modulo 2^32
  virtual uint32_t Ticks() const = 0;     // fine clock, modulo 2^32; counts TicksPerSecond()
  virtual uint32_t TicksPerSecond() const = 0;  // 0: there is no such clock
  virtual StackUse Stack() const = 0;

 protected:
  ~Port() = default;
};

}  // namespace stapes
