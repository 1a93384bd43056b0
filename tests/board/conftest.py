"""Programs for emulated boards, of a few sources each."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from stapes.firmware.boards import find_emulated
from stapes.firmware.build import build_program
from stapes.firmware.tools import BUILD_TOOLS, EMULATOR, missing_tools

ROOT = Path(__file__).resolve().parents[2]
Build = Callable[..., Path]


@pytest.fixture(scope="session")
def build_image(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds sources for a board: (board, sources, definitions) -> image. Skips without tools."""
    if missing := missing_tools(*BUILD_TOOLS, EMULATOR):
        pytest.skip(f"{', '.join(missing)}: not installed")

    def build(board: str, sources: Sequence[Path], *definitions: str) -> Path:
        folder = tmp_path_factory.mktemp(board)
        described = find_emulated(ROOT, board)
        return build_program(described, sources, ROOT, folder, definitions=definitions)

    return build
