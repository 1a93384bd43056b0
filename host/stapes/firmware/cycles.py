# SPDX-License-Identifier: Apache-2.0
"""Cycles of an inference on a Cortex-M, estimated: its executed instructions, each with the cycles
that Arm's technical reference manual of the core gives for it.

unicorn runs the image that `measure` or `frame_time` builds. It counts how often each block of
instructions ran, where control went from there, and how often a line of flash that is read is not
in a cache like the board's. objdump says which instructions these are. The result is an estimate;
LEFT_OUT says what is not in it. If a manual gives a range, the table has its upper end, except for
a pipeline refill (1 to 3), which counts as 2.
"""

from __future__ import annotations

import importlib
import re
import struct
import subprocess
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stapes.errors import StapesError
from stapes.firmware.boards import Board, Flash
from stapes.firmware.measure import INFERENCES
from stapes.firmware.tools import find_tool

LEFT_OUT = (
    "waits for RAM, fetches and loads that want the same memory at once, stalls of an address that "
    "was just computed, interrupts"
)
INVOKE = "_ZN6stapes15InferenceEngine6InvokeE"
MOST_SECONDS = 300
_REGION = 1 << 20  # memory is mapped in whole multiples of this
_PERIPHERALS = ((0x40000000, 0x20000000), (0xE0000000, 0x10000000))
_REFILL = 2
_IT_STATE = 0x0600FC00  # of XPSR


@dataclass(frozen=True, kw_only=True)
class CycleTable:
    """Cycles by kind of instruction."""

    manual: str
    single: int = 1  # all instructions that are not named below
    load: int
    store: int
    next_access: int  # a single load or store right after a single load
    multiple: int  # LDM, STM, PUSH, POP, LDRD, STRD, and one more for each register
    divide: int = 1
    accumulate: int = 1  # MLA, MLS
    long: int = 1  # SMULL, UMULL
    long_accumulate: int = 1  # SMLAL, UMLAL
    branch_taken: int  # in all
    call: int  # BL
    pop_return: int  # POP with PC, in addition to the cycles of its registers
    system: int = 1  # MRS, MSR, barriers


_CORTEX_M3 = CycleTable(
    manual="Cortex-M3 TRM (DDI 0337I), instruction set summary; load/store timings, page 3-9",
    load=2,
    store=1,
    next_access=1,
    multiple=1,
    divide=12,
    accumulate=2,
    long=5,
    long_accumulate=7,
    branch_taken=1 + _REFILL,
    call=1 + _REFILL,
    pop_return=_REFILL,
)
TABLES = {
    "cortex-m0plus": CycleTable(
        manual="Cortex-M0+ TRM (DDI 0484C), section 3.3, table 3-1; MULS in one cycle",
        load=2,
        store=2,
        next_access=2,
        multiple=1,
        branch_taken=2,
        call=3,
        pop_return=2,
        system=3,
    ),
    "cortex-m3": _CORTEX_M3,
    "cortex-m4": replace(
        _CORTEX_M3,
        manual="Cortex-M4 TRM (100166), section 3.3.1, table 3-1; loads and stores as on Cortex-M3",
        accumulate=1,
        long=1,
        long_accumulate=1,
    ),
}
# Cores for which we found no document of Arm with the cycles of each instruction.
NOT_PUBLISHED = ("cortex-m7", "cortex-m33", "cortex-m55")


