# SPDX-License-Identifier: Apache-2.0
"""How training clips are varied: the settings, which are the flags of `stapes train` as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stapes.options import check, setting


def _off(*, most: float, help: str) -> Any:
    """A setting that does nothing by default."""
    return setting(0.0, least=0, most=most, shown="off", help=help)


def _ratio(text: str) -> Any:
    """A range of signal-to-noise ratios."""
    return setting(
        (), interval=True, least=-100, most=100, metavar="LOW,HIGH", shown="off", help=text
    )


# What `train --room` turns on: a device that is used in a room, at any distance.
ROOM: dict[str, Any] = {
    "gain_db": 20.0,
    "noise_snr_db": (-5.0, 25.0),
    "chatter_snr_db": (3.0, 30.0),
    "reverb_ms": 300.0,
    "equalizer_db": 6.0,
}


@dataclass(frozen=True, kw_only=True)
class AugmentSettings:
    """The first three are the tutorial's, with its defaults; all others are off at 0."""

    time_shift_ms: float = setting(
        100.0, least=0, most=10000, help="random shift, earlier or later"
    )
    background_volume: float = setting(0.1, least=0, most=1, help="loudest background")
    background_frequency: float = setting(
        0.8, least=0, most=1, help="share of clips with background"
    )
    gain_db: float = _off(most=40, help="random gain, louder or quieter")
    noise_snr_db: tuple[float, ...] = _ratio(
        "noise (background recordings, or coloured noise) at a random ratio of powers, such as 0,20"
    )
    chatter_snr_db: tuple[float, ...] = _ratio(
        "running speech (DATA_DIR/_speech_) at a random ratio of powers, such as 10,30"
    )
    speed_percent: float = _off(
        most=50, help="random speed, faster or slower, tempo and pitch together, as of a tape"
    )
    time_stretch_percent: float = _off(
        most=50, help="random tempo, faster or slower; the pitch stays"
    )
    pitch_shift_semitones: float = _off(
        most=12, help="random pitch, higher or lower; the tempo stays"
    )
    reverb_ms: float = _off(most=5000, help="longest reverberation time of computed rooms")
    equalizer_db: float = _off(most=30, help="random gain, up or down, in each of six bands")
    band_limit_hertz: float = setting(
        0.0,
        least=300,
        most=24000,
        shown="off",
        help="lowest upper edge of the band of a poor microphone",
    )
    clipping_db: float = _off(most=40, help="how far peaks are driven beyond full scale at most")
    augment_frequency: float = setting(
        0.5,
        least=0,
        most=1,
        help="share of clips that get each kind of variation from noise_snr_db to clipping_db",
    )
    time_mask_frames: int = setting(
        0, least=0, most=1000, shown="off", help="widest random mask over time"
    )
    frequency_mask_channels: int = setting(
        0, least=0, most=128, shown="off", help="widest random mask over channels"
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def varies_sound(self) -> bool:
        """Whether anything beyond the tutorial's shift, gain and background is on."""
        return bool(
            self.noise_snr_db
            or self.chatter_snr_db
            or self.speed_percent
            or self.time_stretch_percent
            or self.pitch_shift_semitones
            or self.reverb_ms
            or self.equalizer_db
            or self.band_limit_hertz
            or self.clipping_db
        )
