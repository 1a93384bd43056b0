"""Model architectures by name, and those that a user plugs in."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

from stapes.errors import StapesError
from stapes.models import conv, ds_cnn, svdf
from stapes.models.backend import keras
from stapes.models.options import ModelOptions, ModelShape

ARCHITECTURES: dict[str, Callable[..., Any]] = {
    "single_fc": conv.single_fc,
    "conv": conv.conv,
    "low_latency_conv": conv.low_latency_conv,
    "low_latency_svdf": svdf.low_latency_svdf,
    "tiny_conv": conv.tiny_conv,
    "tiny_embedding_conv": conv.tiny_embedding_conv,
    "ds_cnn": ds_cnn.ds_cnn,
    "residual_svdf": svdf.residual_svdf,
    "svdf": svdf.svdf,
}


def create_model(
    architecture: str, shape: ModelShape, options: ModelOptions, *, seed: int = 0
) -> Any:
    """A Keras model from [batch, frames, features] to logits [batch, labels].

    Args:
        architecture: a name in ARCHITECTURES, or `module:function` of the user's own, called with
            the same (shape, options) and made of layers that `stapes export` knows
            (docs/architectures.md).
        seed: of the initial weights and of dropout.

    Raises:
        StapesError: no such architecture, or one whose shape does not fit.
    """
    keras.utils.set_random_seed(seed)
    model = _builder(architecture)(shape, options)
    if not isinstance(model, keras.Model) or model.output_shape != (None, shape.labels):
        found = getattr(model, "output_shape", type(model).__name__)
        raise StapesError(
            f"--model_architecture={architecture}: found output {found}, expected a Keras model "
            f"with output (None, {shape.labels}); mend the function"
        )
    return model


def _builder(architecture: str) -> Callable[..., Any]:
    if architecture in ARCHITECTURES:
        return ARCHITECTURES[architecture]
    module_name, colon, function_name = architecture.partition(":")
    if not colon:
        raise StapesError(
            f"--model_architecture={architecture}: expected one of {', '.join(ARCHITECTURES)} "
            "or your own as module:function"
        )
    try:
        builder = getattr(importlib.import_module(module_name), function_name)
        inspect.signature(builder).bind("shape", "options")
        return builder
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise StapesError(
            f"--model_architecture={architecture}: cannot be used ({error}), expected "
            "module:function on PYTHONPATH that takes (shape, options); check both names"
        ) from error
