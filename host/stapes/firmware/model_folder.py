# SPDX-License-Identifier: Apache-2.0
"""The generated model folder: all that a firmware build knows about its model, as C++ constants.

docs/architecture.md lists the files. They depend on the model's bytes, its file name and
the version of stapes, on nothing else: equal input gives equal bytes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from stapes import __version__
from stapes.device.bundle import ModelBundle
from stapes.device.c_tables import c_context
from stapes.device.decoder import threshold_q16, thresholds_q16
from stapes.device.gate import gate_config
from stapes.device.wake import check_same_audio, waking_labels
from stapes.firmware.folder import write_folder
from stapes.firmware.rendering import render
from stapes.model.settings import SILENCE_LABEL, WakeSettings
from stapes.model.training_data import terms, training_data

SOURCES = ("model_data.cc", "frontend_tables.cc", "operators.cc", "settings.cc")
_CODE = ("stapes_model.h", *SOURCES)
FILES = (*_CODE, "model.cmake", "ATTRIBUTION.txt")
WAKE = "wake"  # the folder of the wake word's model, where there is one
WAKE_FILES = ("stapes_wake.h", *(f"{WAKE}/{name}" for name in (*_CODE, "ATTRIBUTION.txt")))


def emit_model(
    model_path: str | os.PathLike[str],
    output_dir: str | os.PathLike[str],
    *,
    wake: str | os.PathLike[str] | None = None,
    awake: WakeSettings | None = None,
) -> None:
    """Writes the model folder; it appears whole or not at all.

    Raises:
        StapesError: a model cannot be read, carries no settings, uses an operator that the engine
            does not have, or contradicts its settings; the two models have different sample rates;
            or the folder holds something else.
    """
    write_folder(output_dir, render_model(model_path, wake=wake, awake=awake))


def render_model(
    model_path: str | os.PathLike[str],
    *,
    wake: str | os.PathLike[str] | None = None,
    awake: WakeSettings | None = None,
) -> dict[str, str]:
    """The text of every file of the model folder, by path. With the model of a `wake` word, it is
    for a firmware in which the other model sleeps until it is woken, and then listens as long as
    `awake` says.

    Raises:
        StapesError: as `emit_model`.
    """
    bundle = ModelBundle.from_file(model_path)
    context = _context(Path(model_path), bundle)
    if wake is None:
        return {name: render(f"{name}.jinja", context) for name in FILES}
    first = ModelBundle.from_file(wake)
    check_same_audio(first.settings, bundle.settings)
    awake = awake or WakeSettings()
    command = (
        f"stapes emit {one_line(Path(model_path).name)} --wake {one_line(Path(wake).name)} "
        f"--awake_seconds {awake.awake_seconds:g} --output_dir DIR"
    )
    sources = (*SOURCES, *(f"{WAKE}/{name}" for name in SOURCES))
    context |= {"command": command, "sources": sources, "awake_ms": awake.milliseconds}
    context["waking_labels"] = waking_labels(first.settings)
    own = {**_context(Path(wake), first), "command": command, "namespace": "stapes::wake_model"}
    files = {name: render(f"{name}.jinja", context) for name in FILES}
    files["stapes_wake.h"] = render("stapes_wake.h.jinja", context)
    for path in WAKE_FILES[1:]:
        files[path] = render(f"{Path(path).name}.jinja", own)
    return files


def _context(path: Path, bundle: ModelBundle) -> dict[str, Any]:
    """All that the templates take, from the model's bytes alone."""
    settings, tables = bundle.settings, bundle.tables
    front_end, decoder, labels = settings.front_end, settings.decoder, settings.labels
    name = one_line(path.name)
    return {
        "model_file": name,
        "sha256": bundle.sha256,
        "command": f"stapes emit {name} --output_dir DIR",
        "version": __version__,
        "sources": SOURCES,
        "namespace": "stapes",
        "awake_ms": 0,  # no wake word
        "terms": terms(training_data(settings.provenance)),
        "name": settings.name,
        "model": bundle.model,
        "labels": labels,
        "silence_label": labels.index(SILENCE_LABEL) if SILENCE_LABEL in labels else "kNoLabel",
        "front_end": front_end,
        "feature_count": front_end.feature_count,
        "window_frames": settings.window_frames,
        "clip_stride_frames": settings.clip_stride_frames,
        "front_end_work_bytes": tables.work_bytes,
        "front_end_crc": tables.crc32(settings),
        "decoder": decoder,
        "gate": gate_config(settings) if settings.gate else None,
        "threshold_q16": threshold_q16(decoder.detection_threshold),
        "thresholds_q16": thresholds_q16(settings),
        "hysteresis_q16": threshold_q16(decoder.hysteresis),
        "operators": sorted({entry["symbol"] for entry in bundle.engine.operators}),
        "arena_bytes": bundle.arena_bytes,
        **c_context(tables),
    }


def one_line(text: str) -> str:
    """Text for a comment: nothing in it can end or continue the line."""
    return "".join(char if char.isprintable() and char != "\\" else "?" for char in text)
