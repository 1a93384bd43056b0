# SPDX-License-Identifier: Apache-2.0
"""What a model is, from its file alone: settings, operators, memory."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from stapes.device.bundle import check_agreement
from stapes.device.engine import Engine
from stapes.device.gate import gate_ring_bytes
from stapes.files import read_bytes
from stapes.model.metadata import find_settings
from stapes.model.training_data import training_data


def describe(path: Path) -> dict[str, Any]:
    """What `stapes info --all` prints of the model alone, as JSON values.

    Raises:
        StapesError: not a model, or one that the engine refuses.
    """
    model = read_bytes(path, what="a .tflite model")
    engine = Engine.from_bytes(model, source=str(path))
    operators = [dict(operator) for operator in engine.operators]
    macs = sum(operator["macs"] for operator in operators)
    return {
        **_describe_settings(model, engine, str(path), macs),
        "input": {
            "type": engine.input_type,
            "shape": list(engine.input_shape),
            "scale": engine.input_scale,
            "zero_point": engine.input_zero_point,
        },
        "operators": operators,
        "macs": macs,
        "weight_bytes": sum(operator["weight_bytes"] for operator in operators),
        "model_bytes": len(model),
        "arena_bytes": engine.arena_used,
        "persistent_bytes": engine.persistent_bytes,
        "plan": sorted(engine.plan, key=lambda entry: (entry["offset"], entry["first"])),
    }


def _describe_settings(model: bytes, engine: Engine, source: str, macs: int) -> dict[str, Any]:
    """The settings inside the model; for a model without Stapes' settings, only the file's name.

    Raises:
        StapesError: settings that the network contradicts.
    """
    settings = find_settings(model, source=source)
    if settings is None:
        return {"name": Path(source).stem, "labels": [], "attribution": ""}
    check_agreement(engine, settings, source=source)
    front_end = settings.front_end
    return {
        "name": settings.name,
        "labels": list(settings.labels),
        "clip_duration_ms": settings.clip_duration_ms,
        "front_end": dataclasses.asdict(front_end),
        "decoder": dataclasses.asdict(settings.decoder),
        "gate": settings.gate and dataclasses.asdict(settings.gate),
        "gate_bytes": gate_ring_bytes(settings),
        "provenance": settings.provenance,
        "attribution": training_data(settings.provenance),
        "window_frames": settings.window_frames,
        "clip_stride_frames": settings.clip_stride_frames,
        "window_bytes": settings.input_size if settings.window_frames > 1 else 0,
        "macs_per_second": macs * front_end.sample_rate // settings.score_stride_samples,
    }
