# SPDX-License-Identifier: Apache-2.0
"""What is in a folder of clips, and what is wrong with it, before anyone trains on it."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stapes.audio.reader import AUDIO_SUFFIXES, OTHER_AUDIO, audio_files, read_recording
from stapes.audio.wav import TO_WAV
from stapes.corpus.clips import LONG
from stapes.corpus.index import BACKGROUND_NOISE_FOLDER, NO_WORDS, CorpusSettings, folded
from stapes.corpus.partition import PARTITIONS, which_set
from stapes.corpus.running_speech import SPEECH_FOLDER
from stapes.errors import StapesError
from stapes.files import read_text, visible_files
from stapes.model.settings import FrontEndSettings, ModelSettings, check_label
from stapes.options import check, like

FULL_SCALE = 32766
CLIPPED_SHARE = 0.001  # of a clip's samples at full scale
SILENT_PEAK = 330  # int16 steps: 40 dB below full scale
SILENT_BACKGROUND_PEAK = 33  # 60 dB below: quiet rooms are background too
FEW_CLIPS = 100
UNBALANCED = 5.0  # times as many clips of the most as of the rarest wanted word


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """What the clips must fit. If `wanted_words` is empty, all words are treated alike."""

    sample_rate: int = like(FrontEndSettings, "sample_rate", help="expected sample rate, in Hz")
    clip_duration_ms: int = like(ModelSettings, "clip_duration_ms")
    wanted_words: tuple[str, ...] = like(
        CorpusSettings, "wanted_words", default=(), shown="all words alike"
    )
    validation_percentage: float = like(CorpusSettings, "validation_percentage")
    testing_percentage: float = like(CorpusSettings, "testing_percentage")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something wrong. "error": training would refuse it, or the tests would be wrong. "warning":
    training works, but the model gets worse or files are not used."""

    severity: str
    kind: str
    text: str
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What is kept about a file. If it cannot be read, `error` says why and the rest is missing."""

    name: str  # word/file
    word: str
    partition: str
    seconds: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    plain: bool = True
    open_ended: bool = False
    peak: int = 0
    clipped: float = 0.0
    digest: bytes = b""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class CorpusReport:
    """`words`: clips of each word by partition; `seconds`: shortest, median, longest clip."""

    folder: str
    clips: int
    speakers: int
    hours: float
    background_minutes: float
    speech_minutes: float
    words: dict[str, dict[str, int]]
    seconds: tuple[float, float, float]
    findings: list[Finding]

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)

    def to_dict(self) -> dict[str, object]:
        """As JSON takes it."""
        return dataclasses.asdict(self)


def check_corpus(
    folder: Path,
    settings: CheckSettings,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CorpusReport:
    """Reads every clip of <folder>/<word>/ and reports on all of them.

    Raises:
        StapesError: no such folder, or no clips in it.
    """
    paths = audio_files(folder, "*/*") if folder.is_dir() else []
    if not paths:
        raise StapesError(
            f"{folder}: found no clips, expected <word>/*.wav inside; check --data_dir"
        )
    talk = audio_files(folder / SPEECH_FOLDER, "*/*")  # in a folder for each speaker
    read: list[Clip] = []
    for number, path in enumerate([*paths, *talk]):
        read.append(_look_at(path, settings, folder))
        progress(number + 1, len(paths) + len(talk))
    background = [clip for clip in read if clip.word == BACKGROUND_NOISE_FOLDER]
    clips = [clip for clip in read if clip.word not in NO_WORDS]
    sound = [clip for clip in clips if not clip.error]
    lengths = [clip.seconds for clip in sound] or [0.0]
    findings = [
        *_labels(clips),
        *_forms(read, settings),
        *_others(folder),
        *_sounds(sound, settings),
        *_backgrounds(background, settings),
        *_duplicates(sound),
        *_balance(clips, settings),
        *_official_lists(folder, clips),
    ]
    return CorpusReport(
        folder=str(folder),
        clips=len(clips),
        speakers=len({_speaker(clip.name) for clip in clips}),
        hours=round(sum(lengths) / 3600, 3),
        background_minutes=_minutes(background),
        speech_minutes=_minutes(clip for clip in read if clip.word == SPEECH_FOLDER),
        words=_counts(clips),
        seconds=(min(lengths), float(np.median(lengths)), max(lengths)),
        findings=sorted(findings, key=lambda finding: finding.severity),
    )


def _minutes(clips: Iterable[Clip]) -> float:
    return round(sum(clip.seconds for clip in clips) / 60, 2)


def _look_at(path: Path, settings: CheckSettings, folder: Path) -> Clip:
    partition = which_set(path, settings.validation_percentage, settings.testing_percentage)
    place = path.relative_to(folder)
    facts = Clip(name=str(place), word=folded(place.parts[0]), partition=partition)
    try:
        recording = read_recording(path)
    except StapesError as error:
        return dataclasses.replace(facts, error=str(error).removeprefix(f"{path}: "))
    loud = np.abs(recording.samples.astype(np.int32))
    return dataclasses.replace(
        facts,
        seconds=len(loud) / recording.sample_rate,
        sample_rate=recording.sample_rate,
        channels=recording.channels,
        plain=recording.plain,
        open_ended=recording.open_ended,
        peak=int(loud.max()),
        clipped=float(np.mean(loud >= FULL_SCALE)),
        digest=hashlib.sha256(recording.samples.tobytes()).digest(),
    )


def _counts(clips: Iterable[Clip]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for clip in clips:
        counts.setdefault(clip.word, dict.fromkeys(PARTITIONS, 0))[clip.partition] += 1
    return counts


def _labels(clips: Iterable[Clip]) -> Iterable[Finding]:
    for word in sorted({clip.word for clip in clips}):
        try:
            check_label(word)
        except StapesError as error:
            text = f"can be no wanted word: {error}"
            yield Finding(severity="warning", kind="label", text=text, files=[word])


def _forms(clips: list[Clip], settings: CheckSettings) -> Iterable[Finding]:
    """Files that training refuses. Those that it takes with --resample are separate findings."""
    unreadable = [f"{clip.name}: {clip.error}" for clip in clips if clip.error]
    yield from _found("error", "unreadable", unreadable, "cannot be read")
    whole = [clip for clip in clips if not clip.error]
    rates: dict[int, list[str]] = defaultdict(list)
    for clip in whole:
        rates[clip.sample_rate].append(clip.name)
    for rate, names in sorted(rates.items()):
        if rate != settings.sample_rate:
            text = f"{rate} Hz, expected {settings.sample_rate} (train with --resample)"
            yield from _found("error", "sample_rate", names, text)
    several = [clip.name for clip in whole if clip.channels > 1]
    yield from _found("error", "channels", several, "not mono (train with --resample)")
    other = [clip.name for clip in whole if not clip.plain]
    yield from _found("error", "format", other, "not 16-bit (train with --resample)")
    unfinished = [clip.name for clip in whole if clip.open_ended]
    text = "a header that does not say how long it is, read to the end of the file"
    yield from _found("warning", "unfinished", unfinished, text)


def _others(folder: Path) -> Iterable[Finding]:
    """Files that Stapes does not read: sound in other formats, and anything else."""
    known = (*AUDIO_SUFFIXES, ".txt", ".md", ".json")
    unread: dict[bool, list[str]] = {True: [], False: []}
    for path in visible_files(folder, "*/*"):
        if path.is_file() and (suffix := path.suffix.lower()) not in known:
            unread[suffix in OTHER_AUDIO].append(f"{path.parent.name}/{path.name}")
    text = f"recordings that are skipped (convert each with: {TO_WAV})"
    yield from _found("warning", "other_audio", unread[True], text)
    yield from _found("warning", "other_files", unread[False], "no recordings, not used")


def _sounds(clips: list[Clip], settings: CheckSettings) -> Iterable[Finding]:
    wanted = settings.clip_duration_ms / 1000
    short = [clip.name for clip in clips if clip.seconds < wanted / 2]
    yield from _found(
        "warning", "short", short, f"shorter than half of {wanted:g} s, padded with zeros"
    )
    long = [clip.name for clip in clips if clip.seconds > wanted * LONG]
    yield from _found(
        "warning", "long", long, f"longer than {wanted:g} s, cut (try stapes data trim)"
    )
    clipped = [clip.name for clip in clips if clip.clipped > CLIPPED_SHARE]
    yield from _found("warning", "clipped", clipped, "clipped, recorded too loudly")
    silent = [clip.name for clip in clips if clip.peak < SILENT_PEAK]
    yield from _found("warning", "silent", silent, "nothing above -40 dB of full scale")


def _backgrounds(clips: list[Clip], settings: CheckSettings) -> Iterable[Finding]:
    if not clips:
        yield Finding(
            severity="warning",
            kind="no_background",
            text=f"no recordings in {BACKGROUND_NOISE_FOLDER}: nothing is mixed into the words",
        )
    short = [
        clip.name
        for clip in clips
        if not clip.error and clip.seconds * 1000 < settings.clip_duration_ms
    ]
    yield from _found("error", "short_background", short, "background shorter than a clip")
    sound = [clip for clip in clips if not clip.error]
    clipped = [clip.name for clip in sound if clip.clipped > CLIPPED_SHARE]
    yield from _found(
        "warning", "clipped_background", clipped, "background clipped, recorded too loudly"
    )
    silent = [clip.name for clip in sound if clip.peak < SILENT_BACKGROUND_PEAK]
    text = "background with nothing above -60 dB of full scale, mixes in nothing"
    yield from _found("warning", "silent_background", silent, text)


def _duplicates(clips: list[Clip]) -> Iterable[Finding]:
    """Equal samples: in several words, in several partitions, or merely twice."""
    same: dict[bytes, list[Clip]] = defaultdict(list)
    for clip in clips:
        same[clip.digest].append(clip)
    kinds: dict[str, list[str]] = {"words": [], "partitions": [], "twice": []}
    for copies in same.values():
        if len(copies) < 2:
            continue
        if len({clip.word for clip in copies}) > 1:
            kind = "words"
        elif len({clip.partition for clip in copies}) > 1:
            kind = "partitions"
        else:
            kind = "twice"
        kinds[kind].append(" = ".join(clip.name for clip in copies))
    texts = {
        "words": ("error", "the same sound under different words"),
        "partitions": ("error", "the same sound in different partitions, so that tests flatter"),
        "twice": ("warning", "the same sound several times"),
    }
    for kind, names in kinds.items():
        severity, text = texts[kind]
        yield from _found(severity, f"duplicate_{kind}", names, text, what="group")


def _balance(clips: list[Clip], settings: CheckSettings) -> Iterable[Finding]:
    counts = _counts(clips)
    empty = dict.fromkeys(PARTITIONS, 0)
    wanted = {word: counts.get(folded(word), empty) for word in settings.wanted_words}
    looked_at = wanted or counts
    for partition in PARTITIONS:
        words = [word for word, row in looked_at.items() if not row[partition]]
        if settings.wanted_words or len(words) == len(looked_at):
            text = f"no clip in the {partition} partition (add speakers)"
            yield from _found("error", f"empty_{partition}", words, text, what="word")
    few = [
        f"{word}: {total}"
        for word, row in looked_at.items()
        if 0 < (total := sum(row.values())) < FEW_CLIPS
    ]
    yield from _found("warning", "few", few, f"less than {FEW_CLIPS} clips", what="word")
    totals = [total for row in looked_at.values() if (total := sum(row.values()))]
    if wanted and totals and max(totals) > UNBALANCED * min(totals):
        yield Finding(
            severity="warning",
            kind="unbalanced",
            text=f"wanted words have {min(totals)} to {max(totals)} clips: the rare ones suffer",
        )


def _official_lists(folder: Path, clips: list[Clip]) -> Iterable[Finding]:
    """Speech Commands comes with lists of its partitions. The rule must give the same partitions
    with 10% for validation and 10% for testing."""
    listed: dict[str, str] = {}
    for partition in ("validation", "testing"):
        path = folder / f"{partition}_list.txt"
        if path.is_file():
            names = read_text(path, what="a list of clips").split("\n")
            listed |= dict.fromkeys((name.strip() for name in names), partition)
    if not listed:
        return
    moved = [
        f"{clip.name}: listed under {expected}"
        for clip in clips
        if which_set(clip.name, 10, 10) != (expected := listed.get(clip.name, "training"))
    ]
    text = "in another partition than validation_list.txt and testing_list.txt say"
    yield from _found("warning", "official_lists", moved, text)


def _found(
    severity: str, kind: str, files: list[str], text: str, *, what: str = "file"
) -> Iterable[Finding]:
    if files:
        yield Finding(
            severity=severity,
            kind=kind,
            text=f"{text}: {len(files)} {what}{'s' * (len(files) > 1)}",
            files=files,
        )


def _speaker(name: str) -> str:
    return re.sub(r"(_nohash_.*|\.\w+)$", "", Path(name).name)
