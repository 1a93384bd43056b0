# SPDX-License-Identifier: Apache-2.0
"""An nRF52840 as far as Stapes' drivers use it. Source of all registers and of their behaviour:
nRF52840 Product Specification v1.1. What a driver must not do is an assertion here."""

from __future__ import annotations

import struct

import numpy as np
from cortex_m import Machine, Peripheral, Restart, SerialTransport, Uart
from numpy.typing import NDArray
from unicorn import UC_HOOK_MEM_WRITE, Uc
from unicorn.arm_const import UC_CPU_ARM_CORTEX_M4

HERTZ = 64_000_000
FLASH_BYTES = 0x100000
RAM = range(0x20000000, 0x20040000)
DEVICE_ID = 0x0123456789ABCDEF
INTENSET = 0x304
RESETREAS = 0x400  # of POWER, which shares its base with CLOCK


class NrfPeripheral(Peripheral):
    """Tasks are offsets below 0x100, events below 0x200 (6.1)."""

    def __init__(self, machine: Machine, base: int, chip: Nrf52840) -> None:
        super().__init__(machine)
        self._base = base
        self._chip = chip

    def write(self, offset: int, value: int) -> None:
        if offset == INTENSET:
            value |= self.values.get(INTENSET, 0)
        super().write(offset, value)
        if offset < 0x100 and value == 1:
            self.task(offset)

    def task(self, offset: int) -> None:
        pass

    def event(self, offset: int) -> None:
        """The interrupt's number is the peripheral's (6.1.2); its bit, the event's place."""
        self.values[offset] = 1
        if self.values.get(INTENSET, 0) >> ((offset - 0x100) // 4) & 1:
            self.machine.pend(self._base >> 12 & 0x3F)
        self._chip.ppi.relay(self._base + offset)


class Clock(NrfPeripheral):
    running = False

    def task(self, offset: int) -> None:
        if offset == 0x000:  # HFCLKSTART; the crystal takes some time
            self.machine.at(self.machine.now + 20_000, self._started)

    def _started(self) -> None:
        self.running = True
        self.event(0x100)


class Timer(NrfPeripheral):
    """6.30: a timer of 16 MHz, or a counter of tasks."""

    started_at: int | None = None
    counted = 0

    def count(self) -> int:
        if self.values.get(0x504, 0) != 0:
            return self.counted
        assert self.values[0x508] == 3, "32 bits wide"
        return (self.machine.now - self.started_at) // 4 & 0xFFFFFFFF

    def task(self, offset: int) -> None:
        if offset == 0x000:
            self.started_at = self.machine.now
            self._arm(0x544)
        elif offset == 0x008:
            self.counted += 1
        elif offset == 0x00C:
            self.counted = 0
        elif 0x040 <= offset < 0x058:
            self.values[0x540 + offset - 0x040] = self.count()

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if 0x540 <= offset < 0x558 and self.started_at is not None:
            self._arm(offset)

    def _arm(self, compare: int) -> None:
        if self.values.get(0x504, 0) == 0:
            value = self.values[compare]
            ahead = (value - self.count()) & 0xFFFFFFFF
            self.machine.at(self.machine.now + 4 * ahead, lambda: self._fire(compare, value))

    def _fire(self, compare: int, value: int) -> None:
        if self.values[compare] == value:
            self.event(0x140 + compare - 0x540)


class Ppi(NrfPeripheral):
    """6.16: channels carry an event to a task."""

    def relay(self, event: int) -> None:
        for channel in range(20):
            wanted = self.values.get(0x510 + 8 * channel)
            if wanted == event and self.values.get(0x504, 0) >> channel & 1:
                self.machine.write(self.values[0x514 + 8 * channel], 1)


class Uarte(NrfPeripheral):
    """6.34, with the double-buffered pointers of EasyDMA (6.34.2)."""

    def __init__(self, machine: Machine, base: int, chip: Nrf52840) -> None:
        super().__init__(machine, base, chip)
        self.line = Uart(machine)
        self.line.take = self._take
        self._buffer: tuple[int, int] | None = None
        self._filled = 0
        self._sending = False

    def task(self, offset: int) -> None:
        assert self.values.get(0x500) == 8, "enabled first"
        assert self._chip.clock.running, "the crystal makes the baud rate"
        assert self.values[0x524] == 0x01D60000, "115200 baud"
        if offset == 0x000:
            self._start_reception()
        elif offset == 0x008:
            self._send()

    def _start_reception(self) -> None:
        self._buffer = self.values[0x534], self.values[0x538]
        self._chip.check_dma(*self._buffer)
        self._filled = 0
        self.event(0x14C)  # RXSTARTED

    def _take(self, byte: int) -> None:
        if self._buffer is None:
            return  # nobody listens yet
        start, size = self._buffer
        self.machine.uc.mem_write(start + self._filled, bytes([byte]))
        self._filled += 1
        self.event(0x108)  # RXDRDY
        if self._filled == size:
            assert self.values[0x200] == 1 << 5, "goes on by itself: ENDRX_STARTRX"
            self.event(0x110)  # ENDRX
            self._start_reception()

    def _send(self) -> None:
        assert not self._sending, "one transmission at a time"
        start, size = self.values[0x544], self.values[0x548]
        self._chip.check_dma(start, size)
        self._sending = True
        data = self.machine.load(start, size)

        def end() -> None:
            assert self.machine.load(start, size) == data, "a buffer in use is left alone"
            self.line.sent += data
            self._sending = False
            self.event(0x120)  # ENDTX

        self.machine.at(self.machine.now + round(size * self.line.byte_cycles), end)


class Pdm(NrfPeripheral):
    """6.15: `samples` are heard one after the other, then silence. `heard` counts them all."""

    def __init__(self, machine: Machine, base: int, chip: Nrf52840) -> None:
        super().__init__(machine, base, chip)
        self.samples = np.zeros(0, dtype=np.int16)
        self.heard = 0
        self.started = False

    def play(self, samples: NDArray[np.int16]) -> None:
        """From the next block on."""
        quiet = np.zeros(self.heard - len(self.samples), dtype=np.int16)
        self.samples = np.concatenate([self.samples, quiet, samples])

    def delivered(self) -> NDArray[np.int16]:
        padded = np.zeros(self.heard, dtype=np.int16)
        known = self.samples[: self.heard]
        padded[: len(known)] = known
        return padded

    def task(self, offset: int) -> None:
        assert offset == 0x000 and self.values[0x500] == 1
        assert self.values[0x504] == 0x0A000000 and self.values[0x520] == 1, "1.28 MHz / 80"
        assert self.values[0x508] & 1 == 1, "mono"
        self.started = True
        self._start_block()

    def _start_block(self) -> None:
        start, size = self.values[0x560], self.values[0x564]
        self._chip.check_dma(start, 2 * size)
        self.event(0x100)  # STARTED: the pointer may be changed

        def end() -> None:
            self.heard += size
            block = self.delivered()[-size:]
            self.machine.uc.mem_write(start, block.astype("<i2").tobytes())
            self.event(0x108)  # END
            self._start_block()

        self.machine.at(self.machine.now + size * HERTZ // 16000, end)


class Watchdog(NrfPeripheral):
    """6.36: it asks for an interrupt, and restarts the chip two of its periods later."""

    fed_at: int | None = None
    bit = False

    def read(self, offset: int) -> int:
        return int(self.fed_at is not None) if offset == 0x400 else super().read(offset)

    def task(self, offset: int) -> None:
        assert offset == 0x000
        self._feed()

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if offset == 0x600:
            assert value == 0x6E524635
            self._feed()

    def _feed(self) -> None:
        self.fed_at = fed_at = self.machine.now

        def bite() -> None:
            if self.fed_at == fed_at:
                self.event(0x100)
                self.machine.at(self.machine.now + 2 * HERTZ // 32768, self._restart)

        self.machine.at(fed_at + (self.values[0x504] + 1) * HERTZ // 32768, bite)

    def _restart(self) -> None:
        self.bit = True
        raise Restart


class Nvmc(NrfPeripheral):
    """4.3: writes to flash by words, which clear bits, and pages erased. `done` lists both."""

    READ_ONLY, MAY_WRITE, MAY_ERASE = range(3)
    CONFIG, ERASE_PAGE = 0x504, 0x508

    def __init__(self, machine: Machine, base: int, chip: Nrf52840) -> None:
        super().__init__(machine, base, chip)
        self.done: list[tuple[int, bytes]] = []
        machine.uc.hook_add(UC_HOOK_MEM_WRITE, self._on_write, begin=0, end=FLASH_BYTES - 1)

    def read(self, offset: int) -> int:
        return 1 if offset == 0x400 else super().read(offset)  # READY

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if offset == self.ERASE_PAGE:
            assert self.values.get(self.CONFIG) == self.MAY_ERASE
            assert value % 4096 == 0
            self._store(value, b"\xff" * 4096)

    def _on_write(
        self, uc: Uc, access: int, address: int, size: int, value: int, data: object
    ) -> None:
        assert self.values.get(self.CONFIG) == self.MAY_WRITE
        assert size == 4
        assert address % 4 == 0
        word = (value & 0xFFFFFFFF).to_bytes(4, "little")
        was = self.machine.load(address, 4)
        assert bytes(a & b for a, b in zip(was, word, strict=True)) == word, "not erased before"
        self.done.append((address, word))

    def _store(self, address: int, content: bytes) -> None:
        self.machine.uc.mem_write(address, content)
        self.done.append((address, content))


class Gpio(Peripheral):
    """6.9, both ports; `high` holds (port, pin) of outputs."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.high: set[tuple[int, int]] = set()
        self.low: set[tuple[int, int]] = set()  # inputs held low

    def read(self, offset: int) -> int:
        port, offset = divmod(offset, 0x300)
        if offset == 0x510:
            held = (1 << pin for at, pin in self.low if at == port)
            return 0xFFFFFFFF & ~sum(held)
        return super().read(0x300 * port + offset)

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        port, register = (1, offset - 0x300) if offset >= 0x800 else (0, offset)
        pins = {(port, pin) for pin in range(32) if value >> pin & 1}
        if register == 0x508:
            self.high |= pins
        elif register == 0x50C:
            self.high -= pins


class Nrf52840(Machine):
    """The chip with an image in its flash; `start` runs it."""

    def __init__(
        self, image: bytes, *, flash_start: int = 0, after: Nrf52840 | None = None
    ) -> None:
        super().__init__(cpu_model=UC_CPU_ARM_CORTEX_M4, hertz=HERTZ)
        self.memory(0, FLASH_BYTES, b"\xff" * FLASH_BYTES)
        self.uc.mem_write(flash_start, image)
        left = after.load(RAM.start, len(RAM)) if after else b"\xa7" * len(RAM)
        self.memory(RAM.start, len(RAM), left)
        self.memory(0x10000000, 0x1000)
        self.uc.mem_write(0x10000060, struct.pack("<Q", DEVICE_ID))  # FICR, 4.4
        self.ppi = Ppi(self, 0x4001F000, self)
        self.clock = Clock(self, 0x40000000, self)
        if after and after.watchdog.bit:
            self.clock.values[RESETREAS] = 1 << 1  # DOG
        self.uarte = Uarte(self, 0x40002000, self)
        self.pdm = Pdm(self, 0x4001D000, self)
        self.watchdog = Watchdog(self, 0x40010000, self)
        self.nvmc = Nvmc(self, 0x4001E000, self)
        self.gpio = Gpio(self)
        timers = {base: Timer(self, base, self) for base in (0x40009000, 0x4000A000)}
        self.region(
            0x40000000,
            0x20000,
            {
                **timers,
                0x40000000: self.clock,
                0x40002000: self.uarte,
                0x40010000: self.watchdog,
                0x4001D000: self.pdm,
                0x4001E000: self.nvmc,
                0x4001F000: self.ppi,
            },
        )
        self.region(0x50000000, 0x1000, {0x50000000: self.gpio})
        self.transport = SerialTransport(self, self.uarte.line)
        self.start(flash_start)

    def check_dma(self, start: int, size: int) -> None:
        assert start in RAM and start + size - 1 in RAM and size > 0, "EasyDMA knows only RAM"
