# SPDX-License-Identifier: Apache-2.0
"""The firmware sources that a model needs, found by following their includes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

PREFIX = "stapes"  # the folder of all sources; includes begin with its name
_INCLUDE = re.compile(r'^(#include ")([^"]+)(")', re.MULTILINE)
_OPERATORS = PurePosixPath("nn/operators")
_OTHER_ENGINE = "nn_tflm/"  # included where STAPES_ENGINE_TFLM is defined
_KERNELS = PurePosixPath("nn/kernels")


def needed_sources(
    tree: Path, roots: Mapping[str, str], *, operators: Iterable[str]
) -> dict[str, str]:
    """The text of every file, by its path in the folder of sources: the `roots` (path: text) from
    which the search starts, and all files of firmware/ in `tree` that they need. `operators` are
    file names of nn/operators/ without their suffix."""
    firmware = tree / "firmware"
    found = dict(roots)
    todo = [name for text in found.values() for name in _included(text)]
    todo += [f"{_OPERATORS}/{form}{name}.cc" for name in operators for form in ("", "wide_")]
    while todo:
        name = todo.pop()
        path = firmware / name
        if name in found or name.startswith(_OTHER_ENGINE) or not path.is_file():
            continue
        found[name] = path.read_text(encoding="utf-8")
        todo += [*_included(found[name]), *_beside(firmware, PurePosixPath(name))]
    return {
        f"{PREFIX}/{name}": _prefixed(PurePosixPath(name).parent, text, found)
        for name, text in sorted(found.items())
    }


def _included(text: str) -> list[str]:
    return [match[2] for match in _INCLUDE.finditer(text)]


def _beside(firmware: Path, header: PurePosixPath) -> list[str]:
    """The sources that may define what a header declares. Kernels have a source for each kind of
    processor; it compiles to nothing on other processors."""
    if header.suffix != ".h":
        return []
    names = [str(header.with_suffix(".cc"))]
    if header.is_relative_to(_KERNELS):
        names += [
            path.relative_to(firmware).as_posix() for path in (firmware / _KERNELS).rglob("*.cc")
        ]
    return names


def _prefixed(folder: PurePosixPath, text: str, found: Mapping[str, str]) -> str:
    """The text of a source in `folder`, with PREFIX in its includes. Files of this folder are
    looked for first, as a compiler does."""

    def longer(match: re.Match[str]) -> str:
        names = ((folder / match[2]).as_posix(), match[2])
        name = next((f"{PREFIX}/{name}" for name in names if name in found), match[2])
        return f"{match[1]}{name}{match[3]}"

    return _INCLUDE.sub(longer, text)
