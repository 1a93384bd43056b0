# SPDX-License-Identifier: Apache-2.0
"""Every kind of core (DSP, Helium, Thumb, RISC-V) computes the front end's bits as Python does.

One image runs all settings over the same noise and prints a checksum of each one's frames.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from builds import ROOT
from stapes.device.c_tables import c_context
from stapes.device.front_end import FrontEnd
from stapes.firmware.boards import find_emulated
from stapes.firmware.emulator import run_program
from stapes.firmware.rendering import render
from stapes.model.settings import FrontEndSettings, PcenSettings

SOURCES = ROOT / "tests" / "board"
FRAMES = 8
BOARDS = [
    ("mps2_an385", "cortex-m0"),
    ("mps2_an385", ""),
    ("mps2_an386", ""),
    ("mps3_an547", ""),
    ("qemu_riscv32", ""),
]
Build = Callable[..., Path]  # conftest.py


def settings(rate: int, window: int, stride: int, high: float, **others) -> FrontEndSettings:
    """The default front end, with a window and a stride of these numbers of samples."""
    return FrontEndSettings(
        sample_rate=rate,
        window_size_ms=(window + 0.1) * 1000 / rate,
        window_stride_ms=(stride + 0.1) * 1000 / rate,
        upper_edge_hertz=high,
        **others,
    )


SETTINGS = [
    settings(16000, 480, 320, 4000),  # the default
    settings(16000, 400, 160, 8000, dct_coefficient_count=0),  # log-mel up to the Nyquist bin
    settings(16000, 512, 512, 7600, dct_coefficient_count=10, channel_count=64),  # no zeros
    settings(16000, 257, 100, 4000, dct_coefficient_count=13),  # hardly longer than half the size
    # no whole fours of pairs, neither in the falling half nor at its odd end; rows of 24 entries
    settings(16000, 463, 200, 4000, dct_coefficient_count=13, channel_count=48),
    settings(8000, 240, 160, 3800, dct_coefficient_count=13),  # a size that is no power of 4
    settings(44100, 1102, 441, 7600, dct_coefficient_count=1, channel_count=41),
    settings(16000, 31, 100, 8000, dct_coefficient_count=0, channel_count=5),  # odd, with pauses
    settings(8000, 16, 8, 4000, dct_coefficient_count=2, channel_count=2),  # smallest FFT
    settings(48000, 4096, 2000, 20000, dct_coefficient_count=0, channel_count=80),  # largest
    settings(16000, 480, 320, 7600, dct_coefficient_count=0, pcen=PcenSettings()),
]


def noise(count: int) -> np.ndarray:
    """As front_end_vectors.cc makes it."""
    state, samples = 1, np.empty(count, np.int16)
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        signed = state - (state >> 31 << 32)
        samples[i] = signed >> (16 + (i >> 8) % 17)
    return samples


def checksum(front_end: FrontEnd, audio: np.ndarray) -> int:
    tables = front_end.tables
    used = audio[: tables.window_samples + (FRAMES - 1) * tables.stride_samples]
    rounded = front_end.process(used).astype(np.int32)
    front_end.reset()
    frames = front_end.process_q(used)
    assert len(frames) == FRAMES
    frames[0::2] = rounded[0::2]
    value = 2166136261
    for number in frames.ravel().tolist():
        value = ((value ^ (number & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
    return value


@pytest.fixture(scope="module")
def front_ends() -> list[FrontEnd]:
    return [FrontEnd(case, scale=0.05, zero_point=-3) for case in SETTINGS]


@pytest.fixture(scope="module")
def sources(front_ends: list[FrontEnd], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The program's, with the tables of all settings."""
    folder = tmp_path_factory.mktemp("tables")
    names = [f"case{i}" for i in range(len(front_ends))]
    all_tables = folder / "all_tables.cc"
    declared = "".join(
        f"namespace {name} {{ extern const FrontEndTables kFrontEndTables; }}\n" for name in names
    )
    all_tables.write_text(f"""
#include <cstddef>
#include "frontend/front_end_tables.h"
namespace stapes {{
{declared}
extern const FrontEndTables* const kAllTables[];
extern const std::size_t kAllTablesCount;
const FrontEndTables* const kAllTables[] = {{
  {", ".join(f"&{name}::kFrontEndTables" for name in names)}
}};
const std::size_t kAllTablesCount = {len(names)};
}}
""")
    files = [all_tables, SOURCES / "front_end" / "front_end_vectors.cc"]
    files.append(SOURCES / "kernels" / "board_main.cc")
    about = dict.fromkeys(("model_file", "sha256", "command", "version"), "test")
    for name, front_end in zip(names, front_ends, strict=True):
        own = {**about, "namespace": f"stapes::{name}", **c_context(front_end.tables)}
        files.append(folder / f"{name}.cc")
        files[-1].write_text(render("frontend_tables.cc.jinja", own))
    return files


@pytest.fixture(scope="module")
def expected(front_ends: list[FrontEnd]) -> list[str]:
    audio = noise(4096 + FRAMES * 2000)
    sums = [checksum(front_end, audio) for front_end in front_ends]
    assert len(set(sums)) == len(sums)
    return [*(f"features {value:08x}" for value in sums), "different_products 00000000"]


@pytest.mark.parametrize(("board", "cpu"), BOARDS)
def test_a_board_computes_what_python_does(
    board: str, cpu: str, sources: list[Path], expected: list[str], build_image: Build
):
    image = build_image(board, sources, cpu=cpu)
    assert run_program(find_emulated(ROOT, board), image, count_instructions=False) == expected
