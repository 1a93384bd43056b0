# SPDX-License-Identifier: Apache-2.0
"""Specialised kernels (DSP, Helium, Thumb, AVX2) compute what the plain C++ ones do, bit for bit.

One program runs every kernel over the same pseudo-random shapes, weights and scales, and prints a
checksum of each result. Its lines must not depend on the kernels that are compiled in.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stapes.firmware.boards import find_emulated
from stapes.firmware.emulator import run_program

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests" / "board" / "kernels"
CASES = 300
KINDS = (
    *("matmul", "depthwise", "rows", "scaling", "time_stage", "byte_time_stage", "pixel_sums"),
    *("add", "depthwise_over_time"),
)
BOARDS = ("mps2_an385", "mps2_an386", "mps2_an500", "mps3_an547", "qemu_riscv32")
Build = Callable[..., Path]  # tests/board/conftest.py
PLAIN = "STAPES_PLAIN_KERNELS"
COMMON = [
    *("-std=c++17", "-O2", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra", "-Werror"),
    *("-Wshadow", "-Wconversion", f"-I{ROOT}", f"-I{ROOT / 'firmware'}"),
]


def kernel_sources() -> list[Path]:
    kernels = sorted((ROOT / "firmware" / "nn" / "kernels").rglob("*.cc"))
    return [SOURCES / "kernel_vectors.cc", *kernels]


def lines_of_board(board: str, build_image: Build, *definitions: str, cpu: str = "") -> list[str]:
    sources = [SOURCES / "kernel_vectors.cc", SOURCES / "board_main.cc"]
    image = build_image(board, sources, *definitions, cpu=cpu)
    return run_program(find_emulated(ROOT, board), image, count_instructions=False)


def lines_of_host(folder: Path, *options: str) -> list[str]:
    program = folder / "kernels"
    sources = [*kernel_sources(), SOURCES / "host_main.cc"]
    subprocess.run(["g++", *COMMON, *options, *map(str, sources), "-o", str(program)], check=True)
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The plain kernels' lines on this machine."""
    folder = tmp_path_factory.mktemp("plain")
    return lines_of_host(folder, f"-D{PLAIN}", "-fsanitize=undefined", "-fno-sanitize-recover=all")


def test_every_kernel_is_run(plain: list[str]):
    counts = {kind: sum(line.startswith(kind + " ") for line in plain) for kind in KINDS}
    assert counts == dict.fromkeys(KINDS, CASES)
    for kind in KINDS:  # results differ from case to case
        assert len({line for line in plain if line.startswith(kind + " ")}) > CASES * 0.9


@pytest.mark.parametrize("board", BOARDS)
def test_kernels_of_a_board_equal_the_plain_ones(board: str, plain: list[str], build_image: Build):
    assert lines_of_board(board, build_image) == plain


def test_kernels_of_a_cortex_m0_equal_the_plain_ones(plain: list[str], build_image: Build):
    # A Cortex-M3 also runs what is compiled for a Cortex-M0, and has more memory than microbit.
    assert lines_of_board("mps2_an385", build_image, cpu="cortex-m0") == plain


def test_plain_kernels_compute_the_same_on_a_board(plain: list[str], build_image: Build):
    assert lines_of_board("mps2_an386", build_image, PLAIN) == plain


def test_kernels_of_x86_equal_the_plain_ones(plain: list[str], tmp_path: Path):
    assert lines_of_host(tmp_path) == plain
