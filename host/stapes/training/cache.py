# SPDX-License-Identifier: Apache-2.0
"""Features of fixed clips, kept in a folder from run to run; their key is a digest of everything
that they depend on."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
from pathlib import Path

import numpy as np

from stapes import _native
from stapes.device.features import FeatureExtractor
from stapes.errors import StapesError
from stapes.files import atomic_path

_FOLDER = "features"
_KEPT_ENTRIES = 8


class FeatureCache:
    """int8 features by content: equal clips, settings and front-end code give the same file.

    A damaged file is computed again; where nothing can be written, nothing is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def beside(cls, checkpoint: str | os.PathLike[str]) -> FeatureCache:
        """The cache of a training, in a folder next to its checkpoint file."""
        return cls(Path(checkpoint).parent / _FOLDER)

    def stored(self, extractor: FeatureExtractor, clips: np.ndarray) -> np.ndarray:
        """`FeatureExtractor.stored`: int8 [clips, frames, features] of int16 [clips, samples]."""
        path = self._folder / f"{_key(extractor, clips)}.npy"
        settings = extractor.settings
        shape = (len(clips), settings.frame_count(clips.shape[1]), settings.feature_count)
        found = _load(path, shape)
        if found is None:
            found = extractor.stored(clips)
            self._keep(path, found)
        return found

    def _keep(self, path: Path, features: np.ndarray) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with atomic_path(path) as temporary:
                np.save(temporary, features)
            entries = sorted(self._folder.glob("*.npy"), key=lambda entry: entry.stat().st_mtime)
            for entry in entries[:-_KEPT_ENTRIES]:
                entry.unlink(missing_ok=True)
        except (OSError, StapesError):
            return  # it only takes longer the next time


def _load(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    try:
        features = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return features if features.dtype == np.int8 and features.shape == shape else None


def _key(extractor: FeatureExtractor, clips: np.ndarray) -> str:
    settings = {
        **dataclasses.asdict(extractor.settings),
        **dataclasses.asdict(extractor.quantization),
        "clips": clips.shape,
        "code": _code(),
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(np.ascontiguousarray(clips).data)
    return digest.hexdigest()


@functools.cache
def _code() -> str:
    return hashlib.sha256(Path(_native.__file__).read_bytes()).hexdigest()
