# SPDX-License-Identifier: Apache-2.0
"""Variations of training clips: which effects, how strong, drawn from a clip's own generator.

Time shift and background mixing are those of TensorFlow's speech_commands/input_data.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.effects import (
    EQUALIZER_BANDS,
    FULL_SCALE,
    add_noise,
    apply_gain,
    band_gains,
    change_voice,
    equalizer_gains,
    filter_bins,
    filtered,
    overdrive,
    reverberate,
    room_size,
)
from stapes.corpus.long_recordings import LongRecordings
from stapes.corpus.sound_tables import NUMBERS, noise_piece, noise_table, room_table

SHORTEST_REVERB_MS = 100.0
_COLOURED_SHARE = 0.5  # of the noises, where there are background recordings as well
_COLUMNS = 32  # at least as many numbers as the effects of one clip take


def shift_in_time(clip: np.ndarray, shift: int) -> np.ndarray:
    """Moves a clip [samples] later by `shift` samples (earlier if negative), zeros moving in."""
    moved = np.zeros_like(clip)
    length = len(clip) - abs(shift)
    if length > 0:
        moved[max(shift, 0) :][:length] = clip[max(-shift, 0) :][:length]
    return moved


def mix_background(clip: np.ndarray, noise: np.ndarray, volume: float) -> np.ndarray:
    """clip + volume * noise, as float32 [samples] in units of int16 steps, not yet clipped."""
    return clip.astype(np.float32) + np.float32(volume) * noise


def to_int16(clip: np.ndarray) -> np.ndarray:
    """Rounds to the nearest int16 and clips at full scale."""
    steps = np.rint(clip)
    return np.clip(steps, -FULL_SCALE, FULL_SCALE - 1, out=steps).astype(np.int16)


def background_segment(
    noises: list[np.ndarray], samples: int, generator: np.random.Generator
) -> np.ndarray:
    """[samples] from a random place in a random recording; zeros if there is none."""
    if not noises:
        return np.zeros(samples, np.int16)
    noise = noises[generator.integers(len(noises))]
    start = generator.integers(len(noise) - samples + 1)
    return noise[start : start + samples]


def random_variations(
    clips: np.ndarray,
    noises: list[np.ndarray],
    settings: AugmentSettings,
    *,
    sample_rate: int,
    generators: Sequence[np.random.Generator],
    chatter: LongRecordings | None = None,
) -> np.ndarray:
    """One training variation of each of the clips: int16 [clips, samples] in and out. The noises
    are in units of int16 steps, cheapest in float32.

    In the order of nature: the speaker's tempo and pitch, gain, shift, the room, noises around,
    the microphone. Each clip draws from its own generator alone, the tutorial's own variations
    first, so that they stay the same whatever else is on.
    """
    own = [
        _Tutorial.draw(clip, noises, settings, sample_rate, generator)
        for clip, generator in zip(clips, generators, strict=True)
    ]
    stages = _Stages(settings, sample_rate, generators) if settings.varies_sound else None
    sound = clips.astype(np.float32)
    if stages:
        stages.speaker(sound)
    for clip, tutorial in zip(sound, own, strict=True):
        tutorial.move(clip)
    if stages:
        stages.room(sound)
        stages.noise(sound, noises)
        stages.chatter(sound, chatter, generators)
    for clip, tutorial in zip(sound, own, strict=True):
        tutorial.mix(clip)
    if stages:
        stages.microphone(sound)
    return to_int16(sound)


def random_variation(
    clip: np.ndarray,
    noises: list[np.ndarray],
    settings: AugmentSettings,
    *,
    sample_rate: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """`random_variations` of one clip: int16 [samples]."""
    return random_variations(
        clip[None], noises, settings, sample_rate=sample_rate, generators=[generator]
    )[0]


def random_silence(
    samples: int,
    noises: list[np.ndarray],
    generator: np.random.Generator,
    *,
    coloured_at: int = 0,
) -> np.ndarray:
    """A clip of the label _silence_: background at a volume of 0 to 1. int16 [samples].

    With `coloured_at`, a sample rate, half of these clips are coloured noise instead: if coloured
    noise were only in the words, a model would recognize the words by it.
    """
    noise = background_segment(noises, samples, generator)
    volume = generator.uniform(0, 1)
    if coloured_at and (generator.random() < _COLOURED_SHARE or not noises):
        noise = noise_piece(noise_table(coloured_at, samples), samples, generator.random(NUMBERS))
        volume = 10 ** generator.uniform(0, 3.5)  # up to 20 dB below full scale
    return to_int16(mix_background(np.zeros(samples), noise, volume))


def mask_randomly(
    features: np.ndarray, settings: AugmentSettings, generator: np.random.Generator
) -> None:
    """SpecAugment, in place, on float32 [clips, frames, channels]: in each clip, sets a band of
    frames and a band of channels to the mean of all features."""
    widest = settings.time_mask_frames, settings.frequency_mask_channels
    if widest == (0, 0):
        return
    fill = float(features.mean())
    for clip in features:
        clip[_random_band(clip.shape[0], widest[0], generator), :] = fill
        clip[:, _random_band(clip.shape[1], widest[1], generator)] = fill


def _random_band(size: int, widest: int, generator: np.random.Generator) -> slice:
    width = int(generator.integers(min(widest, size) + 1))
    start = int(generator.integers(size - width + 1))
    return slice(start, start + width)


@dataclass(frozen=True, kw_only=True)
class _Tutorial:
    """What the tutorial's own variations, and gain, do to one clip."""

    shift: int
    gain: float
    noise: np.ndarray
    volume: float

    @classmethod
    def draw(
        cls,
        clip: np.ndarray,
        noises: list[np.ndarray],
        settings: AugmentSettings,
        sample_rate: int,
        generator: np.random.Generator,
    ) -> _Tutorial:
        limit = int(settings.time_shift_ms * sample_rate / 1000)
        shift = int(generator.integers(-limit, limit + 1))
        gain = generator.uniform(-settings.gain_db, settings.gain_db)
        noise = background_segment(noises, len(clip), generator)
        mixed = generator.random() < settings.background_frequency
        volume = generator.uniform(0, settings.background_volume) if mixed else 0.0
        return cls(shift=shift, gain=gain, noise=noise, volume=volume)

    def move(self, clip: np.ndarray) -> None:
        """Shift and gain, in place, of float32 [samples]."""
        clip[:] = shift_in_time(clip, self.shift)
        if self.gain:
            clip[:] = apply_gain(clip, self.gain)

    def mix(self, clip: np.ndarray) -> None:
        """Background, in place."""
        if self.volume:
            clip += np.float32(self.volume) * self.noise


