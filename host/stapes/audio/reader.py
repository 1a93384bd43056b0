# SPDX-License-Identifier: Apache-2.0
"""The one reader of recordings: WAV by our own strict reader, the others by libsndfile.

What does not fit, another rate or stereo, is refused, or converted where the user asked for it.
"""

from __future__ import annotations

import importlib.util
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from stapes.audio.wav import (
    TO_WAV,
    FormatMismatch,
    is_open_ended,
    read_wav,
    read_wav_with_rate,
    whole_wav,
)
from stapes.errors import StapesError
from stapes.files import check_file, visible_files
from stapes.progress import note

_DECODED = (".flac", ".ogg", ".opus", ".mp3")
AUDIO_SUFFIXES = (".wav", *_DECODED)
# Recordings that nothing here reads.
OTHER_AUDIO = (
    *(".m4a", ".aac", ".mp4", ".3gp", ".amr", ".wma", ".webm", ".aif", ".aiff", ".caf", ".au"),
    *(".oga", ".ape", ".wv", ".mka", ".w64", ".rf64"),
)
LOUDEST = 4.0  # of full scale: floats may pass it a little; far beyond, they have another scale
_MERELY_LOUD = 100.0  # in the scale of integers, any sound goes beyond this
# Full scale of floats that came from integers and were not divided.
_SCALES = {16: 2.0**15, 24: 2.0**23, 32: 2.0**31}
EXTRA_HINT = "install it with: pip install 'stapes[audio]'"


def audio_files(folder: Path, pattern: str) -> list[Path]:
    """Recordings below `folder` that match `pattern` (`*/*`), sorted, without hidden ones; a note
    names those in formats that nothing here reads.

    Raises:
        StapesError: a recording is a pipe: reading it would wait for ever.
    """
    found = visible_files(folder, pattern)
    recordings = [path for path in found if path.suffix.lower() in AUDIO_SUFFIXES]
    for path in recordings:
        if path.is_fifo():
            raise StapesError(f"{path}: found a pipe, expected a recording; remove it")
    if unread := about_unread([path for path in found if path.suffix.lower() in OTHER_AUDIO]):
        note(unread, kind="unread")
    return recordings


def about_unread(paths: Sequence[Path]) -> str:
    """Says how many recordings are not read, names the first of them, and the command that converts
    them; "" if `paths` is empty."""
    if not paths:
        return ""
    kinds = ", ".join(sorted({path.suffix.lower() for path in paths}))
    return (
        f"{len(paths)} recording{'s' * (len(paths) > 1)} skipped ({kinds}, such as {paths[0]}); "
        f"convert each with: {TO_WAV}"
    )


def read_audio(
    path: str | os.PathLike[str], *, sample_rate: int, resample: bool | None = None
) -> np.ndarray:
    """Reads a recording of any of AUDIO_SUFFIXES as mono: int16 [samples].

    Args:
        sample_rate: the rate it must have, in Hz.
        resample: converts other rates (soxr, "HQ"), stereo (the mean of its channels) and, in WAV,
            other sample formats. False: refuses them, and the message names --resample. None:
            refuses them, and the message does not name that flag.

    Raises:
        StapesError: damaged, of another form, or a package that it needs is missing.
    """
    path = Path(path)
    if path.suffix.lower() in _DECODED:
        return _fitting(path, *_decode(path), sample_rate, resample)
    try:
        return read_wav(path, sample_rate=sample_rate)
    except FormatMismatch as mismatch:
        if not resample:
            _check_scale(path)
            hint = " or pass --resample" if resample is False else ""
            raise StapesError(f"{mismatch}{hint}") from mismatch
    return _fitting(path, *_decode_wav(path), sample_rate, resample)


def _check_scale(path: Path) -> None:
    """Refuses floats of another scale before anybody converts them: a converter would clip them."""
    if importlib.util.find_spec("soundfile") is not None:
        _decode_wav(path)


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A file as it is: int16 [samples] of all its channels' mean, and its form."""

    samples: np.ndarray
    sample_rate: int
    channels: int
    plain: bool  # 16-bit samples, or a compressed format that decodes to them
    open_ended: bool = False  # the header does not say where the samples end


def read_recording(path: Path) -> Recording:
    """Reads a whole recording of whatever rate, channels and sample format.

    Raises:
        StapesError: damaged, or a package that it needs is missing.
    """
    if path.suffix.lower() in _DECODED:
        return _recording(path, *_decode(path), plain=True)
    open_ended = is_open_ended(path)
    try:
        samples, rate = read_wav_with_rate(path)
    except FormatMismatch:
        return _recording(path, *_decode_wav(path), plain=False, open_ended=open_ended)
    return Recording(
        samples=samples, sample_rate=rate, channels=1, plain=True, open_ended=open_ended
    )


