# SPDX-License-Identifier: Apache-2.0
"""An RP2040 or RP2350 as far as Stapes' drivers use it. Source of all registers and of their
behaviour: RP2040 Datasheet, whose sections are named here, and RP2350 Datasheet. What a driver must
not do is an assertion here."""

from __future__ import annotations

import struct
import zlib
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass

import numpy as np
from cortex_m import Machine, Peripheral, SerialTransport, Uart
from numpy.typing import NDArray
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_PC,
    UC_CPU_ARM_CORTEX_M0,
    UC_CPU_ARM_CORTEX_M33,
)

HERTZ = 128_000_000
FLASH = 0x10000000
FIFO_BYTES = 32
PDM_CYCLES = 125


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What the two chips have at different places."""

    cpu_model: int
    flash_bytes: int
    ram: range
    clocks: int
    power: int
    resets: int
    pins: int
    pads: int
    crystal: int
    pll: int
    uart: int
    timer: int
    watchdog: int
    # Bits of the resets, and all of them.
    uart_reset: int
    dma_reset: int
    pads_reset: int
    all_resets: int
    uart_interrupt: int
    dma_interrupt: int
    increment_write: int  # bits of a DMA channel's control
    chain_to: int
    request: int
    pad_after_reset: int


RP2040 = Layout(
    cpu_model=UC_CPU_ARM_CORTEX_M0,
    flash_bytes=0x200000,
    ram=range(0x20000000, 0x20042000),
    clocks=0x40008000,
    power=0x40010000,
    resets=0x4000C000,
    pins=0x40014000,
    pads=0x4001C000,
    crystal=0x40024000,
    pll=0x40028000,
    uart=0x40034000,
    timer=0x40054000,
    watchdog=0x40058000,
    uart_reset=22,
    dma_reset=2,
    pads_reset=8,
    all_resets=0x01FFFFFF,
    uart_interrupt=20,
    dma_interrupt=11,
    increment_write=5,
    chain_to=11,
    request=15,
    pad_after_reset=0x56,
)
RP2350 = Layout(
    cpu_model=UC_CPU_ARM_CORTEX_M33,
    flash_bytes=0x400000,
    ram=range(0x20000000, 0x20082000),
    clocks=0x40010000,
    power=0x40018000,
    resets=0x40020000,
    pins=0x40028000,
    pads=0x40038000,
    crystal=0x40048000,
    pll=0x40050000,
    uart=0x40070000,
    timer=0x400B0000,
    watchdog=0x400D8000,
    uart_reset=26,
    dma_reset=2,
    pads_reset=9,
    all_resets=0x1FFFFFFF,
    uart_interrupt=33,
    dma_interrupt=10,
    increment_write=6,
    chain_to=13,
    request=17,
    pad_after_reset=0x116,
)


class Resets(Peripheral):
    """2.14: at the start, everything is in reset except what the boot ROM uses."""

    def __init__(self, machine: Chip) -> None:
        super().__init__(machine)
        self.values[0x0] = machine.layout.all_resets

    def read(self, offset: int) -> int:
        return ~self.values[0x0] if offset == 0x8 else super().read(offset)

    def released(self, block: int) -> bool:
        return not self.values[0x0] >> block & 1


class Clocks(Peripheral):
    """2.15: a glitchless multiplexer shows which input it has selected. The source of an input may
    change only while the other input is selected."""

    SYSTEM = 0x3C

    def write(self, offset: int, value: int) -> None:
        before = self.values.get(offset, 0)
        if offset == self.SYSTEM and before & 1:
            assert before >> 5 == value >> 5, "not while the system runs from it"
        super().write(offset, value)

    def read(self, offset: int) -> int:
        if offset in (0x38, 0x44):
            return 1 << (self.values.get(offset - 8, 0) & 3)
        return super().read(offset)


class Crystal(Peripheral):
    """2.16."""

    def read(self, offset: int) -> int:
        if offset == 0x4:
            return 1 << 31 if self.values.get(0x0) == 0xFABAA0 else 0
        return super().read(offset)


class Pll(Peripheral):
    """2.18."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.values[0x4] = 0x2D

    def read(self, offset: int) -> int:
        if offset == 0x0:
            return 1 << 31 if not self.values[0x4] & 0x21 else 0
        return super().read(offset)

    def hertz(self) -> float:
        assert not self.values[0x4] & 0x29, "all of it powered"
        vco = 12_000_000 * self.values[0x8]
        assert 750_000_000 <= vco <= 1_600_000_000
        return vco / (self.values[0xC] >> 16 & 7) / (self.values[0xC] >> 12 & 7)


