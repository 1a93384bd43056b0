# SPDX-License-Identifier: Apache-2.0
"""Whose recordings a model is trained on, and on what terms: a text file in the folders of data,
which travels into the model."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from stapes.corpus.credits import Credit, credit_lines, credits_in
from stapes.errors import StapesError
from stapes.files import held_alone, read_text, write_text, writing

FILE_NAME = "ATTRIBUTION.txt"
MAX_CHARACTERS = 2000
_LOCK = f".{FILE_NAME}.lock"


def attribution_of(*folders: str | os.PathLike[str]) -> str:
    """The texts of ATTRIBUTION.txt in each folder and in its folders of other sounds
    (_background_noise_ and the like): one line for each text and one for each engine of synthetic
    voices. No line comes twice.

    Raises:
        StapesError: a text cannot be read, or is too long to travel in a model.
    """
    return together(
        *(
            _told(place)
            for folder in map(Path, folders)
            for place in (folder, *sorted(folder.glob("_*_")))
        )
    )


def attribution_around(*paths: str | os.PathLike[str]) -> str:
    """Like `attribution_of`, for recordings or folders of recordings. They may be a part of a
    folder of data: the text in that folder counts as well."""
    told = []
    for path in (Path(path).absolute() for path in paths):
        folder = path if path.is_dir() else path.parent
        told += [_told(folder.parent), attribution_of(folder)]
    return together(*told)


def _told(folder: Path) -> str:
    rest, credits = credits_in(_read(folder / FILE_NAME))
    return "\n".join([_one_line(rest), *credit_lines(credits)])


def together(*told: str) -> str:
    """Joins texts of `attribution_of` into one; no line comes twice."""
    rest, credits = credits_in("\n".join(told))
    lines = dict.fromkeys(line for line in rest.splitlines() if line)
    return "\n".join([*lines, *credit_lines(credits)])


def copy_attribution(data_dir: Path, folder: Path) -> None:
    """Copies the texts of a folder of data, and of its folders of other sounds, into a `folder`
    that is made from it."""
    for path in (data_dir / FILE_NAME, *data_dir.glob(f"_*_/{FILE_NAME}")):
        if text := _read(path):
            write_attribution((folder / path.relative_to(data_dir)).parent, text)


def write_attribution(folder: Path, text: str) -> None:
    """Writes a text into a folder that says whose data is in it; makes the folder if needed.

    Raises:
        StapesError: the text is too long to travel in a model, or cannot be written.
    """
    path = folder / FILE_NAME
    if len(_one_line(text)) > MAX_CHARACTERS:
        raise _too_long(path, text)
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
    write_text(path, text.rstrip() + "\n")


def add_credits(folder: Path, credits: Iterable[Credit]) -> None:
    """Names voices in the folder's ATTRIBUTION.txt; all else in it stays. Several processes may
    do so at the same time.

    Raises:
        StapesError: as `check_credits`, or it cannot be written.
    """
    credits = list(credits)
    if not credits:
        return
    with held_alone(folder / _LOCK, what=f"the writing of {FILE_NAME}", wait=True):
        path = folder / FILE_NAME
        before = _read(path)
        after = _with_credits(before, credits, path)
        if after != before:
            _replace(path, after)


def _replace(path: Path, text: str) -> None:
    """Writes the file. If `path` is a link to another folder's file, replaces the link."""
    new = path.with_name(f".{path.name}.new")
    try:
        write_text(new, text)
        with writing(path):
            new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def check_credits(folder: Path, credits: Iterable[Credit]) -> None:
    """Checks, before the work starts, that `add_credits` will work.

    Raises:
        StapesError: the folder's ATTRIBUTION.txt cannot be read, or leaves no room for voices.
    """
    path = folder / FILE_NAME
    _with_credits(_read(path), list(credits), path)


def _with_credits(text: str, credits: list[Credit], path: Path) -> str:
    """`text` with voices, in less detail if it would become too long."""
    rest, known = credits_in(text)
    start = rest.rstrip() + "\n" if rest.strip() else ""
    for detail in ({}, {"with_terms": False}, {"with_voices": False}):
        lines = credit_lines([*known, *credits], **detail)
        whole = start + "".join(f"{line}\n" for line in lines)
        if len(_one_line(whole)) <= MAX_CHARACTERS:
            return whole
    raise _too_long(path, whole)


def _read(path: Path) -> str:
    """The text of a file; "" if there is no file."""
    if not path.is_file():
        return ""
    text = read_text(path, what="whose data this is, and on what terms")
    if len(_one_line(text)) > MAX_CHARACTERS:
        raise _too_long(path, text)
    return text


def _too_long(path: Path, text: str) -> StapesError:
    return StapesError(
        f"{path}: found {len(_one_line(text))} characters, expected {MAX_CHARACTERS} at most: they "
        "travel in the model; name authors and licences, and where their texts are"
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
