// SPDX-License-Identifier: Apache-2.0
// This machine as a board: stdin and stdout are the serial port.
#include "boards/board.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace stapes {
namespace board {
namespace {

using Clock = std::chrono::steady_clock;

Clock::time_point start;

uint64_t Nanoseconds() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
}

bool Ready(int file, short events, int timeout_ms) {
  pollfd wanted = {file, events, 0};
  return poll(&wanted, 1, timeout_ms) > 0;
}

}  // namespace

const uint32_t kTicksPerSecond = 1000000000;

void Init() { start = Clock::now(); }

std::size_t UartRead(Span<uint8_t> bytes) {
  if (!Ready(STDIN_FILENO, POLLIN, 0)) {
    return 0;
  }
  const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
  if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) {
    Exit(0);  // the other side has hung up
  }
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::size_t UartWrite(Span<const uint8_t> bytes) {
  if (!Ready(STDOUT_FILENO, POLLOUT, 10)) {
    return 0;
  }
  const ssize_t count = write(STDOUT_FILENO, bytes.data(), bytes.size());
  if (count < 0 && errno != EINTR && errno != EAGAIN) {
    std::perror("stapes-firmware: error: standard output: cannot be written");
    Exit(1);
  }
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

bool AudioStart(uint32_t) { return false; }
std::size_t AudioRead(Span<int16_t>) { return 0; }
Losses Lost() { return {0, 0}; }
uint32_t Millis() { return static_cast<uint32_t>(Nanoseconds() / 1000000); }
uint32_t Ticks() { return static_cast<uint32_t>(Nanoseconds()); }
uint64_t UniqueId() { return 0; }
StackUse Stack() { return {0, 0}; }
const Fault* LastFault() { return nullptr; }
void SetLed(bool) {}
bool ButtonDown() { return false; }
void FeedWatchdog() {}
void Sleep() { Ready(STDIN_FILENO, POLLIN, 10); }
void Exit(int status) { std::_Exit(status); }

}  // namespace board
}  // namespace stapes
