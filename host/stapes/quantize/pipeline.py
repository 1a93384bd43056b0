"""From a checkpoint to a .tflite file: calibrate, quantize, measure, record."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stapes import __version__
from stapes.files import write_bytes
from stapes.models.registry import create_model
from stapes.quantize.calibration import calibrate
from stapes.quantize.export import build_model
from stapes.quantize.layers import plain_layers
from stapes.quantize.scoring import clip_scores
from stapes.training.checkpoint import Checkpoint, assign
from stapes.training.confusion import Confusion
from stapes.training.corpus import Corpus
from stapes.training.features import FeatureExtractor
from stapes.training.loop import predict

_CALIBRATION_CLIPS = 1000


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """Accuracies on the testing partition, 0 to 1, before and after quantization."""

    float_accuracy: float
    int8_accuracy: float
    test_clips: int
    model_bytes: int


def export_checkpoint(
    checkpoint_file: str | os.PathLike[str],
    output_file: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] = "",
    log: Callable[[str], None] = print,
) -> ExportResult:
    """Writes the int8 model of a checkpoint, with its settings and provenance inside.

    Args:
        data_dir: the clips; by default those that the checkpoint was trained on.

    Raises:
        StapesError: a checkpoint or corpus that does not fit, or a layer without a streaming twin.
    """
    checkpoint = Checkpoint.load(checkpoint_file)
    settings = checkpoint.settings
    model = create_model(settings.architecture, settings.shape, settings.model)
    assign(model.variables, checkpoint.model, source=str(checkpoint_file))
    layers = plain_layers(model)

    corpus = Corpus(data_dir or checkpoint.origin["data_dir"], settings)
    extractor = FeatureExtractor(settings.front_end, checkpoint.quantization)
    calibration = corpus.evaluation("training", limit=_CALIBRATION_CLIPS)
    log(f"Calibrating on {len(calibration)} training clips")
    ranges = calibrate(layers, extractor.real(calibration.samples))

    def build(provenance: dict[str, Any]) -> bytes:
        return build_model(
            layers,
            ranges,
            settings.model_settings(name=Path(output_file).stem, provenance=provenance),
            input_scale=checkpoint.quantization.scale,
            input_zero_point=checkpoint.quantization.zero_point,
        )

    testing = corpus.evaluation("testing")
    predicted = predict(model, extractor.real(testing.samples))
    scores = clip_scores(
        build({}), settings.model_settings(name="model", provenance={}), testing.samples
    )
    count = len(settings.labels)
    in_float = Confusion.of(testing.labels, predicted, labels=count)
    in_int8 = Confusion.of(testing.labels, scores.argmax(axis=1), labels=count)
    log(f"Confusion matrix of the int8 model:\n{in_int8.table(settings.labels)}")

    content = build(
        {
            **_provenance(checkpoint, corpus),
            "float_accuracy": round(in_float.accuracy, 5),
            "int8_accuracy": round(in_int8.accuracy, 5),
            "test_clips": in_int8.total,
        }
    )
    write_bytes(output_file, content)
    return ExportResult(
        float_accuracy=in_float.accuracy,
        int8_accuracy=in_int8.accuracy,
        test_clips=in_int8.total,
        model_bytes=len(content),
    )


def _provenance(checkpoint: Checkpoint, corpus: Corpus) -> dict[str, Any]:
    """How to make the model again; no path of the machine it was made on."""
    settings = checkpoint.settings
    names = sorted(
        f"{partition} {path.parent.name}/{path.name}"
        for partition, clips in corpus.index.wanted.items()
        for path in [*(path for path, _ in clips), *corpus.index.unknown[partition]]
    )
    return {
        "stapes_version": __version__,
        "command": checkpoint.origin["command"],
        "seed": settings.seed,
        "steps": checkpoint.step,
        "architecture": settings.architecture,
        "corpus": dataclasses.asdict(settings.corpus),
        "clips": {
            partition: {
                "wanted": len(clips),
                "unknown": corpus.index.unknown_count(partition),
                "silence": corpus.index.silence_count(partition),
            }
            for partition, clips in corpus.index.wanted.items()
        },
        "clip_names_sha256": hashlib.sha256("\n".join(names).encode()).hexdigest(),
    }
