# SPDX-License-Identifier: Apache-2.0
"""TensorFlow and Keras, imported in one place: quiet, and with a clear word where missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from stapes.errors import StapesError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Silences file descriptor 2: TensorFlow's libraries write to it before they obey their log
    level."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


try:
    with _quiet_stderr():
        import tensorflow as tf

        import keras  # isort: skip
except ImportError as error:
    raise StapesError(
        f"TensorFlow: cannot import it ({error}), expected for training and export; "
        "run pip install 'stapes[train]'"
    ) from error

__all__ = ["keras", "tf"]
