# SPDX-License-Identifier: Apache-2.0
"""Speaks a corpus, for words that nobody has recorded.

Each synthetic speaker is a voice, a variant, a pitch and a speed; the same speakers say every word,
and their names are hashes, so the partition rule splits them as it splits people. A corpus spoken
by formant synthesis is a start, not a substitute for recordings.
"""

from __future__ import annotations

import hashlib
import math
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import scipy.signal

from stapes.audio.wav import read_wav_with_rate, write_wav
from stapes.corpus.attribution import add_credits, check_credits
from stapes.corpus.credits import Credit
from stapes.corpus.effects import FULL_SCALE, change_tract
from stapes.corpus.index import BACKGROUND_NOISE_FOLDER
from stapes.corpus.mixture import Mixture
from stapes.corpus.near_misses import near_misses
from stapes.corpus.partition import PARTITIONS, which_set
from stapes.corpus.synthesizers import VARIANTS, EngineFailed, Espeak, Speaker, Synthesizer
from stapes.corpus.voices_pool import VoicesPool, check_going_on
from stapes.errors import StapesError
from stapes.files import addition, held_alone, kept_folder, new_folder, visible_files
from stapes.model.settings import FrontEndSettings, ModelSettings, check_label
from stapes.options import check, like, setting

CLIPS_PER_SPEAKER = 3
# What may come before and after a word; the pause between them, in seconds.
BEFORE = ("okay", "so", "well", "and then", "please", "hello", "no", "listen", "the", "I said")
AFTER = ("please", "what is the time", "turn on the light", "stop", "play music", "are you there",
         "tell me", "now", "and more", "is it")  # fmt: skip
PAUSE_SECONDS = (0.02, 0.3)
EMPHASES = ("!", "?", ".", ",", "!")


