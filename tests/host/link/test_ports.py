# SPDX-License-Identifier: Apache-2.0
"""Finding the serial port of a board, and the same board again after it was unplugged."""

from dataclasses import dataclass

import pytest

from stapes.errors import StapesError
from stapes.link.ports import PortFinder, ask_on_terminal, kind_of


@dataclass
class Port:
    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None
    location: str | None = None
    description: str = "n/a"


BUILT_IN = Port("/dev/ttyS0")
ARDUINO = Port("/dev/ttyACM1", 0x2341, 0x805A, "A1")
JLINK = Port("/dev/ttyACM0", 0x1366, 0x1015, "J1")
STRANGER = Port("/dev/ttyUSB0", 0xFFFF, 0x0001, location="1-2")


def finder(*ports, ask=None):
    return PortFinder(list_all=lambda: ports, ask=ask)


def test_the_only_known_board_is_taken_without_asking():
    assert finder(BUILT_IN, ARDUINO, STRANGER).find() == "/dev/ttyACM1"
    assert kind_of(JLINK) == "SEGGER J-Link"


def test_an_unknown_usb_port_is_taken_when_there_is_nothing_better():
    assert finder(BUILT_IN, STRANGER).find() == "/dev/ttyUSB0"


def test_of_several_the_user_chooses():
    assert finder(ARDUINO, JLINK, ask=lambda ports: ports[1]).find() == "/dev/ttyACM1"


def test_several_and_nobody_to_ask_is_a_mistake():
    with pytest.raises(StapesError, match=r"found 2 boards \(/dev/ttyACM0, /dev/ttyACM1\)"):
        finder(ARDUINO, JLINK).find()


def test_no_board_is_a_mistake():
    with pytest.raises(StapesError, match="found no board"):
        finder(BUILT_IN).find()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ARDUINO, Port("/dev/ttyACM5", 0x2341, 0x805A, "A1")),
        (STRANGER, Port("/dev/ttyUSB7", 0xFFFF, 0x0001, location="1-2")),
    ],
)
def test_a_board_that_was_unplugged_is_found_under_its_new_name(before, after):
    ports = [before]
    found = PortFinder(list_all=lambda: ports)
    assert found.find() == before.device
    ports[:] = [Port(before.device, 0x2341, 0x805A, "another one")]
    with pytest.raises(StapesError, match="the board is not there"):
        found.find()
    ports.append(after)
    assert found.find() == after.device


def test_the_question_is_asked_until_it_is_answered(monkeypatch, capsys):
    answers = iter(["x\n", "3\n", "2\n"])
    monkeypatch.setattr("sys.stdin.readline", lambda: next(answers), raising=False)
    assert ask_on_terminal([JLINK, ARDUINO]) is ARDUINO
    assert "2  /dev/ttyACM1  Arduino Nano 33 BLE" in capsys.readouterr().err


def test_no_answer_is_a_mistake(monkeypatch):
    monkeypatch.setattr("sys.stdin.readline", lambda: "", raising=False)
    with pytest.raises(StapesError, match="found no answer"):
        ask_on_terminal([JLINK, ARDUINO])