class Ssi(Peripheral):
    """4.10, with a flash whose quad mode is off until somebody switches it on (W25Q16JV, 7.1)."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.status2 = 0
        self.sent: list[int] = []
        self._answers: deque[int] = deque()

    def read(self, offset: int) -> int:
        if offset == 0x28:
            return 1 << 2  # empty and idle
        if offset == 0x60:
            return self._answers.popleft()
        return super().read(offset)

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if offset != 0x60:
            return
        assert self.values[0x08] == 1, "switched on"
        self.sent.append(value)
        command = self.sent[-2] if len(self.sent) > 1 else None
        if command == 0x31:
            self.status2 = value
        self._answers.append(self.status2 if command == 0x35 else 0)

    def executes_in_place(self) -> bool:
        """Whether the flash is in its continuous quad mode, and is read in this mode."""
        return (
            self.status2 == 2
            and self.sent[-2:] == [0xEB, 0xA0]
            and self.values[0xF4] == 0xA0002022
            and self.values[0x08] == 1
        )


class Pads(Peripheral):
    """2.19.6.3; an RP2350 isolates a pad from its peripheral until the program connects it."""

    def __init__(self, machine: Chip) -> None:
        super().__init__(machine)
        self._chip = machine

    def read(self, offset: int) -> int:
        return self.values.get(offset, self._chip.layout.pad_after_reset)

    def write(self, offset: int, value: int) -> None:
        assert self._chip.resets.released(self._chip.layout.pads_reset)
        super().write(offset, value)

    def connects(self, pin: int) -> bool:
        """In both directions: not isolated, output not disabled, input enabled."""
        return self.read(4 + 4 * pin) >> 6 == 1


class Pl011(Peripheral):
    """4.2.8: FIFOs of 32 bytes; interrupts at an eighth, or when bytes lie there in silence."""

    def __init__(self, machine: Chip) -> None:
        super().__init__(machine)
        self.line = Uart(machine)
        self.line.take = self._take
        self._chip = machine
        self._received: deque[int] = deque()
        self._waiting = 0
        self._free_at = 0.0
        self._raw = 0

    def read(self, offset: int) -> int:
        if offset == 0x00:
            return self._received.popleft() if self._received else 0
        if offset == 0x18:
            return (not self._received) << 4 | (self._waiting >= FIFO_BYTES) << 5
        return super().read(offset)

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if offset == 0x00:
            self._send(value & 0xFF)
        elif offset == 0x44:
            self._raw &= ~value

    def _send(self, byte: int) -> None:
        chip = self._chip
        assert chip.resets.released(chip.layout.uart_reset) and self.values[0x30] == 0x301
        assert chip.clocks.values[Clocks.SYSTEM] == 1, "the PLL"
        assert [chip.function(pin) for pin in (0, 1)] == [2, 2] and chip.pads.connects(0)
        assert self.values[0x2C] == 0x70, "8 data bits, FIFOs on"
        divider = self.values[0x24] + self.values[0x28] / 64
        baud = chip.pll.hertz() / 16 / divider
        assert abs(baud - 115200) < 50
        assert self._waiting < FIFO_BYTES
        self._waiting += 1
        self._free_at = max(self._free_at, self.machine.now) + self.line.byte_cycles

        def gone() -> None:
            self.line.sent.append(byte)
            self._waiting -= 1
            if self._waiting == FIFO_BYTES // 8:
                self._interrupt(5)

        self.machine.at(round(self._free_at), gone)

    def _take(self, byte: int) -> None:
        if self.values.get(0x30) != 0x301 or not self._chip.pads.connects(1):
            return
        assert len(self._received) < FIFO_BYTES, "read in time"
        self._received.append(byte)
        if len(self._received) >= FIFO_BYTES // 8:
            self._interrupt(4)
        else:
            count = len(self._received)
            silence = round(3.2 * self.line.byte_cycles)
            self.machine.at(
                self.machine.now + silence,
                lambda: self._interrupt(6) if len(self._received) == count else None,
            )

    def _interrupt(self, bit: int) -> None:
        self._raw |= 1 << bit
        if self.values.get(0x38, 0) >> bit & 1:
            self.machine.pend(self._chip.layout.uart_interrupt)


class Pio(Peripheral):
    """3.4: one state machine without branches. Its program is checked, not run."""

    def __init__(self, machine: Chip) -> None:
        super().__init__(machine)
        self._chip = machine

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if offset == 0x000 and value & 1:
            self._check()
            chip = self._chip
            assert all(chip.function(p) == 6 for p in (self.clock_pin, self.data_pin))
            assert all(chip.pads.connects(p) for p in (self.clock_pin, self.data_pin))
            chip.dma.start_pacing()

    def _check(self) -> None:
        assert self.values[0x0C8] == 1 << 16, "no fraction, which would jitter"
        last = self.values[0x0CC] >> 12 & 31
        steps = [self.values[0x048 + 4 * i] for i in range(last + 1)]
        cycles = [(step >> 8 & 15) + 1 for step in steps]
        high = sum(n for n, step in zip(cycles, steps, strict=True) if step >> 12 & 1)
        assert sum(cycles) == PDM_CYCLES and abs(high / PDM_CYCLES - 0.5) < 0.1
        taken = [i for i, step in enumerate(steps) if step & 0xE0FF == 0x4001]  # in pins, 1
        assert taken == [last] and not steps[last] >> 12 & 1, (
            "the left channel's, when clock is low"
        )
        shift = self.values[0x0D0]
        assert shift >> 16 & 1 and not shift >> 18 & 1 and shift >> 20 & 31 == 16
        pins = self.values[0x0DC]
        self.clock_pin, self.data_pin = pins >> 10 & 31, pins >> 15 & 31
        assert pins >> 29 == 1 and self.values[0x0D8] == 0xE081, "the clock's pin is an output"


class Dma(Peripheral):
    """2.5: two channels in turn, paced by the state machine. `bits` are heard, then silence."""

    def __init__(self, machine: Chip) -> None:
        super().__init__(machine)
        self._chip = machine
        self._pending = 0
        self._running: int | None = None
        self.words = np.zeros(0, dtype=np.uint16)
        self.delivered: list[NDArray[np.uint16]] = []
        self._position = 0

    def read(self, offset: int) -> int:
        return self._pending if offset == 0x40C else super().read(offset)

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if offset == 0x40C:
            self._pending &= ~value
        elif offset % 0x40 == 0x0C and offset < 0x300:
            self.values[offset + 4] = value
            self._running = offset // 0x40

    def play(self, words: NDArray[np.uint16]) -> None:
        self.words = np.concatenate([self.words[: self._position], words])

    def start_pacing(self) -> None:
        assert self._running is not None and self._chip.resets.released(self._chip.layout.dma_reset)
        self._block()

    def _block(self) -> None:
        channel, layout = self._running, self._chip.layout
        control = self.values[0x40 * channel + 0x10]
        count = self.values[0x40 * channel + 0x08]
        start = self.values[0x40 * channel + 0x04]
        assert control & 1 and control >> 2 & 3 == 1 and control >> layout.increment_write & 1
        assert control >> layout.request & 63 == 4, "paced by RXF0"
        assert self.values[0x40 * channel] == 0x50200020, "reads RXF0"
        assert start in layout.ram and start + 2 * count in layout.ram

        def end() -> None:
            words = self.words[self._position : self._position + count]
            quiet = np.full(count - len(words), 0x5555, np.uint16)
            self._position += len(words)
            words = np.concatenate([words, quiet])
            self.delivered.append(words)
            self.machine.uc.mem_write(start, words.astype("<u2").tobytes())
            assert not self._pending >> channel & 1, "served in time"
            self._pending |= 1 << channel
            if self.values[0x404] >> channel & 1:
                self.machine.pend(layout.dma_interrupt)
            self.values[0x40 * channel + 0x04] = start + 2 * count
            self._running = control >> layout.chain_to & 15
            self._block()

        self.machine.at(self.machine.now + count * 16 * PDM_CYCLES, end)


class FineTimer(Peripheral):
    """4.6, at the chip's tick."""

    def __init__(self, machine: Chip) -> None:
        super().__init__(machine)
        self._chip = machine

    def read(self, offset: int) -> int:
        if offset != 0x28:
            return super().read(offset)
        assert self._chip.has_tick(), "12 cycles of the crystal"
        return self.machine.now // (HERTZ // 1_000_000)