@dataclass(frozen=True, kw_only=True)
class SpeakSettings:
    """`clips` of each word; equal settings and synthesizer versions give equal bytes.

    `near_misses`: for each word, so many words for _unknown_ that sound nearly like it; together
    they get `clips` clips.
    """

    clips: int = setting(300, least=1, most=100_000, help="clips of each word")
    seed: int = setting(0, least=0, most=2**63 - 1, help="equal seeds give equal clips")
    sample_rate: int = like(FrontEndSettings, "sample_rate", help="Hz")
    clip_duration_ms: int = like(ModelSettings, "clip_duration_ms", least=200)
    language: str = setting("en", help="espeak-ng's name of the language")
    background_seconds: float = 30
    processes: int = setting(2, least=1, most=256, help="programs that speak at the same time")
    pitch: tuple[int, int] = setting(
        (15, 85),
        interval=True,
        least=0,
        most=99,
        metavar="LOW,HIGH",
        help="pitch of the speakers, as espeak-ng counts it; with --engine all, 75 to 400 Hz for "
        "half of them",
    )
    words_per_minute: tuple[int, int] = setting(
        (110, 199),
        interval=True,
        least=40,
        most=450,
        metavar="LOW,HIGH",
        help="how fast the speakers speak",
    )
    near_misses: int = setting(
        0,
        least=0,
        most=50,
        help="for each word, speak this many other words as well that sound nearly like it",
    )
    tract_percent: float = setting(
        0.0, least=0, most=30, help="vocal tracts of the speakers, shorter or longer by up to this"
    )
    neighbours_percent: float = setting(
        0.0, least=0, most=100, help="clips in which something else is said before or after"
    )
    emphasis_percent: float = setting(
        0.0, least=0, most=100, help="clips with another emphasis, or pauses inside a phrase"
    )
    extend: bool = setting(False, help="add what is missing to folders that exist")

    def __post_init__(self) -> None:
        check(self)

    @property
    def clip_samples(self) -> int:
        return self.sample_rate * self.clip_duration_ms // 1000


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A finished folder: how many clips are new, which partitions have no clip, how many speakers
    are missing because their voices failed, and why the first of these voices failed."""

    word: str
    clips: int
    empty_partitions: tuple[str, ...] = ()
    failed: int = 0
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class _Added:
    """How many clips one speaker added to a folder, and why there are no more."""

    clips: int = 0
    failure: str = ""


def speak_corpus(
    words: Sequence[str],
    output_dir: str | Path,
    *,
    settings: SpeakSettings,
    synthesizer: Synthesizer | None = None,
    finished: Callable[[Spoken], None] = lambda spoken: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Writes <word>/<speaker>_nohash_<n>.wav for every word, and `_background_noise_`; names the
    voices in ATTRIBUTION.txt.

    A new word's folder appears whole or not at all; with `settings.extend`, missing clips are added
    to a folder that exists. `finished` is called with every folder, `progress` with the number of
    clips done and of all clips.

    Raises:
        StapesError: a word does not fit a folder name or a clip, its folder exists already, the
            synthesizer is missing or has no voice.
    """
    synthesizer = synthesizer or Espeak(language=settings.language)
    words = list(dict.fromkeys(words))
    for word in words:
        _check_word(word)
    root = Path(output_dir)
    voices = synthesizer.voices()
    plan = dict.fromkeys(words, settings.clips) | _near_misses(words, settings, synthesizer)
    for word in plan:
        _check_folder(root / word, settings)
    shares = synthesizer.shares(voices) if isinstance(synthesizer, Mixture) else ()
    speakers = make_speakers(
        voices, settings=settings, variants=synthesizer.variants(), shares=shares
    )
    check_credits(root, _credits(synthesizer, speakers))
    done, total = 0, sum(plan.values())
    with (
        kept_folder(root),
        _words_held(root, plan),
        VoicesPool(settings.processes) as pool,
    ):
        for word, clips in plan.items():
            job = _Job(word=word, clips=clips, settings=settings, synthesizer=synthesizer)
            count, failures = 0, []
            with closing(_speak_word(job, root / word, speakers, pool)) as additions:
                for added in additions:
                    count, done = count + added.clips, done + added.clips
                    failures += [added.failure] * bool(added.failure)
                    progress(done, total)
            finished(
                Spoken(
                    word=word,
                    clips=count,
                    empty_partitions=_empty(root / word),
                    failed=len(failures),
                    reason=next(iter(failures), ""),
                )
            )
        background = root / BACKGROUND_NOISE_FOLDER
        if not background.exists():
            _write_backgrounds(background, settings)
            finished(Spoken(word=BACKGROUND_NOISE_FOLDER, clips=len(list(background.iterdir()))))


@contextmanager
def _words_held(root: Path, words: Iterable[str]) -> Iterator[None]:
    """Keeps other processes from speaking the same words into the same folder.

    Raises:
        StapesError: another process does so already; the message names its id.
    """
    with ExitStack() as stack:
        for word in words:
            stack.enter_context(held_alone(root / f".{word}.lock", what=f"the speaking of {word}"))
        yield


def _write_backgrounds(folder: Path, settings: SpeakSettings) -> None:
    backgrounds = make_backgrounds(settings=settings)
    try:
        with new_folder(folder) as temporary:
            for name, samples in backgrounds.items():
                write_wav(temporary / f"{name}.wav", samples, sample_rate=settings.sample_rate)
    except StapesError:
        if not folder.exists():  # another process was faster, with other words
            raise


def _near_misses(
    words: list[str], settings: SpeakSettings, synthesizer: Synthesizer
) -> dict[str, int]:
    """Near misses of all words, with their numbers of clips: all near misses of a word together get
    as many clips as the word."""
    if not settings.near_misses:
        return {}
    plan: dict[str, int] = {}
    for word in words:
        found = near_misses(
            word, settings.near_misses, avoid=[*words, *plan], phonemes=synthesizer.phonemes
        )
        plan |= dict.fromkeys(found, math.ceil(settings.clips / max(len(found), 1)))
    return plan


