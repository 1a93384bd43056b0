# SPDX-License-Identifier: Apache-2.0
"""A model in a few figures, and what it takes on a board, without a compiler. The figures are those
in the model's file, or on the card of a model that comes with Stapes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stapes.errors import StapesError
from stapes.firmware.boards import Board
from stapes.firmware.fit import Needs, estimate, fitting
from stapes.model.shipped import shipped_models

_HOUR_MS = 3_600_000
_MOST = 1e12  # the limit of all counts


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Figures of a model; None: nobody measured it."""

    model_bytes: int
    needs: Needs
    ram_bytes: int | None = None  # of the whole firmware, as it was linked
    accuracy: float | None = None  # of single clips, 0 to 1
    clips: float | None = None
    false_accepts_per_hour: float | None = None
    false_reject_rate: float | None = None
    hours: float | None = None  # of audio, for the two above
    fresh_audio: bool = True  # the thresholds were not chosen with this audio
    has_settings: bool = True  # without settings, Stapes cannot measure the model

    def lines(self, boards: Iterable[Board]) -> list[str]:
        """Size, RAM, accuracy, false accepts and the boards that it fits, for people."""
        if self.ram_bytes is None:
            ram = f"about {kilobytes(self.needs.ram_bytes)} with all of the firmware"
        else:
            ram = f"{kilobytes(self.ram_bytes)} with all of the firmware"
        flash = kilobytes(self.needs.flash_bytes, digits=0)
        return [
            f"size           {kilobytes(self.model_bytes)}; with the firmware, about {flash}",
            f"RAM            {ram}",
            f"accuracy       {self._accuracy()}",
            f"false accepts  {self._false_accepts()}",
            f"boards         {fitting(self.needs, boards)}",
        ]

    def _accuracy(self) -> str:
        if self.accuracy is None:
            return "not measured" + "; stapes evaluate measures it" * self.has_settings
        of = f" of {self.clips:,.0f} clips" if self.clips else ""
        return f"{100 * self.accuracy:.1f}%{of}"

    def _false_accepts(self) -> str:
        if self.false_accepts_per_hour is None:
            return "not measured" + "; stapes tune measures them" * self.has_settings
        parts = [f"{self.false_accepts_per_hour:.1f} an hour"]
        if self.false_reject_rate is not None:
            parts.append(f"{100 * self.false_reject_rate:.1f}% of words missed")
        if self.hours is not None:
            which = "" if self.fresh_audio else " that it was tuned with"
            length = (
                f"{self.hours:.1f} hours" if self.hours >= 1 else f"{60 * self.hours:.0f} minutes"
            )
            parts.append(f"in {length} of audio{which}")
        return ", ".join(parts)


def overview(model: bytes, report: dict[str, Any]) -> Overview:
    """The figures of a model; `report` is what `describe` says about it."""
    needs = estimate(
        model_bytes=report["model_bytes"],
        arena_bytes=report["arena_bytes"],
        window_bytes=report.get("window_bytes", 0),
    )
    figures = _of_card(model) or _of_provenance(report.get("provenance", {}))
    has_settings = bool(report["labels"])
    return Overview(model_bytes=len(model), needs=needs, has_settings=has_settings, **figures)


def together(
    report: dict[str, Any], wake_word: dict[str, Any], *, work_bytes: int
) -> dict[str, Any]:
    """The report of a model together with the model that wakes it. The front end of the second one
    takes `work_bytes` more."""
    sums = {
        name: report.get(name, 0) + wake_word.get(name, 0)
        for name in ("model_bytes", "arena_bytes", "window_bytes")
    }
    sums["arena_bytes"] += work_bytes
    return {**report, **sums, "name": f"{report['name']} after {wake_word['name']}"}


def board_lines(needs: Needs, board: Board) -> list[str]:
    """Whether a model that takes `needs` fits a board, in three lines."""
    verdict = "fits" if needs.fits(board) else "does NOT seem to fit"
    return [
        f"The model {verdict} {board.name} (an estimate; the build says it exactly):",
        _memory_line("flash", needs.flash_bytes, board.flash_bytes),
        _memory_line("RAM", needs.ram_bytes, board.ram_bytes),
    ]


def require_room(report: dict[str, Any], board: Board) -> None:
    """Raises StapesError for a model that cannot fit the board: it takes more than the board has,
    even without the firmware. `report` is that of `describe`."""
    flash, ram = report["model_bytes"], report["arena_bytes"] + report.get("window_bytes", 0)
    if flash > board.flash_bytes or ram > board.ram_bytes:
        raise StapesError(
            f"{report['name']}: found {flash:,} bytes of model and {ram:,} of memory for it, "
            f"expected less than {board.name} has: {board.flash_bytes:,} of flash and "
            f"{board.ram_bytes:,} of RAM; stapes info lists the boards that it fits"
        )


def kilobytes(count: int, *, digits: int = 1) -> str:
    """Such as "19.0 KB", of 1000 bytes."""
    return f"{count / 1000:,.{digits}f} KB"


def _memory_line(name: str, needed: int, available: int) -> str:
    share = 100 * needed / available
    return f"  {name:<6} about {kilobytes(needed)} of {kilobytes(available)} ({share:.0f}%)"


def _of_card(model: bytes) -> dict[str, Any]:
    """The measured figures of a shipped model; empty for other models, and for a shipped model that
    was changed."""
    digest = hashlib.sha256(model).hexdigest()
    for shipped in shipped_models().values():
        if shipped.card["sha256"] == digest:
            clips, stream = shipped.card["clips"], shipped.card["stream"]
            return {
                "ram_bytes": shipped.card["pipeline"]["ram_bytes"],
                "accuracy": clips["tutorial_accuracy"],
                "clips": clips["test_clips"],
                **_rates(stream),
            }
    return {}


def _of_provenance(provenance: object) -> dict[str, Any]:
    """The figures that training and tuning wrote; files of others may hold anything there."""
    told = _mapping(provenance)
    tuning = _mapping(told.get("decoder_tuning"))
    verified = _mapping(tuning.get("verified_on"))
    return {
        "accuracy": _number(told.get("int8_accuracy"), most=1),
        "clips": _number(told.get("test_clips")),
        **_rates(verified or _mapping(tuning.get("tuned_on"))),
        "fresh_audio": bool(verified),
    }


def _rates(score: dict[str, Any]) -> dict[str, Any]:
    duration_ms = _number(score.get("duration_ms"))
    return {
        "false_accepts_per_hour": _number(score.get("false_accepts_per_hour")),
        "false_reject_rate": _number(score.get("false_reject_rate"), most=1),
        "hours": duration_ms / _HOUR_MS if duration_ms is not None else None,
    }


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object, *, most: float = _MOST) -> float | None:
    """A number that can be one of these figures."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value <= most else None
