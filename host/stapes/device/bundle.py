# SPDX-License-Identifier: Apache-2.0
"""A model with all that a firmware knows about it: app/model_bundle.h, built on the host."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass
from functools import cached_property

from stapes.device.decoder import frame_capacity
from stapes.device.engine import Engine
from stapes.device.features import Quantization
from stapes.device.gate import gate_config
from stapes.device.tables import FrontEndTables, build_tables
from stapes.errors import StapesError
from stapes.model.metadata import load_model
from stapes.model.settings import ModelSettings

_ARENA_ALIGNMENT = 16


@dataclass(frozen=True, kw_only=True)
class ModelBundle:
    """A model that fits its settings. `engine` describes the network; `tables` are those of the
    front end, quantized as the network takes its features."""

    model: bytes
    settings: ModelSettings
    engine: Engine
    tables: FrontEndTables

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> ModelBundle:
        """The bundle of the .tflite file at `path`.

        Raises:
            StapesError: the model cannot be read, is refused, or contradicts its settings.
        """
        model, settings = load_model(path)
        return cls.from_bytes(model, settings, source=str(path))

    @classmethod
    def from_bytes(
        cls, model: bytes, settings: ModelSettings, *, source: str = "model"
    ) -> ModelBundle:
        """The bundle of a .tflite file in memory; `source` names it in error messages.

        Raises:
            StapesError: the engine refuses the model, or it contradicts its settings.
        """
        engine = Engine.from_bytes(model, source=source)
        check_agreement(engine, settings, source=source)
        tables = build_tables(
            settings.front_end, scale=engine.input_scale, zero_point=engine.input_zero_point
        )
        return cls(model=model, settings=settings, engine=engine, tables=tables)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.model).hexdigest()

    @property
    def quantization(self) -> Quantization:
        """The quantization of the features that the network takes."""
        return Quantization(scale=self.engine.input_scale, zero_point=self.engine.input_zero_point)

    @property
    def arena_bytes(self) -> int:
        """The size of the network's arena, a multiple of its alignment."""
        return -(-self.engine.arena_used // _ARENA_ALIGNMENT) * _ARENA_ALIGNMENT

    @property
    def frame_capacity(self) -> int:
        """Scores that the averaging window can hold."""
        return frame_capacity(self.settings)


def check_agreement(engine: Engine, settings: ModelSettings, *, source: str) -> None:
    """Checks that the network fits the settings that came with it.

    Raises:
        StapesError: another number of features or labels, other types, scores that are no int8
            softmax, or a decoder or gate that no firmware can have.
    """
    found = (math.prod(engine.input_shape), math.prod(engine.output_shape))
    expected = (settings.input_size, len(settings.labels))
    for what, here, wanted in zip(("features in", "scores out"), found, expected, strict=True):
        if here != wanted:
            raise StapesError(
                f"{source}: found {here} {what}, expected {wanted} as its settings say; "
                "export the model again"
            )
    if (engine.input_type, engine.output_type) != ("int8", "int8"):
        raise StapesError(
            f"{source}: found {engine.input_type} features and {engine.output_type} scores, "
            "expected int8; export the model again"
        )
    if (engine.output_scale, engine.output_zero_point) != (1 / 256, -128):
        raise StapesError(
            f"{source}: found scores of scale {engine.output_scale:g} and zero point "
            f"{engine.output_zero_point}, expected 1/256 and -128 (an int8 softmax); "
            "export the model again"
        )
    frame_capacity(settings)
    if settings.gate is not None:
        try:
            gate_config(settings)
        except StapesError as error:
            raise StapesError(f"{source}: {error}") from error
