# SPDX-License-Identifier: Apache-2.0
"""The command line of QEMU, and programs that run in it, with a program that plays QEMU."""

from pathlib import Path

import pytest

from stapes.errors import StapesError
from stapes.firmware.boards import find_emulated
from stapes.firmware.emulator import instructions_of, qemu_command, run_measurement
from stapes.firmware.source import find_source

BOARD = find_emulated(find_source(None), "mps2_an386")
RISC_V = find_emulated(find_source(None), "qemu_riscv32")
IMAGE = Path("image.elf")


def command(**changes) -> list[str]:
    options = {"serials": ["stdio"], "count_instructions": True, **changes}
    return qemu_command(BOARD, IMAGE, **options)


@pytest.fixture
def qemu(tmp_path, monkeypatch):
    """Makes a program that takes the place of QEMU, and prints this text."""

    def make(text: str, status: int = 0) -> None:
        program = tmp_path / "qemu-system-arm"
        program.write_text(f"#!/bin/sh\nprintf '{text}'\nexit {status}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return make


def test_a_board_is_the_machine_that_its_file_names():
    words = command()
    assert words[:3] == ["qemu-system-arm", "-machine", "mps2-an386"]
    assert words[-2:] == ["-kernel", "image.elf"]
    assert words[words.index("-icount") + 1] == "shift=6"
    assert "-icount" not in command(count_instructions=False)


def test_a_board_may_need_another_emulator_and_more_options():
    words = qemu_command(RISC_V, IMAGE, serials=["stdio"], count_instructions=True)
    assert words[:3] == ["qemu-system-riscv32", "-machine", "virt"]
    assert words[words.index("-bios") + 1] == "none"
    assert words[words.index("-cpu") + 1] == "rv32,f=false,d=false"


def test_an_image_gets_nothing_of_this_machine(qemu):
    qemu("")
    words = command()
    assert not [word for word in words if "semihosting" in word]
    assert "spawn=deny" in words[words.index("-sandbox") + 1].split(",")


def test_an_emulator_without_a_sandbox_runs_without_one(qemu):
    qemu("", status=1)
    assert "-sandbox" not in command()


def test_a_program_ends_where_a_board_starts_again():
    assert "-no-reboot" not in command()
    assert "-no-reboot" in command(ends_at_reset=True)


def test_serial_ports_are_in_their_order():
    words = command(serials=["null", "unix:uart,server=on"])
    places = [place for place, word in enumerate(words) if word == "-serial"]
    assert [words[place + 1] for place in places] == ["null", "unix:uart,server=on"]


def test_memory_in_a_file_is_as_large_as_the_boards():
    words = command(memory=Path("kept"))
    assert words[2] == "mps2-an386,memory-backend=kept"
    assert words[words.index("-object") + 1] == (
        "memory-backend-file,id=kept,share=on,mem-path=kept,size=16777216"
    )


def test_a_measurement_is_names_and_numbers_up_to_done(qemu):
    qemu("ticks 640\\nticks_per_second 25000000\\ndone\\n")
    values = run_measurement(BOARD, IMAGE)
    assert values == {"ticks": 640, "ticks_per_second": 25_000_000}
    assert instructions_of(640, values) == 400  # 25.6 us, 64 ns for each instruction


def test_a_measurement_that_breaks_off_is_told(qemu):
    qemu("ticks 6")
    with pytest.raises(StapesError, match=r"elf: found 'ticks 6', expected a last line 'done"):
        run_measurement(BOARD, IMAGE)
    qemu("")
    with pytest.raises(StapesError, match="found '', expected"):
        run_measurement(BOARD, IMAGE)
    qemu("error ADD: no room")
    with pytest.raises(StapesError, match="found 'error ADD: no room', expected"):
        run_measurement(BOARD, IMAGE)
    qemu("qemu-system-arm: no such file", status=1)
    with pytest.raises(StapesError, match=r"exit status 1 \(qemu-system-arm: no such file\)"):
        run_measurement(BOARD, IMAGE)
