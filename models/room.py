#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lay out the corpora that the recipes train, tune and test with: words, and the sounds of a room.

    models/room.py SPEECH_COMMANDS ROOM DEST [--spoken DIR]

ROOM has noise/*.wav (noisekun_<name>.wav, esc10_<kind>_<fold>-<recording>-<take>.wav) and
speech/*.wav (libri<speaker>_*.wav and others). Every source of sound (a speaker, a recording)
falls into one of three parts, by its name: train, tune or test. Each part DEST/<part> is a corpus
of its own, of links:

    <word>/*.wav           all words of SPEECH_COMMANDS, which have partitions of their own
    _background_noise_/    the part's noise; that of SPEECH_COMMANDS as well in train
    _speech_/<speaker>/    the part's running speech

    ATTRIBUTION.txt        whose recordings these are, which a model carries (attribution.txt)

With --spoken, synthetic speech (`stapes data speak`) joins the words of "train": the speakers of
its training partition, so that nothing is measured on it. Some words have few recordings. Whose
voices they are is said there as well.

Beside them, DEST/<part>_speech.wav, DEST/<part>_noise.wav and DEST/<part>_events.wav are all of a
kind in a row, in which no word of a model is said on purpose.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from stapes.audio.reader import audio_files, read_audio
from stapes.audio.wav import write_wav
from stapes.corpus import attribution
from stapes.corpus.index import BACKGROUND_NOISE_FOLDER
from stapes.corpus.partition import which_set
from stapes.corpus.running_speech import SPEECH_FOLDER
from stapes.errors import StapesError
from stapes.files import new_folder

SAMPLE_RATE = 16000
# Of each hundred sources: those below the first number for tests, below the second for tuning.
TEST_BELOW, TUNE_BELOW = 33, 48
PARTS = ("train", "tune", "test")
SHARES = (10, 10)  # of validation and testing, in percent: those of `stapes train`
ATTRIBUTION = Path(__file__).with_name("attribution.txt")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", type=Path, metavar="SPEECH_COMMANDS", help="folder of words")
    parser.add_argument("room", type=Path, metavar="ROOM", help="folder of noise/ and speech/")
    parser.add_argument("destination", type=Path, metavar="DEST", help="new folder")
    parser.add_argument("--spoken", type=Path, metavar="DIR", help="synthetic speech of some words")
    arguments = parser.parse_args()
    spoken = arguments.spoken and arguments.spoken.resolve()
    try:
        with new_folder(arguments.destination) as place:
            lay_out(arguments.words.resolve(), arguments.room.resolve(), place, spoken=spoken)
    except StapesError as error:
        print(f"room.py: {error}", file=sys.stderr)
        return 1
    return 0


def lay_out(words: Path, room: Path, place: Path, *, spoken: Path | None = None) -> None:
    noise, speech = (recordings(room / kind) for kind in ("noise", "speech"))
    for part in PARTS:
        link_words(words, place / part, with_background=part == "train")
        told = [ATTRIBUTION.read_text(encoding="utf-8")]
        for path in of_part(part, noise):
            link(path, place / part / BACKGROUND_NOISE_FOLDER / path.name)
        for path in of_part(part, speech):
            link(path, place / part / SPEECH_FOLDER / source(path) / path.name)
        if spoken and part == "train":
            add_spoken(spoken, words, place / part)
            told.append(attribution.attribution_of(spoken))
        attribution.write_attribution(place / part, "\n".join(map(str.strip, told)))
        events = [path for path in of_part(part, noise) if path.name.startswith("esc10_")]
        ambience = [path for path in of_part(part, noise) if path not in events]
        join(of_part(part, speech), place / f"{part}_speech.wav")
        join(ambience, place / f"{part}_noise.wav")
        join(events, place / f"{part}_events.wav")


def recordings(folder: Path) -> list[Path]:
    found = audio_files(folder, "*")
    if not found:
        raise StapesError(f"{folder}: found no recordings, expected *.wav inside")
    return found


def source(path: Path) -> str:
    """What a recording shares with others that must not be torn apart."""
    speaker = re.match(r"libri\d+", path.stem)
    take = re.match(r"esc10_.*-(\d+)-[A-Z]$", path.stem)
    return speaker.group() if speaker else take.group(1) if take else path.stem


def part_of(path: Path) -> str:
    number = int(hashlib.sha1(source(path).encode()).hexdigest(), 16) % 100
    return "test" if number < TEST_BELOW else "tune" if number < TUNE_BELOW else "train"


def of_part(part: str, paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if part_of(path) == part]


def link_words(words: Path, corpus: Path, *, with_background: bool) -> None:
    for folder in sorted(entry for entry in words.iterdir() if entry.is_dir()):
        if folder.name != BACKGROUND_NOISE_FOLDER:
            link(folder, corpus / folder.name)
        elif with_background:
            for path in audio_files(folder, "*"):
                link(path, corpus / BACKGROUND_NOISE_FOLDER / path.name)


def add_spoken(spoken: Path, words: Path, corpus: Path) -> None:
    """Folders of links to recordings and synthetic speech, in place of a link to the folder."""
    for folder in sorted(entry for entry in spoken.iterdir() if entry.is_dir()):
        if folder.name == BACKGROUND_NOISE_FOLDER:
            continue
        (corpus / folder.name).unlink(missing_ok=True)
        heard = recordings(words / folder.name)
        said = [path for path in recordings(folder) if which_set(path, *SHARES) == "training"]
        for path in (*heard, *said):
            link(path, corpus / folder.name / path.name)


def link(target: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def join(paths: Iterable[Path], wav: Path) -> None:
    def samples() -> Iterator[np.ndarray]:
        for path in paths:
            yield read_audio(path, sample_rate=SAMPLE_RATE)

    write_wav(wav, np.concatenate(list(samples())), sample_rate=SAMPLE_RATE)


if __name__ == "__main__":
    sys.exit(main())
