# SPDX-License-Identifier: Apache-2.0
"""The commands of a build, and what its table of sizes says."""

from pathlib import Path

import pytest

from stapes.errors import StapesError
from stapes.firmware.build import Sizes, cmake_commands, read_sizes, run_build
from stapes.progress import ProgressBar

TABLE = """\
[1/1] Linking CXX executable boards/stapes-firmware.elf
flash: 48364 of 4194304 bytes (code 30684, model 17680)
RAM:   12628 of 4194304 bytes (data 404, zeroed 10144, stack 2048, fault record 32)
"""


def test_options_are_variables_of_cmake():
    configure, build = cmake_commands(
        Path("tree"),
        Path("out"),
        board="mps2_an386",
        model=Path("m"),
        main=["a.cc", "b.cc"],
        cpu="",
    )
    assert configure[:7] == ["cmake", "-G", "Ninja", "-S", "tree", "-B", "out"]
    assert configure[7:] == [
        "-DSTAPES_BOARD=mps2_an386",
        "-DSTAPES_MODEL=m",
        "-DSTAPES_MAIN=a.cc;b.cc",
        "-DSTAPES_CPU=",
    ]
    assert build == ["cmake", "--build", "out", "--target", "stapes-firmware"]


def test_sizes_are_read_from_the_table_of_the_build():
    expected = Sizes(flash_bytes=48364, code_bytes=30684, model_bytes=17680, ram_bytes=12628)
    assert read_sizes(TABLE) == expected
    assert read_sizes(TABLE.replace("RAM:", "ROM:")) is None


def test_a_build_returns_its_table():
    assert run_build([["printf", TABLE.replace("%", "%%")]]).splitlines() == [
        line for line in TABLE.splitlines() if ":" in line and "[" not in line
    ]


def test_a_build_that_fails_shows_its_end(capsys):
    with pytest.raises(StapesError, match=r"exit status 2 \(so\); the end of its output is above"):
        run_build([["sh", "-c", "echo so; exit 2"]])
    assert capsys.readouterr().err == "so\n"


def test_a_failing_command_of_stapes_says_its_own_error(capsys):
    with pytest.raises(StapesError, match=r"^none.tflite: cannot be read"):
        run_build([["stapes", "emit", "none.tflite", "--output_dir", "out"]])
    assert capsys.readouterr().err == ""


def test_an_image_that_does_not_fit_is_one_sentence(capsys):
    too_large = ["sh", "-c", f"printf '{TABLE.replace('%', '%%')}'; exit 1"]
    with pytest.raises(StapesError, match=r"an image of [\d,]+ bytes of flash .* smaller model"):
        run_build([too_large])
    assert capsys.readouterr().err == ""


def test_a_build_shows_how_far_it_is(monkeypatch):
    seen = []
    monkeypatch.setattr(ProgressBar, "update", lambda bar, *done: seen.append(done))
    run_build([["printf", "[1/3] a\n[2/3] b\nwarning [3/3]\n"]])
    assert seen == [(1, 3), (2, 3)]