def _check_folder(folder: Path, settings: SpeakSettings) -> None:
    """Checks that the folder of a new word does not exist yet, or that a folder to extend has clips
    of the same rate.

    Raises:
        StapesError: the folder exists already, or its clips have another rate.
    """
    if not folder.exists():
        return
    if not settings.extend:
        raise StapesError(
            f"{folder}: exists already, expected a new folder; "
            "choose another --output_dir, remove it or pass --extend"
        )
    for path in visible_files(folder, "*.wav")[:1]:
        rate = read_wav_with_rate(path)[1]
        if rate != settings.sample_rate:
            raise StapesError(
                f"{path}: found {rate} Hz, expected {settings.sample_rate} Hz to add clips; "
                f"pass --sample_rate {rate}"
            )


def _speak_word(
    job: _Job, target: Path, speakers: list[Speaker], pool: VoicesPool
) -> Generator[_Added]:
    """Speaks the clips that `target` lacks; yields what each speaker added.

    Raises:
        StapesError: a voice that is no part of a mixture failed, or all voices of a mixture failed.
    """
    speakers = speakers[: math.ceil(job.clips / CLIPS_PER_SPEAKER)]
    extend = target.exists()
    name_voices = partial(_name_voices, job, target, speakers)
    place = addition(target, before=name_voices) if extend else new_folder(target)
    with place as folder:
        speak = partial(_speak_speaker, job, folder, target if extend else None)
        with ctrl_c_held():  # processes that start here never see Ctrl-C
            tasks = [pool.submit(speak, numbered) for numbered in enumerate(speakers)]
        try:
            yield from _collected(tasks, job.word)
        except BaseException:
            pool.stop()
            raise
        finally:  # no task writes any more when the folder is renamed or deleted
            for task in tasks:
                task.cancel()
            wait(tasks)
        if not extend:
            name_voices(folder)


def _name_voices(job: _Job, target: Path, speakers: Sequence[Speaker], folder: Path) -> None:
    """Names, beside `target`, the voices in its clips and in the clips of `folder`, which are added
    to it."""
    clips = [path for place in (target, folder) for path in visible_files(place, "*.wav")]
    spoke = {path.name.partition("_nohash_")[0] for path in clips}
    heard = [speaker for speaker in speakers if speaker.name in spoke]
    add_credits(target.parent, _credits(job.synthesizer, heard))


def _credits(synthesizer: Synthesizer, speakers: Sequence[Speaker]) -> list[Credit]:
    return [synthesizer.credit(voice) for voice in {speaker.voice for speaker in speakers}]


def _collected(tasks: Sequence[Future[_Added]], word: str) -> Generator[_Added]:
    """What the tasks return, in their order."""
    reasons = []
    for task in tasks:
        added = task.result()
        reasons += [added.failure] * bool(added.failure)
        if len(reasons) == len(tasks):
            raise StapesError(
                f"word {word!r}: no voice can say it ({reasons[0]}), expected one; "
                "write it in letters, as one says it"
            )
        yield added


def _empty(folder: Path) -> tuple[str, ...]:
    """The partitions without a clip, with the tutorial's percentages."""
    present = {which_set(path, 10, 10) for path in visible_files(folder, "*.wav")}
    return tuple(partition for partition in PARTITIONS if partition not in present)


