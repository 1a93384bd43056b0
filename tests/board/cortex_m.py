# SPDX-License-Identifier: Apache-2.0
"""A Cortex-M with modelled peripherals: unicorn runs the instructions of a real image,
Python models everything around the processor. One instruction takes one cycle."""

from __future__ import annotations

import heapq
import struct
import subprocess
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Protocol

import numpy as np
from link_bytes import TRIES
from numpy.typing import NDArray
from unicorn import UC_ARCH_ARM, UC_HOOK_INTR, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
from unicorn.arm_const import (
    UC_ARM_REG_IPSR,
    UC_ARM_REG_LR,
    UC_ARM_REG_MSP,
    UC_ARM_REG_PC,
    UC_ARM_REG_PRIMASK,
    UC_ARM_REG_R0,
    UC_ARM_REG_R1,
    UC_ARM_REG_R2,
    UC_ARM_REG_R3,
    UC_ARM_REG_R12,
    UC_ARM_REG_XPSR,
)

from stapes import _native
from stapes.link.protocol import Event, LineReader
from stapes.link.session import Session
from stapes.link.transport import LinkClosed
from stapes.replay import NativePlayer

STACKED = (
    *(UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3),
    *(UC_ARM_REG_R12, UC_ARM_REG_LR, UC_ARM_REG_PC, UC_ARM_REG_XPSR),
)
WFI = b"\x30\xbf"
SLICE = 2000  # instructions from one check of the interrupts to the next
FIRST_EXTERNAL = 16
SYSTICK = 15


def flash_content(image: Path) -> bytes:
    """What an .elf image puts into flash, from its start."""
    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder) / "flash.bin"
        subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", image, content], check=True)
        return content.read_bytes()


class Restart(Exception):
    """The program asked for a restart, or the watchdog made one."""


class Peripheral:
    """Registers at consecutive addresses. They read back what was written, unless a subclass does
    something else. `log` holds all writes."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.values: dict[int, int] = {}
        self.log: list[tuple[int, int]] = []

    def read(self, offset: int) -> int:
        return self.values.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        self.values[offset] = value
        self.log.append((offset, value))


class Machine:
    """The processor, its interrupts and its time. `now` counts cycles."""

    def __init__(self, *, cpu_model: int, hertz: int) -> None:
        self.hertz = hertz
        self.now = 0
        self.uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self.uc.ctl_set_cpu_model(cpu_model)
        self.uc.hook_add(UC_HOOK_INTR, self._on_exception_return)
        self.uc.mmio_map(0xE000E000, 0x1000, self._read_system, None, self._write_system, None)
        self._peripherals: dict[int, Peripheral] = {}
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._enabled: set[int] = set()
        self._pending: set[int] = set()
        self.in_interrupt = False
        self._returned = False
        self._systick_cycles = 0
        self.vectors = 0

    def memory(self, start: int, size: int, content: bytes = b"") -> None:
        self.uc.mem_map(start, size)
        self.uc.mem_write(start, content)

    def region(self, start: int, size: int, peripherals: dict[int, Peripheral]) -> None:
        """Peripherals by their addresses within start...start + size."""
        self._peripherals.update(peripherals)
        self.uc.mmio_map(
            start,
            size,
            lambda uc, offset, width, data: self.read(start + offset),
            None,
            lambda uc, offset, width, value, data: self.write(start + offset, value),
            None,
        )

    def read(self, address: int) -> int:
        peripheral, offset = self._find(address)
        return peripheral.read(offset) & 0xFFFFFFFF

    def write(self, address: int, value: int) -> None:
        peripheral, offset = self._find(address)
        peripheral.write(offset, value)

    def load(self, address: int, size: int) -> bytes:
        return bytes(self.uc.mem_read(address, size))

    def at(self, when: int, do: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), do))

    def pend(self, interrupt: int) -> None:
        """An external interrupt, by its number."""
        self._pending.add(FIRST_EXTERNAL + interrupt)

    def start(self, vectors: int) -> None:
        """As after a reset."""
        self.vectors = vectors
        stack, entry = struct.unpack("<2I", self.load(vectors, 8))
        self.uc.reg_write(UC_ARM_REG_MSP, stack)
        self.uc.reg_write(UC_ARM_REG_PC, entry)

    def run(self, until: Callable[[], bool], *, seconds: float) -> None:
        """Runs until `until` is true, for at most `seconds` of the machine's time."""
        deadline = self.now + round(seconds * self.hertz)
        while not until() and self.now < deadline:
            self.step()

    def step(self) -> None:
        self._happen()
        self._enter_exception()
        limit = SLICE
        if self._events:
            limit = max(1, min(limit, self._events[0][0] - self.now))
        self.uc.emu_start(self.uc.reg_read(UC_ARM_REG_PC) | 1, 0xFFFFFFFE, count=limit)
        pc = self.uc.reg_read(UC_ARM_REG_PC)
        if self._returned:
            self._leave_exception()
        elif self.load(pc - 2, 2) == WFI:
            if not self._ready() and self._events:
                self.now = max(self.now, self._events[0][0])
        else:
            self.now += limit

    def _find(self, address: int) -> tuple[Peripheral, int]:
        for base in (address & ~0x3FF, address & ~0xFFF):
            if base in self._peripherals:
                return self._peripherals[base], address - base
        raise AssertionError(f"nothing at {address:#x}")

    def _happen(self) -> None:
        while self._events and self._events[0][0] <= self.now:
            heapq.heappop(self._events)[2]()

    def _ready(self) -> list[int]:
        return sorted(self._pending & (self._enabled | {SYSTICK}))

    def _enter_exception(self) -> None:
        ready = self._ready()
        if not ready or self.in_interrupt or self.uc.reg_read(UC_ARM_REG_PRIMASK) & 1:
            return
        self._pending.discard(ready[0])
        values = [self.uc.reg_read(register) for register in STACKED]
        stack = self.uc.reg_read(UC_ARM_REG_MSP)
        frame = (stack - 32) & ~7
        values[-1] = values[-1] & ~(1 << 9) | (1 << 9 if frame != stack - 32 else 0)
        self.uc.mem_write(frame, struct.pack("<8I", *values))
        self.uc.reg_write(UC_ARM_REG_MSP, frame)
        self.uc.reg_write(UC_ARM_REG_LR, 0xFFFFFFF9)
        self.uc.reg_write(UC_ARM_REG_IPSR, ready[0])
        (handler,) = struct.unpack("<I", self.load(self.vectors + 4 * ready[0], 4))
        self.uc.reg_write(UC_ARM_REG_PC, handler)
        self.in_interrupt = True

    def _on_exception_return(self, uc: Uc, number: int, data: object) -> None:
        assert number == 8, f"exception {number} at {uc.reg_read(UC_ARM_REG_PC):#x}"
        self._returned = True
        uc.emu_stop()

    def _leave_exception(self) -> None:
        frame = self.uc.reg_read(UC_ARM_REG_MSP)
        values = struct.unpack("<8I", self.load(frame, 32))
        self.uc.reg_write(UC_ARM_REG_MSP, frame + 32 + (4 if values[-1] & 1 << 9 else 0))
        self.uc.reg_write(UC_ARM_REG_IPSR, 0)
        for register, value in zip(STACKED, values, strict=True):
            self.uc.reg_write(register, value)
        self.in_interrupt = self._returned = False

    def _read_system(self, uc: Uc, offset: int, size: int, data: object) -> int:
        return uc.reg_read(UC_ARM_REG_IPSR) if offset == 0xD04 else 0  # ICSR: VECTACTIVE

    def _write_system(self, uc: Uc, offset: int, size: int, value: int, data: object) -> None:
        """Armv7-M ARM, B3.2, B3.3, B3.4."""
        if 0x100 <= offset < 0x120:  # NVIC_ISER
            self._enabled |= {
                FIRST_EXTERNAL + (offset - 0x100) * 8 + bit for bit in range(32) if value >> bit & 1
            }
        elif offset == 0x014:  # SYST_RVR
            self._systick_cycles = value + 1
        elif offset == 0x010 and value & 3 == 3:  # SYST_CSR
            self.at(self.now + self._systick_cycles, self._tick)
        elif offset == 0xD08:  # VTOR
            self.vectors = value
        elif offset == 0xD0C:  # AIRCR
            assert value == 0x05FA0004
            raise Restart

    def _tick(self) -> None:
        self._pending.add(SYSTICK)
        self.at(self.now + self._systick_cycles, self._tick)