def why_no_table(core: str) -> str:
    """Why there is no estimate for a core that `TABLES` lacks."""
    if core in NOT_PUBLISHED:
        return f"we found no public document with the cycles of each instruction of {core}"
    return f"there is no table of cycles for {core or 'a core that is not an Arm Cortex-M'}"


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """An instruction of the image: its size in bytes, its name, and its operands."""

    size: int
    name: str
    operands: str

    @property
    def is_branch(self) -> bool:
        return bool(re.fullmatch(r"b(|l|x|lx|eq|ne|cs|cc|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)"
                                 r"(\.n|\.w)?|cbn?z|tb[bh]", self.name))  # fmt: skip

    @property
    def is_single_load(self) -> bool:
        return bool(re.fullmatch(r"ldr(s?[bh])?(\.n|\.w)?", self.name))

    @property
    def is_single_store(self) -> bool:
        return bool(re.fullmatch(r"str[bh]?(\.n|\.w)?", self.name))

    @property
    def registers(self) -> int:
        """How many registers a load or store of several registers has."""
        if self.name.startswith(("ldrd", "strd")):
            return 2
        listed = self.operands.partition("{")[2].partition("}")[0]
        total = 0
        for part in filter(None, (word.strip() for word in listed.split(","))):
            low, _, high = part.partition("-")
            total += int(high[1:]) - int(low[1:]) + 1 if high else 1
        return total


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the counted calls executed: how often each block (address, bytes), and how often control
    went from the end of a block to an address."""

    blocks: Counter[tuple[int, int]]
    steps: Counter[tuple[int, int]]
    misses: tuple[int, ...] = ()  # for each cache


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Which calls of a function are counted. `symbol`: how the mangled name of it begins."""

    symbol: str
    first: int  # the first call that is counted; calls have numbers from 0
    count: int


LAST_INFERENCE = Calls(symbol=INVOKE, first=INFERENCES - 1, count=1)


