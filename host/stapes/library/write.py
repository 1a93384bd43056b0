# SPDX-License-Identifier: Apache-2.0
"""Folders with the firmware's sources and one model, in the form that a build system takes.

A folder depends on the model, on this version of Stapes and on the form: equal input gives equal
bytes.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from stapes import __version__
from stapes.device.bundle import ModelBundle
from stapes.firmware.folder import write_folder
from stapes.firmware.model_folder import render_model
from stapes.installed import installed_tree
from stapes.library.sources import PREFIX, needed_sources
from stapes.model.settings import NOT_WORDS
from stapes.model.training_data import terms, training_data

FORMS = ("cmake", "arduino", "platformio", "zephyr", "esp-idf", "cmsis-pack")
MARKER = "stapes_library.txt"
HEADERS = {
    "KeywordSpotter.h": "spotter/KeywordSpotter.h",
    "stapes_keyword_spotter.h": "spotter/spotter_c.h",
}
_UNIX = 3  # where an entry of a zip says that it was made
_ROOTS = ("spotter/KeywordSpotter.cc", "spotter/spotter_c.cc")


def write_library(
    model: str | os.PathLike[str], output_dir: str | os.PathLike[str], *, form: str
) -> None:
    """Writes the folder; it appears whole or not at all.

    Raises:
        StapesError: the model cannot be used, or the folder holds something else.
    """
    write_folder(
        output_dir, render_library(model, form=form), marker=MARKER, command="stapes library"
    )


def render_library(model: str | os.PathLike[str], *, form: str) -> dict[str, str | bytes]:
    """Every file of the folder, by its path.

    Raises:
        StapesError: the model cannot be used.
    """
    bundle = ModelBundle.from_file(model)
    tree = installed_tree()
    sources = _sources(Path(model), bundle, tree)
    context = _context(bundle, sources)
    files: dict[str, str | bytes] = {f"src/{name}": text for name, text in sources.items()}
    for header, source in HEADERS.items():
        files[f"src/{header}"] = f'#include "{PREFIX}/{source}"\n'
    files["LICENSE"] = (tree / "LICENSE").read_text(encoding="utf-8")
    environment = _environment()
    for name in sorted(environment.list_templates()):
        folder, _, path = name.partition("/")
        if folder in ("common", form):
            target = path.removesuffix(".jinja").replace("NAME", context["identifier"])
            files[target] = environment.get_template(name).render(context)
    if form == "cmsis-pack":
        files[context["pack"]] = _pack(files)
    return files


def _pack(files: Mapping[str, str | bytes]) -> bytes:
    """A zip of equal bytes for equal files: of no date, not compressed, as compressors differ."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in sorted(files.items()):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = _UNIX, 0o644 << 16
            archive.writestr(entry, text)
    return content.getvalue()


def _sources(path: Path, bundle: ModelBundle, tree: Path) -> dict[str, str]:
    not_here = ("model.cmake", "ATTRIBUTION.txt")  # the library has one of its own
    roots = {name: text for name, text in render_model(path).items() if name not in not_here}
    for name in _ROOTS:
        roots[name] = (tree / "firmware" / name).read_text(encoding="utf-8")
    operators = sorted({entry["name"].lower() for entry in bundle.engine.operators})
    return needed_sources(tree, roots, operators=operators)


def _context(bundle: ModelBundle, sources: dict[str, str]) -> dict[str, Any]:
    settings = bundle.settings
    words = [label for label in settings.labels if label not in NOT_WORDS]
    identifier = re.sub(r"\W+", "_", settings.name, flags=re.ASCII).strip("_") or "model"
    version = re.sub(r"[^\d.].*", "", __version__)
    return {
        "name": settings.name,
        "identifier": identifier,
        "version": version,
        "pack": f"Stapes.{identifier}.{version}.pack",
        "words": words,
        "sample_rate": settings.front_end.sample_rate,
        "sha256": bundle.sha256,
        "sources": [f"src/{name}" for name in sources if name.endswith(".cc")],
        "terms": terms(training_data(bundle.model, settings.provenance)),
    }


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("stapes.library"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