def make_speakers(
    voices: Sequence[str],
    *,
    settings: SpeakSettings,
    variants: Sequence[str] = VARIANTS,
    shares: Sequence[float] = (),
) -> list[Speaker]:
    """As many different speakers as `settings.clips` needs, drawn from the seed; a larger number
    begins with the same speakers. `shares`: how often each voice is drawn; if empty, all equally.
    """
    random = np.random.default_rng([settings.seed, 1])
    ends = np.cumsum(shares)

    def voice() -> str:
        if len(ends):
            return voices[int(np.searchsorted(ends, random.uniform(0, ends[-1]), side="right"))]
        return voices[int(random.integers(len(voices)))]

    speakers: dict[str, Speaker] = {}
    while len(speakers) < math.ceil(settings.clips / CLIPS_PER_SPEAKER):
        speaker = Speaker(
            voice=voice() + variants[int(random.integers(len(variants)))],
            pitch=int(random.integers(settings.pitch[0], settings.pitch[1] + 1)),
            words_per_minute=int(
                random.integers(settings.words_per_minute[0], settings.words_per_minute[1] + 1)
            ),
            tract=_tract(settings, random),
        )
        speakers[speaker.name] = speaker
    return list(speakers.values())


def _tract(settings: SpeakSettings, random: np.random.Generator) -> float:
    if not settings.tract_percent:
        return 1.0
    most = settings.tract_percent / 100
    return round(float(random.uniform(1 - most, 1 + most)), 3)


