# SPDX-License-Identifier: Apache-2.0
"""The firmware's int8 engine as a Python object, with errors for people."""

from __future__ import annotations

import os

from stapes import _native
from stapes.errors import StapesError
from stapes.files import read_bytes


class Engine(_native.Engine):
    """Runs a .tflite model bit for bit as a board does.

    `invoke` takes one int8 input and returns one int8 output; `run` takes one frame per row and
    keeps the model's state between rows. `operators` lists what the model is made of.
    """

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, arena_bytes: int | None = None) -> Engine:
        """Loads the model at `path`.

        Raises:
            StapesError: the file is missing, not a .tflite file, or one that the engine refuses.
        """
        model = read_bytes(path, what="a .tflite model")
        return cls.from_bytes(model, source=str(path), arena_bytes=arena_bytes)

    @classmethod
    def from_bytes(
        cls, model: bytes, *, source: str = "model", arena_bytes: int | None = None
    ) -> Engine:
        """Loads a model from memory; `source` names it in error messages.

        Raises:
            StapesError: not a .tflite file, or one that the engine refuses.
        """
        try:
            return cls(model, arena_bytes)
        except ValueError as error:
            raise StapesError(
                f"{source}: {error}; expected an integer .tflite model of operators that Stapes "
                "runs; docs/engines.md lists them"
            ) from error
