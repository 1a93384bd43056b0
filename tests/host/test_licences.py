# SPDX-License-Identifier: Apache-2.0
"""Every source file names its licence, for tools that read SPDX lines."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINE = "SPDX-License-Identifier: Apache-2.0"
FOLDERS = ("bench", "boards", "cmake", "docs", "firmware", "host", "models", "tests")
KINDS = (".cc", ".cmake", ".h", ".inc", ".js", ".ld", ".py", ".ts")
GENERATED = ("host/stapes/_native.pyi", "tests/firmware/nn_models.inc")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_source_file_names_its_licence_at_its_start(folder):
    sources = [
        path
        for path in (ROOT / folder).rglob("*")
        if (path.suffix in KINDS or path.name == "CMakeLists.txt")
        and path.relative_to(ROOT).as_posix() not in GENERATED
        and "node_modules" not in path.parts
    ]

    assert sources
    assert [
        path.relative_to(ROOT).as_posix()
        for path in sources
        if LINE not in "".join(path.read_text(encoding="utf-8").splitlines()[:2])
    ] == []
