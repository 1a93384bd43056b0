// SPDX-License-Identifier: Apache-2.0
#include "link/line_writer.h"

#include "base/crc16.h"

namespace stapes {
namespace {

constexpr char kDigits[] = "0123456789ABCDEF";
constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Characters with a meaning in a line, and all that a terminal might not show.
constexpr bool NeedsEscape(char c) {
  return c <= ' ' || c > '~' || c == '%' || c == '*' || c == '$' || c == '=' || c == ',';
}

constexpr int kMaxDigits = 20;  // of a 64-bit number

// Doubles a decimal number held as one digit a byte, lowest first, and adds `bit`.
void DoubleAndAdd(uint8_t (&digits)[kMaxDigits], uint32_t bit) {
  uint32_t carry = bit;
  for (uint8_t& digit : digits) {
    const uint32_t doubled = digit * 2u + carry;
    carry = doubled >= 10;
    digit = static_cast<uint8_t>(carry ? doubled - 10 : doubled);
  }
}

// A large number bit by bit: a processor without 64-bit division would need a library for it.
void SplitLong(uint64_t value, uint8_t (&digits)[kMaxDigits]) {
  for (int bit = 63; bit >= 0; --bit) {
    DoubleAndAdd(digits, static_cast<uint32_t>(value >> bit) & 1);
  }
}

void SplitShort(uint32_t value, uint8_t (&digits)[kMaxDigits]) {
  for (int i = 0; value > 0; ++i, value /= 10) {
    digits[i] = static_cast<uint8_t>(value % 10);
  }
}

}  // namespace

void LineWriter::Begin(const char* event) {
  sink_.Put('$');
  crc_ = kCrc16Start;
  PutHex(sequence_, 4);
  ++sequence_;
  Put(' ');
  PutPlain(event);
}

void LineWriter::Field(const char* name, const char* text) {
  PutName(name);
  PutEscaped(text);
}

void LineWriter::Field(const char* name, uint32_t number) { FieldLong(name, number); }

void LineWriter::FieldLong(const char* name, uint64_t number) {
  PutName(name);
  PutNumber(number, 1);
}

void LineWriter::FieldHex(const char* name, Span<const int8_t> bytes) {
  PutName(name);
  for (const int8_t byte : bytes) {
    PutHex(static_cast<uint8_t>(byte), 2);
  }
}

void LineWriter::FieldBase64(const char* name, Span<const uint8_t> bytes) {
  PutName(name);
  uint32_t bits = 0;
  int count = 0;  // of bits that have not been put
  for (const uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) {
      Put(kBase64[bits >> (count - 6) & 0x3F]);
    }
  }
  if (count > 0) {
    Put(kBase64[bits << (6 - count) & 0x3F]);
  }
}

void LineWriter::FieldQ16(const char* name, uint32_t value_q16) {
  constexpr uint32_t kOne = 100000;
  PutName(name);
  const uint64_t scaled = uint64_t{value_q16} * kOne + 0x8000;
  const uint32_t decimals = static_cast<uint32_t>(scaled >> 16);
  PutNumber(decimals / kOne, 1);
  Put('.');
  PutNumber(decimals % kOne, 5);
}

void LineWriter::FieldList(const char* name, const char* const* texts, std::size_t count) {
  PutName(name);
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) {
      Put(',');
    }
    PutEscaped(texts[i]);
  }
}

void LineWriter::End() {
  const uint16_t crc = crc_;
  sink_.Put('*');
  PutHex(crc, 4);
  sink_.Put('\r');
  sink_.Put('\n');
  sink_.EndLine();
}

void LineWriter::Put(char character) {
  crc_ = Crc16Update(crc_, static_cast<uint8_t>(character));
  sink_.Put(character);
}

void LineWriter::PutPlain(const char* text) {
  for (; *text != '\0'; ++text) {
    Put(*text);
  }
}

void LineWriter::PutEscaped(const char* text) {
  for (; *text != '\0'; ++text) {
    if (NeedsEscape(*text)) {
      Put('%');
      PutHex(static_cast<uint8_t>(*text), 2);
    } else {
      Put(*text);
    }
  }
}

void LineWriter::PutHex(uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    Put(kDigits[(value >> shift) & 0xF]);
  }
}

void LineWriter::PutNumber(uint64_t value, int least_digits) {
  uint8_t digits[kMaxDigits] = {};
  if (value <= UINT32_MAX) {
    SplitShort(static_cast<uint32_t>(value), digits);
  } else {
    SplitLong(value, digits);
  }
  int count = kMaxDigits;
  while (count > least_digits && digits[count - 1] == 0) {
    --count;
  }
  while (count > 0) {
    Put(kDigits[digits[--count]]);
  }
}

void LineWriter::PutName(const char* name) {
  Put(' ');
  PutPlain(name);
  Put('=');
}

}  // namespace stapes
