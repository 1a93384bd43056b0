# SPDX-License-Identifier: Apache-2.0
"""Small programs for emulated boards, each built from a few sources."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from builds import ROOT, build_folder, skip_without_board_tools
from stapes.firmware.boards import find_emulated
from stapes.firmware.build import build_program

Build = Callable[..., Path]


@pytest.fixture(scope="session")
def build_image(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds sources for a board, or another core of it: (board, sources, definitions, cpu=) ->
    image. Skips without tools.
    """

    def build(board: str, sources: Sequence[Path], *definitions: str, cpu: str = "") -> Path:
        skip_without_board_tools(board)
        described = find_emulated(ROOT, board)
        copy = tmp_path_factory.mktemp(board) / "image.elf"
        with build_folder("".join([board, cpu, *definitions])) as folder:
            built = build_program(
                described, sources, ROOT, folder, cpu=cpu, definitions=definitions
            )
            shutil.copy(built, copy)
        return copy

    return build
