# SPDX-License-Identifier: Apache-2.0
"""Builds an architecture by its name, or one that a user plugs in."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stapes.errors import StapesError
from stapes.networks.backend import keras
from stapes.networks.options import ARCHITECTURES, ModelOptions, ModelShape


def create_model(
    architecture: str, shape: ModelShape, options: ModelOptions, *, seed: int = 0
) -> Any:
    """A Keras model from [batch, frames, features] to logits [batch, labels].

    Args:
        architecture: a name in ARCHITECTURES, or a user's `module:function`, which is called with
            the same (shape, options) and returns a model of layers that `stapes export` knows
            (docs/networks.md).
        seed: for the initial weights and for dropout.

    Raises:
        StapesError: no such architecture, or its shape does not fit.
    """
    keras.utils.set_random_seed(seed)
    builder = _builder(architecture)
    try:
        model = builder(shape, options)
    except StapesError:
        raise
    except Exception as error:  # a stranger's function may raise anything
        raise StapesError(
            f"--model_architecture={architecture}: found {type(error).__name__} while it was built "
            f"({' '.join(str(error).split())}), expected a Keras model; fix the function"
        ) from error
    for what, expected in (
        ("input", (None, shape.frames, shape.features)),
        ("output", (None, shape.labels)),
    ):
        found = getattr(model, f"{what}_shape", type(model).__name__)
        if not isinstance(model, keras.Model) or found != expected:
            raise StapesError(
                f"--model_architecture={architecture}: found {what} {found}, expected a Keras "
                f"model with {what} {expected}; fix the function"
            )
    return model


def _builder(architecture: str) -> Callable[..., Any]:
    if architecture in ARCHITECTURES:
        module = importlib.import_module(f"stapes.networks.{ARCHITECTURES[architecture]}")
        return getattr(module, architecture)
    module_name, colon, function_name = architecture.partition(":")
    if not colon:
        raise StapesError(
            f"--model_architecture={architecture}: expected one of {', '.join(ARCHITECTURES)} "
            "or your own as module:function"
        )
    try:
        with _current_folder_importable():
            builder = getattr(importlib.import_module(module_name), function_name)
        inspect.signature(builder).bind("shape", "options")
        return builder
    except Exception as error:  # a stranger's module may raise anything
        raise StapesError(
            f"--model_architecture={architecture}: cannot be used ({' '.join(str(error).split())}),"
            " expected module:function in this folder or on PYTHONPATH that takes (shape, options);"
            " check both names"
        ) from error


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    """Adds the current folder to the import path: for a console script, it is not there."""
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)
