# SPDX-License-Identifier: Apache-2.0
"""The settings that a model carries inside its .tflite file: one source for every tool.

They are stored as JSON under the TFLite metadata name `STAPES_SETTINGS`. The quantization of the
features is not repeated here: it is that of the model's input tensor.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from dataclasses import dataclass, field
from typing import Any

from stapes.errors import StapesError
from stapes.options import check, declared, setting

METADATA_NAME = "STAPES_SETTINGS"
FORMAT_VERSION = 1
MAX_SETTINGS_BYTES = 1 << 20  # as JSON; those of shipped models take 3 to 5 KB
MAX_SETTINGS_DEPTH = 12
SILENCE_LABEL = "_silence_"
UNKNOWN_LABEL = "_unknown_"
NOT_WORDS = (SILENCE_LABEL, UNKNOWN_LABEL)
MAX_LABELS = 64  # of a firmware: app/model_image.h


@dataclass(frozen=True, kw_only=True)
class PcenSettings:
    """Per-channel energy normalisation: firmware/frontend/pcen.h has the formula.

    `time_constant_ms` is that of the smoothed energy M. `alpha` says how much of M's level is
    removed; 1 removes all of it. `floor` is added to M: channels with about this sum of magnitudes
    or less (full-scale samples are 1) count as silence. `delta` and `root` bend the result; with
    `root` 0 the result is logarithmic above `delta`.
    """

    time_constant_ms: float = setting(
        400.0,
        flag="pcen_time_constant_ms",
        least=10,
        most=10000,
        help="time constant of the smoothed energy",
    )
    alpha: float = setting(
        0.98,
        flag="pcen_alpha",
        least=0,
        most=1,
        help="how much of the smoothed energy's level is taken out",
    )
    delta: float = setting(
        2.0, flag="pcen_delta", least=0.001, most=1000, help="added before the root"
    )
    root: float = setting(
        0.5,
        flag="pcen_root",
        least=0,
        most=1,
        help="exponent of the result; 0: logarithmic above delta",
    )
    floor: float = setting(
        1e-4,
        flag="pcen_floor",
        least=1e-5,
        most=1,
        help="energies of about this value and below count as silence",
    )

    def __post_init__(self) -> None:
        check(self, dashes="")


@dataclass(frozen=True, kw_only=True)
class FrontEndSettings:
    """MFCC, log-mel or PCEN front end; the defaults are those of TensorFlow's speech_commands.

    `dct_coefficient_count` 0 leaves the DCT out: the features are then the mel channels, as
    logarithms or, with `pcen`, relative to their own recent past.
    """

    sample_rate: int = setting(16000, least=8000, most=48000, help="Hz, of clips and device")
    window_size_ms: float = setting(30.0, above=0, most=60000, help="length of a frame")
    window_stride_ms: float = setting(20.0, above=0, most=60000, help="from frame to frame")
    channel_count: int = setting(40, least=2, most=128, help="mel channels")
    lower_edge_hertz: float = setting(
        20.0, least=0, below=24000, help="lower edge of the mel filter bank"
    )
    upper_edge_hertz: float = setting(
        4000.0, above=0, most=24000, help="upper edge of the mel filter bank"
    )
    dct_coefficient_count: int = setting(40, least=0, most=128, help="0 leaves the DCT out")
    pcen: PcenSettings | None = None

    def __post_init__(self) -> None:
        check(self, dashes="")
        _expect(self.window_samples >= 16, self, "window_size_ms", "a window of 16 samples or more")
        _expect(
            self.window_samples <= 4096, self, "window_size_ms", "a window of at most 4096 samples"
        )
        _expect(
            1 <= self.stride_samples <= 65535,
            self,
            "window_stride_ms",
            "a stride of 1 to 65535 samples",
        )
        _expect(
            self.lower_edge_hertz < self.upper_edge_hertz <= self.sample_rate / 2,
            self,
            "upper_edge_hertz",
            "lower_edge_hertz < upper_edge_hertz <= sample_rate / 2",
        )
        _expect(
            self.dct_coefficient_count <= self.channel_count,
            self,
            "dct_coefficient_count",
            "0 (no DCT) to channel_count",
        )
        _expect(
            self.pcen is None or not self.dct_coefficient_count,
            self,
            "dct_coefficient_count",
            "0 with pcen",
        )

    @property
    def window_samples(self) -> int:
        return int(self.sample_rate * self.window_size_ms / 1000)

    @property
    def stride_samples(self) -> int:
        return int(self.sample_rate * self.window_stride_ms / 1000)

    @property
    def fft_size(self) -> int:
        """The window's samples rounded up to a power of two, as in tf.raw_ops.AudioSpectrogram."""
        return 1 << (self.window_samples - 1).bit_length()

    @property
    def feature_count(self) -> int:
        """Values per frame."""
        return self.dct_coefficient_count or self.channel_count

    def frame_count(self, samples: int) -> int:
        """Whole frames in `samples` samples of audio."""
        if samples < self.window_samples:
            return 0
        return 1 + (samples - self.window_samples) // self.stride_samples


