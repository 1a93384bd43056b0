"""Flags that several commands share."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings, PcenSettings


def add_front_end_arguments(parser: Any) -> None:
    """The front end's flags and the length of a clip, to a parser or a group of it."""
    front = parser.add_argument
    front(
        "--preprocess",
        choices=("mfcc", "logmel", "pcen"),
        default="mfcc",
        help="kind of features (%(default)s)",
    )
    front("--sample_rate", type=int, default=16000, help="Hz, of clips and device (%(default)s)")
    front("--clip_duration_ms", type=int, default=1000, help="length of a clip (%(default)s)")
    front("--window_size_ms", type=float, default=30.0, help="length of a frame (%(default)s)")
    front("--window_stride_ms", type=float, default=20.0, help="from frame to frame (%(default)s)")
    front("--feature_bin_count", type=int, default=40, help="features per frame (%(default)s)")
    front("--channel_count", type=int, help="mel channels (40, or all bins with logmel and pcen)")
    front(
        "--lower_edge_hertz", type=float, default=20.0, help="of the mel filter bank (%(default)s)"
    )
    front(
        "--upper_edge_hertz",
        type=float,
        default=4000.0,
        help="of the mel filter bank (%(default)s)",
    )
    add_pcen_arguments(parser)


def add_pcen_arguments(parser: Any) -> None:
    """The settings of `--preprocess pcen`, to a parser or a group of it."""
    defaults = PcenSettings()
    for name, text in (
        ("time_constant_ms", "of the smoothed energy"),
        ("alpha", "how much of the smoothed energy's level is taken out, 0 to 1"),
        ("delta", "added before the root"),
        ("root", "exponent of the result; 0: logarithmic above delta"),
        ("floor", "energies of about this and below count as silence"),
    ):
        default = getattr(defaults, name)
        parser.add_argument(
            f"--pcen_{name}", type=float, default=default, help=f"{text} ({default:g})"
        )


def pcen_settings(arguments: argparse.Namespace) -> PcenSettings | None:
    """Those of the flags; None with another `--preprocess`."""
    if arguments.preprocess != "pcen":
        return None
    names = [field.name for field in dataclasses.fields(PcenSettings)]
    return PcenSettings(**{name: getattr(arguments, f"pcen_{name}") for name in names})


def front_end_settings(arguments: argparse.Namespace) -> FrontEndSettings:
    """With mfcc the bins are coefficients; otherwise they are the channels themselves."""
    bins, channels = arguments.feature_bin_count, arguments.channel_count
    mfcc = arguments.preprocess == "mfcc"
    if bins < 1 or (not mfcc and channels not in (None, bins)):
        raise StapesError(
            f"--feature_bin_count={bins}: expected 1 or more, and with --preprocess "
            f"{arguments.preprocess} the same as --channel_count; leave one of them out"
        )
    return FrontEndSettings(
        sample_rate=arguments.sample_rate,
        window_size_ms=arguments.window_size_ms,
        window_stride_ms=arguments.window_stride_ms,
        channel_count=bins if not mfcc else max(40, bins) if channels is None else channels,
        lower_edge_hertz=arguments.lower_edge_hertz,
        upper_edge_hertz=arguments.upper_edge_hertz,
        dct_coefficient_count=bins if mfcc else 0,
        pcen=pcen_settings(arguments),
    )


def truth(text: str) -> bool:
    """`--check_nans`, `--check_nans=true` and `--check_nans=false`: of the tutorial's flag any text
    at all was true."""
    if text.lower() in ("true", "1", "yes"):
        return True
    if text.lower() in ("false", "0", "no", ""):
        return False
    raise argparse.ArgumentTypeError(f"found {text!r}, expected true or false")
