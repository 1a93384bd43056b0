"""How training clips are varied: the settings, which are the flags of `stapes train` as well."""

from __future__ import annotations

import argparse
import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from stapes.errors import StapesError

_RATIOS = ("noise_snr_db", "chatter_snr_db")


def _setting(default: Any, high: float, text: str) -> Any:
    return dataclasses.field(default=default, metadata={"high": high, "help": text})


@dataclass(frozen=True, kw_only=True)
class AugmentSettings:
    """The first three are the tutorial's, with its defaults; all others are off at 0."""

    time_shift_ms: float = _setting(100.0, 10000, "random shift to either side")
    background_volume: float = _setting(0.1, 1, "loudest background, 0 to 1")
    background_frequency: float = _setting(0.8, 1, "share of clips with background")
    gain_db: float = _setting(0.0, 40, "random gain to either side")
    noise_snr_db: tuple[float, ...] = dataclasses.field(
        default=(),
        metadata={
            "high": 100,
            "help": "LOW,HIGH: noise (background recordings, or coloured noise) at a random ratio "
            "of powers, such as 0,20",
        },
    )
    chatter_snr_db: tuple[float, ...] = dataclasses.field(
        default=(),
        metadata={
            "high": 100,
            "help": "LOW,HIGH: running speech (DATA_DIR/_speech_) at a random ratio of powers, "
            "such as 10,30",
        },
    )
    speed_percent: float = _setting(
        0.0, 50, "random speed to either side, tempo and pitch together, as of a tape"
    )
    time_stretch_percent: float = _setting(0.0, 50, "random tempo to either side, pitch kept")
    pitch_shift_semitones: float = _setting(0.0, 12, "random pitch to either side, tempo kept")
    reverb_ms: float = _setting(0.0, 5000, "longest reverberation time of made-up rooms")
    equalizer_db: float = _setting(0.0, 30, "random gain to either side in each of six bands")
    band_limit_hertz: float = _setting(0.0, 24000, "lowest upper edge of a poor microphone's band")
    clipping_db: float = _setting(0.0, 40, "how far peaks are driven beyond full scale at most")
    augment_frequency: float = _setting(
        0.5, 1, "share of clips that each kind of variation after gain_db is applied to"
    )
    time_mask_frames: int = _setting(0, 1000, "widest random mask over time")
    frequency_mask_channels: int = _setting(0, 128, "widest random mask over channels")

    def __post_init__(self) -> None:
        for entry in dataclasses.fields(self):
            if entry.name in _RATIOS:
                continue
            value, high = getattr(self, entry.name), entry.metadata["high"]
            if not 0 <= value <= high:
                raise StapesError(f"--{entry.name}={value:g}: expected 0 to {high}")
        for name in _RATIOS:
            found = getattr(self, name)
            if found and not (len(found) == 2 and -100 <= found[0] <= found[1] <= 100):
                raise StapesError(
                    f"--{name}={','.join(f'{value:g}' for value in found)}: expected LOW,HIGH "
                    "in dB, -100 to 100, such as 0,20"
                )
        if 0 < self.band_limit_hertz < 300:
            raise StapesError(
                f"--band_limit_hertz={self.band_limit_hertz:g}: expected 300 to 24000, or 0 (off)"
            )

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


def add_augment_arguments(parser: Any) -> None:
    """Adds a flag for every setting to a parser or a group of its arguments."""
    for entry in dataclasses.fields(AugmentSettings):
        shown = "off" if entry.default in (0, ()) else f"{entry.default:g}"
        kind = {"int": int, "float": float}.get(entry.type, _pair)
        parser.add_argument(
            f"--{entry.name}",
            type=kind,
            default=entry.default,
            metavar="LOW,HIGH" if kind is _pair else None,
            help=f"{entry.metadata['help']} ({shown})",
        )


def augment_settings(arguments: argparse.Namespace) -> AugmentSettings:
    """The settings that the flags of `add_augment_arguments` were given."""
    names = (entry.name for entry in dataclasses.fields(AugmentSettings))
    return AugmentSettings(**{name: getattr(arguments, name) for name in names})


def _pair(text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 2 or not all(map(math.isfinite, numbers)):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected two numbers: LOW,HIGH")
    return numbers