MAX_CLIP_STRIDE_FRAMES = 4096
DEFAULT_CLIP_STRIDE_MS = 100.0
DECODER_MODES = ("recognize_commands", "streaming")
COMPATIBILITIES = ("none", "tutorial")


@dataclass(frozen=True, kw_only=True)
class DecoderSettings:
    """RecognizeCommands, with the defaults of TensorFlow's recognize_commands.h.

    The original does not have these (docs/numerics.md, "Decoder"): `label_thresholds` replace
    `detection_threshold` for the labels that they name; `hysteresis`, `retrigger` and `mode` say
    when a label is new. `compatibility` "tutorial" allows none of them, and checks times as little
    as the original.
    """

    average_window_duration_ms: int = setting(
        1000, least=1, most=10000, help="time that scores are averaged over"
    )
    detection_threshold: float = setting(
        0.2, least=0, most=1, help="what the average score of a label must pass"
    )
    suppression_ms: int = setting(500, least=0, most=60000, help="quiet time after a detection")
    minimum_count: int = setting(3, least=1, most=1000, help="scores needed for an average")
    label_thresholds: dict[str, float] = field(default_factory=dict)
    hysteresis: float = setting(
        0.0,
        least=0,
        most=1,
        help="how far the average must fall below the threshold before the same label is new again",
    )
    retrigger: bool = setting(
        False, help="the same word may be new without another word in between"
    )
    mode: str = setting(
        DECODER_MODES[0], choices=DECODER_MODES, help="the tutorial's rules, or rise and fall"
    )
    compatibility: str = setting(
        COMPATIBILITIES[0],
        choices=COMPATIBILITIES,
        help="tutorial: decode and count as TensorFlow's test_streaming_accuracy does as well",
    )

    def __post_init__(self) -> None:
        check(self, dashes="")
        _expect(
            all(_is_share(value) for value in self.label_thresholds.values()),
            self,
            "label_thresholds",
            "numbers from 0 to 1",
        )
        beyond = self.label_thresholds or self.hysteresis or self.retrigger
        _expect(
            self.compatibility == "none" or not (beyond or self.mode != DECODER_MODES[0]),
            self,
            "compatibility",
            "none with label_thresholds, hysteresis, retrigger or another mode",
        )

    def threshold(self, label: str) -> float:
        """A label is detected when its average score is above this value.

        In streaming mode `_silence_` and `_unknown_` are not detected unless `label_thresholds`
        names them: their threshold is 1.0, which no int8 score reaches.
        """
        if self.mode == "streaming" and label in NOT_WORDS:
            return self.label_thresholds.get(label, 1.0)
        return self.label_thresholds.get(label, self.detection_threshold)


MAX_REPLAY_INFERENCES = 1024


