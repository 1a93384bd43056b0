# SPDX-License-Identifier: Apache-2.0
"""All voices of this machine as one synthesizer, cast so that a model is tested with other people.

A voice is `engine:voice`. Natural voices get larger shares of the clips than robotic ones. Each
voice belongs to a person, each person to one cast: those to train with, to tune with, to test with.

Most voices are those of men. So half of the speakers get another pitch, evenly from that of a man
to that of a child, and resonances that fit it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stapes.corpus.credits import Credit
from stapes.corpus.effects import FULL_SCALE, change_tract, change_voice
from stapes.corpus.engines import Engine, Festival, Flite, Hibari, PiperVoices
from stapes.corpus.lexicon import is_english
from stapes.corpus.pitch import median_pitch
from stapes.corpus.synthesizers import VARIANTS, EngineFailed, Espeak, Speaker
from stapes.errors import StapesError

CASTS = ("all", "train", "tune", "test")
SHARES = {"piper": 0.35, "hibari": 0.25, "flite": 0.15, "festival": 0.1, "espeak": 0.15}
# People whose voices, if installed, are kept back; all other voices are used for training.
_KEPT_BACK = {"awb": "tune", "+m6": "tune", "+f5": "tune",
              "rms": "test", "ked": "test", "+m3": "test", "+f3": "test"}  # fmt: skip
_MANY_SPEAKERS = 10  # a model with so many speakers leaves some for tuning and testing
INSTALL_HINT = "install one: apt-get install espeak-ng flite, or pip install 'stapes[voices]'"
# `Speaker.pitch` 0 and 99: below deep men, and above most children (Peterson and Barney 1952: men
# 132, women 223, children 264 Hz on average).
_LOWEST_HERTZ, _HIGHEST_HERTZ = 75.0, 400.0
_MOST_SEMITONES = 14.0  # beyond this it is no voice any more
_OWN_SEMITONES = 4.0  # at most, for a speaker who is the same person as the voice
# Resonances rise by this power of the pitch: those of women are a sixth higher than those of men.
_TRACT_BY_PITCH = 0.27


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Voices of several engines: `engines` by name, `cast` whose voices are used."""

    engines: Mapping[str, Engine]
    cast: str = "all"
    language: str = "en"

    def voices(self) -> list[str]:
        """All voices of the cast, sorted.

        Raises:
            StapesError: there is no engine, or no voice of this cast.
        """
        voices = self._voices()
        chosen = sorted(voice for voice in voices if self.cast in ("all", cast_of(voice, voices)))
        if not voices:
            raise StapesError(f"found no speech engine, expected one or more; {INSTALL_HINT}")
        if not chosen:
            raise StapesError(
                f"--cast {self.cast}: found only {', '.join(sorted(voices)[:8])}, expected "
                f"voices that are kept back for it; {INSTALL_HINT}"
            )
        return chosen

    def _voices(self) -> list[str]:
        return [
            f"{name}:{voice}{variant}"
            for name, engine in self.engines.items()
            for voice in engine.voices()
            for variant in (VARIANTS if name == "espeak" else ("",))
        ]

    def variants(self) -> Sequence[str]:
        return ("",)

    def shares(self, voices: Sequence[str]) -> list[float]:
        """How often each voice is drawn: engines by SHARES, the voices of an engine equally."""
        names = [voice.partition(":")[0] for voice in voices]
        weights = [SHARES[name] / names.count(name) for name in names]
        return [weight / sum(weights) for weight in weights]

    def say(self, text: str, speaker: Speaker) -> tuple[np.ndarray, int]:
        name, _, voice = speaker.voice.partition(":")
        try:
            sound, rate = self.engines[name].say(text, replace(speaker, voice=voice))
        except (StapesError, MemoryError):
            raise
        except Exception as error:  # packages of voices raise classes of their own
            raise EngineFailed(f"{speaker.voice}: failed at {text!r} ({error!r})") from error
        if not np.abs(sound).max(initial=0) > 0.01:
            raise EngineFailed(f"{speaker.voice}: is silent at {text!r}, expected speech")
        semitones = _semitones(sound, rate, speaker, espeak=name == "espeak")
        if not semitones:
            return sound, rate
        steps = change_voice(sound * FULL_SCALE, sample_rate=rate, semitones=semitones)
        tract = _TRACT_BY_PITCH if _is_moved(speaker) else 0.0
        factor = 2 ** ((tract - 1) * semitones / 12)  # change_voice moved the resonances as well
        steps = change_tract(steps, sample_rate=rate, factor=factor)
        return steps.astype(np.float64) / FULL_SCALE, rate

    def phonemes(self, text: str) -> str:
        espeak = self.engines.get("espeak")
        return espeak.phonemes(text) if isinstance(espeak, Espeak) else ""

    def credit(self, voice: str) -> Credit:
        name, _, rest = voice.partition(":")
        return self.engines[name].credit(rest)


