# SPDX-License-Identifier: Apache-2.0
"""A streaming test WAV: words of the testing partition over background, with their ground truth.

It follows generate_streaming_test_wav.py of TensorFlow's speech_commands: backgrounds of one clip
duration plus a cross-over of 500 ms follow each other at random volumes. Into every clip_duration +
word_gap, a word is mixed at a random place, with ramps of 500 samples. Beyond the original: equal
seeds give equal streams, words can be scaled to a given signal-to-noise ratio, and the end of each
word is written down. Audio is made and written clip by clip, so hours of audio need no more memory
than seconds.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stapes.audio.reader import read_audio
from stapes.errors import StapesError
from stapes.files import atomic_path
from stapes.model.settings import UNKNOWN_LABEL, FrontEndSettings, ModelSettings
from stapes.options import as_text, check, like, setting
from stapes.stream.labels import LabelTime, format_line
from stapes.stream.speech import rms, speech_span

BACKGROUND_CROSSOVER_MS = 500
WORD_RAMP_SAMPLES = 500
FULL_SCALE = 32767
WAV_MAX_SAMPLES = (2**32 - 64) // 2  # a RIFF header counts bytes in 32 bits


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """What to mix; the defaults are those of TensorFlow's generate_streaming_test_wav.

    `snr_db` (lowest, highest): each word is scaled to a ratio to the background around it, drawn
    from this range; None: words keep their recorded level, as in the original.
    """

    sample_rate: int = like(FrontEndSettings, "sample_rate", least=1000, most=192000, help="Hz")
    clip_duration_ms: int = like(ModelSettings, "clip_duration_ms", least=100)
    test_duration_seconds: float = setting(
        600.0, above=0, most=WAV_MAX_SAMPLES // 1000, help="length of the audio"
    )
    word_gap_ms: int = setting(2000, least=0, most=3_600_000, help="average pause between words")
    unknown_percentage: float = setting(
        30.0, least=0, most=100, help="words that are not wanted ones, in percent of all words"
    )
    background_volume: float = setting(0.1, least=0, most=1, help="loudest background")
    background_frequency: float = setting(
        1.0, least=0, most=1, help="share of the stream with background"
    )
    snr_db: tuple[float, float] | None = setting(
        None,
        interval=True,
        least=-60,
        most=100,
        metavar="DB[,DB]",
        shown="words keep their recorded level",
        help="scale each word to a signal-to-noise ratio, or to one between two numbers",
    )
    seed: int = setting(0, least=0, most=2**63 - 1, help="seed of all random choices")
    resample: bool = setting(False, help="convert clips of other sample rates, or stereo")

    def __post_init__(self) -> None:
        check(self)
        longest = WAV_MAX_SAMPLES / self.sample_rate
        if not self.clip_duration_ms / 1000 <= self.test_duration_seconds <= longest:
            raise StapesError(
                f"--test_duration_seconds={as_text(self.test_duration_seconds)}: expected "
                f"{self.clip_duration_ms / 1000:g} (one clip) to {longest:.0f} (a WAV file's limit)"
            )

    def samples(self, milliseconds: float) -> int:
        """Whole samples in so many milliseconds."""
        return int(milliseconds * self.sample_rate / 1000)

    @property
    def total_samples(self) -> int:
        return self.samples(self.test_duration_seconds * 1000)

    @property
    def clip_samples(self) -> int:
        return self.samples(self.clip_duration_ms)


@dataclass(frozen=True, kw_only=True)
class WordClip:
    """A clip to mix in: its place in the stream, its label, its file, and the signal-to-noise ratio
    to which it is scaled (None: it keeps its own level)."""

    start: int
    label: str
    path: Path
    snr_db: float | None = None

    def label_time(self, sample_rate: int) -> LabelTime:
        return LabelTime(label=self.label, time_ms=self.start * 1000 / sample_rate)


@dataclass(frozen=True, kw_only=True)
class MixedWord:
    """A word after it was mixed in: where its speech begins and ends in the stream, in samples, and
    by which factor its clip was multiplied."""

    word: WordClip
    speech_start: int
    speech_end: int
    gain: float

    def to_json(self, sample_rate: int) -> str:
        """One line of the details file; `label` and `time_ms` as in the ground truth."""
        word = self.word
        entry = {
            "label": word.label,
            "time_ms": round(word.start * 1000 / sample_rate),
            "start_ms": round(self.speech_start * 1000 / sample_rate),
            "end_ms": round(self.speech_end * 1000 / sample_rate),
            "clip": f"{word.path.parent.name}/{word.path.name}",
            "gain": round(self.gain, 4),
        }
        if word.snr_db is not None:
            entry["snr_db"] = round(word.snr_db, 2)
        return json.dumps(entry, ensure_ascii=False) + "\n"


def plan_words(
    clips: Mapping[str, Sequence[Path]],
    unknown_clips: Sequence[Path],
    *,
    settings: StreamSettings,
) -> list[WordClip]:
    """Draws word, clip and place for every word of the stream, in order of time.

    Args:
        clips: the clips of each wanted word.
        unknown_clips: clips of other words; may be empty when unknown_percentage is 0.
        settings: all else; equal settings draw equal plans.

    Raises:
        StapesError: a wanted word, or the unknown words, have no clips.
    """
    for label, paths in clips.items():
        if not paths:
            raise StapesError(
                f"no clips of {label!r} in this partition; record more speakers, "
                "raise --testing_percentage (or --validation_percentage, for that partition) or "
                "leave the word out"
            )
    if not unknown_clips and settings.unknown_percentage > 0:
        raise StapesError(
            "no clips of other words in this partition; add folders of other words or pass "
            "--unknown_percentage 0"
        )
    random = np.random.default_rng([settings.seed, 1])
    levels = np.random.default_rng([settings.seed, 3])
    labels = list(clips)
    stride_ms = settings.clip_duration_ms + settings.word_gap_ms
    words = []
    for index in range(settings.total_samples // settings.samples(stride_ms)):
        start_ms = index * stride_ms + int(random.integers(settings.word_gap_ms + 1))
        unknown = random.uniform(0, 100) < settings.unknown_percentage
        label = UNKNOWN_LABEL if unknown else labels[random.integers(len(labels))]
        choices = unknown_clips if unknown else clips[label]
        path = choices[int(random.integers(len(choices)))]
        snr_db = None if settings.snr_db is None else float(levels.uniform(*settings.snr_db))
        start = settings.samples(start_ms)
        words.append(WordClip(start=start, label=label, path=path, snr_db=snr_db))
    return words


def mix_stream(
    words: Sequence[WordClip],
    backgrounds: Sequence[np.ndarray],
    *,
    settings: StreamSettings,
    on_word: Callable[[MixedWord], None] = lambda word: None,
) -> Iterator[np.ndarray]:
    """Yields the stream as int16 blocks of one clip duration (the last one may be shorter).

    Args:
        words: in order of time, none overlapping the next by more than a clip.
        backgrounds: int16 [samples] each, at least one sample; none: digital silence.
        settings: all else.
        on_word: called with every word after it was mixed in, before its block is yielded.
    """
    random = np.random.default_rng([settings.seed, 2])
    block = settings.clip_samples
    crossover = settings.samples(BACKGROUND_CROSSOVER_MS)
    # A word that starts in a block may end in the next block. Its background must be there before
    # the word, so backgrounds are mixed one block ahead.
    track = np.zeros(2 * block + crossover, dtype=np.float32)
    next_word = 0
    if backgrounds:
        _mix_background(track, 0, backgrounds, block + crossover, crossover, random, settings)
    for start in range(0, settings.total_samples, block):
        if backgrounds:
            ahead = block + crossover
            _mix_background(track, block, backgrounds, ahead, crossover, random, settings)
        while next_word < len(words) and words[next_word].start < start + block:
            on_word(_mix_word(track, words[next_word], start, settings))
            next_word += 1
        length = min(block, settings.total_samples - start)
        yield np.clip(np.rint(track[:length]), -32768, FULL_SCALE).astype(np.int16)
        track[:-block] = track[block:]
        track[-block:] = 0


def write_stream(
    audio_path: str | Path,
    labels_path: str | Path,
    words: Sequence[WordClip],
    backgrounds: Sequence[np.ndarray],
    *,
    settings: StreamSettings,
    details_path: str | Path | None = None,
    progress: Callable[[int], None] = lambda samples: None,
) -> None:
    """Writes the WAV file, its ground truth and details of every word; all appear whole, or none.

    `progress` is called with the samples written so far.
    """
    rate = settings.sample_rate
    with ExitStack() as outputs:
        labels = outputs.enter_context(atomic_path(labels_path))
        details = details_path and outputs.enter_context(atomic_path(details_path))
        audio = outputs.enter_context(atomic_path(audio_path))
        truth = (format_line(word.label_time(rate)) for word in words)
        labels.write_text("".join(truth), encoding="utf-8")
        lines: list[str] = []
        with wave.open(str(audio), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(rate)
            out.setnframes(settings.total_samples)
            written = 0
            for samples in mix_stream(
                words,
                backgrounds,
                settings=settings,
                on_word=lambda word: lines.append(word.to_json(rate)),
            ):
                out.writeframesraw(samples.astype("<i2").tobytes())
                written += len(samples)
                progress(written)
        if details:
            details.write_text("".join(lines), encoding="utf-8", errors="backslashreplace")


def _mix_word(
    track: np.ndarray, word: WordClip, block_start: int, settings: StreamSettings
) -> MixedWord:
    """Adds a word to the track; the first sample of the track is `block_start` of the stream."""
    block, place = settings.clip_samples, word.start - block_start
    samples = read_audio(word.path, sample_rate=settings.sample_rate, resample=settings.resample)[
        :block
    ]
    first, last = speech_span(samples, sample_rate=settings.sample_rate)
    gain = 1.0
    if word.snr_db is not None:
        noise = rms(track[place : place + len(samples)])
        gain = _gain(samples, rms(samples[first:last]), noise, word.snr_db)
    _mix(track, place, samples * np.float32(gain), block, WORD_RAMP_SAMPLES)
    return MixedWord(
        word=word, speech_start=word.start + first, speech_end=word.start + last, gain=gain
    )


def _gain(samples: np.ndarray, speech: float, noise: float, snr_db: float) -> float:
    """The factor that brings speech to `snr_db` over noise, as far as full scale allows; 1 without
    speech or without noise."""
    if speech == 0 or noise < 1:
        return 1.0
    peak = max(int(samples.max()), -int(samples.min()))
    return min(noise / speech * 10 ** (snr_db / 20), FULL_SCALE / peak)


def _mix_background(
    track: np.ndarray,
    place: int,
    backgrounds: Sequence[np.ndarray],
    length: int,
    ramp: int,
    random: np.random.Generator,
    settings: StreamSettings,
) -> None:
    samples = backgrounds[int(random.integers(len(backgrounds)))]
    offset = int(random.integers(max(1, len(samples) - length + 1)))
    volume = random.uniform(0, settings.background_volume)
    if random.uniform() >= settings.background_frequency:
        return
    _mix(track, place, samples[offset : offset + length] * volume, length, ramp)


def _mix(track: np.ndarray, start: int, samples: np.ndarray, length: int, ramp: int) -> None:
    """Adds samples to the track under an envelope that rises and falls over `ramp` of `length`."""
    place = np.arange(len(samples))
    envelope = np.clip(np.minimum(place, length - place) / ramp, 0, 1)
    track[start : start + len(samples)] += (samples * envelope).astype(np.float32)
