# SPDX-License-Identifier: Apache-2.0
"""Show what each variation of `stapes train` does to a clip. With --audio, write the sounds too.

Every picture shows the clip's spectrogram and its features as the device sees them, before and
after. If you name no recording, espeak-ng speaks one. docs/augmentation.md shows the pictures."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from stapes.cli.flags import add_flags
from stapes.cli.next_step import next_step
from stapes.model.settings import FrontEndSettings, ModelSettings
from stapes.options import like, setting
from stapes.plain import say

EXAMPLE = """  stapes data augment --output_dir gallery
  stapes data augment corpus/yes/0a7c2a8d_nohash_0.wav --audio --output_dir gallery"""


@dataclass(frozen=True, kw_only=True)
class GalleryFlags:
    """The clip that is varied."""

    text: str = setting("hey stapes", help="what espeak-ng says")
    seed: int = setting(0, least=0, most=2**63 - 1, help="seed of all random choices")
    sample_rate: int = like(FrontEndSettings, "sample_rate", help="Hz")
    clip_duration_ms: int = like(ModelSettings, "clip_duration_ms", least=200)
    resample: bool = setting(False, help="convert a recording of another rate, or stereo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "wav",
        type=Path,
        nargs="?",
        metavar="WAV",
        help="a recording: WAV, FLAC, Ogg, Opus or MP3, mono",
    )
    add("--output_dir", type=Path, required=True, help="the new folder")
    add("--audio", action="store_true", help="write the varied clips as well")
    add_flags(parser, GalleryFlags)


def run(arguments: argparse.Namespace) -> int:
    import numpy as np

    from stapes.audio.reader import read_audio
    from stapes.corpus.speak import speak_word
    from stapes.corpus.synthesizers import Espeak, Speaker
    from stapes.pictures.gallery import write_gallery

    rate = arguments.sample_rate
    if arguments.wav:
        samples = read_audio(arguments.wav, sample_rate=rate, resample=arguments.resample)
    else:
        speaker = Speaker(voice="en-us+f2", pitch=55, words_per_minute=150)
        spoken = speak_word(arguments.text, speaker, synthesizer=Espeak(), sample_rate=rate)
        samples = np.rint(spoken * 16000 / np.abs(spoken).max()).astype(np.int16)
    clip = np.zeros(rate * arguments.clip_duration_ms // 1000, np.int16)
    start = max(0, len(clip) - len(samples)) // 2
    clip[start : start + len(samples)] = samples[: len(clip)]
    names = write_gallery(
        clip, arguments.output_dir, sample_rate=rate, seed=arguments.seed, audio=arguments.audio
    )
    say(f"{arguments.output_dir}: {', '.join(names)}")
    next_step("train", "...", about="with the flags of the variations that you like")
    return 0
