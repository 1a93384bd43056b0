#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions, arena and flash of the int8 engine on emulated boards; time on this machine.

Each case is a network with seeded random weights (bench/networks.py). Boards are emulated by
QEMU, whose counter (-icount) gives executed instructions, not cycles: the third inference in a row
is counted. What the board computed must equal what stapes._native computes.
Needs cmake, and the compilers and emulators that its boards name.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from networks import NETWORKS, Network
from stapes import _native
from stapes.errors import StapesError
from stapes.firmware.boards import Board, find_emulated
from stapes.firmware.build import build_program
from stapes.firmware.cycles import estimate_cycles
from stapes.firmware.measure import build_network, measure_network, measured_inputs

ROOT = Path(__file__).resolve().parent.parent
FRAMES = 20  # per call of stapes._native
X86 = "x86"

Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """An emulated board."""

    board: str
    cpu: str = ""  # another core than the board's
    core: str = ""  # whose manual gives cycles


MACHINES = {
    "m4": Machine(board="mps2_an386", core="cortex-m4"),
    "m7": Machine(board="mps2_an500"),
    "m3": Machine(board="mps2_an385", core="cortex-m3"),
    # A Cortex-M3 also runs what is compiled for a Cortex-M0, and has more memory than microbit.
    "m0": Machine(board="mps2_an385", cpu="cortex-m0", core="cortex-m0plus"),
    "m55": Machine(board="mps3_an547"),
    "rv32imac": Machine(board="qemu_riscv32"),
}

# Upstream tflite-micro (90b983c) with CMSIS-NN, int8 registrations, on the same emulator and
# compiler; its models of these shapes. x86: reference kernels, -O3 for AVX2, median seconds.
# The arena of svdf_small is that of upstream's model, whose state is int8 and half as large.
REFERENCES: dict[str, dict[str, Figures]] = {
    "m4": {
        "ds_cnn": {"instructions": 7697650, "arena_bytes": 22820, "flash_bytes": 52652},
        "wake_word": {"instructions": 2227101, "arena_bytes": 16596, "flash_bytes": 50116},
        "svdf_small": {"instructions": 120166, "arena_bytes": 8212, "flash_bytes": 41364},
    },
    "m55": {
        "ds_cnn": {"instructions": 1813452},
        "wake_word": {"instructions": 407447},
        "svdf_small": {"instructions": 53972},
    },
    X86: {
        "ds_cnn": {"seconds": 1565e-6},
        "wake_word": {"seconds": 304e-6},
        "svdf_small": {"seconds": 9.5e-6},
    },
}

