# SPDX-License-Identifier: Apache-2.0
"""The one reader of recordings: WAV by our own strict reader, FLAC and Ogg by libsndfile.

What does not fit, another rate or stereo, is refused, or converted where the user asked for it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from stapes.audio.wav import FormatMismatch, check_chunks, read_wav, read_wav_with_rate
from stapes.errors import StapesError
from stapes.files import read_bytes, visible_files

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg")
LOUDEST = 1e6  # of full scale: more is no sound, and in sums of float32 soon infinite
EXTRA_HINT = "install it with: pip install 'stapes[audio]'"


def audio_files(folder: Path, pattern: str) -> list[Path]:
    """Recordings below `folder` that match `pattern` (`*/*`), sorted, without hidden ones.

    Raises:
        StapesError: one of them is a pipe, at which reading would wait for ever.
    """
    found = visible_files(folder, pattern)
    recordings = [path for path in found if path.suffix.lower() in AUDIO_SUFFIXES]
    for path in recordings:
        if path.is_fifo():
            raise StapesError(f"{path}: found a pipe, expected a recording; remove it")
    return recordings


def read_audio(
    path: str | os.PathLike[str], *, sample_rate: int, resample: bool | None = None
) -> np.ndarray:
    """Reads a recording of any of AUDIO_SUFFIXES as mono: int16 [samples].

    Args:
        sample_rate: the rate it must have, in Hz.
        resample: converts other rates (soxr, "HQ"), stereo (the mean of its channels) and, in WAV,
            other sample formats. None: refuses them, and there is no flag to speak of.

    Raises:
        StapesError: damaged, of another form, or a package that it needs is missing.
    """
    path = Path(path)
    if path.suffix.lower() in (".flac", ".ogg"):
        return _fitting(path, *_decode(path), sample_rate, resample)
    try:
        return read_wav(path, sample_rate=sample_rate)
    except FormatMismatch as mismatch:
        if not resample:
            hint = " or pass --resample" if resample is False else ""
            raise StapesError(f"{mismatch}{hint}") from mismatch
    check_chunks(path)  # libsndfile would take a header that lies at its word
    return _fitting(path, *_decode(path), sample_rate, resample)


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A file as it is: int16 [samples] of all its channels' mean, and its form."""

    samples: np.ndarray
    sample_rate: int
    channels: int
    plain: bool  # 16-bit samples, or a compressed format that decodes to them


def read_recording(path: Path) -> Recording:
    """Reads a whole recording of whatever rate, channels and sample format.

    Raises:
        StapesError: damaged, or a package that it needs is missing.
    """
    plain = path.suffix.lower() in (".flac", ".ogg")
    if not plain:
        try:
            samples, rate = read_wav_with_rate(path)
            return Recording(samples=samples, sample_rate=rate, channels=1, plain=True)
        except FormatMismatch:
            check_chunks(path)
    decoded, rate = _decode(path)
    channels = decoded.shape[1]
    samples = _fitting(path, decoded, rate, rate, True)
    plain = plain or channels > 1
    return Recording(samples=samples, sample_rate=rate, channels=channels, plain=plain)


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
    """int16 [samples] at `sample_rate` of float32 [samples, channels] at `rate`."""
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
        raise StapesError(f"{path}: found no samples, expected at least one; remove the file")
    return np.clip(np.rint(mono * 32768), -32768, 32767).astype(np.int16)


def _decode(path: Path) -> tuple[np.ndarray, int]:
    """float32 [samples, channels] from -1 to 1, and the sample rate in Hz."""
    read_bytes(path, what="a recording")  # says what is wrong with paths and devices
    soundfile = _package("soundfile")
    try:
        with soundfile.SoundFile(path) as recording:
            promised = recording.frames
            samples = recording.read(dtype="float32", always_2d=True)
            rate = recording.samplerate
    except soundfile.SoundFileError as error:
        raise StapesError(
            f"{path}: found no {path.suffix[1:].upper()} that can be decoded ({error}), expected "
            "a whole recording; copy or record it again"
        ) from error
    if len(samples) < promised:
        raise StapesError(
            f"{path}: cut short or damaged: found {len(samples)} samples of {promised}; "
            "copy or record it again"
        )
    if not (np.abs(samples) < LOUDEST).all():  # NaN is not either
        raise StapesError(
            f"{path}: found samples that are not numbers, or far too loud, expected -1 to 1; "
            "record or convert it again"
        )
    return samples, rate


def _package(name: str) -> ModuleType:
    try:
        return __import__(name)
    except ImportError as error:
        raise StapesError(
            f"{name}: not installed, needed for FLAC, Ogg and --resample; {EXTRA_HINT}"
        ) from error
