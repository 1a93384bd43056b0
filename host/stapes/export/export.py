# SPDX-License-Identifier: Apache-2.0
"""From a checkpoint to a .tflite file: calibrate, quantize, measure, record."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stapes import __version__
from stapes.device.clip_scores import clip_scores
from stapes.device.features import FeatureExtractor, Quantization
from stapes.errors import StapesError
from stapes.evaluation.confusion import Confusion
from stapes.export.priors import correct_priors
from stapes.export.report import LayerError, layer_errors, table
from stapes.files import check_output, write_bytes
from stapes.model.settings import DEFAULT_CLIP_STRIDE_MS, DecoderSettings, ModelSettings, check_name
from stapes.networks.registry import create_model
from stapes.quantize.calibration import Ranges, calibrate
from stapes.quantize.graph import build_model
from stapes.quantize.layers import (
    Layer,
    frames_at_once,
    is_streaming,
    plain_layers,
    stride_frames,
)
from stapes.quantize.simulate import ranges_from_arrays
from stapes.training.cache import FeatureCache
from stapes.training.checkpoint import Checkpoint, assign
from stapes.training.corpus import Corpus
from stapes.training.settings import TrainingSettings
from stapes.training.step import predict

_CALIBRATION_CLIPS = 1000
_ERROR_CLIPS = 50


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """Accuracies on the testing partition, 0 to 1, before and after quantization (and its 95%
    interval), and the error of each layer."""

    float_accuracy: float
    int8_accuracy: float
    int8_accuracy_95: tuple[float, float]
    test_clips: int
    model_bytes: int
    layers: list[LayerError]


def export_checkpoint(
    checkpoint_file: str | os.PathLike[str],
    output_file: str | os.PathLike[str],
    *,
    name: str = "",
    decoder: DecoderSettings,
    data_dir: str | os.PathLike[str] = "",
    clip_stride_ms: float = DEFAULT_CLIP_STRIDE_MS,
    prior_correction: float = 0.0,
    log: Callable[[str], None] = print,
) -> ExportResult:
    """Writes the int8 model of a checkpoint, with its settings and provenance inside.

    Args:
        name: the name of the model; by default that of its file.
        decoder: the decoder settings that go into the model.
        data_dir: the clips; by default those that the checkpoint was trained on.
        clip_stride_ms: how often a network that sees a whole clip at once is run; rounded to whole
            frames. Networks that stream are run at every frame.
        prior_correction: training shows some labels more often than others; how much to undo the
            effect of this (`correct_priors`).

    Raises:
        StapesError: a name that cannot be shown, a checkpoint or corpus that does not fit, a layer
            that cannot be exported, or an `output_file` that is the checkpoint.
    """
    name = name or Path(output_file).stem
    check_name(name)
    check_output(output_file, inputs=[checkpoint_file])
    checkpoint = Checkpoint.load(checkpoint_file)
    settings = checkpoint.settings
    model = create_model(settings.architecture, settings.shape, settings.model)
    assign(model.variables, checkpoint.model, source=str(checkpoint_file))
    corpus = Corpus(data_dir or checkpoint.origin["data_dir"], settings)
    correct_priors(model, corpus.index, prior_correction)
    layers = plain_layers(model)
    features = _Features(checkpoint_file, checkpoint)
    calibration = features(corpus.evaluation("training", limit=_CALIBRATION_CLIPS).samples)
    network = _network(layers, checkpoint, calibration, log)
    unmeasured = ModelSettings(
        name=name,
        labels=settings.labels,
        front_end=settings.front_end,
        decoder=decoder,
        clip_duration_ms=settings.clip_duration_ms,
        **_window(layers, settings, clip_stride_ms),
    )
    in_float, in_int8 = _test(model, network.build(unmeasured), unmeasured, features, corpus)
    log(f"Confusion matrix of the int8 model:\n{in_int8.table(settings.labels)}")
    provenance = {
        **_provenance(checkpoint, corpus),
        **({"prior_correction": prior_correction} if prior_correction else {}),
        "float_accuracy": round(in_float.accuracy, 5),
        "int8_accuracy": round(in_int8.accuracy, 5),
        "test_clips": in_int8.total,
    }
    content = network.build(dataclasses.replace(unmeasured, provenance=provenance))
    some = calibration[:: -(-len(calibration) // _ERROR_CLIPS)]  # of every label
    errors = layer_errors(network.layers, network.ranges, unmeasured, some, network.quantization)
    log(f"What each layer loses to int8:\n{table(errors)}")
    write_bytes(output_file, content)
    return ExportResult(
        float_accuracy=in_float.accuracy,
        int8_accuracy=in_int8.accuracy,
        int8_accuracy_95=in_int8.accuracy_interval,
        test_clips=in_int8.total,
        model_bytes=len(content),
        layers=errors,
    )


def _window(
    layers: list[Layer], settings: TrainingSettings, clip_stride_ms: float
) -> dict[str, Any]:
    """How many frames the network takes at once, and how many are between two inferences.

    Raises:
        StapesError: a stride that is no length of time.
    """
    if not 0 < clip_stride_ms <= settings.clip_duration_ms:
        raise StapesError(
            f"--clip_stride_ms={clip_stride_ms:g}: expected above 0, up to the "
            f"{settings.clip_duration_ms} of a clip"
        )
    window_frames = frames_at_once(layers, settings.clip_frames)
    if is_streaming(layers):
        return {"window_frames": window_frames, "clip_stride_frames": stride_frames(layers)}
    stride = round(clip_stride_ms / settings.front_end.window_stride_ms)
    return {"window_frames": window_frames, "clip_stride_frames": max(stride, 1)}


class _Features:
    """Features of clips as the device computes them, kept where the training keeps its own."""

    def __init__(self, checkpoint_file: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
        self._extractor = FeatureExtractor(checkpoint.settings.front_end, checkpoint.quantization)
        self._cache = FeatureCache.beside(checkpoint_file)

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """int16 [clips, samples] -> int8 [clips, frames, features]."""
        return self._cache.stored(self._extractor, clips)

    def real(self, stored: np.ndarray) -> np.ndarray:
        """The real values of stored features, float32."""
        return self._extractor.quantization.real(stored)


@dataclass(frozen=True, kw_only=True)
class _Network:
    """Layers with the ranges of their outputs, and the quantization of the features."""

    layers: list[Layer]
    ranges: list[Ranges]
    quantization: Quantization

    def build(self, settings: ModelSettings) -> bytes:
        """The model's bytes, with these settings inside."""
        return build_model(self.layers, self.ranges, settings, self.quantization)


