"""TensorFlow and Keras, imported in one place: quiet, and with a clear word where missing."""

from __future__ import annotations

import os

from stapes.errors import StapesError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# The oneDNN kernels give the same weights only for the same number of threads.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

try:
    import tensorflow as tf
except ImportError as error:
    raise StapesError(
        f"TensorFlow: cannot import it ({error}), expected for training and export; "
        "run pip install 'stapes[train]'"
    ) from error
import keras

__all__ = ["keras", "tf"]
