# SPDX-License-Identifier: Apache-2.0
"""The site: its sources, the firmware's modules, and the models of one page."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stapes import __version__, _native
from stapes.device.wake import check_same_audio
from stapes.errors import StapesError
from stapes.files import read_bytes
from stapes.installed import installed_tree
from stapes.model.metadata import load_model
from stapes.model.settings import WakeSettings
from stapes.model.shipped import shipped_models
from stapes.model.training_data import terms, training_data
from stapes.page.page_model import read_page_model
from stapes.plain import plain

# boards/web/package.cmake puts these beside the extension module.
INSTALLED = Path(_native.__file__).parent / "page"
VARIANTS = ("simd", "plain")
MARKER = "site.json"  # in every folder that `stapes page` wrote
ATTRIBUTION = "ATTRIBUTION.txt"
_NOT_SERVED = frozenset({"types.d.ts"})


@dataclass(frozen=True, kw_only=True)
class PageModel:
    """A model of the site: its file there, what site.json says about it (`about`), and whose data
    it was trained on (`terms`)."""

    file: str
    data: bytes
    about: dict[str, object]
    terms: str


def wasm_modules() -> dict[str, Path]:
    """The firmware as WebAssembly, with 128-bit vectors and without.

    Raises:
        StapesError: the package was built on a machine without a compiler for it.
    """
    modules = {name: INSTALLED / "wasm" / f"stapes_{name}.wasm" for name in VARIANTS}
    for path in modules.values():
        if not path.is_file():
            raise StapesError(
                f"{path}: found no firmware for the page, expected it in the package; install "
                "clang, lld, wasi-libc, libc++-14-dev-wasm32 and libclang-rt-14-dev-wasm32, then "
                "install the package again"
            )
    return modules


def page_sources() -> Path:
    """The folder of the page's own files."""
    return installed_tree() / "boards" / "web" / "page"


def build_site(
    models: Sequence[str | os.PathLike[str]],
    *,
    wake: str | os.PathLike[str] | None = None,
    awake: WakeSettings | None = None,
) -> dict[str, bytes]:
    """Every file of a site with these .tflite models, by its path; index.html is the first page.
    With the model of a `wake` word, the other models sleep until this word is heard, then listen as
    long as `awake` says.

    Raises:
        StapesError: a model cannot be used, two models have the same name or different sample
            rates, or there is no firmware for the page.
    """
    files = {
        path.name: path.read_bytes()
        for path in sorted(page_sources().iterdir())
        if path.is_file() and path.name not in _NOT_SERVED
    }
    files |= {path.name: path.read_bytes() for path in wasm_modules().values()}
    names: set[str] = set()  # of the models' files
    pages = [_page_model(path, names) for path in models]
    site: dict[str, object] = {"version": __version__, "models": [page.about for page in pages]}
    if wake is not None:
        _check_wake(wake, models)
        pages.append(_page_model(wake, names))
        site["wake"] = {**pages[-1].about, "awake_ms": (awake or WakeSettings()).milliseconds}
    files |= {page.file: page.data for page in pages}
    files[ATTRIBUTION] += b"".join(_attribution(page) for page in pages)
    text = json.dumps(site, indent=1, ensure_ascii=False, allow_nan=False)
    files[MARKER] = (text + "\n").encode()
    files["sw.js"] = _with_contents(files["sw.js"], files)
    return files


def _attribution(page: PageModel) -> bytes:
    """What a site tells of the data that a model was trained on."""
    name, sha256 = page.about["name"], page.about["sha256"]
    return f"\nModel: {plain(name)}, SHA-256 {sha256}\n{page.terms}".encode()


def _with_contents(worker: bytes, files: dict[str, bytes]) -> bytes:
    """The service worker with the list of the site's files: it keeps all of them. Other content has
    another version."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + files[name])
    names = ["./", *sorted(name for name in files if name not in ("index.html", "sw.js"))]
    contents = json.dumps({"version": digest.hexdigest()[:16], "files": names})
    told, count = re.subn(
        rb"^const SITE = .*;$", f"const SITE = {contents};".encode(), worker, flags=re.MULTILINE
    )
    assert count == 1
    return told


def _check_wake(wake: str | os.PathLike[str], models: Sequence[str | os.PathLike[str]]) -> None:
    wake_word = load_model(wake)[1]
    for path in models:
        check_same_audio(wake_word, load_model(path)[1])


def _page_model(path: str | os.PathLike[str], taken: set[str]) -> PageModel:
    """`taken`: names and files of the models before; this model's are added to the set."""
    model, settings = load_model(path)
    if settings.name in taken:
        raise StapesError(
            f"{path}: found a second model of the name {settings.name}, expected different names; "
            "give one of them another name when you train it"
        )
    sha256 = hashlib.sha256(model).hexdigest()
    file = _free_file(settings.name, taken)
    taken |= {settings.name, file}
    data = read_page_model(path)
    about: dict[str, object] = {
        "name": settings.name,
        "file": file,
        "sha256": sha256,
        "bytes": len(data),
        "labels": list(settings.labels),
        "sample_rate": settings.front_end.sample_rate,
        "clip_duration_ms": settings.clip_duration_ms,
        "tflite": _name_for_commands(Path(path)),
        "stream": _stream_figures(Path(path), sha256),
    }
    said = terms(training_data(settings.provenance))
    return PageModel(file=file, data=data, about=about, terms=said)


def _name_for_commands(path: Path) -> str:
    """The name by which a command takes the model: that of a shipped model, or that of its file."""
    for shipped in shipped_models().values():
        if shipped.path.resolve() == path.resolve():
            return shipped.name
    return path.name.encode("utf-8", "backslashreplace").decode()


def _free_file(name: str, taken: set[str]) -> str:
    """A file name for a model, with only letters that are safe in an address and on a disk. If two
    names are equal in these letters, the second gets a number."""
    short = re.sub(r"[^a-z0-9_-]+", "_", name.lower())[:_NAME_LENGTH]
    ends = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    files = (f"models/{short}{end}.model" for end in ends)
    return next(file for file in files if file not in taken)


def _stream_figures(path: Path, sha256: str) -> dict[str, object] | None:
    """What the model's card says about running audio: its hours, and the DET curve. The card is
    beside the model and has the model's SHA-256; None without such a card."""
    card_path = path.with_name("card.json")
    if not card_path.is_file():
        return None
    try:
        card = json.loads(read_bytes(card_path, what="a model card"))
        if card["sha256"] != sha256:
            return None
        stream = card["stream"]
        points = [[point.get(name) for name in _POINT] for point in stream["det"]]
        curve = [
            {name: _number(value) for name, value in zip(_POINT, point, strict=True)}
            for point in points
            if None not in point  # None: a rate without words, or without audio
        ]
        about = {"hours": _number(stream["hours"]), "words": _number(stream["words"])}
        return {**about, "det": curve} if curve else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StapesError(
            f"{card_path}: found no model card ({error!r}), expected what models/card.py writes; "
            "write it again, or remove it"
        ) from error


def _number(value: object) -> float:
    """`value` if it is a finite number of 0 or more, as a rate must be.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{value!r} is no number of 0 or more")
    return value


_POINT = ("threshold", "false_reject_rate", "false_accepts_per_hour")
_NAME_LENGTH = 60
