#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions, flash and RAM of the front end on emulated boards; speed on this machine.

Needs arm-none-eabi-g++ and qemu-system-arm. Instructions come from the emulator's counter
(-icount), 2^6 ns each; they are instructions, not cycles.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import stapes
from engine import MACHINES, Machine
from stapes.device.c_tables import c_context
from stapes.device.front_end import FrontEnd
from stapes.firmware.boards import find_emulated
from stapes.firmware.build import build_program
from stapes.firmware.emulator import instructions_of, run_measurement
from stapes.firmware.rendering import render
from stapes.firmware.tools import run_tool
from stapes.model.settings import FrontEndSettings, PcenSettings

ROOT = Path(__file__).resolve().parent.parent
# Upstream tflite-micro (90b983c), 16 kHz, 30 ms, 40 channels, M4, the same emulator and compiler.
MEASURED = ("m0", "m3", "m4", "m55")
REFERENCES = {"microfrontend": 84710, "audio_preprocessor_int8": 105766}
FRAMES = 20

CASES = {
    "mfcc_16khz": FrontEndSettings(),
    "log_mel_16khz": FrontEndSettings(dct_coefficient_count=0),
    "pcen_16khz": FrontEndSettings(dct_coefficient_count=0, pcen=PcenSettings()),
    "mfcc13_8khz": FrontEndSettings(
        sample_rate=8000, upper_edge_hertz=3800, dct_coefficient_count=13
    ),
    "log_mel_48khz": FrontEndSettings(
        sample_rate=48000, upper_edge_hertz=8000, dct_coefficient_count=0
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, no table")
    parser.add_argument("--machines", nargs="+", choices=MEASURED, default=["m4"])
    parser.add_argument("--build_dir", type=Path, default=ROOT / "build" / "bench" / "frontend")
    arguments = parser.parse_args()
    figures: dict[str, dict[str, Any]] = {name: {} for name in [*arguments.machines, "host"]}
    for case, settings in CASES.items():
        front_end = FrontEnd(settings, scale=0.5, zero_point=0)
        for name in arguments.machines:
            figures[name][case] = measure_board(front_end, name, arguments.build_dir / name)
        figures["host"][case] = measure_host(front_end)
    if arguments.json:
        print(json.dumps(figures, indent=2))
    else:
        print_tables(figures)


def measure_board(front_end: FrontEnd, name: str, folder: Path) -> dict[str, int | float | bool]:
    """Builds an image around the front end, runs it and compares its features with Python's."""
    machine = MACHINES[name]
    values = run_measurement(find_emulated(ROOT, machine.board), build(front_end, machine, folder))
    tables = front_end.tables
    unlinked = 0 if tables.pcen_curve.size else flash_bytes(folder, "frontend/pcen.cc.*")
    return {
        "instructions": instructions_of(values["ticks"], values),
        "most_instructions": instructions_of(values["most_ticks"], values),
        "code_bytes": flash_bytes(folder, "stapes_firmware.dir/frontend/*") - unlinked,
        "table_bytes": flash_bytes(folder, "tables.cc.*"),
        "ram_bytes": tables.work_bytes + values["state_bytes"],
        "stack_bytes": values["stack_bytes"],
        "bit_equal": values["hash"] == feature_hash(front_end),
    }


def build(front_end: FrontEnd, machine: Machine, folder: Path) -> Path:
    """The image that measures a front end."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = folder / "tables.cc"
    tables.write_text(render_tables(front_end))
    sources = [tables, ROOT / "bench" / "frontend" / "main.cc"]
    board = find_emulated(ROOT, machine.board)
    return build_program(board, sources, ROOT, folder, cpu=machine.cpu)


def render_tables(front_end: FrontEnd) -> str:
    provenance = {
        "namespace": "stapes",
        "model_file": "none",
        "sha256": "none",
        "command": "bench/frontend.py",
        "version": stapes.__version__,
    }
    return render("frontend_tables.cc.jinja", {**provenance, **c_context(front_end.tables)})


def flash_bytes(folder: Path, pattern: str) -> int:
    """Code and constants of the object files below a folder whose paths match."""
    paths = [path for path in folder.rglob(pattern) if path.suffix in (".o", ".obj")]
    lines = run_tool(["arm-none-eabi-size", *paths]).splitlines()[1:]
    return sum(int(line.split()[0]) for line in lines)


def feature_hash(front_end: FrontEnd) -> int:
    """What bench/frontend/main.cc computes, by the Python module: noise, features, FNV-1a."""
    settings = front_end.settings
    count = settings.window_samples + (FRAMES - 1) * settings.stride_samples
    state, samples = 1, np.empty(count, np.int16)
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        signed = state - (state >> 31 << 32)
        samples[i] = signed >> (16 + (i >> 10 & 7))
    front_end.reset()
    value = 2166136261
    for byte in front_end.process(samples).tobytes():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def measure_host(front_end: FrontEnd) -> dict[str, float]:
    """Seconds of audio per second of work on one core, the best of five."""
    rate = front_end.settings.sample_rate
    clips = np.random.default_rng(1).integers(-20000, 20000, (200, rate)).astype(np.int16)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        front_end.compute_features(clips)
        best = min(best, time.perf_counter() - start)
    return {"seconds": best / len(clips), "realtime_factor": len(clips) / best}


def print_tables(figures: dict[str, dict[str, Any]]) -> None:
    """A table per machine."""
    header = ("instructions", "most", "code B", "tables B", "RAM B", "stack B", "equal", "x86")
    layout = "{:<14}" + "{:>13}" * 8
    host = figures["host"]
    for machine in [name for name in figures if name != "host"]:
        print(layout.format(machine, *header))
        for case, board in figures[machine].items():
            numbers = [f"{n:,}" if type(n) is int else str(n) for n in board.values()]
            print(layout.format(case, *numbers, f"{host[case]['realtime_factor']:,.0f}x"))
        print()
    print("instructions of one frame; x86: times real time, one core")
    if "m4" in figures:
        ours = figures["m4"]["mfcc_16khz"]["instructions"]
        for name, reference in REFERENCES.items():
            print(f"mfcc_16khz against {name} ({reference:,}): {reference / ours:.2f} times fewer")


if __name__ == "__main__":
    main()
