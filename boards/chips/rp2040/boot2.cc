// SPDX-License-Identifier: Apache-2.0
// The second stage of the boot: sets the flash to quad reads of 8-byte lines at half the
// processor's clock, then starts the program. The boot ROM copies these 256 bytes to RAM, checks
// the last four (a CRC-32 of the others, which the build fills in) and jumps to the first.
//
// Source: RP2040 Datasheet, 2.8.1.2 and 2.8.1.3 (what the boot ROM expects), 4.10 (SSI), 2.19.6.3
// (pads); Winbond W25Q16JV, 7.1 (status registers), 8.2 (instructions).
#include "boards/common/cortex_m/startup.h"

extern "C" [[gnu::naked, gnu::used, gnu::section(".boot")]] void SecondStage() {
  asm volatile(
      ".syntax unified\n"
      // Clock pad: 8 mA, fast; data pads: no hysteresis, which would delay them.
      "ldr r3, .Lpads\n"
      "movs r0, #0x21\n"
      "str r0, [r3, #4]\n"
      "ldr r0, [r3, #8]\n"
      "movs r1, #2\n"
      "bics r0, r1\n"
      "str r0, [r3, #8]\n"
      "str r0, [r3, #12]\n"
      "str r0, [r3, #16]\n"
      "str r0, [r3, #20]\n"
      // SSI off: half the clock, data sampled one cycle later; then one-bit transfers of bytes.
      "ldr r3, .Lssi\n"
      "movs r4, #0\n"
      "movs r5, #1\n"
      "str r4, [r3, #8]\n"
      "movs r0, #2\n"
      "str r0, [r3, #0x14]\n"
      "movs r6, #0xF0\n"
      "str r5, [r3, r6]\n"
      "ldr r0, .Lbytes\n"
      "str r0, [r3]\n"
      "str r5, [r3, #8]\n"
      // Quad reads need the flash's QE bit: status register 2, bit 1. Written once in its life.
      "movs r0, #0x35\n"
      "bl .Lread_status\n"
      "movs r1, #2\n"
      "tst r0, r1\n"
      "bne .Lquad\n"
      "movs r0, #0x06\n"  // write enable
      "str r0, [r3, #0x60]\n"
      "bl .Lwait\n"
      "ldr r0, [r3, #0x60]\n"
      "movs r0, #0x31\n"  // write status register 2
      "str r0, [r3, #0x60]\n"
      "movs r0, #2\n"
      "str r0, [r3, #0x60]\n"
      "bl .Lwait\n"
      "ldr r0, [r3, #0x60]\n"
      "ldr r0, [r3, #0x60]\n"
      ".Lbusy:\n"
      "movs r0, #0x05\n"
      "bl .Lread_status\n"
      "tst r0, r5\n"
      "bne .Lbusy\n"
      // One fast read quad (EBh) with mode A0h: after it the flash takes addresses alone.
      ".Lquad:\n"
      "str r4, [r3, #8]\n"
      "ldr r0, .Lquad_words\n"
      "str r0, [r3]\n"
      "str r4, [r3, #4]\n"
      "movs r6, #0xF4\n"
      "ldr r0, .Lwith_command\n"
      "str r0, [r3, r6]\n"
      "str r5, [r3, #8]\n"
      "movs r0, #0xEB\n"
      "str r0, [r3, #0x60]\n"
      "movs r0, #0xA0\n"
      "str r0, [r3, #0x60]\n"
      "bl .Lwait\n"
      "str r4, [r3, #8]\n"
      "ldr r0, .Laddress_only\n"
      "str r0, [r3, r6]\n"
      "str r5, [r3, #8]\n"
      // The program: its vectors, its stack, its entry.
      "ldr r0, .Lvectors\n"
      "ldr r1, .Lvector_table\n"
      "str r0, [r1]\n"
      "ldr r1, [r0]\n"
      "msr msp, r1\n"
      "ldr r1, [r0, #4]\n"
      "bx r1\n"
      // Waits until all bytes are sent and the bus is idle.
      ".Lwait:\n"
      "ldr r1, [r3, #0x28]\n"
      "movs r2, #4\n"
      "tst r1, r2\n"
      "beq .Lwait\n"
      "tst r1, r5\n"
      "bne .Lwait\n"
      "bx lr\n"
      // Sends instruction r0 and returns the one byte of its answer in r0.
      ".Lread_status:\n"
      "mov r7, lr\n"
      "str r0, [r3, #0x60]\n"
      "str r0, [r3, #0x60]\n"
      "bl .Lwait\n"
      "ldr r0, [r3, #0x60]\n"
      "ldr r0, [r3, #0x60]\n"
      "bx r7\n"
      ".balign 4\n"
      ".Lpads: .word 0x40020000\n"
      ".Lssi: .word 0x18000000\n"
      ".Lbytes: .word 0x00070000\n"         // CTRLR0: 8 bits, both directions
      ".Lquad_words: .word 0x005F0300\n"    // CTRLR0: quad, 32 bits, read after address
      ".Lwith_command: .word 0x00002221\n"  // SPI_CTRLR0: command, 32 bits by four, 4 idle
      ".Laddress_only: .word 0xA0002022\n"  // SPI_CTRLR0: mode A0h after the address, all by four
      ".Lvectors: .word 0x10000100\n"
      ".Lvector_table: .word 0xE000ED08\n"
      ".org 252\n"
      ".word 0\n");
}
