// SPDX-License-Identifier: Apache-2.0
// Which form of the kernels is compiled: exactly one of these is 1. STAPES_PLAIN_KERNELS asks for
// the plain one, to compare the others with it.
#pragma once

#define STAPES_KERNELS_MVE 0    // Helium: Cortex-M55, M85
#define STAPES_KERNELS_DSP 0    // Cortex-M4, M7, M33
#define STAPES_KERNELS_THUMB 0  // Cortex-M0, M0+, M3; what they do not serve is plain
#define STAPES_KERNELS_X86 0    // AVX2 where the processor has it
#define STAPES_KERNELS_WASM 0   // WebAssembly with 128-bit vectors; what they do not serve is plain
#define STAPES_KERNELS_RISCV 0  // RISC-V; what they do not serve is plain
#define STAPES_KERNELS_PLAIN 0

#if defined(STAPES_PLAIN_KERNELS)
#undef STAPES_KERNELS_PLAIN
#define STAPES_KERNELS_PLAIN 1
#elif defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#undef STAPES_KERNELS_MVE
#define STAPES_KERNELS_MVE 1
#elif defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#undef STAPES_KERNELS_DSP
#define STAPES_KERNELS_DSP 1
#elif defined(__thumb__)
#undef STAPES_KERNELS_THUMB
#define STAPES_KERNELS_THUMB 1
#elif defined(__x86_64__)
#undef STAPES_KERNELS_X86
#define STAPES_KERNELS_X86 1
#elif defined(__wasm_simd128__)
#undef STAPES_KERNELS_WASM
#define STAPES_KERNELS_WASM 1
#elif defined(__riscv)
#undef STAPES_KERNELS_RISCV
#define STAPES_KERNELS_RISCV 1
#else
#undef STAPES_KERNELS_PLAIN
#define STAPES_KERNELS_PLAIN 1
#endif
