# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: one .npz file with weights, optimizer, step and settings; written atomically."""

from __future__ import annotations

import itertools
import json
import os
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stapes.device.features import Quantization
from stapes.errors import StapesError
from stapes.files import atomic_path
from stapes.training.history import History
from stapes.training.settings import TrainingSettings

FILE_NAME = "checkpoint.npz"
BEST_FILE_NAME = "best.npz"
_REMEDY = "choose a checkpoint that `stapes train` wrote, or train again"

# What NumPy, zipfile and json raise for a file that another program has damaged.
_DAMAGES = (
    *(OSError, ValueError, TypeError, KeyError, EOFError, OverflowError, RecursionError),
    *(MemoryError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state of a training after `step` steps; the next batches depend only on `step`.

    `origin` says where it came from: `command`, `data_dir`, `attribution`, and `began` (start.py).
    `ranges` are those of quantization-aware training, an array for each layer that is exported;
    empty without such training.
    """

    step: int
    settings: TrainingSettings
    quantization: Quantization
    model: list[np.ndarray]
    optimizer: list[np.ndarray]
    origin: dict[str, str]
    history: History = field(default_factory=History)
    ranges: list[np.ndarray] = field(default_factory=list)

    @property
    def finite(self) -> bool:
        """Whether every weight is a number."""
        return all(np.isfinite(array).all() for array in [*self.model, *self.ranges])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Raises:
        StapesError: the folder does not exist or cannot be written.
        """
        arrays: dict[str, Any] = {
            "step": self.step,
            "settings": self.settings.to_json(),
            "scale": self.quantization.scale,
            "zero_point": self.quantization.zero_point,
            "origin": json.dumps(self.origin),
            "history": self.history.to_json(),
        }
        arrays |= {f"model_{number:04d}": array for number, array in enumerate(self.model)}
        arrays |= {f"optimizer_{number:04d}": array for number, array in enumerate(self.optimizer)}
        arrays |= {f"range_{number:04d}": array for number, array in enumerate(self.ranges)}
        with atomic_path(path) as temporary:
            np.savez(temporary, **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Checkpoint:
        """Raises:
        StapesError: no such file, or not a whole checkpoint.
        """
        if not Path(path).is_file():
            raise StapesError(f"{path}: found no such file, expected a checkpoint; {_REMEDY}")
        try:
            if not zipfile.is_zipfile(path):  # NumPy's own error would be about pickles
                raise ValueError("no .npz archive, or one cut short")
            with np.load(path, allow_pickle=False) as arrays:
                content = {name: arrays[name] for name in arrays.files}
            for name, array in content.items():
                if name.startswith(("model_", "optim", "range_")) and array.dtype.kind not in "fiu":
                    raise ValueError(f"{name}: expected numbers")
            origin = json.loads(str(content["origin"]))
            if not isinstance(origin, dict) or set(map(type, origin.values())) - {str}:
                raise ValueError("origin: expected names and texts")
            checkpoint = cls(
                step=int(content["step"]),
                settings=TrainingSettings.from_json(str(content["settings"]), source=str(path)),
                quantization=Quantization(
                    scale=float(content["scale"]), zero_point=int(content["zero_point"])
                ),
                model=[content[name] for name in sorted(content) if name.startswith("model_")],
                optimizer=[content[name] for name in sorted(content) if name.startswith("optim")],
                origin={
                    "command": origin["command"],
                    "data_dir": origin["data_dir"],
                    "attribution": origin.get("attribution", ""),
                    "began": origin.get("began", ""),
                },
                history=History.from_json(str(content.get("history", "{}"))),
                ranges=[content[name] for name in sorted(content) if name.startswith("range_")],
            )
        except _DAMAGES as error:
            raise StapesError(
                f"{path}: found a damaged or foreign file ({error}), expected a checkpoint; "
                f"{_REMEDY}"
            ) from error
        if not checkpoint.finite:
            raise StapesError(
                f"{path}: found weights that are not numbers, expected finite ones; {_REMEDY}"
            )
        return checkpoint


def assign(variables: list[Any], values: list[np.ndarray], *, source: str) -> None:
    """Sets Keras variables.

    Raises:
        StapesError: the checkpoint holds other shapes.
    """
    pairs = itertools.zip_longest(
        (value.shape for value in values), (tuple(variable.shape) for variable in variables)
    )
    for number, (found, expected) in enumerate(pairs):
        if found != expected:
            raise StapesError(
                f"{source}: found weights of another architecture ({_shape(found)} where this one "
                f"has {_shape(expected)}, array {number}); {_REMEDY}"
            )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "none" if shape is None else "x".join(map(str, shape)) or "a number"
