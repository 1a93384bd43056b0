"""Variations of training clips: which effects, how strong, drawn from a clip's own generator.

Time shift and background mixing are those of TensorFlow's speech_commands/input_data.py.
"""

from __future__ import annotations

import numpy as np

from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.effects import (
    EQUALIZER_BANDS,
    FULL_SCALE,
    add_noise,
    apply_gain,
    change_speed,
    change_voice,
    coloured_noise,
    equalize,
    limit_band,
    overdrive,
    reverberate,
    room_response,
)

SHORTEST_REVERB_MS = 100.0
_COLOURED_SHARE = 0.5  # of the noises, where there are background recordings as well


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
    return np.clip(np.rint(clip), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def background_segment(
    noises: list[np.ndarray], samples: int, generator: np.random.Generator
) -> np.ndarray:
    """int16 [samples] from a random place in a random recording; zeros if there is none."""
    if not noises:
        return np.zeros(samples, np.int16)
    noise = noises[generator.integers(len(noises))]
    start = generator.integers(len(noise) - samples + 1)
    return noise[start : start + samples]


def random_variation(
    clip: np.ndarray,
    noises: list[np.ndarray],
    settings: AugmentSettings,
    *,
    sample_rate: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """One training variation of a clip: int16 [samples] in and out.

    In the order of nature: the speaker's tempo and pitch, gain, shift, the room, noises around,
    the microphone. The effects draw from a child of `generator`, so that the tutorial's own
    variations stay the same whatever else is on.
    """
    limit = int(settings.time_shift_ms * sample_rate / 1000)
    shift = int(generator.integers(-limit, limit + 1))
    gain = generator.uniform(-settings.gain_db, settings.gain_db)
    noise = background_segment(noises, len(clip), generator)
    mixed = generator.random() < settings.background_frequency
    volume = generator.uniform(0, settings.background_volume) if mixed else 0.0
    if not settings.varies_sound:
        return to_int16(mix_background(apply_gain(shift_in_time(clip, shift), gain), noise, volume))
    draw = _Draw(settings, sample_rate, generator.spawn(1)[0])
    varied = draw.room(apply_gain(shift_in_time(draw.speaker(clip), shift), gain))
    varied = mix_background(draw.noise(varied, noises), noise, volume)
    return to_int16(draw.microphone(varied))


def random_silence(
    samples: int,
    noises: list[np.ndarray],
    generator: np.random.Generator,
    *,
    coloured_at: int = 0,
) -> np.ndarray:
    """A clip of the label _silence_: background at a volume of 0 to 1. int16 [samples].

    With `coloured_at`, a sample rate, half of them are coloured noise instead, so that the noise
    which is mixed into the words does not give them away.
    """
    noise = background_segment(noises, samples, generator)
    volume = generator.uniform(0, 1)
    if coloured_at:
        child = generator.spawn(1)[0]
        if not noises or child.random() < _COLOURED_SHARE:
            noise = coloured_noise(
                samples, child.uniform(0, 2), sample_rate=coloured_at, generator=child
            )
            volume = 10 ** child.uniform(0, 3.5)  # up to 20 dB below full scale
    return to_int16(mix_background(np.zeros(samples), noise, volume))


class _Draw:
    """Draws whether and how strongly each effect is applied to one clip."""

    def __init__(
        self, settings: AugmentSettings, sample_rate: int, generator: np.random.Generator
    ) -> None:
        self._settings, self._rate, self._generator = settings, sample_rate, generator

    def speaker(self, clip: np.ndarray) -> np.ndarray:
        settings, rate, semitones = self._settings, 1.0, 0.0
        if self._applies(settings.speed_percent):
            clip = change_speed(clip, 1 + self._around(settings.speed_percent) / 100)
        if self._applies(settings.time_stretch_percent):
            rate += self._around(settings.time_stretch_percent) / 100
        if self._applies(settings.pitch_shift_semitones):
            semitones = self._around(settings.pitch_shift_semitones)
        if (rate, semitones) == (1.0, 0.0):
            return clip
        return change_voice(clip, rate=rate, semitones=semitones)

    def room(self, clip: np.ndarray) -> np.ndarray:
        if not self._applies(self._settings.reverb_ms):
            return clip
        longest = self._settings.reverb_ms
        response = room_response(
            rt60_ms=self._generator.uniform(min(SHORTEST_REVERB_MS, longest), longest),
            direct_db=self._generator.uniform(-6, 12),
            sample_rate=self._rate,
            generator=self._generator,
        )
        return reverberate(clip, response)

    def noise(self, clip: np.ndarray, noises: list[np.ndarray]) -> np.ndarray:
        if not self._applies(len(self._settings.noise_snr_db)):
            return clip
        low, high = self._settings.noise_snr_db
        noise = background_segment(noises, len(clip), self._generator)
        if not noises or self._generator.random() < _COLOURED_SHARE:
            noise = coloured_noise(
                len(clip),
                self._generator.uniform(0, 2),
                sample_rate=self._rate,
                generator=self._generator,
            )
        return add_noise(clip, noise, self._generator.uniform(low, high))

    def microphone(self, clip: np.ndarray) -> np.ndarray:
        settings = self._settings
        if self._applies(settings.equalizer_db):
            gains = self._generator.uniform(-1, 1, EQUALIZER_BANDS) * settings.equalizer_db
            clip = equalize(clip, gains, sample_rate=self._rate)
        if self._applies(settings.band_limit_hertz):
            half = self._rate / 2
            lowest = np.log(min(settings.band_limit_hertz, half))
            clip = limit_band(
                clip,
                low_hertz=self._generator.uniform(20, 300),
                high_hertz=float(np.exp(self._generator.uniform(lowest, np.log(half)))),
                sample_rate=self._rate,
            )
        if self._applies(settings.clipping_db):
            clip = overdrive(clip, self._generator.uniform(0, settings.clipping_db))
        return clip

    def _applies(self, amount: float) -> bool:
        """Whether an effect that is on at all is drawn for this clip."""
        return bool(amount) and self._generator.random() < self._settings.augment_frequency

    def _around(self, amount: float) -> float:
        return float(self._generator.uniform(-amount, amount))
