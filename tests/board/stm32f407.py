# SPDX-License-Identifier: Apache-2.0
"""An STM32F407 as far as Stapes' drivers use it. Source of all registers and of their behaviour:
ST, RM0090. What a driver must not do is an assertion here."""

from __future__ import annotations

import numpy as np
from cortex_m import Machine, Peripheral, SerialTransport, Uart
from numpy.typing import NDArray
from unicorn.arm_const import UC_CPU_ARM_CORTEX_M4

HERTZ = 168_000_000
FLASH = 0x08000000
RAM = range(0x20000000, 0x20020000)
UNIQUE_ID = bytes(range(1, 13))
USART_INTERRUPT, DMA_INTERRUPT = 38, 14
WORD_CYCLES = 16 * HERTZ // 1_024_000


class Rcc(Peripheral):
    """7.3: every clock is ready as soon as it is on; the crystal has 8 MHz."""

    chip: Stm32f407

    def read(self, offset: int) -> int:
        value = super().read(offset)
        if offset == 0x00:
            return value | (value & (1 << 16 | 1 << 24 | 1 << 26)) << 1
        if offset == 0x08:
            return value | (value & 3) << 2
        return value

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if offset == 0x08 and value & 3 == 2:
            assert self.read(0x00) >> 25 & 1, "the PLL runs before it is used"
            assert self.chip.flash_access.values[0x00] & 7 >= 5, "wait states come first (3.5.1)"
            assert self.pll_hertz() == HERTZ
            assert HERTZ / {5: 4, 6: 8, 7: 16}[value >> 10 & 7] <= 42_000_000
            assert HERTZ / {4: 2, 5: 4, 6: 8, 7: 16}[value >> 13 & 7] <= 84_000_000

    def pll_hertz(self) -> float:
        config = self.values[0x04]
        assert config >> 22 & 1, "from the crystal"
        return 8e6 / (config & 63) * (config >> 6 & 511) / (2 * (config >> 16 & 3) + 2)

    def pdm_hertz(self) -> float:
        """28.4.4: stereo words of 16 bits."""
        config = self.values[0x84]
        source = 8e6 / (self.values[0x04] & 63) * (config >> 6 & 511) / (config >> 28 & 7)
        prescaler = self.chip.i2s.values[0x20]
        return source / (2 * (prescaler & 255) + (prescaler >> 8 & 1))


class Usart(Peripheral):
    """30.6: a data register in front of the shift register, in both directions."""

    def __init__(self, machine: Stm32f407) -> None:
        super().__init__(machine)
        self.line = Uart(machine)
        self.line.take = self._take
        self._chip = machine
        self._status = 1 << 7
        self._received = 0
        self._next: int | None = None
        self._shifting = False

    def read(self, offset: int) -> int:
        if offset == 0x00:
            return self._status
        if offset == 0x04:
            self._status &= ~(1 << 5 | 1 << 3)
            return self._received
        return super().read(offset)

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if offset == 0x04:
            self._send(value & 0xFF)
        self._interrupt()

    def _send(self, byte: int) -> None:
        assert self._status >> 7 & 1, "the data register is free"
        assert abs(42e6 / self.values[0x08] / 115200 - 1) < 0.005
        if self._shifting:
            self._next = byte
            self._status &= ~(1 << 7)
        else:
            self._shift(byte)

    def _shift(self, byte: int) -> None:
        self._shifting = True

        def gone() -> None:
            self.line.sent.append(byte)
            self._shifting = False
            if self._next is not None:
                following, self._next = self._next, None
                self._status |= 1 << 7
                self._shift(following)
                self._interrupt()

        self.machine.at(self.machine.now + round(self.line.byte_cycles), gone)

    def _take(self, byte: int) -> None:
        if not self.values.get(0x0C, 0) >> 2 & 1:
            return
        self._status |= 1 << 3 if self._status >> 5 & 1 else 1 << 5
        self._received = byte
        self._interrupt()

    def _interrupt(self) -> None:
        if self._status & self.values.get(0x0C, 0) & (1 << 7 | 1 << 5):
            self.machine.pend(USART_INTERRUPT)