def _recording(
    path: Path, decoded: np.ndarray, rate: int, *, plain: bool, open_ended: bool = False
) -> Recording:
    """The `Recording` of float32 [samples, channels]. With several channels it counts as plain:
    one finding about the format is enough."""
    channels = decoded.shape[1]
    return Recording(
        samples=_fitting(path, decoded, rate, rate, True),
        sample_rate=rate,
        channels=channels,
        plain=plain or channels > 1,
        open_ended=open_ended,
    )


def convert(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resamples float32 [samples] by soxr's high quality.

    Raises:
        StapesError: soxr is not installed.
    """
    if from_rate == to_rate:
        return samples
    return _package("soxr").resample(samples, from_rate, to_rate, quality="HQ")


def _fitting(
    path: Path, samples: np.ndarray, rate: int, sample_rate: int, resample: bool | None
) -> np.ndarray:
    """Converts float32 [samples, channels] at `rate` to int16 [samples] at `sample_rate`."""
    channels = samples.shape[1]
    if not resample and (channels > 1 or rate != sample_rate):
        found = f"{channels} channels" if channels > 1 else f"{rate} Hz"
        hint = " or pass --resample" if resample is False else ""
        raise StapesError(
            f"{path}: found {found}, expected mono at {sample_rate} Hz; "
            f"convert it with: sox IN -c 1 -r {sample_rate} OUT{hint}"
        )
    mono = convert(samples.mean(axis=1, dtype=np.float32), rate, sample_rate)
    if not len(mono):
        raise StapesError(f"{path}: found no samples, expected at least one; record it again")
    return np.clip(np.rint(mono * 32768), -32768, 32767).astype(np.int16)


def _decode_wav(path: Path) -> tuple[np.ndarray, int]:
    """Like `_decode`, for a WAV file: libsndfile alone would believe wrong sizes in a header."""
    return _decode(path, content=whole_wav(path))


def _decode(path: Path, *, content: bytes | None = None) -> tuple[np.ndarray, int]:
    """float32 [samples, channels], nearly from -1 to 1, and the sample rate in Hz. Decodes
    `content` if it is given, otherwise the file."""
    if content is None:
        check_file(path, what="a recording")
    soundfile = _package("soundfile")
    try:
        with soundfile.SoundFile(path if content is None else io.BytesIO(content)) as recording:
            promised = recording.frames
            samples = recording.read(dtype="float32", always_2d=True)
            rate = recording.samplerate
    except soundfile.SoundFileError as error:
        raise StapesError(
            f"{path}: found no {path.suffix[1:].upper()} that can be decoded ({error}), expected "
            f"a whole recording; copy or record it again, or convert it with: {TO_WAV}"
        ) from error
    if len(samples) < promised:
        raise StapesError(
            f"{path}: cut short or damaged: found {len(samples)} samples of {promised}; "
            "copy or record it again"
        )
    _check_level(path, samples)
    return samples, rate


def _check_level(path: Path, samples: np.ndarray) -> None:
    """Refuses floats that are not numbers or have another scale: 16 bits would clip them to a
    square wave.

    Raises:
        StapesError: there are such samples.
    """
    peak = float(np.abs(samples).max(initial=0.0))
    if peak <= LOUDEST:  # False for NaN
        return
    if not np.isfinite(peak):
        raise StapesError(
            f"{path}: found samples that are not numbers, expected -1 to 1; "
            "record or convert it again"
        )
    scale = next(((bits, full) for bits, full in _SCALES.items() if peak <= full), None)
    cause = "far too loud"
    remedy = "record or convert it again"
    if scale and peak > _MERELY_LOUD:
        cause = f"most likely floats that kept the scale of {scale[0]}-bit integers"
        remedy = f"divide them by {scale[1]:.0f}: ffmpeg -i IN.wav -af volume=1/{scale[1]:.0f}"
        remedy += " -c:a pcm_s16le OUT.wav"
    raise StapesError(
        f"{path}: found samples up to {peak:.6g}, expected -1 to 1: {cause}; {remedy}"
    )


def _package(name: str) -> ModuleType:
    try:
        return __import__(name)
    except ImportError as error:
        raise StapesError(
            f"{name}: not installed, needed for FLAC, Ogg, Opus, MP3 and --resample; {EXTRA_HINT}"
        ) from error
