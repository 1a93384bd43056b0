# SPDX-License-Identifier: Apache-2.0
"""Folders with the firmware's sources and a model, in the form that a build system takes.

A folder depends on the model, on the model of a wake word, on this version of Stapes and on the
form: equal input gives equal bytes.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from stapes import __version__
from stapes.device.bundle import ModelBundle
from stapes.firmware.folder import write_folder
from stapes.firmware.model_folder import render_model
from stapes.installed import installed_tree
from stapes.library.sources import PREFIX, needed_sources
from stapes.model.settings import NOT_WORDS, WakeSettings
from stapes.model.training_data import terms, training_data

FORMS = ("cmake", "arduino", "platformio", "zephyr", "esp-idf", "cmsis-pack")
MARKER = "stapes_library.txt"
_UNIX = 3  # the system on which an entry of a zip was made
_SPOTTER, _WAKE_SPOTTER, _SPOTTER_C = (
    "spotter/KeywordSpotter",
    "spotter/wake/KeywordSpotter",
    "spotter/spotter_c",
)


@dataclass(frozen=True, kw_only=True)
class Models:
    """The models of a folder: one model, or one that sleeps until a `wake` word and then listens
    as long as `awake` says."""

    model: str | os.PathLike[str]
    wake: str | os.PathLike[str] | None = None
    awake: WakeSettings = field(default_factory=WakeSettings)

    def bundles(self) -> list[ModelBundle]:
        """The model, then the wake word's.

        Raises:
            StapesError: a model cannot be used.
        """
        return [ModelBundle.from_file(path) for path in (self.model, self.wake) if path is not None]

    @property
    def spotter(self) -> str:
        """The file of the class that runs the models, without its suffix."""
        return _SPOTTER if self.wake is None else _WAKE_SPOTTER


def write_library(models: Models, output_dir: str | os.PathLike[str], *, form: str) -> None:
    """Writes the folder; it appears whole or not at all.

    Raises:
        StapesError: a model cannot be used, the two do not fit together, or the folder holds
            something else.
    """
    write_folder(
        output_dir, render_library(models, form=form), marker=MARKER, command="stapes library"
    )


def render_library(models: Models, *, form: str) -> dict[str, str | bytes]:
    """Every file of the folder, by its path.

    Raises:
        StapesError: a model cannot be used, or the two do not fit together.
    """
    bundles = models.bundles()
    tree = installed_tree()
    sources = _sources(models, bundles, tree)
    context = _context(models, bundles, sources)
    files: dict[str, str | bytes] = {f"src/{name}": text for name, text in sources.items()}
    headers = {"KeywordSpotter.h": models.spotter, "stapes_keyword_spotter.h": _SPOTTER_C}
    for header, source in headers.items():
        files[f"src/{header}"] = f'#include "{PREFIX}/{source}.h"\n'
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
    """A zip with equal bytes for equal files: without dates, and not compressed, because
    compressors differ."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in sorted(files.items()):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = _UNIX, 0o644 << 16
            archive.writestr(entry, text)
    return content.getvalue()


def _sources(models: Models, bundles: Sequence[ModelBundle], tree: Path) -> dict[str, str]:
    rendered = render_model(models.model, wake=models.wake, awake=models.awake)
    not_here = ("model.cmake", "ATTRIBUTION.txt")  # the library has one of its own
    roots = {name: text for name, text in rendered.items() if not name.endswith(not_here)}
    for root in (models.spotter, _SPOTTER_C):
        roots[f"{root}.cc"] = (tree / "firmware" / f"{root}.cc").read_text(encoding="utf-8")
    operators = {entry["name"].lower() for bundle in bundles for entry in bundle.engine.operators}
    return needed_sources(tree, roots, operators=sorted(operators))


def _context(
    models: Models, bundles: Sequence[ModelBundle], sources: dict[str, str]
) -> dict[str, Any]:
    name = "_after_".join(bundle.settings.name for bundle in bundles)
    identifier = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "model"
    version = re.sub(r"[^\d.].*", "", __version__)
    return {
        "name": name,
        "identifier": identifier,
        "version": version,
        "pack": f"Stapes.{identifier}.{version}.pack",
        "hears": _hears(models, bundles),
        "has_wake_word": models.wake is not None,
        "sample_rate": bundles[0].settings.front_end.sample_rate,
        "models": [
            {
                "name": bundle.settings.name,
                "sha256": bundle.sha256,
                "terms": terms(training_data(bundle.settings.provenance)),
            }
            for bundle in bundles
        ],
        "sources": [f"src/{name}" for name in sources if name.endswith(".cc")],
    }


def _hears(models: Models, bundles: Sequence[ModelBundle]) -> str:
    """The words that the models hear, for people."""
    words = [
        ", ".join(label for label in bundle.settings.labels if label not in NOT_WORDS)
        for bundle in bundles
    ]
    seconds = f"{models.awake.awake_seconds:g}"
    return words[0] if len(words) == 1 else f"{words[1]}, and for {seconds} s after it {words[0]}"


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("stapes.library"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
