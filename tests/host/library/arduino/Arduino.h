// SPDX-License-Identifier: Apache-2.0
// The few calls of the Arduino cores that the sketches make, as ArduinoCore-API declares them.
#pragma once

#include <cstddef>
#include <cstdint>

#define constrain(amt, low, high) ((amt) < (low) ? (low) : ((amt) > (high) ? (high) : (amt)))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define INPUT 0

void delay(unsigned long milliseconds);

struct SerialPort {
  void begin(unsigned long baud);
  std::size_t print(const char* text);
  std::size_t print(unsigned long number);
  std::size_t print(unsigned int number);
  std::size_t println(const char* text);
  std::size_t println(unsigned long number);
  std::size_t println(unsigned int number);
};
extern SerialPort Serial;
