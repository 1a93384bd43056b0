# SPDX-License-Identifier: Apache-2.0
"""Stapes: keyword spotting for microcontrollers, from a folder of clips to a flashed board."""

from importlib.metadata import PackageNotFoundError, version

from stapes.errors import StapesError

try:
    __version__ = version("stapes")
except PackageNotFoundError:
    __version__ = "0.0.0"

__all__ = ["StapesError", "__version__"]
