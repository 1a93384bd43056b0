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
from stapes.firmware.folder import write_folder
from stapes.firmware.rendering import render
from stapes.model.settings import SILENCE_LABEL, ModelSettings
from stapes.plain import plain

SOURCES = ("model_data.cc", "frontend_tables.cc", "operators.cc", "settings.cc")
FILES = ("stapes_model.h", *SOURCES, "model.cmake", "ATTRIBUTION.txt")


def emit_model(model_path: str | os.PathLike[str], output_dir: str | os.PathLike[str]) -> None:
    """Writes the model folder; it appears whole or not at all.

    Raises:
        StapesError: the model cannot be read, carries no settings, uses an operator that the engine
            does not have, or contradicts its settings; or the folder holds something else.
    """
    write_folder(output_dir, render_model(model_path))


def render_model(model_path: str | os.PathLike[str]) -> dict[str, str]:
    """The text of every file of the model folder, by name.

    Raises:
        StapesError: as `emit_model`.
    """
    context = _context(Path(model_path), ModelBundle.from_file(model_path))
    return {name: render(f"{name}.jinja", context) for name in FILES}


def _attribution(settings: ModelSettings) -> str:
    """Whose data the model was trained on; a model of others may say anything."""
    said = settings.provenance.get("attribution", "")
    return said if isinstance(said, str) else ""


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
        "attribution": [plain(line) for line in _attribution(settings).splitlines()],
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