def find_mixture(
    *, cast: str = "all", language: str = "en", piper_files: Sequence[str] = ()
) -> Mixture:
    """The engines that have voices on this machine. All but espeak-ng and Piper speak English.

    Raises:
        StapesError: no engine has a voice for this language, or a file is no voice of Piper.
    """
    candidates: dict[str, Engine] = {
        "espeak": Espeak(language=language),
        "piper": PiperVoices(files=tuple(piper_files)),
    }
    if is_english(language):
        candidates |= {"hibari": Hibari(), "flite": Flite(), "festival": Festival()}
    engines = {name: engine for name, engine in candidates.items() if _is_here(engine)}
    if not is_english(language) and "espeak" not in engines and not piper_files:
        raise StapesError(
            f"--language {language}: found no voice for it, expected one of espeak-ng (list them: "
            "espeak-ng --voices) or of Piper (--voice)"
        )
    mixture = Mixture(engines=engines, cast=cast, language=language)
    mixture.voices()
    return mixture


def _is_here(engine: Engine) -> bool:
    """Whether the engine has voices; an engine that cannot even list its voices is left out."""
    try:
        return bool(engine.voices())
    except StapesError:
        if isinstance(engine, PiperVoices) and engine.files:
            raise
        return False


def person_of(voice: str) -> str:
    """Who speaks: one person's voice may come with two engines, or at two rates."""
    engine, _, name = voice.partition(":")
    if engine == "espeak":
        return "+" + name.partition("+")[2]
    if engine in ("flite", "festival"):
        return next((one for one in ("kal", "ked", "slt", "awb", "rms") if one in name), name)
    return voice


def cast_of(voice: str, voices: Sequence[str]) -> str:
    """The cast that a voice belongs to. `voices`: all voices of this machine."""
    person = person_of(voice)
    if person in _KEPT_BACK:
        return _KEPT_BACK[person]
    file, _, number = voice.rpartition("#")
    if file and sum(other.startswith(f"{file}#") for other in voices) >= _MANY_SPEAKERS:
        digest = hashlib.sha256(number.encode()).digest()[0] % 10
        return {0: "tune", 1: "test"}.get(digest, "train")
    return "train"


def _is_moved(speaker: Speaker) -> bool:
    """Whether the speaker gets the pitch of another person than the voice; the same for any tempo.
    Only half of the speakers do, because the change leaves traces in the sound."""
    return int(replace(speaker, words_per_minute=0).name, 16) % 2 == 1


def _semitones(sound: np.ndarray, rate: int, speaker: Speaker, *, espeak: bool) -> float:
    """By how many semitones the speaker's pitch is above the voice's pitch in `sound`."""
    if not _is_moved(speaker):  # espeak-ng has changed its pitch by itself
        return 0.0 if espeak else _OWN_SEMITONES * (speaker.pitch / 49.5 - 1)
    own = median_pitch(sound, sample_rate=rate)
    if own is None:  # nothing but whispers
        return 0.0
    target = _LOWEST_HERTZ * (_HIGHEST_HERTZ / _LOWEST_HERTZ) ** (speaker.pitch / 99)
    return float(np.clip(12 * np.log2(target / own), -_MOST_SEMITONES, _MOST_SEMITONES))
