# SPDX-License-Identifier: Apache-2.0
"""The settings inside a .tflite file: read through the firmware's own reader, written by schema."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from stapes import _native
from stapes.errors import StapesError
from stapes.files import read_bytes
from stapes.model.builder import load_schema, pack_model
from stapes.model.settings import METADATA_NAME, ModelSettings

_REMEDY = "choose another file"


def read_settings(path: str | os.PathLike[str]) -> ModelSettings:
    """The settings that the model at `path` carries.

    Raises:
        StapesError: the file is missing, not a .tflite file, cut short, or without settings.
    """
    return load_model(path)[1]


def load_model(path: str | os.PathLike[str]) -> tuple[bytes, ModelSettings]:
    """The bytes of the model at `path` and the settings inside.

    Raises:
        StapesError: the file is missing, not a .tflite file, cut short, or without settings.
    """
    model = read_bytes(path, what="a .tflite model")
    return model, settings_of(model, source=str(path))


def settings_of(model: bytes, *, source: str) -> ModelSettings:
    """The settings inside the bytes of a model; `source` names it in error messages.

    Raises:
        StapesError: not a .tflite file, cut short, or without settings.
    """
    settings = find_settings(model, source=source)
    if settings is None:
        raise StapesError(
            f"{source}: found a .tflite model without {METADATA_NAME} metadata, such as other "
            "programs write, expected labels and front end inside; stapes info works without them"
        )
    return settings


def find_settings(model: bytes, *, source: str) -> ModelSettings | None:
    """Like `settings_of`, but None if the model has no settings."""
    try:
        content = _native.find_metadata(model, METADATA_NAME)
    except ValueError as error:
        raise StapesError(f"{source}: {error}; expected a .tflite model; {_REMEDY}") from error
    return None if content is None else ModelSettings.from_json(content, source=source)


def write_settings(model: bytes, settings: ModelSettings, *, source: str = "model") -> bytes:
    """The model with `settings` inside, in place of the settings that it had; all else is kept.
    `source` names the model in error messages.

    Raises:
        StapesError: not a .tflite file, a file that is damaged (even in parts that engines do not
            read), or the package with the schema is not installed.
    """
    schema = load_schema()
    try:
        _native.find_metadata(model, METADATA_NAME)
    except ValueError as error:
        raise StapesError(f"{source}: {error}; expected a .tflite model; {_REMEDY}") from error
    text = settings.to_json()
    ModelSettings.from_json(text, source=source)  # never writes what could not be read
    content = np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
    # The generated classes check no bounds: for a damaged file, they may raise any exception.
    try:
        unpacked = schema.ModelT.InitFromPackedBuf(bytearray(model), 0)
        _buffer_for_metadata(schema, unpacked, METADATA_NAME).data = content
        return pack_model(schema, unpacked)
    except Exception as error:
        raise StapesError(
            f"{source}: damaged or cut short ({error}); expected a whole .tflite model; {_REMEDY}"
        ) from error


def _buffer_for_metadata(schema: Any, model: Any, name: str) -> Any:
    """The buffer of metadata `name`, added when the model has none."""
    model.metadata = list(model.metadata or [])
    for entry in model.metadata:
        if entry.name == name.encode():
            return model.buffers[entry.buffer]
    entry = schema.MetadataT()
    entry.name = name.encode()
    entry.buffer = len(model.buffers)
    model.metadata.append(entry)
    model.buffers.append(schema.BufferT())
    return model.buffers[-1]
