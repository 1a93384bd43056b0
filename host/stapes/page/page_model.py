# SPDX-License-Identifier: Apache-2.0
"""A model as the page loads it: what boards/web/page_model.cc reads."""

from __future__ import annotations

import dataclasses
import os
import struct
import zlib

import numpy as np

from stapes.device.bundle import ModelBundle
from stapes.device.tables import FrontEndTables
from stapes.link.model_image import read_model_image

MAGIC = 0x47505053
VERSION = 1
_ALIGNMENT = 16
_HEADER = struct.Struct("<11I")


def read_page_model(path: str | os.PathLike[str]) -> bytes:
    """The page's form of the .tflite file at `path`.

    Twelve words (magic, version, bytes of the tables, bytes of the image, sample rate, CRC-32 that
    names the front end, frames in a window, frames from one inference to the next, bytes of the
    arena, two words of 0, CRC-32 of everything else), the front end's tables, the image that
    `stapes load` sends.

    Raises:
        StapesError: the model cannot be read, is refused by the engine, or contradicts its
            settings.
    """
    image = read_model_image(path)
    bundle = ModelBundle.from_file(path)
    settings = bundle.settings
    tables = _pack_tables(bundle.tables)
    header = _HEADER.pack(
        *(MAGIC, VERSION, len(tables), len(image.data)),
        *(settings.front_end.sample_rate, image.front_end_crc),
        *(settings.window_frames, settings.clip_stride_frames, image.arena_bytes, 0, 0),
    )
    crc = zlib.crc32(header + tables + image.data)
    return header + crc.to_bytes(4, "little") + tables + image.data


def _pack_tables(tables: FrontEndTables) -> bytes:
    """The fields in their order, one word each; an array is the count of its bytes, then the bytes,
    with zeros up to a whole word. The image after them must stay aligned."""
    packed = b""
    for field in dataclasses.fields(tables):
        value = getattr(tables, field.name)
        if isinstance(value, np.ndarray):
            data = value.astype(value.dtype.newbyteorder("<")).tobytes()
            packed += struct.pack("<I", len(data)) + data + bytes(-len(data) % 4)
        else:
            packed += struct.pack("<I", value & 0xFFFFFFFF)
    return packed + bytes(-len(packed) % _ALIGNMENT)
