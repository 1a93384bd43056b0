# SPDX-License-Identifier: Apache-2.0
"""Flags that several commands share."""

from __future__ import annotations

import argparse
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stapes.cli.flags import add_flags, from_flags, given
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings, PcenSettings, WakeSettings
from stapes.model.shipped import shipped_models
from stapes.options import as_text, like, setting

_FEATURES = ("channel_count", "dct_coefficient_count")  # FeatureFlags decide these


@dataclass(frozen=True, kw_only=True)
class FeatureFlags:
    """Kind and number of features, in the tutorial's words."""

    preprocess: str = setting("mfcc", choices=("mfcc", "logmel", "pcen"), help="kind of features")
    feature_bin_count: int = setting(40, least=1, most=128, help="features per frame")
    channel_count: int | None = like(
        FrontEndSettings,
        "channel_count",
        default=None,
        shown="40, or all bins with logmel and pcen",
    )

    def settings(self) -> dict[str, int]:
        """With mfcc the bins are coefficients; otherwise they are the channels themselves."""
        bins, channels = self.feature_bin_count, self.channel_count
        if self.preprocess == "mfcc":
            channels = max(40, bins) if channels is None else channels
            return {"channel_count": channels, "dct_coefficient_count": bins}
        if channels not in (None, bins):
            raise StapesError(
                f"--feature_bin_count={bins}: expected, with --preprocess {self.preprocess}, the "
                f"same as --channel_count={channels}; leave one of them out"
            )
        return {"channel_count": bins, "dct_coefficient_count": 0}


@dataclass(frozen=True, kw_only=True)
class WorkerFlags:
    """How many threads score audio."""

    workers: int | None = setting(
        None,
        least=1,
        most=256,
        shown="all cores",
        help="threads; results are the same for any number",
    )


def model_file(text: str) -> Path:
    """For `type=`: a .tflite file, or the name of a model that comes with Stapes.

    Raises:
        StapesError: a name without a suffix that is neither.
    """
    path = Path(text)
    if path.is_file() or path.suffix or len(path.parts) > 1:
        return path
    shipped = shipped_models()
    if text not in shipped:
        near = difflib.get_close_matches(text, shipped, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise StapesError(
            f"{text}: found no such file{hint}; expected a .tflite file, or a model that comes "
            f"with Stapes: {', '.join(shipped)}"
        )
    return shipped[text].path


def add_wake_flags(parser: Any) -> None:
    """Adds --wake and the flags that belong to it to a parser or a group of it."""
    parser.add_argument(
        "--wake",
        type=model_file,
        metavar="WAKE",
        help="the model of a wake word: MODEL sleeps until it is heard",
    )
    add_flags(parser, WakeSettings, instead_of=as_text(WakeSettings.awake_seconds))


def wake_settings(arguments: argparse.Namespace) -> WakeSettings:
    """What the flags of `add_wake_flags` say.

    Raises:
        StapesError: how long to be awake, without a wake word.
    """
    said = given(WakeSettings, arguments)
    if said and arguments.wake is None:
        raise StapesError(
            "--awake_seconds: expected --wake as well, the model of the wake word; add it"
        )
    return WakeSettings(**said)


def add_front_end_arguments(parser: Any) -> None:
    """Adds the front end's flags to a parser or a group of it."""
    add_flags(parser, FeatureFlags)
    add_flags(parser, FrontEndSettings, omit=_FEATURES)
    add_flags(parser, PcenSettings)


def front_end_settings(arguments: argparse.Namespace) -> FrontEndSettings:
    """What the flags of the front end say."""
    features = from_flags(FeatureFlags, arguments)
    pcen = from_flags(PcenSettings, arguments) if features.preprocess == "pcen" else None
    return from_flags(FrontEndSettings, arguments, **features.settings(), pcen=pcen)
