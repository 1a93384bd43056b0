"""Print what a model is: settings, provenance, and per operator its work and its bytes."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

EXAMPLE = "  stapes info build/yes_no.tflite"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL.tflite", help="an exported model")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    report = describe(arguments.model)
    if arguments.json:
        print(json.dumps(report))
        return 0
    print(f"{report['name']}: {', '.join(report['labels'])}")
    for part in ("front_end", "decoder", "provenance"):
        print(f"\n{part.replace('_', ' ')}")
        for name, value in report[part].items():
            print(f"  {name:<28}{value}")
    print(f"\n{'operator':<24}{'output':>12}{'MACs':>12}{'weight bytes':>14}")
    for operator in report["operators"]:
        shape = "x".join(map(str, operator["output_shape"]))
        row = f"{operator['name']:<24}{shape:>12}{operator['macs']:>12,}"
        print(f"{row}{operator['weight_bytes']:>14,}")
    print(
        f"{'all':<24}{'':>12}{report['macs']:>12,}{report['weight_bytes']:>14,}\n\n"
        f"{report['model_bytes']:,} bytes of model, {report['arena_bytes']:,} bytes of arena, "
        f"{report['macs_per_second']:,} MACs per second of audio"
    )
    return 0


def describe(path: Path) -> dict[str, Any]:
    """All that `stapes info` prints, as JSON values.

    Raises:
        StapesError: not a model, or one that the engine refuses.
    """
    from stapes.tflite.engine import Engine
    from stapes.tflite.metadata import load_model

    model, settings = load_model(path)
    engine = Engine.from_bytes(model, source=str(path))
    operators = [dict(operator) for operator in engine.operators]
    macs = sum(operator["macs"] for operator in operators)
    front_end = settings.front_end
    return {
        "name": settings.name,
        "labels": list(settings.labels),
        "clip_duration_ms": settings.clip_duration_ms,
        "front_end": dataclasses.asdict(front_end),
        "decoder": dataclasses.asdict(settings.decoder),
        "provenance": settings.provenance,
        "input": {"scale": engine.input_scale, "zero_point": engine.input_zero_point},
        "operators": operators,
        "macs": macs,
        "macs_per_second": macs * front_end.sample_rate // front_end.stride_samples,
        "weight_bytes": sum(operator["weight_bytes"] for operator in operators),
        "model_bytes": len(model),
        "arena_bytes": engine.arena_used,
    }