class Chip(Machine, ABC):
    """Either chip, with an image in its flash."""

    def __init__(self, layout: Layout, image: bytes) -> None:
        super().__init__(cpu_model=layout.cpu_model, hertz=HERTZ)
        self.layout = layout
        self.memory(FLASH, layout.flash_bytes, image)
        self.memory(layout.ram.start, len(layout.ram), b"\xa7" * len(layout.ram))
        self.resets, self.clocks, self.pll = Resets(self), Clocks(self), Pll(self)
        self.pads, self.pins = Pads(self), Peripheral(self)
        self.uart, self.pio, self.dma = Pl011(self), Pio(self), Dma(self)
        self.sio, self.watchdog, self.power = Peripheral(self), Peripheral(self), Peripheral(self)
        self.region(0x40000000, 0x110000, self.slow_peripherals())
        self.region(0x50000000, 0x1000, {0x50000000: self.dma})
        self.region(0x50200000, 0x1000, {0x50200000: self.pio})
        self.region(0xD0000000, 0x1000, {0xD0000000: self.sio})
        self.transport = SerialTransport(self, self.uart.line)

    def slow_peripherals(self) -> dict[int, Peripheral]:
        layout = self.layout
        return {
            layout.clocks: self.clocks,
            layout.power: self.power,
            layout.resets: self.resets,
            layout.pins: self.pins,
            layout.pads: self.pads,
            layout.crystal: Crystal(self),
            layout.pll: self.pll,
            layout.uart: self.uart,
            layout.timer: FineTimer(self),
            layout.watchdog: self.watchdog,
        }

    def function(self, pin: int) -> int:
        """The peripheral that a pin belongs to (2.19.2)."""
        return self.pins.values.get(4 + 8 * pin, 31)

    @abstractmethod
    def has_tick(self) -> bool:
        """Whether the timer counts microseconds."""

    def write(self, address: int, value: int) -> None:
        """With the aliases that change single bits (2.1.2)."""
        if 0x40000000 <= address < 0x40110000 and address >> 12 & 3:
            peripheral, offset = self._find(address & ~0x3000)
            before = peripheral.values.get(offset, 0)
            change = {1: before ^ value, 2: before | value, 3: before & ~value}
            peripheral.write(offset, change[address >> 12 & 3])
        else:
            super().write(address, value)