def pdm_noise() -> NDArray[np.uint16]:
    """0.5 s of bits whose density changes all the time; the first bit is the most significant."""
    rng = np.random.default_rng(9)
    wave = np.sin(np.cumsum(rng.uniform(0.001, 0.01, 512_000)))
    loudness = np.repeat([0.01, 0.04, 0.4, 0.02], 128_000)
    bits = rng.random(512_000) < 0.5 + loudness * wave
    return np.packbits(bits.reshape(-1, 16)).view(">u2").astype(np.uint16)


def check_hearing(transport: SerialTransport, dma: PdmDma, model: Path, *, gain_log2: int) -> None:
    """Checks that a board with a PDM microphone hears what this machine computes from its bits."""
    heard: list[Event] = []
    Session(transport, on_event=heard.append, tries=TRIES).send_scores(True)
    words = pdm_noise()
    dma.play(words)
    end = len(dma.delivered) + len(words) // len(dma.delivered[0]) + 4
    reader = LineReader()
    while len(dma.delivered) < end:
        heard.extend(reader.feed(transport.read(0.1)))

    decimated = _native.decimate_pdm(np.concatenate(dma.delivered), gain_log2=gain_log2)
    expected = NativePlayer(model).play(_native.block_dc(decimated))
    times = expected.times_ms.tolist()
    scores = [event for event in heard if event.name == "scores"]
    assert len(scores) > 20
    for event in scores:
        i = times.index(event.number("time_ms"))
        assert event.values()["q"] == expected.scores[i].tolist()
        assert event.number("features_crc") == expected.features_crc[i]


class PdmDma(Protocol):
    """The DMA of a modelled chip: it hears `words` after those that it has delivered so far."""

    delivered: list[NDArray[np.uint16]]

    def play(self, words: NDArray[np.uint16]) -> None: ...


class SerialTransport:
    """The machine's UART as the transport of a link; time passes only during a read."""

    def __init__(self, machine: Machine, uart: Uart) -> None:
        self.name = "simulated"
        self._machine = machine
        self._uart = uart

    def read(self, timeout: float) -> bytes:
        try:
            self._machine.run(lambda: bool(self._uart.sent), seconds=min(timeout, 0.5))
        except Restart as restart:
            raise LinkClosed("simulated: the board restarted") from restart
        data = bytes(self._uart.sent)
        self._uart.sent.clear()
        return data

    def write(self, data: bytes) -> None:
        self._uart.receive(data)

    def close(self) -> None:
        pass


class Uart:
    """The far end of a serial line: bytes that came, and those on their way at 115200 baud."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.byte_cycles = machine.hertz * 10 / 115200
        self.sent = bytearray()
        self.take: Callable[[int], None] = lambda byte: None  # the device's
        self._line_free = 0.0

    def receive(self, data: bytes) -> None:
        for byte in data:
            self._line_free = max(self._line_free, self._machine.now) + self.byte_cycles
            self._machine.at(round(self._line_free), lambda byte=byte: self.take(byte))