DENSE = ("dense_fully_connected", "dense_svdf", "dense_pointwise")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--machines", nargs="+", choices=[*MACHINES, X86], default=[*MACHINES, X86])
    parser.add_argument("--cases", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--build_dir", type=Path, default=ROOT / "build" / "bench" / "networks")
    parser.add_argument(
        "--cycles", action="store_true", help="estimate cycles on Cortex-M0+, M3 and M4 as well"
    )
    arguments = parser.parse_args()
    networks = [NETWORKS[name]() for name in arguments.cases]
    report = {}
    try:
        for name in arguments.machines:
            report[name] = measure_machine(
                name, networks, arguments.build_dir, cycles=arguments.cycles
            )
    except StapesError as error:
        sys.exit(f"engine.py: {error}")
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        print_report(report)


def measure_machine(
    name: str, networks: Iterable[Network], build_dir: Path, *, cycles: bool = False
) -> dict[str, Figures]:
    """Case -> figures. `dense` is the worst of the cases of one dense layer each."""
    measure = measure_x86 if name == X86 else lambda n: measure_board(name, n, build_dir, cycles)
    report = {network.name: measure(network) for network in networks}
    layers = [report[case] for case in DENSE if case in report]
    if name != X86 and len(layers) == len(DENSE):
        worst = max(layer["instructions_per_mac"] for layer in layers)
        report["dense"] = {"instructions_per_mac": worst}
    return report


def measure_board(name: str, network: Network, build_dir: Path, cycles: bool = False) -> Figures:
    """Builds the image of one network, runs it, and checks its result. On request it also estimates
    the cycles, if the manual of the core has a table (stapes/firmware/cycles.py).

    Raises:
        StapesError: the image cannot be built or run, or computes something else.
    """
    machine = MACHINES[name]
    board = find_emulated(ROOT, machine.board)
    folder = build_dir / name
    built = build_network(network.model, board, ROOT, folder, machine.cpu)
    image = keep(built, network.name)
    counted = measure_network(network.model, board, image)
    estimated = {}
    if cycles and machine.core:
        found = estimate_cycles(image, board, machine.core)
        estimated = {
            "estimated_cycles": found.cycles,
            "estimated_cycles_per_mac": round(found.cycles / network.macs, 3),
        }
    return {
        "instructions": counted.inference,
        "instructions_per_mac": round(counted.inference / network.macs, 3),
        "arena_bytes": counted.arena_bytes,
        "stack_bytes": counted.stack_bytes,
        "flash_bytes": engine_bytes(image, build_empty(board, folder, machine.cpu)),
        **estimated,
    }


def build_empty(board: Board, folder: Path, cpu: str) -> Path:
    """An image without a network: the size of everything except the engine."""
    source = folder / "empty.cc"
    if not source.exists():
        source.write_text('#include "boards/board.h"\nint stapes::RunFirmware() { return 0; }\n')
    return keep(build_program(board, [source], ROOT, folder, cpu=cpu), "empty")


def keep(built: Path, name: str) -> Path:
    """A copy of an image and of the linker's map, which the next build replaces."""
    image = built.with_name(f"{name}.elf")
    for suffix in ("", ".map"):
        shutil.copyfile(f"{built}{suffix}", f"{image}{suffix}")
    return image


def engine_bytes(image: Path, empty: Path) -> int:
    """Flash for the engine: code and constants of the objects that only the image with a network
    has, with those of the C library, without the measuring program and the model.
    """
    without = set(linked_bytes(empty))
    members = {name: size for name, size in linked_bytes(image).items() if name not in without}
    return sum(size for name, size in members.items() if ".a(" in name)


def linked_bytes(image: Path) -> dict[str, int]:
    """Bytes in flash of every object, by its name in the linker's map."""
    text = Path(f"{image}.map").read_text().split("Linker script and memory map")[1]
    placed = re.compile(
        r"^ \.(?:text|rodata|data|init_array)[\w.$]*\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s+(\S+)$", re.M
    )
    sizes: dict[str, int] = {}
    for size, name in placed.findall(text):
        sizes[name] = sizes.get(name, 0) + int(size, 16)
    return {name: size for name, size in sizes.items() if size}


def measure_x86(network: Network) -> Figures:
    """Seconds of one inference by stapes._native here, on one thread: the fastest of many."""
    engine = _native.Engine(network.model)
    frame = next(measured_inputs(network.model))
    frames = np.repeat(frame.reshape(1, -1), FRAMES, axis=0)
    engine.run(frames)
    seconds = []
    until = time.perf_counter() + 1.0
    while time.perf_counter() < until:
        start = time.perf_counter()
        engine.run(frames)
        seconds.append((time.perf_counter() - start) / FRAMES)
    return {
        "seconds": round(min(seconds), 8),
        "arena_bytes": engine.arena_used,
        "macs_per_second": round(network.macs / min(seconds)),
    }


def print_report(report: dict[str, dict[str, Figures]]) -> None:
    """A table per machine; in parentheses how many times less than upstream's."""
    for machine, cases in report.items():
        print(f"\n{machine} ({MACHINES[machine].board if machine in MACHINES else 'this machine'})")
        for case, figures in cases.items():
            reference = REFERENCES.get(machine, {}).get(case, {})
            parts = [_figure(name, value, reference.get(name)) for name, value in figures.items()]
            print(f"  {case:24}" + "  ".join(parts))
    print("\nIn parentheses: upstream TFLM (CMSIS-NN on boards) as a multiple of the figure.")


def _figure(name: str, value: float, reference: float | None) -> str:
    if name == "seconds":
        text = f"{value * 1e6:,.1f} us"
    else:
        text = f"{value:,} {name.replace('_', ' ')}"
    return text if reference is None else f"{text} ({reference / value:.2f}x)"


if __name__ == "__main__":
    main()
