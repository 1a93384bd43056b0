"""Images for emulated boards, of a few sources each."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stapes.firmware.boards import compiler, find_board, image_sources, link_flags

ROOT = Path(__file__).resolve().parents[2]
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion")


@pytest.fixture(scope="session")
def build_image(tmp_path_factory) -> Callable[..., Path]:
    """Compiles sources for a board: (board, sources, options) -> image. Skips without tools."""

    def build(board: str, sources: list[Path], *options: str) -> Path:
        for tool in ("arm-none-eabi-g++", "qemu-system-arm"):
            if shutil.which(tool) is None:
                pytest.skip(f"{tool} is not installed")
        described = find_board(ROOT, board)
        image = tmp_path_factory.mktemp(board) / "image.elf"
        command = [
            *(*compiler(described, ROOT), "-O2", *WARNINGS, *options),
            *(*link_flags(described, ROOT), *sources, *image_sources(described, ROOT)),
            *("-o", image),
        ]
        subprocess.run(list(map(str, command)), check=True)
        return image

    return build
