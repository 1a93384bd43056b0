// SPDX-License-Identifier: Apache-2.0
// The core's own registers, for start-up code. Source: Armv7-M ARM, B3.2 and B3.3.
#pragma once

#include <cstdint>

namespace stapes {
namespace cortex_m {

inline volatile uint32_t& Register(uint32_t address) {
  return *reinterpret_cast<volatile uint32_t*>(address);
}

constexpr uint32_t kSysTickControl = 0xE000E010;
constexpr uint32_t kSysTickReload = 0xE000E014;
constexpr uint32_t kSysTickValue = 0xE000E018;
constexpr uint32_t kInterruptSetEnable = 0xE000E100;
constexpr uint32_t kInterruptState = 0xE000ED04;
constexpr uint32_t kVectorTable = 0xE000ED08;
constexpr uint32_t kResetControl = 0xE000ED0C;
constexpr uint32_t kFaultStatus = 0xE000ED28;
constexpr uint32_t kFaultAddress = 0xE000ED38;
constexpr uint32_t kCoprocessorAccess = 0xE000ED88;

}  // namespace cortex_m
}  // namespace stapes
