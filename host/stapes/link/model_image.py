# SPDX-License-Identifier: Apache-2.0
"""A model as it is sent over the link: what firmware/app/model_image.h reads."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stapes.device.bundle import ModelBundle
from stapes.device.decoder import decoder_work_bytes, threshold_q16, thresholds_q16
from stapes.device.gate import gate_config, gate_ring_bytes
from stapes.errors import StapesError
from stapes.model.settings import SILENCE_LABEL, DecoderSettings

MAGIC = 0x4D545053
VERSION = 1
GATE_PLACE = 60  # of the word that says where the settings of a silence gate are
ALIGNMENT = 16  # of the .tflite file inside, and of the pieces in which it travels

# Reasons of a board: firmware/nn/inference_engine.cc, firmware/nn/operator.cc, app/pipeline.cc.
NO_OPERATOR = "this engine has no such operator"
NO_MEMORY = (
    "the arena is too small",
    "the decoder's settings or work memory do not fit",
    "the silence gate's settings or memory do not fit",
)


@dataclass(frozen=True, kw_only=True)
class ModelImage:
    """An image; its length is a multiple of ALIGNMENT. `sha256`: of the .tflite file inside.
    What the model needs from the firmware: `arena_bytes`, `label_count`, `frame_capacity` (scores
    in an averaging window), `operators` and `gate_bytes` (the memory of its silence gate; 0 without
    a gate). `front_end_crc` must be equal to the firmware's."""

    name: str
    sha256: str
    data: bytes
    arena_bytes: int
    label_count: int
    frame_capacity: int
    operators: frozenset[str]
    gate_bytes: int
    front_end_crc: int

    @property
    def crc32(self) -> int:
        return zlib.crc32(self.data)

    def options_for(self, reason: str) -> str:
        """The CMake options of a firmware that takes this model, after a board refused it for
        `reason`; "" if options do not help against this reason."""
        if reason not in (NO_OPERATOR, *NO_MEMORY):
            return ""
        options = [
            "-DSTAPES_MODEL_SLOTS=ON",
            f"-DSTAPES_SLOT_ARENA_BYTES={self.arena_bytes}",
            f"-DSTAPES_SLOT_LABELS={self.label_count}",
            *([f"-DSTAPES_SLOT_GATE_BYTES={self.gate_bytes}"] * bool(self.gate_bytes)),
        ]
        return " ".join([*options, *(["-DSTAPES_SLOT_OPERATORS=ON"] * (reason == NO_OPERATOR))])


def read_model_image(path: str | os.PathLike[str]) -> ModelImage:
    """The image of the .tflite file at `path`.

    Raises:
        StapesError: the model cannot be read, is refused by the engine, or contradicts its
            settings.
    """
    bundle = ModelBundle.from_file(path)
    settings = bundle.settings
    header = _header(bundle)
    for text in (bundle.sha256, settings.name, *settings.labels):
        header += text.encode() + b"\0"
    if settings.gate:
        header += bytes(-len(header) % 4)
        struct.pack_into("<I", header, GATE_PLACE, len(header))
        header += struct.pack("<9I", *gate_config(settings).values())
    header += bytes(-len(header) % ALIGNMENT)
    struct.pack_into("<H", header, 6, len(header))
    data = bytes(header) + bundle.model
    return ModelImage(
        name=settings.name,
        sha256=bundle.sha256,
        data=data + bytes(-len(data) % ALIGNMENT),
        arena_bytes=bundle.arena_bytes,
        label_count=len(settings.labels),
        frame_capacity=bundle.frame_capacity,
        operators=frozenset(entry["symbol"] for entry in bundle.engine.operators),
        gate_bytes=max(1, gate_ring_bytes(settings)) if settings.gate else 0,
        front_end_crc=struct.unpack_from("<I", header, 12)[0],
    )


def slot_options(built_in: ModelImage, others: Sequence[ModelImage]) -> list[str]:
    """The CMake options of a firmware around `built_in` that takes the `others` over the link. If
    there are no others, the firmware takes no models.

    Raises:
        StapesError: one of the others was made for another front end.
    """
    if not others:
        return ["-DSTAPES_MODEL_SLOTS=OFF"]
    for other in others:
        if other.front_end_crc != built_in.front_end_crc:
            raise StapesError(
                f"{other.name}: found another front end than that of {built_in.name}, expected the "
                "same in all models of a firmware; train one of them with the other's settings"
            )
    labels = max(other.label_count for other in others)
    decoder = max(decoder_work_bytes(other.label_count, other.frame_capacity) for other in others)
    while decoder_work_bytes(labels, built_in.frame_capacity) < decoder:
        labels += 1
    more_operators = any(other.operators - built_in.operators for other in others)
    return [
        "-DSTAPES_MODEL_SLOTS=ON",
        f"-DSTAPES_SLOT_ARENA_BYTES={max(other.arena_bytes for other in others)}",
        f"-DSTAPES_SLOT_LABELS={labels}",
        f"-DSTAPES_SLOT_OPERATORS={'ON' if more_operators else 'OFF'}",
        f"-DSTAPES_SLOT_GATE_BYTES={max(other.gate_bytes for other in others)}",
    ]


def _header(bundle: ModelBundle) -> bytearray:
    """The numbers; the header's own length stays open."""
    settings, tables = bundle.settings, bundle.tables
    labels, decoder = settings.labels, settings.decoder
    header = struct.pack("<IHHI", MAGIC, VERSION, 0, len(bundle.model))
    header += struct.pack("<I", tables.crc32(settings))
    header += np.float32(bundle.engine.input_scale).astype("<f4").tobytes()
    header += struct.pack("<iii", tables.zero_point, tables.multiplier, tables.shift)
    silence = labels.index(SILENCE_LABEL) if SILENCE_LABEL in labels else -1
    header += struct.pack(
        "<HhHH", len(labels), silence, decoder.minimum_count, bundle.frame_capacity
    )
    header += struct.pack(
        "<IIIIII",
        decoder.average_window_duration_ms,
        threshold_q16(decoder.detection_threshold),
        decoder.suppression_ms,
        threshold_q16(decoder.hysteresis),
        _flags(decoder),
        0,
    )
    header += struct.pack(f"<{len(labels)}I", *thresholds_q16(settings))
    return bytearray(header)


def _flags(decoder: DecoderSettings) -> int:
    return (
        (decoder.mode == "streaming")
        | (decoder.retrigger << 1)
        | ((decoder.compatibility == "tutorial") << 2)
    )