@dataclass(frozen=True, kw_only=True)
class GateSettings:
    """The silence gate (docs/gate.md): while a room is quiet, the network does not run.

    `replay_inferences` is how many inputs the network remembers. When the gate opens, up to so many
    inputs that the network has missed go through it first. 0 for networks without a memory.
    """

    threshold_db: float = setting(
        15.0, least=1, most=90, help="how far a sound must rise above the quiet of the room"
    )
    least_db: float = setting(
        -60.0,
        least=-90,
        most=0,
        help="below this level, of full scale, everything counts as quiet",
    )
    onset_ms: int = setting(
        120, least=1, most=1000, help="time that a sound must last to open the gate"
    )
    hold_ms: int = setting(
        800, least=20, most=10000, help="time that the gate stays open after the last sound"
    )
    rise_ms: int = setting(
        2500, least=100, most=60000, help="time constant of a rising level of quiet"
    )
    fall_ms: int = setting(
        1250, least=100, most=60000, help="time constant of a falling level of quiet"
    )
    runs_at_once: int = setting(
        3, least=2, most=64, help="inferences at once while missed ones are made up for"
    )
    replay_inferences: int = setting(
        0, least=0, most=MAX_REPLAY_INFERENCES, help="inputs that the network remembers"
    )

    def __post_init__(self) -> None:
        check(self, dashes="")


