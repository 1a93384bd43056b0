# SPDX-License-Identifier: Apache-2.0
"""Declared settings: each field's range is checked, and its text is read, by one rule."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from stapes.errors import StapesError
from stapes.options import as_text, check, declared, like, setting


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A field of every kind."""

    rate: int = setting(16000, least=8000, most=48000, help="Hz")
    volume: float = setting(0.5, least=0, below=1, help="how loud")
    window: float = setting(30.0, above=0, most=100, help="ms")
    cut: float = setting(0.0, least=300, most=24000, help="Hz; 0 is off")
    shape: str = setting("sine", choices=("sine", "square"), help="of the wave")
    notes: tuple[int, ...] = setting((), least=1, most=9, longest=3, help="to play")
    pitch: tuple[float, float] | None = setting(None, interval=True, least=0, most=99, help="range")
    loop: bool = setting(False, valued=True, help="again and again", flag="play_again")
    name: str = "free"  # not declared: anything goes

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class Phone:
    """Sound at a lower rate."""

    rate: int = like(Sound, "rate", default=8000, most=16000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 7999}, "--rate=7999: expected 8000 to 48000"),
        ({"volume": 1.0}, "--volume=1: expected 0 to below 1"),
        ({"volume": math.nan}, "--volume=nan: expected 0 to below 1"),
        ({"window": 0.0}, "--window=0: expected above 0, up to 100"),
        ({"window": math.inf}, "--window=inf: expected above 0, up to 100"),
        ({"cut": 10.0}, "--cut=10: expected 300 to 24000, or 0"),
        ({"shape": "saw"}, "--shape=saw: expected sine or square"),
        (
            {"notes": (1, 10)},
            "--notes=1,10: expected up to 3 values separated by commas, each 1 to",
        ),
        ({"notes": (1, 2, 3, 4)}, "--notes=1,2,3,4: expected up to 3 values"),
        ({"pitch": (5.0, 4.0)}, "--pitch=5,4: expected LOW,HIGH from 0 to 99, the lower one first"),
        ({"pitch": (5.0,)}, "--pitch=5: expected LOW,HIGH"),
    ],
)
def test_a_value_out_of_range_is_told_with_flag_value_and_range(change, message):
    with pytest.raises(StapesError) as told:
        Sound(**change)
    assert str(told.value).startswith(message)


def test_limits_are_allowed_and_so_is_a_default_outside_of_them():
    Sound(rate=8000, volume=0.0, window=100.0, cut=0.0, notes=(1, 9, 1), pitch=(7.0, 7.0))
    Sound(rate=48000, cut=300.0, notes=(), pitch=None, name="anything")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("rate", "8000", 8000),
        ("volume", "1e-3", 0.001),
        ("shape", "SQUARE", "square"),
        ("notes", "1, 2,3", (1, 2, 3)),
        ("pitch", "3,4.5", (3.0, 4.5)),
        ("pitch", "4.5", (4.5, 4.5)),
        ("loop", "Yes", True),
        ("loop", "0", False),
    ],
)
def test_the_text_of_a_flag_becomes_the_fields_type(name, text, value):
    found = declared(Sound)[name].parse(text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("rate", "fast", "--rate=fast: expected a whole number, 8000 to 48000"),
        ("rate", "8000.5", "--rate=8000.5: expected a whole number"),
        ("rate", "", "--rate=: expected a whole number"),
        ("volume", "loud", "--volume=loud: expected a number, 0 to below 1"),
        ("volume", "2", "--volume=2: expected 0 to below 1"),
        ("notes", "1,,2", "--notes=1,,2: expected up to 3 values"),
        ("pitch", "1,2,3", "--pitch=1,2,3: expected LOW,HIGH"),
        ("loop", "maybe", "--play_again=maybe: expected true or false"),
    ],
)
def test_text_that_does_not_fit_is_told_with_flag_text_and_range(name, text, message):
    with pytest.raises(StapesError) as told:
        declared(Sound)[name].parse(text)
    assert str(told.value).startswith(message)


def test_a_field_like_another_keeps_what_is_not_changed():
    rate = declared(Phone)["rate"]
    assert (rate.default, rate.option.range, rate.option.help) == (8000, "8000 to 16000", "Hz")


@pytest.mark.parametrize(
    ("value", "text"),
    [(10.0, "10"), (0.0001, "0.0001"), ((1, 2.5), "1,2.5"), ("word", "word"), (1e-5, "1e-05")],
)
def test_values_are_shown_as_they_are_typed(value, text):
    assert as_text(value) == text
