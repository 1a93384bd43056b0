# SPDX-License-Identifier: Apache-2.0
"""The steps of a plan that have no separate command: links, joined talk, recordings."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stapes.audio.reader import audio_files, read_audio
from stapes.audio.wav import write_wav
from stapes.corpus import attribution
from stapes.corpus.index import BACKGROUND_NOISE_FOLDER, NO_WORDS, folded, word_of
from stapes.corpus.partition import which_set
from stapes.corpus.running_speech import SPEECH_FOLDER
from stapes.corpus.trim import loudest_section
from stapes.errors import StapesError
from stapes.word.plan import Job

SAMPLE_RATE = 16000
TRAINED_SHARE = 0.75  # of the people in the recordings
_REAL_SHARE = 0.2  # recordings in proportion to spoken clips; they are repeated as often as needed
_MOST_REPEATS = 20
_FEWEST_NOISES = 10  # if there are fewer recordings, none is kept for testing


@dataclass(frozen=True, kw_only=True)
class Take:
    """A recording of a word by a person; `is_named`: the file's name tells the speaker."""

    word: str
    speaker: str
    path: Path
    is_named: bool = True

    @property
    def is_for_training(self) -> bool:
        number = int(hashlib.sha256(self.speaker.encode()).hexdigest(), 16) % 1000
        return number < 1000 * TRAINED_SHARE


def takes(folders: Sequence[Path], words: Sequence[str]) -> list[Take]:
    """The recordings in folders: FOLDER/*.wav of the only word, or FOLDER/<word>/*.wav.

    The speaker is the name before `_nohash_`. A name without `_nohash_` counts as a speaker with a
    single recording.

    Raises:
        StapesError: a folder has no recordings of the words.
    """
    found = []
    for folder in folders:
        paths = audio_files(folder, "**/*") if folder.is_dir() else []
        mine = [(word, path) for path in paths if (word := _word_of(path, folder, words))]
        if not mine:
            raise StapesError(
                f"{folder}: found no recordings of {' or '.join(words)}, expected WORD/*.wav "
                "inside, or *.wav for a single word; check --recordings"
            )
        found += [
            Take(
                word=word,
                speaker=path.stem.partition("_nohash_")[0],
                path=path,
                is_named="_nohash_" in path.stem,
            )
            for word, path in mine
        ]
    return found


def read_take(take: Take) -> np.ndarray:
    """int16 [samples] at SAMPLE_RATE.

    Raises:
        StapesError: the recording cannot be read, or it is silent: silence must not mean the word.
    """
    sound = read_audio(take.path, sample_rate=SAMPLE_RATE, resample=True)
    if not sound.any():
        raise StapesError(
            f"{take.path}: found silence alone, expected somebody who says {take.word}; remove it, "
            "or record it again"
        )
    return sound


def check_recordings(folders: Sequence[Path], words: Sequence[str]) -> None:
    """Reads all recordings once, before hours of work go into a model.

    Raises:
        StapesError: as `takes` and `read_take`.
    """
    for take in takes(folders, words):
        read_take(take)


def check_sounds(folder: Path) -> None:
    """Raises StapesError if the folder has nothing to train against: each kind of sound must be in
    a folder inside."""
    if not any(len(path.relative_to(folder).parts) > 1 for path in audio_files(folder, "**/*")):
        raise StapesError(
            f"{folder}: found no recordings in folders, expected WORD/*.wav, "
            f"{BACKGROUND_NOISE_FOLDER}/*.wav or {SPEECH_FOLDER}/**/*.wav inside; check --sounds"
        )


def _word_of(path: Path, folder: Path, words: Sequence[str]) -> str | None:
    by_folder = {folded(word): word for word in words}
    if path.parent == folder:
        return words[0] if len(words) == 1 else by_folder.get(folded(folder.name))
    return by_folder.get(word_of(path))


def gather(job: Job) -> list[str]:
    """Fills the corpus with what the user has: links to other words, noise and speech, and copies
    of the recordings of the word for training; the other recordings go to recordings/, for the
    test. The ATTRIBUTION.txt in the folder of noise says whose they are, because that of the corpus
    names the voices. Returns lines that say what was done."""
    said = []
    corpus = job.work_dir / "corpus"
    _clear(job)
    if job.sounds:
        said += _link_sounds(job.sounds, corpus, job.words)
    if job.recordings:
        said.append(_place_recordings(job, takes(job.recordings, job.words)))
    if told := attribution.attribution_of(*filter(None, [job.sounds]), *job.recordings):
        attribution.write_attribution(corpus / BACKGROUND_NOISE_FOLDER, told)
    return said


def _clear(job: Job) -> None:
    """Removes what an earlier run has gathered: links, and recordings (`_real_` in their names).
    Spoken clips are other files and stay."""
    for path in list((job.work_dir / "corpus").rglob("*")):
        if path.is_symlink() or "_real_" in path.name:
            path.unlink()
    gathered = job.work_dir / "corpus" / BACKGROUND_NOISE_FOLDER / attribution.FILE_NAME
    gathered.unlink(missing_ok=True)
    for path in (job.work_dir / "recordings").rglob("*.wav"):
        path.unlink()