def speak_word(
    word: str, speaker: Speaker, *, synthesizer: Synthesizer, sample_rate: int
) -> np.ndarray:
    """The word as it is said, without the silence around: float64 [samples], -1 to 1."""
    voiced, rate = synthesizer.say(word.replace("_", " "), speaker)
    if speaker.tract != 1:
        steps = change_tract(voiced * FULL_SCALE, sample_rate=rate, factor=speaker.tract)
        voiced = steps.astype(np.float64) / FULL_SCALE
    loud = np.flatnonzero(np.abs(voiced) > 0.01)
    if not len(loud):
        raise EngineFailed(
            f"word {word!r}: the synthesizer is silent; write it in letters, as one says it"
        )
    voiced = voiced[loud[0] : loud[-1] + 1]
    divisor = math.gcd(rate, sample_rate)
    return scipy.signal.resample_poly(voiced, sample_rate // divisor, rate // divisor)


def make_backgrounds(*, settings: SpeakSettings) -> dict[str, np.ndarray]:
    """White, pink and brown noise and the hum of the mains: int16 [samples] each."""
    random = np.random.default_rng([settings.seed, 2])
    count = int(settings.background_seconds * settings.sample_rate)
    frequency = np.fft.rfftfreq(count, 1 / settings.sample_rate)
    frequency[0] = frequency[1]
    sounds = {}
    for name, exponent in (("white_noise", 0.0), ("pink_noise", 0.5), ("brown_noise", 1.0)):
        # No rumble below 20 Hz: it would take all of the range and nobody hears it.
        weight = (frequency >= 20) * frequency**-exponent
        sounds[name] = np.fft.irfft(np.fft.rfft(random.normal(size=count)) * weight, count)
    time = np.arange(count) / settings.sample_rate
    sounds["mains_hum"] = random.normal(scale=0.02, size=count) + sum(
        np.sin(2 * np.pi * 50 * harmonic * time + random.uniform(0, 6.28)) / harmonic
        for harmonic in (1, 2, 3, 4, 6, 8, 10, 14)
    )
    return {name: _to_int16(0.7 * sound / np.abs(sound).max()) for name, sound in sounds.items()}


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One word to speak, sent to every process."""

    word: str
    clips: int
    settings: SpeakSettings
    synthesizer: Synthesizer


def _speak_speaker(
    job: _Job, folder: Path, existing: Path | None, numbered: tuple[int, Speaker]
) -> _Added:
    """Writes those clips of one speaker that are missing in `existing`. In a mixture a voice may
    fail: other voices say the word as well."""
    check_going_on()
    index, speaker = numbered
    first = index * CLIPS_PER_SPEAKER
    key = int.from_bytes(hashlib.sha256(job.word.encode()).digest()[:8], "little")
    written = 0
    for number in range(min(CLIPS_PER_SPEAKER, job.clips - first)):
        name = f"{speaker.name}_nohash_{number}.wav"
        if existing and (existing / name).exists():
            continue
        random = np.random.default_rng([job.settings.seed, 3, key, first + number])
        try:
            samples = _place_word(job, speaker, random)
        except EngineFailed as error:
            if not isinstance(job.synthesizer, Mixture):
                raise
            return _Added(clips=written, failure=str(error))
        write_wav(folder / name, samples, sample_rate=job.settings.sample_rate)
        written += 1
    return _Added(clips=written)


def _place_word(job: _Job, speaker: Speaker, random: np.random.Generator) -> np.ndarray:
    """One clip: the word at a random place, loudness and speed, in light noise."""
    settings = job.settings
    text = _worded(job, random)
    for hurry in (1.0, 1.4, 1.9):
        hurried = replace(
            speaker,
            words_per_minute=round(speaker.words_per_minute * hurry * random.uniform(0.9, 1.1)),
        )
        spoken = _said(text, hurried, job)
        if len(spoken) <= settings.clip_samples:
            break
    else:
        milliseconds = len(spoken) * 1000 // settings.sample_rate
        raise EngineFailed(  # another voice may be faster
            f"word {job.word!r}: takes {milliseconds} ms to say, expected at most "
            f"{settings.clip_duration_ms}; pass a longer --clip_duration_ms or a shorter word"
        )
    noise = 10 ** random.uniform(-4.0, -2.0)
    clip = random.normal(scale=noise, size=settings.clip_samples)
    start = int(random.integers(settings.clip_samples - len(spoken) + 1))
    loudness = random.uniform(0.2, 0.9) / np.abs(spoken).max()
    clip[start : start + len(spoken)] += loudness * spoken
    if settings.neighbours_percent and 100 * random.uniform() < settings.neighbours_percent:
        _add_neighbours(clip, start, start + len(spoken), hurried, job, loudness, random)
    return _to_int16(clip)


def _said(text: str, speaker: Speaker, job: _Job) -> np.ndarray:
    return speak_word(
        text, speaker, synthesizer=job.synthesizer, sample_rate=job.settings.sample_rate
    )


def _worded(job: _Job, random: np.random.Generator) -> str:
    """The word, in some clips called out or asked, or with pauses between the words of a phrase."""
    share = job.settings.emphasis_percent
    if not share or 100 * random.uniform() >= share:
        return job.word
    ending = EMPHASES[int(random.integers(len(EMPHASES)))]
    pauses = random.uniform() < 0.3
    return (job.word.replace(" ", ", ") if pauses else job.word) + ending


def _add_neighbours(
    clip: np.ndarray,
    start: int,
    end: int,
    speaker: Speaker,
    job: _Job,
    loudness: float,
    random: np.random.Generator,
) -> None:
    """The same speaker says something before the word at `start` to `end`, after it, or both."""
    before, after = ((True, True), (True, False), (False, True))[int(random.integers(3))]
    pause = [int(job.settings.sample_rate * random.uniform(*PAUSE_SECONDS)) for _ in range(2)]
    if before and start > pause[0]:
        said = _said(BEFORE[int(random.integers(len(BEFORE)))], speaker, job)
        room = start - pause[0]
        said = said[-room:]
        clip[room - len(said) : room] += loudness * said
    first = end + pause[1]
    if after and first < len(clip):
        said = _said(AFTER[int(random.integers(len(AFTER)))], speaker, job)[: len(clip) - first]
        clip[first : first + len(said)] += loudness * said


def _to_int16(samples: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)


def _check_word(word: str) -> None:
    check_label(word)
    if word.startswith(("_", ".", "-")):
        raise StapesError(f"word {word!r}: begins with {word[0]!r}, expected a letter; rename it")


@contextmanager
def ctrl_c_held() -> Iterator[None]:
    """Ctrl-C waits until the end of the block; processes started inside never see Ctrl-C."""
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)