class Rp2040(Chip):
    """Starts as the boot ROM leaves it: with the second stage."""

    SECOND_STAGE = 0x20041F00
    PADS_OF_FLASH = 0x40020000

    def __init__(self, image: bytes) -> None:
        super().__init__(RP2040, image)
        self.ssi = Ssi(self)
        self.region(0x18000000, 0x1000, {0x18000000: self.ssi})
        self._boot()

    def slow_peripherals(self) -> dict[int, Peripheral]:
        return super().slow_peripherals() | {self.PADS_OF_FLASH: Peripheral(self)}

    def _boot(self) -> None:
        """2.8.1.2: the second stage is checked, copied and called."""
        stage = self.load(FLASH, 256)
        assert int.from_bytes(stage[252:], "little") == rom_crc32(stage[:252]), "the ROM refuses it"
        self.uc.mem_write(self.SECOND_STAGE, stage)
        self.uc.reg_write(UC_ARM_REG_LR, 0)
        self.uc.reg_write(UC_ARM_REG_PC, self.SECOND_STAGE)

    def has_tick(self) -> bool:
        return self.watchdog.values.get(0x2C) == 12 | 1 << 9


class Rp2350(Chip):
    """Starts as the boot ROM leaves it: the system's clock comes from the ring oscillator."""

    TICKS = 0x40108000

    def __init__(self, image: bytes) -> None:
        self.ticks = Peripheral(self)
        super().__init__(RP2350, image)
        self.clocks.values[Clocks.SYSTEM] = 2 << 5 | 1
        assert image_type(self.load(FLASH, 4096)) == 0x1021, "secure, Arm, RP2350"
        self.start(FLASH)
        self.vectors = 0  # those of the boot ROM, until the program sets its own

    def slow_peripherals(self) -> dict[int, Peripheral]:
        return super().slow_peripherals() | {self.TICKS: self.ticks}

    def has_tick(self) -> bool:
        """Whether both have it: the timer, and the watchdog (RP2350 Datasheet, 8.5)."""
        timer, watchdog = (
            [self.ticks.values.get(at + offset) for offset in (0, 4)] for at in (0x18, 0x30)
        )
        return timer == watchdog == [1, 12]


def image_type(start: bytes) -> int:
    """The flags that the boot ROM finds in the first 4 KB of the flash: those of the image that the
    only block there defines (RP2350 Datasheet, 5.9)."""
    words = [word for (word,) in struct.iter_unpack("<I", start)]
    at = words.index(0xFFFFDED3) + 1
    flags, items = None, 0
    while words[at] & 0xFF != 0xFF:
        if words[at] & 0xFF == 0x42:
            flags = words[at] >> 16
        items += words[at] >> 8 & 0xFF
        at += words[at] >> 8 & 0xFF
    assert words[at] >> 8 & 0xFFFF == items, "the last item counts the words of the others"
    assert words[at + 1] == 0, "a ring of one block"
    assert words[at + 2] == 0xAB123579
    assert flags is not None, "an image definition"
    return flags


def rom_crc32(data: bytes) -> int:
    """The boot ROM's checksum, by that of zlib: it has the same polynomial, mirrored."""
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
    return int(f"{zlib.crc32(mirrored) ^ 0xFFFFFFFF:032b}"[::-1], 2)