def _network(
    layers: list[Layer], checkpoint: Checkpoint, stored: np.ndarray, log: Callable[[str], None]
) -> _Network:
    """The network with the ranges of quantization-aware training; without these, with the ranges
    that the features `stored` give."""
    quantization = checkpoint.quantization
    if checkpoint.ranges:
        log("Taking the ranges of quantization-aware training")
        ranges = ranges_from_arrays(checkpoint.ranges)
        if len(ranges) != len(layers):
            raise StapesError(
                f"checkpoint: found {len(ranges)} ranges, expected one for each of {len(layers)} "
                "layers; train again"
            )
    else:
        log(f"Calibrating on {len(stored)} training clips")
        ranges = calibrate(layers, quantization.real(stored))
    return _Network(layers=layers, ranges=ranges, quantization=quantization)


def _test(
    model: Any, content: bytes, settings: ModelSettings, features: _Features, corpus: Corpus
) -> tuple[Confusion, Confusion]:
    """The testing partition through the float model and through the int8 model. The int8 model
    starts from samples, as a board does."""
    testing = corpus.evaluation("testing")
    in_float = predict(model, features.real(features(testing.samples)))
    in_int8 = clip_scores(content, settings, testing.samples).argmax(axis=1)
    count = len(settings.labels)
    return (
        Confusion.of(testing.labels, in_float, labels=count),
        Confusion.of(testing.labels, in_int8, labels=count),
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
        **({"attribution": told} if (told := checkpoint.origin["attribution"]) else {}),
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
