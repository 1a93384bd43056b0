# SPDX-License-Identifier: Apache-2.0
"""Which boards a model fits, by an estimate that needs no compiler. `stapes info --board` links."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stapes.firmware.boards import Board

# What the firmware takes beside model, arena and window: the most that `words` and `micro` took on
# the boards (`stapes info MODEL --board NAME`). rpi_pico has much RAM, and code in it.
FLASH_BESIDE = 40_000
RAM_BESIDE = 8_400


@dataclass(frozen=True, kw_only=True)
class Needs:
    """About how many bytes the firmware with a model takes."""

    flash_bytes: int
    ram_bytes: int

    def fits(self, board: Board) -> bool:
        return self.flash_bytes <= board.flash_bytes and self.ram_bytes <= board.ram_bytes


def estimate(*, model_bytes: int, arena_bytes: int, window_bytes: int = 0) -> Needs:
    """The needs of a model of this size."""
    return Needs(
        flash_bytes=model_bytes + FLASH_BESIDE, ram_bytes=arena_bytes + window_bytes + RAM_BESIDE
    )


def fitting(needs: Needs, boards: Iterable[Board]) -> str:
    """The boards that a model fits, as text for people."""
    boards = list(boards)
    fit = [board.name for board in boards if needs.fits(board)]
    if len(fit) == len(boards):
        return f"all {len(fit)} boards"
    if len(fit) * 2 > len(boards):
        return "all but " + ", ".join(board.name for board in boards if board.name not in fit)
    return ", ".join(fit) or "none"
