# SPDX-License-Identifier: Apache-2.0
"""Milliseconds of a frame and the life of a battery, by hand; which calls are counted for them."""

from dataclasses import replace
from pathlib import Path

import pytest

from builds import skip_without_board_tools
from stapes.errors import StapesError
from stapes.firmware.boards import all_boards
from stapes.firmware.build import image
from stapes.firmware.emulator import instructions_of, run_measurement
from stapes.firmware.frame_time import (
    FRAMES,
    PIECE_SAMPLES,
    STAND_INS,
    FrameTime,
    battery_life,
    can_estimate,
    counted_calls,
    estimate_frame_times,
)
from stapes.installed import build_folder
from stapes.model.settings import FrontEndSettings, ModelSettings

SOURCE = Path(__file__).parents[3]
TIME = FrameTime(
    board="b",
    core="cortex-m4",
    manual="m",
    clock_hertz=64_000_000,
    instructions=100_000,
    cycles=280_000,
    waits=40_000,
    frame_milliseconds=20.0,
)


def test_milliseconds_are_cycles_and_waits_at_the_clock():
    assert TIME.milliseconds == pytest.approx(5.0)
    assert TIME.duty == pytest.approx(0.25)
    assert replace(TIME, waits=None).milliseconds == pytest.approx(4.375)


def test_a_battery_feeds_work_for_its_share_of_the_time_and_sleep_for_the_rest():
    life = battery_life(TIME, active_ua_per_mhz=50, sleep_ua=400, milliampere_hours=264)
    assert life.mean_ua == pytest.approx(0.25 * 3200 + 0.75 * 400)
    assert life.days == pytest.approx(264 / 1.1 / 24)


def test_a_board_that_is_too_slow_never_sleeps():
    late = replace(TIME, cycles=2_000_000)
    life = battery_life(late, active_ua_per_mhz=50, sleep_ua=400, milliampere_hours=100)
    assert life.mean_ua == pytest.approx(3200)


@pytest.mark.parametrize(
    ("rate", "stride_ms", "inferences_every"), [(16000, 20, 1), (16000, 10, 6), (11025, 16, 3)]
)
def test_whole_frames_and_inferences_are_counted(rate, stride_ms, inferences_every):
    settings = ModelSettings(
        name="m",
        labels=("_silence_", "_unknown_", "yes"),
        front_end=FrontEndSettings(sample_rate=rate, window_stride_ms=stride_ms),
        window_frames=inferences_every * 2,
        clip_stride_frames=inferences_every,
    )
    calls, frames = counted_calls(settings)
    assert calls.count * PIECE_SAMPLES == frames * settings.front_end.stride_samples
    assert frames >= FRAMES and frames % inferences_every == 0
    assert calls.first * PIECE_SAMPLES >= settings.front_end.window_samples


def test_boards_with_a_clock_and_a_table_are_estimated():
    boards = all_boards(SOURCE)
    able = [board.name for board in boards.values() if can_estimate(board)]
    assert {boards[name].core for name in able} == set(STAND_INS)
    assert {"nrf52840dk", "rpi_pico", "stm32f4_discovery"} <= set(able)
    with pytest.raises(StapesError, match="rpi_pico2: found Cortex-M33, 128 MHz, expected a clock"):
        estimate_frame_times(SOURCE / "none.tflite", [boards["rpi_pico2"]], SOURCE)


def test_a_frame_is_estimated_from_the_instructions_that_the_emulator_counts(tmp_path, small_model):
    skip_without_board_tools("mps2_an386")
    model = tmp_path / "small.tflite"
    model.write_bytes(small_model())
    boards = all_boards(SOURCE)
    plain, waiting = estimate_frame_times(
        model, [boards["mps2_an386"], boards["stm32f4_discovery"]], SOURCE
    )
    folder = build_folder(SOURCE) / "info" / "mps2_an386-pipeline"
    counted = run_measurement(boards["mps2_an386"], image(folder, "elf"))
    assert plain.instructions == pytest.approx(
        instructions_of(counted["mean_ticks"], counted), rel=0.02
    )
    assert plain.instructions < plain.cycles < 3 * plain.instructions
    assert (waiting.instructions, waiting.cycles) == (plain.instructions, plain.cycles)
    assert plain.waits is None and 0 < (waiting.waits or 0) < waiting.cycles
    assert waiting.milliseconds < plain.milliseconds < 20  # at 168 and at 25 MHz
