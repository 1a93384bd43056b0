# SPDX-License-Identifier: Apache-2.0
"""What a board says of itself, and the check of every number that a board sends."""

from __future__ import annotations

from dataclasses import dataclass

from stapes.errors import StapesError
from stapes.link.protocol import PROTOCOL_VERSION, Event
from stapes.model.settings import MAX_LABELS, FrontEndSettings, WakeSettings
from stapes.options import declared

MAX_CREDITS = 127  # fewer than half of the sequence numbers of stream frames
_MAX_WORD = 0xFFFFFFFF
_RATE = declared(FrontEndSettings)["sample_rate"].option


@dataclass(frozen=True, kw_only=True)
class WakeWord:
    """What wakes the board's model. `awake_ms`: how long it then listens."""

    model: str
    sha256: str
    labels: tuple[str, ...]
    awake_ms: int


@dataclass(frozen=True, kw_only=True)
class Hello:
    """Which board speaks. `credits`: how many stream frames may be on their way at once;
    `model_bytes`: size of the largest model image that the board takes, 0: it takes none;
    `model_slot`: where the running model lies, 0: it is compiled in; `packing`: the board takes
    packed audio; `wake`: None if the model always listens."""

    board: str
    firmware: str
    model: str
    sha256: str
    labels: tuple[str, ...]
    sample_rate: int
    credits: int
    model_bytes: int
    model_slot: int
    packing: bool
    wake: WakeWord | None


def read_hello(event: Event, *, source: str) -> Hello:
    """Reads a `hello` line; `source` names the board in error messages.

    Raises:
        StapesError: the line is of another protocol, or has a number that no board can have.
    """
    if event.number("protocol") != PROTOCOL_VERSION:
        raise StapesError(
            f"{source}: found protocol {event.fields.get('protocol')!a:.40}, expected "
            f"{PROTOCOL_VERSION}; flash a firmware of this version of stapes"
        )
    return Hello(
        board=str(event.fields.get("board")),
        firmware=str(event.fields.get("firmware")),
        model=str(event.fields.get("model")),
        sha256=str(event.fields.get("sha256")),
        labels=_labels_of(event, "labels", source=source),
        sample_rate=sample_rate_of(event, source=source),
        credits=number_of(event, "credits", 1, MAX_CREDITS, source=source),
        model_bytes=number_of(event, "model_bytes", 0, _MAX_WORD, source=source, missing=0),
        model_slot=number_of(event, "model_slot", 0, _MAX_WORD, source=source, missing=0),
        packing=event.number("packing") == 1,
        wake=_wake_word(event, source=source) if "wake_model" in event.fields else None,
    )


def _wake_word(event: Event, *, source: str) -> WakeWord:
    return WakeWord(
        model=str(event.fields.get("wake_model")),
        sha256=str(event.fields.get("wake_sha256")),
        labels=_labels_of(event, "wake_labels", source=source),
        awake_ms=number_of(event, "awake_ms", 1, WakeSettings.most_ms(), source=source),
    )


def _labels_of(event: Event, name: str, *, source: str) -> tuple[str, ...]:
    labels = event.values().get(name)
    if not isinstance(labels, list) or not all(labels):
        raise not_asked_for(source, f"no {name}, or one without letters", f"1 to {MAX_LABELS}")
    if len(labels) > MAX_LABELS:
        raise not_asked_for(source, f"{len(labels)} {name}", f"1 to {MAX_LABELS}")
    return tuple(str(label) for label in labels)


def sample_rate_of(event: Event, *, source: str) -> int:
    """The sample rate of a `hello` line, in Hz.

    Raises:
        StapesError: no model has such a rate.
    """
    assert _RATE.least and _RATE.most  # the setting has both
    return number_of(event, "sample_rate", int(_RATE.least), int(_RATE.most), source=source)


def number_of(
    event: Event, name: str, least: int, most: int, *, source: str, missing: int | None = None
) -> int:
    """A number that a board sends, from `least` to `most`; `missing` is the value for a line
    without this number.

    Raises:
        StapesError: the number is out of this range, or there is no number.
    """
    if name not in event.fields and missing is not None:
        return missing
    number = event.number(name)
    if not event.has_number(name) or not least <= number <= most:
        said = event.fields.get(name)
        shown = "none" if said is None else f"{said!a:.40}"
        wanted = str(least) if least == most else f"{least} to {most}"
        raise not_asked_for(source, f"{shown} for {name} in its line {event.name!a:.40}", wanted)
    return number


def not_asked_for(source: str, found: str, expected: str) -> StapesError:
    """The error for a board that says something impossible."""
    return StapesError(
        f"{source}: found {found}, expected {expected}; check the cable, then flash a firmware of "
        "this version of stapes"
    )