@dataclass(frozen=True, kw_only=True)
class WakeSettings:
    """A model that sleeps until another model hears its wake word. These settings belong to the
    firmware, not to a model file: a model may be used with and without a wake word."""

    awake_seconds: float = setting(
        5.0, least=0.001, most=600, help="how long MODEL listens after each wake word"
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def milliseconds(self) -> int:
        return round(self.awake_seconds * 1000)

    @staticmethod
    def most_ms() -> int:
        """The longest time awake."""
        return round((declared(WakeSettings)["awake_seconds"].option.most or 0) * 1000)


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """All that travels with a model. `provenance` is free-form JSON: data, seed, accuracies.

    The network takes `window_frames` frames at once: 1 if it streams and remembers the rest,
    otherwise those of a clip. It is run again every `clip_stride_frames` frames.
    """

    name: str
    labels: tuple[str, ...]
    front_end: FrontEndSettings = field(default_factory=FrontEndSettings)
    decoder: DecoderSettings = field(default_factory=DecoderSettings)
    clip_duration_ms: int = setting(1000, least=1, most=60000, help="length of a clip")
    window_frames: int = 1
    clip_stride_frames: int = 1
    gate: GateSettings | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self, dashes="")
        check_name(self.name)
        for label in self.labels:
            check_label(label)
        _expect(
            len(set(self.labels)) == len(self.labels) > 1,
            self,
            "labels",
            "two or more, all different",
        )
        _expect(len(self.labels) <= MAX_LABELS, self, "labels", f"at most {MAX_LABELS}")
        for label in self.decoder.label_thresholds:
            if label not in self.labels:
                raise StapesError(
                    f"label_thresholds: found {label!r}, expected one of {', '.join(self.labels)}"
                )
        longest = max(self.clip_frames, 1)
        _expect(
            1 <= self.window_frames <= longest, self, "window_frames", f"1 to {longest}, of a clip"
        )
        # A network that streams must hear every frame.
        highest = 1 if self.window_frames == 1 else MAX_CLIP_STRIDE_FRAMES
        _expect(
            1 <= self.clip_stride_frames <= highest, self, "clip_stride_frames", f"1 to {highest}"
        )

    @property
    def input_size(self) -> int:
        """Values that the network takes at once."""
        return self.window_frames * self.front_end.feature_count

    @property
    def score_stride_samples(self) -> int:
        """Samples of audio from one inference to the next."""
        return self.clip_stride_frames * self.front_end.stride_samples

    @property
    def clip_samples(self) -> int:
        return self.front_end.sample_rate * self.clip_duration_ms // 1000

    @property
    def clip_frames(self) -> int:
        return self.front_end.frame_count(self.clip_samples)

    def to_json(self) -> str:
        """Canonical JSON: equal settings give equal bytes."""
        document = {"format": FORMAT_VERSION, **dataclasses.asdict(self)}
        if self.front_end.pcen is None:
            del document["front_end"]["pcen"]  # older versions of stapes do not know it
        if self.gate is None:
            del document["gate"]
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes, *, source: str) -> ModelSettings:
        """Reads what `to_json` wrote; `source` names the file in error messages.

        Raises:
            StapesError: not JSON, another format version, a missing, unknown or unfit value.
        """
        if len(text) > MAX_SETTINGS_BYTES:
            raise StapesError(
                f"{source}: settings of {len(text):,} bytes, expected at most "
                f"{MAX_SETTINGS_BYTES:,}; do not trust this file"
            )
        try:
            document = json.loads(text)
            if _is_deep(document):
                raise StapesError(
                    f"{source}: settings inside settings, more than {MAX_SETTINGS_DEPTH} levels "
                    "deep; do not trust this file"
                )
            # Half a surrogate pair is valid JSON, but no text that can be printed.
            json.dumps(document, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise StapesError(
                f"{source}: settings are not JSON ({error}); export the model again"
            ) from error
        if not isinstance(document, dict) or document.pop("format", None) != FORMAT_VERSION:
            raise StapesError(
                f"{source}: settings of another format than {FORMAT_VERSION}; "
                "export the model with this version of stapes"
            )
        try:
            return settings_from_dict(cls, document)
        except (StapesError, TypeError, OverflowError) as error:
            raise StapesError(
                f"{source}: settings do not fit ({error}); export the model again"
            ) from error


def _is_deep(document: object) -> bool:
    """Whether JSON values lie more than MAX_SETTINGS_DEPTH levels inside each other."""
    level = [document]
    for _ in range(MAX_SETTINGS_DEPTH):
        inner: list[object] = []
        for value in level:
            if isinstance(value, dict):
                inner += value.values()
            elif isinstance(value, list):
                inner += value
        level = inner
    return any(isinstance(value, dict | list) for value in level)


def check_name(name: str) -> None:
    """Raises StapesError for a text that cannot be the name of a model."""
    if not (name.isprintable() and 1 <= len(name.encode()) <= 250):
        raise StapesError(f"name={name!r}: expected 1 to 250 bytes of printable text")


def check_label(label: str) -> None:
    """Labels travel in text lines and file names: printable, no comma, no path separator.

    Raises:
        StapesError: the label does not fit.
    """
    fits = label.isprintable() and 1 <= len(label.encode()) <= 48 and not set(label) & set(',/\\"')
    if not fits:
        raise StapesError(
            f"label {label!r}: expected 1 to 48 bytes of printable text without comma, quote or "
            "slash; rename it"
        )


def settings_from_dict(cls: type, document: dict[str, Any]) -> Any:
    """The settings dataclass `cls`, with nested ones, from what `dataclasses.asdict` gave.

    Raises:
        TypeError: a missing or unknown setting, or one of another type.
        StapesError: a value out of range.
    """
    if not isinstance(document, dict):
        raise TypeError(f"{document!a:.40} holds no settings")
    hints = typing.get_type_hints(cls)
    fields = dataclasses.fields(cls)
    if unknown := sorted(set(document) - {entry.name for entry in fields}):
        raise TypeError(f"unknown setting {unknown[0]!r}")
    for entry in fields:
        needed = entry.default is entry.default_factory is dataclasses.MISSING
        if needed and entry.name not in document:
            raise TypeError(f"missing setting {entry.name!r}")
    return cls(**{name: _convert(hints[name], name, value) for name, value in document.items()})


def _convert(hint: Any, name: str, value: Any) -> Any:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        try:
            return settings_from_dict(hint, value)
        except TypeError as error:
            raise TypeError(f"{name}: {error}") from error
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_convert(typing.get_args(hint)[0], name, item) for item in value)
    if isinstance(hint, types.UnionType) and types.NoneType in typing.get_args(hint):
        if value is None:
            return None
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
        return _convert(hint, name, value)
    if hint is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    plain = typing.get_origin(hint) or hint
    if isinstance(plain, types.UnionType) or type(value) is not plain:
        raise TypeError(f"{name}: {value!r} is not of type {getattr(plain, '__name__', plain)}")
    return value


def _is_share(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def _expect(holds: bool, settings: Any, name: str, expected: str) -> None:
    if not holds:
        raise StapesError(f"{name}={getattr(settings, name)!r}: expected {expected}")