class I2s(Peripheral):
    """28.4: receives as soon as it is on."""

    chip: Stm32f407

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if offset == 0x1C and value >> 10 & 1:
            assert value >> 11 & 1 and value >> 8 & 3 == 3, "I2S, master, receiver"
            assert value >> 4 & 3 == 1, "left-justified: the first bit of a word is not left out"
            assert value & 7 == 0, "words of 16 bits"
            assert self.values[0x04] & 1, "requests DMA"
            assert self.chip.rcc.pdm_hertz() == 1_024_000
            for port, pin in ((1, 10), (2, 3)):
                assert self.chip.function(port, pin) == 5
            self.chip.dma.pace()


class Dma(Peripheral):
    """10.3: stream 3 in double-buffer mode. `words` are heard, then silence."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.words = np.zeros(0, dtype=np.uint16)
        self.delivered: list[NDArray[np.uint16]] = []
        self._position = 0
        self._flags = 0
        self._target = 0

    def read(self, offset: int) -> int:
        if offset == 0x00:
            return self._flags
        if offset == 0x58:
            return super().read(offset) | self._target << 19
        return super().read(offset)

    def write(self, offset: int, value: int) -> None:
        if offset == 0x64 + 4 * self._target:
            assert not self.values.get(0x58, 0) & 1, "the memory in use is left alone (10.3.9)"
        super().write(offset, value)
        if offset == 0x08:
            self._flags &= ~value

    def play(self, words: NDArray[np.uint16]) -> None:
        self.words = np.concatenate([self.words[: self._position], words])

    def pace(self) -> None:
        config = self.values[0x58]
        assert config & 1 and config >> 25 & 7 == 0, "on; channel 0 is SPI2_RX"
        assert config >> 18 & 1 and config >> 8 & 1 and config >> 10 & 1
        assert config >> 11 & 3 == 1 and config >> 13 & 3 == 1, "16 bits on both sides"
        assert config >> 6 & 3 == 0, "from the peripheral"
        assert self.values[0x60] == 0x4000380C, "SPI2's data register"
        self._block()

    def _block(self) -> None:
        count = self.values[0x5C]
        start = self.values[0x64 + 4 * self._target]
        assert start in RAM and start + 2 * count in RAM

        def end() -> None:
            words = self.words[self._position : self._position + count]
            self._position += len(words)
            words = np.concatenate([words, np.full(count - len(words), 0x5555, np.uint16)])
            self.delivered.append(words)
            self.machine.uc.mem_write(start, words.astype("<u2").tobytes())
            assert not self._flags >> 27 & 1, "served in time"
            self._flags |= 1 << 27
            self._target ^= 1
            self.machine.pend(DMA_INTERRUPT)
            self._block()

        self.machine.at(self.machine.now + count * WORD_CYCLES, end)


class Timer(Peripheral):
    """18.4: TIM2 at 84 MHz."""

    def read(self, offset: int) -> int:
        if offset == 0x24:
            return self.machine.now // 2 // (self.values[0x28] + 1) & 0xFFFFFFFF
        return super().read(offset)


class Stm32f407(Machine):
    """The chip with an image in its flash; `start` runs it."""

    def __init__(self, image: bytes) -> None:
        super().__init__(cpu_model=UC_CPU_ARM_CORTEX_M4, hertz=HERTZ)
        self.memory(FLASH, 0x100000, image)
        self.memory(RAM.start, len(RAM), b"\xa7" * len(RAM))
        self.memory(0x1FFF7000, 0x1000)
        self.uc.mem_write(0x1FFF7A10, UNIQUE_ID)
        self.rcc, self.i2s, self.dma, self.usart = Rcc(self), I2s(self), Dma(self), Usart(self)
        self.rcc.chip = self.i2s.chip = self
        self.flash_access, self.watchdog = Peripheral(self), Peripheral(self)
        self.ports = [Peripheral(self) for _ in range(4)]
        self.region(
            0x40000000,
            0x30000,
            {
                0x40000000: Timer(self),
                0x40003000: self.watchdog,
                0x40003800: self.i2s,
                0x40004400: self.usart,
                0x40023800: self.rcc,
                0x40023C00: self.flash_access,
                0x40026000: self.dma,
                **{0x40020000 + 0x400 * i: port for i, port in enumerate(self.ports)},
            },
        )
        self.transport = SerialTransport(self, self.usart.line)
        self.start(FLASH)

    def function(self, port: int, pin: int) -> int:
        """8.4: which alternate function a pin has."""
        values = self.ports[port].values
        assert self.rcc.values[0x30] >> port & 1, "the port's clock is on"
        assert values[0x00] >> 2 * pin & 3 == 2
        return values[0x20 + 4 * (pin // 8)] >> 4 * (pin % 8) & 15
