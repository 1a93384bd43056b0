# SPDX-License-Identifier: Apache-2.0
"""What an architecture is asked for; free of TensorFlow, so that settings load quickly."""

from __future__ import annotations

from dataclasses import dataclass

from stapes.options import check, setting

# Every architecture: a function of that name in this module of stapes.networks.
ARCHITECTURES = {
    "svdf": "svdf",
    "residual_svdf": "svdf",
    "broadcast_svdf": "broadcast",
    "single_fc": "conv",
    "conv": "conv",
    "low_latency_conv": "conv",
    "low_latency_svdf": "svdf",
    "tiny_conv": "conv",
    "tiny_embedding_conv": "conv",
    "ds_cnn": "ds_cnn",
}
# Far above what fits a microcontroller; without limits, a typing error could take all memory.
MAX_LAYERS = 32
MAX_UNITS = 8192


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """What goes in, [frames, features] of float, and how many labels come out."""

    frames: int
    features: int
    labels: int


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Options of all architectures; (), 0 and, for dropout, -1 mean the architecture's default."""

    svdf_units: tuple[int, ...] = setting(
        (),
        least=1,
        most=MAX_UNITS,
        longest=MAX_LAYERS,
        metavar="N,...",
        shown="svdf 64,64,64,64; residual_svdf 96,96,96,96,96; broadcast_svdf 96,96,96; "
        "low_latency_svdf 1280",
        help="units of each layer",
    )
    svdf_memory: tuple[int, ...] = setting(
        (),
        least=1,
        most=MAX_UNITS,
        longest=MAX_LAYERS,
        metavar="N,...",
        shown="a clip, shared among the layers",
        help="frames that each layer remembers, a number for each",
    )
    svdf_rank: int = setting(
        0, least=1, most=16, shown="1; low_latency_svdf 2", help="filters per unit"
    )
    bottleneck_units: int = setting(
        0,
        least=1,
        most=MAX_UNITS,
        shown="svdf none; residual_svdf, broadcast_svdf half of its units",
        help="dense units between svdf layers",
    )
    conv_channels: tuple[int, ...] = setting(
        (),
        least=1,
        most=MAX_UNITS,
        longest=MAX_LAYERS,
        metavar="N,...",
        shown="16,24,24,40,40",
        help="channels of each convolution over frequency of broadcast_svdf; where they change, "
        "half of the frequencies stay",
    )
    conv_frames: int = setting(
        0, least=1, most=100, shown="5", help="frames that its first convolution sees at once"
    )
    conv_stride: int = setting(
        0,
        least=1,
        most=100,
        shown="1",
        help="frames from one inference of broadcast_svdf to the next",
    )
    conv_memory: int = setting(
        0,
        least=1,
        most=MAX_UNITS,
        shown="4",
        help="outputs of its own that each of the others remembers",
    )
    dropout: float = setting(
        -1.0,
        least=0,
        below=1,
        shown="svdf, residual_svdf, broadcast_svdf 0.1; ds_cnn 0.4; the tutorial's networks 0.5",
        help="share of units dropped in training",
    )

    def __post_init__(self) -> None:
        check(self)