class FlashCache:
    """Lines of flash as a cache keeps them: the line used longest ago is replaced first."""

    def __init__(self, flash: Flash) -> None:
        self._line = flash.line_bytes
        self._room = max(1, flash.cache_bytes // flash.line_bytes)
        self._kept: OrderedDict[int, None] = OrderedDict()
        self.misses = 0

    def read(self, address: int, size: int) -> None:
        for line in range(address // self._line, (address + size - 1) // self._line + 1):
            if line in self._kept:
                self._kept.move_to_end(line)
                continue
            self.misses += 1
            self._kept[line] = None
            if len(self._kept) > self._room:
                self._kept.popitem(last=False)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The sums over the counted calls. `taken`: branches, calls and returns that did not go on with
    the next instruction; `misses`: reads of flash that waited, for each cache."""

    instructions: int
    cycles: int
    taken: int
    manual: str
    misses: tuple[int, ...] = ()


def estimate_cycles(
    image: Path,
    board: Board,
    core: str,
    *,
    calls: Calls = LAST_INFERENCE,
    flashes: Sequence[Flash] = (),
) -> Estimate:
    """The cycles of some calls within an image for an emulated board, on a core of `TABLES`; by
    default, of the last inference in an image of `measure.build_network`. For each of `flashes`
    also how often the core waits for it.

    Raises:
        StapesError: there is no table for the core, unicorn is not installed, or the image does not
            run.
    """
    if core not in TABLES:
        raise StapesError(
            f"cycles of {core}: found no table in its manual, expected one of {', '.join(TABLES)}; "
            + why_no_table(core)
        )
    listing = disassemble(image)
    run = run_image(image, board, core, calls=calls, flashes=flashes)
    return estimate(run, listing, TABLES[core])


def estimate(run: Run, listing: dict[int, Instruction], table: CycleTable) -> Estimate:
    """Adds up a run by a table."""
    cycles = instructions = taken_all = 0
    left: Counter[int] = Counter()  # for each end of a block: how often control jumped from there
    for (end, target), times in run.steps.items():
        left[end] += times * (target != end)
    for (start, size), times in run.blocks.items():
        place, before = start, None
        while place < start + size:
            found = listing[place]
            cycles += times * _cycles(found, before, table)
            instructions += times
            place, before = place + found.size, found
    # If control jumps from the end of a block, the last instruction of the block is a jump.
    ends = {start + size: _last(listing, start, size) for start, size in run.blocks}
    for end, times in left.items():
        last = ends[end]
        cycles += times * (_taken(last, table) - (1 if last.is_branch else 0))
        taken_all += times
    return Estimate(
        instructions=instructions,
        cycles=cycles,
        taken=taken_all,
        manual=table.manual,
        misses=run.misses,
    )


def _cycles(found: Instruction, before: Instruction | None, table: CycleTable) -> int:
    """The cycles of an instruction after which the next one is executed."""
    name = found.name
    if found.is_single_load or found.is_single_store:
        if before is not None and before.is_single_load:
            return table.next_access
        return table.load if found.is_single_load else table.store
    if name.startswith(("ldm", "stm", "push", "pop", "ldrd", "strd")):
        return table.multiple + found.registers
    if name.startswith(("sdiv", "udiv")):
        return table.divide
    if name in ("mla", "mls"):
        return table.accumulate
    if name in ("smull", "umull"):
        return table.long
    if name in ("smlal", "umlal"):
        return table.long_accumulate
    if name in ("mrs", "msr", "dmb", "dsb", "isb"):
        return table.system
    return table.single


def _taken(last: Instruction, table: CycleTable) -> int:
    """The cycles of a jump at the end of a block: of a branch in all, of other jumps in addition to
    the cycles that `_cycles` gives."""
    if last.name in ("bl", "bl.w"):
        return table.call
    if last.is_branch:
        return table.branch_taken
    return table.pop_return


def _last(listing: dict[int, Instruction], start: int, size: int) -> Instruction:
    place = start
    while place + listing[place].size < start + size:
        place += listing[place].size
    return listing[place]


def disassemble(image: Path) -> dict[int, Instruction]:
    """All instructions of an image by their addresses."""
    objdump = find_tool("arm-none-eabi-objdump", purpose="to read an image")
    text = subprocess.run([objdump, "-d", image], capture_output=True, text=True, check=True).stdout
    return parse_listing(text)


def parse_listing(text: str) -> dict[int, Instruction]:
    """The instructions in the output of objdump -d: "  20a:	f04f 0301 	mov.w	r3, #1"."""
    line = re.compile(r"^\s*([0-9a-f]+):\t((?:[0-9a-f]{4} ?){1,2})\s*\t([\w.]+)\t?([^\n;@]*)", re.M)
    return {
        int(address, 16): Instruction(
            size=2 * len(code.split()), name=name, operands=operands.strip()
        )
        for address, code, name, operands in line.findall(text)
    }


def run_image(
    image: Path,
    board: Board,
    core: str,
    *,
    calls: Calls = LAST_INFERENCE,
    flashes: Sequence[Flash] = (),
) -> Run:
    """Runs a measuring image up to the end of the calls that are counted.

    Raises:
        StapesError: unicorn is not installed, or the image does not get there.
    """
    try:
        unicorn: Any = importlib.import_module("unicorn")
        arm_const: Any = importlib.import_module("unicorn.arm_const")
    except ImportError as error:
        raise StapesError("cycles: found no unicorn; pip install unicorn") from error
    models = {
        "cortex-m0plus": arm_const.UC_CPU_ARM_CORTEX_M0,
        "cortex-m3": arm_const.UC_CPU_ARM_CORTEX_M3,
        "cortex-m4": arm_const.UC_CPU_ARM_CORTEX_M4,
    }
    uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    uc.ctl_set_cpu_model(models[core])
    for start, size in ((board.flash_start, board.flash_bytes), (board.ram_start, board.ram_bytes)):
        uc.mem_map(start, -(-size // _REGION) * _REGION)
    uc.mem_write(board.flash_start, _flash_content(image))
    for start, size in _PERIPHERALS:  # they read as 0
        uc.mmio_map(start, size, lambda *_: 0, None, lambda *_: None, None)
    entry, counted = _symbol(image, calls.symbol), _Counted(flashes)

    def block(uc: Any, address: int, size: int, _: object) -> None:
        if address == entry and not counted.returns:
            if calls.first == counted.calls:
                counted.start()
            if calls.first <= counted.calls:
                counted.returns = uc.reg_read(arm_const.UC_ARM_REG_LR) & ~1
            counted.calls += 1
        elif counted.returns and address == counted.returns:
            counted.returns = counted.end = 0
            if counted.calls == calls.first + calls.count:
                uc.emu_stop()
        counted.add(address, size)

    def read(uc: Any, kind: int, address: int, size: int, *_: object) -> None:
        # A call of this hook in an IT block would leave the IT state to the next block.
        status = uc.reg_read(arm_const.UC_ARM_REG_XPSR)
        if status & _IT_STATE:
            uc.reg_write(arm_const.UC_ARM_REG_XPSR, status & ~_IT_STATE)
        counted.read(address, size)

    def unmapped(uc: Any, kind: int, address: int, *_: object) -> bool:
        """More memory of the board, such as memory that an emulator shares: maps it, empty."""
        uc.mem_map(address // _REGION * _REGION, _REGION)
        return True

    uc.hook_add(unicorn.UC_HOOK_BLOCK, block)
    if flashes:
        flash_end = board.flash_start + board.flash_bytes - 1
        uc.hook_add(unicorn.UC_HOOK_MEM_READ, read, begin=board.flash_start, end=flash_end)
    uc.hook_add(unicorn.UC_HOOK_MEM_READ_UNMAPPED | unicorn.UC_HOOK_MEM_WRITE_UNMAPPED, unmapped)
    stack, start = struct.unpack("<2I", bytes(uc.mem_read(board.flash_start, 8)))
    uc.reg_write(arm_const.UC_ARM_REG_MSP, stack)
    try:
        uc.emu_start(start | 1, 0xFFFFFFFE, timeout=MOST_SECONDS * 1_000_000)
    except unicorn.UcError as error:
        raise StapesError(f"{image}: does not run in unicorn ({error}); run tests/board") from error
    if counted.calls < calls.first + calls.count or counted.returns:
        raise StapesError(
            f"{image}: found {counted.calls} calls of {calls.symbol} in {MOST_SECONDS} s, expected "
            f"{calls.first + calls.count}; run tests/board"
        )
    return Run(
        blocks=counted.blocks,
        steps=counted.steps,
        misses=tuple(cache.misses for cache in counted.caches),
    )


class _Counted:
    """Blocks, steps and reads of flash of the counted calls."""

    def __init__(self, flashes: Sequence[Flash]) -> None:
        self.calls = 0
        self.returns = 0  # return address of the call that is counted; 0: no call is
        self.end = 0
        self.caches = [FlashCache(flash) for flash in flashes]
        self.blocks: Counter[tuple[int, int]] = Counter()
        self.steps: Counter[tuple[int, int]] = Counter()

    def start(self) -> None:
        """Counts misses from here on; the caches keep their content."""
        for cache in self.caches:
            cache.misses = 0

    def add(self, address: int, size: int) -> None:
        self.read(address, size)
        if not self.returns:
            return
        if self.end:
            self.steps[self.end, address] += 1
        self.blocks[address, size] += 1
        self.end = address + size

    def read(self, address: int, size: int) -> None:
        if not self.calls:  # before the first call: it would only take time
            return
        for cache in self.caches:
            cache.read(address, size)


def _flash_content(image: Path) -> bytes:
    objcopy = find_tool("arm-none-eabi-objcopy", purpose="to read an image")
    binary = image.with_suffix(".flash")
    subprocess.run([objcopy, "-O", "binary", image, binary], check=True)
    try:
        return binary.read_bytes()
    finally:
        binary.unlink()


def _symbol(image: Path, start: str) -> int:
    """The address of the function whose name begins with `start`."""
    nm = find_tool("arm-none-eabi-nm", purpose="to read an image")
    listed = subprocess.run([nm, image], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        address, _, symbol = line.rpartition(" ")
        if symbol.startswith(start):
            return int(address.split()[0], 16) & ~1
    raise StapesError(f"{image}: found no {start}, expected a measuring image; build it again")