class _Draws:
    """A row of numbers for each clip. Every effect takes its columns whether it is on or not, so
    that the numbers of one effect do not depend on the other effects."""

    def __init__(self, generators: Sequence[np.random.Generator], share: float) -> None:
        rows = [generator.random(_COLUMNS) for generator in generators]
        self._columns, self._next, self._share = np.stack(rows, axis=1), 0, share

    def numbers(self, count: int) -> np.ndarray:
        """[count, clips], 0 to 1."""
        self._next += count
        return self._columns[self._next - count : self._next]

    def between(self, low: float, high: float) -> np.ndarray:
        """[clips], evenly from `low` to `high`."""
        return low + (high - low) * self.numbers(1)[0]

    def applies(self, amount: float) -> np.ndarray:
        """bool [clips]: the clips that get the effect; none if its `amount` is 0."""
        return (self.numbers(1)[0] < self._share) & bool(amount)


class _Stages:
    """Applies each effect in place, to those clips of [clips, samples] that get it."""

    def __init__(
        self,
        settings: AugmentSettings,
        sample_rate: int,
        generators: Sequence[np.random.Generator],
    ) -> None:
        self._settings, self._rate = settings, sample_rate
        self._draws = _Draws(generators, settings.augment_frequency)

    def speaker(self, sound: np.ndarray) -> None:
        settings = self._settings
        speed = 1 + self._drawn(settings.speed_percent) / 100
        rate = 1 + self._drawn(settings.time_stretch_percent) / 100
        semitones = self._drawn(settings.pitch_shift_semitones)
        for row in np.flatnonzero((speed != 1) | (rate != 1) | (semitones != 0)):
            sound[row] = change_voice(
                sound[row],
                sample_rate=self._rate,
                rate=rate[row],
                semitones=semitones[row],
                speed=speed[row],
            )

    def room(self, sound: np.ndarray) -> None:
        longest, draws = self._settings.reverb_ms, self._draws
        rows = np.flatnonzero(draws.applies(longest))
        which, direct_db = draws.numbers(1)[0, rows], draws.between(-6, 12)[rows]
        if not len(rows):
            return
        samples = sound.shape[1]
        rooms = room_table(self._rate, samples, min(SHORTEST_REVERB_MS, longest), longest)
        sound[rows] = reverberate(
            sound[rows],
            rooms[(which * len(rooms)).astype(int)],
            direct_db=direct_db,
            size=room_size(samples, self._rate, longest),
        )

    def noise(self, sound: np.ndarray, noises: list[np.ndarray]) -> None:
        draws, ratios = self._draws, self._settings.noise_snr_db
        rows = np.flatnonzero(draws.applies(len(ratios)))
        coloured = draws.numbers(1)[0] < _COLOURED_SHARE
        numbers = draws.numbers(NUMBERS)
        snr_db = draws.between(*(ratios or (0, 0)))
        if not len(rows):
            return
        samples = sound.shape[1]
        table = noise_table(self._rate, samples)
        noise = np.empty((len(rows), samples), np.float32)
        for place, row in zip(noise, rows, strict=True):
            if noises and not coloured[row]:
                place[:] = _segment(noises, samples, *numbers[:2, row])
            else:
                place[:] = noise_piece(table, samples, numbers[:, row])
        sound[rows] = add_noise(sound[rows], noise, snr_db[rows])

    def chatter(
        self,
        sound: np.ndarray,
        speech: LongRecordings | None,
        generators: Sequence[np.random.Generator],
    ) -> None:
        draws, ratios = self._draws, self._settings.chatter_snr_db
        rows = np.flatnonzero(draws.applies(len(ratios)))
        snr_db = draws.between(*(ratios or (0, 0)))
        if len(rows) and speech:
            talk = np.stack([speech.clip(generators[int(row)]) for row in rows])
            sound[rows] = add_noise(sound[rows], talk, snr_db[rows])

    def microphone(self, sound: np.ndarray) -> None:
        self._filter(sound)
        rows = np.flatnonzero(self._draws.applies(self._settings.clipping_db))
        decibels = self._draws.between(0, self._settings.clipping_db)
        if len(rows):
            sound[rows] = overdrive(sound[rows], decibels[rows])

    def _filter(self, sound: np.ndarray) -> None:
        """Equalizer and limits of the band, in one pass."""
        settings, draws = self._settings, self._draws
        equalized = draws.applies(settings.equalizer_db)
        gains_db = (2 * draws.numbers(EQUALIZER_BANDS).T - 1) * settings.equalizer_db
        limited = draws.applies(settings.band_limit_hertz)
        half = self._rate / 2
        low = draws.between(20, 300)
        lowest = np.log(min(settings.band_limit_hertz or half, half))
        high = np.exp(draws.between(lowest, np.log(half)))
        rows = np.flatnonzero(equalized | limited)
        if not len(rows):
            return
        form = {"bins": filter_bins(sound.shape[1], self._rate), "sample_rate": self._rate}
        gains = np.ones((len(sound), form["bins"]), np.float32)
        gains[equalized] = equalizer_gains(gains_db[equalized], **form)
        gains[limited] *= band_gains(low_hertz=low[limited], high_hertz=high[limited], **form)
        sound[rows] = filtered(sound[rows], gains[rows])

    def _drawn(self, amount: float) -> np.ndarray:
        """[clips]: evenly from -`amount` to `amount`; 0 for clips that do not get the effect."""
        applies = self._draws.applies(amount)
        return np.where(applies, self._draws.between(-amount, amount), 0.0)


def _segment(noises: list[np.ndarray], samples: int, which: float, where: float) -> np.ndarray:
    """int16 [samples] of one of the recordings, chosen by two numbers from 0 to 1."""
    noise = noises[int(which * len(noises))]
    start = int(where * (len(noise) - samples + 1))
    return noise[start : start + samples]