def _link_sounds(sounds: Path, corpus: Path, words: Sequence[str]) -> list[str]:
    wanted = {folded(word) for word in words}
    counts: dict[str, int] = {}
    left_out = set()
    kept = set(_kept_noises(sounds))
    for path in audio_files(sounds, "**/*"):
        place = path.relative_to(sounds)
        if len(place.parts) < 2 or path in kept:
            continue
        top = folded(place.parts[0])
        if top in wanted:
            left_out.add(top)
            continue
        kind = place.parts[0] if top in NO_WORDS else "words"
        counts[kind] = counts.get(kind, 0) + 1
        target = corpus / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and top == BACKGROUND_NOISE_FOLDER:  # a synthetic noise has this name
            target = target.with_name(f"sounds_{target.name}")
        if not target.exists():
            target.symlink_to(path.resolve())
    said = [f"{sounds}: {count} recordings of {kind}" for kind, count in sorted(counts.items())]
    return said + [
        f"{sounds / word}: left out, as it is the wanted word; give it to --recordings"
        for word in sorted(left_out)
    ]


def _place_recordings(job: Job, found: Sequence[Take]) -> str:
    """Places the recordings: those for training are cut to clips and copied so often that they have
    enough weight; the others are kept whole for the test."""
    samples = SAMPLE_RATE * job.clip_duration_ms // 1000
    training = [take for take in found if take.is_for_training]
    spoken = len(list((job.work_dir / "corpus" / job.words[0]).glob("*.wav")))
    wanted = _REAL_SHARE * spoken * len(job.words) / max(len(training), 1)
    repeats = min(max(1, math.ceil(wanted)), _MOST_REPEATS)
    for number, take in enumerate(found):
        sound = read_take(take)
        if not take.is_for_training:
            name = (
                f"{take.speaker}_nohash_{number}" if take.is_named else f"{take.speaker}_{number}"
            )
            target = job.work_dir / "recordings" / take.word / f"{name}.wav"
            target.parent.mkdir(parents=True, exist_ok=True)
            write_wav(target, sound, sample_rate=SAMPLE_RATE)
            continue
        name = _training_name(take.speaker)
        folder = job.work_dir / "corpus" / take.word
        for again in range(repeats):
            target = folder / f"{name}_nohash_real_{number}_{again}.wav"
            write_wav(target, loudest_section(sound, samples), sample_rate=SAMPLE_RATE)
    people = len({take.speaker for take in training}), len({take.speaker for take in found})
    unnamed = sum(not take.is_named for take in found)
    return (
        f"{len(found)} recordings: {len(training)} of {people[0]} speakers to train with, the "
        f"others of {people[1] - people[0]} to test with"
        + f"; {unnamed} names tell no speaker, each counts as one"
        * bool(unnamed)
    )


def _training_name(speaker: str) -> str:
    """A name for a speaker that belongs to the training partition."""
    names = (f"{speaker}{'x' * length}" for length in range(1000))
    return next(name for name in names if which_set(name, 10, 10) == "training")


def join(job: Job, cast: str) -> list[Path]:
    """Joins all talk of a cast into one recording, WORK_DIR/<cast>_talk.wav, together with talk of
    people in the sounds that was not used in training; and the cast's noises into
    WORK_DIR/<cast>_noise.wav."""
    talk = audio_files(job.work_dir / cast / SPEECH_FOLDER, "*/*")
    parts = {
        "talk": [*talk, *_kept_speech(job, cast)],
        "noise": audio_files(job.work_dir / cast / BACKGROUND_NOISE_FOLDER, "*"),
    }
    written = []
    for name, paths in parts.items():
        written.append(job.work_dir / f"{cast}_{name}.wav")
        joined = np.concatenate(list(_samples(paths)))
        write_wav(written[-1], joined, sample_rate=SAMPLE_RATE)
    return written


def _kept_speech(job: Job, cast: str) -> list[Path]:
    """Talk of people that training keeps for its own tests: the validation partition for tuning,
    the testing partition for the test."""
    if not job.has_speech or job.sounds is None:
        return []
    partition = {"tune": "validation", "test": "testing"}[cast]
    found = audio_files(job.sounds / SPEECH_FOLDER, "**/*")
    top = job.sounds / SPEECH_FOLDER
    speakers = {path: path if path.parent == top else path.parent for path in found}
    return [path for path in found if which_set(speakers[path], 10, 10) == partition]


def _kept_noises(sounds: Path) -> list[Path]:
    """The sounds without speech that training does not use: a tenth, if there are enough."""
    folder = sounds / BACKGROUND_NOISE_FOLDER
    found = audio_files(folder, "**/*") if folder.is_dir() else []
    if len(found) < _FEWEST_NOISES:
        return []
    return [path for path in found if which_set(path, 10, 10) == "testing"]


def kept_noise(job: Job) -> np.ndarray:
    """The kept noises of the job in one piece, int16 [samples]; empty if nothing was kept."""
    paths = [] if job.sounds is None else _kept_noises(job.sounds)
    return np.concatenate([np.zeros(0, np.int16), *_samples(paths)])


def _samples(paths: Sequence[Path]) -> Iterator[np.ndarray]:
    for path in paths:
        yield read_audio(path, sample_rate=SAMPLE_RATE, resample=True)
