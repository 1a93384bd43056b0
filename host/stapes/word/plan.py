# SPDX-License-Identifier: Apache-2.0
"""The plan of `stapes word`: a list of stages; each of them is a `stapes` command.

Every stage says what it writes and what it needs, so that a run that was stopped goes on where it
was.
"""

from __future__ import annotations

import hashlib
import math
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stapes.corpus.index import BACKGROUND_NOISE_FOLDER
from stapes.options import check, setting

QUICK_MINUTES = 5.0
SOUNDS, RECORDINGS = "sounds", "recordings"  # folders in the working folder that "gather" fills
STAGE_MODELS = ("first", "second")  # the networks of the two trainings
# All models begin with the layers of this network, which has heard 27 words by many people
# (models/trunk/recipe.sh). Its first layer takes some frames; the layers after it run at every
# second frame.
TRUNK = Path(__file__).with_name("trunk.npz")
_TRUNK_CLIP_MS, _TRUNK_STEP_MS, _TRUNK_MEMORY = 1000, 40, (6, 5, 5, 5, 5)
_FROZEN = 4  # of the trunk's layers: a few voices would teach them what is not true for people
_SOUNDS_SHARE = 2.0  # of --fa_per_hour, in synthetic sounds: these have no pauses, rooms have
_SEEDS = {"train": 5, "tune": 6, "test": 7}
_NOISES = 42  # at least so many recordings of noise, if they can be so short: about two a kind


@dataclass(frozen=True, kw_only=True)
class WordSettings:
    """What the user asks for; everything else follows from these settings and from the text."""

    minutes: float = setting(
        60.0,
        least=0.1,
        most=100_000,
        help="about how long it may take on two idle cores; more time gives a better model; "
        "below 5, it takes longer",
    )
    quick: bool = setting(False, help=f"the same as --minutes {QUICK_MINUTES:g}")
    language: str = setting("en", help="espeak-ng's name of the language")
    seed: int = setting(0, least=0, most=2**32 - 1, help="equal seeds give equal plans")
    processes: int = setting(
        min(os.cpu_count() or 1, 8), least=1, most=256, help="programs that work at the same time"
    )
    fa_per_hour: float = setting(
        1.0,
        above=0,
        most=1000,
        metavar="RATE",
        help="false accepts to allow per hour of talk; in synthetic sounds, which have no pauses, "
        "twice as many",
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def time(self) -> float:
        return min(self.minutes, QUICK_MINUTES) if self.quick else self.minutes


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """How much of everything, depending on the time that the user allows."""

    clips: int
    near: int
    near_clips: int
    talk_minutes: float
    first_steps: int
    second_steps: int
    noise_minutes: float
    test_clips: int
    test_talk_minutes: float
    test_noise_minutes: float

    @classmethod
    def within(cls, minutes: float) -> Amounts:
        def scaled(per_minute: float, least: int, most: int) -> int:
            return int(min(max(per_minute * minutes, least), most))

        return cls(
            clips=scaled(40, 150, 6000),
            near=scaled(0.6, 4, 30),
            near_clips=scaled(0.6, 6, 90),
            talk_minutes=min(max(2 * minutes, 0.5), 240.0),
            first_steps=scaled(25, 40, 5_000),
            second_steps=scaled(35, 60, 7_000),
            noise_minutes=min(max(2 * minutes, 1.0), 60.0),
            test_clips=scaled(4, 15, 600),
            test_talk_minutes=min(max(4 * minutes, 0.3), 240.0),
            # In an hour, one false accept is a rate of one per hour; in less time, a single false
            # accept would already be too many.
            test_noise_minutes=min(max(minutes, 0.5), 60.0),
        )


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A step: `command` is what follows `stapes`. `writes` is removed before the stage starts
    again. `continues` is what the stage itself goes on with after it was stopped; this is removed
    only if it was begun for something else. `needs` are stages before this one: if one of them runs
    again, this stage also runs again."""

    name: str
    about: str
    command: tuple[str, ...]
    writes: tuple[str, ...] = ()
    continues: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    share: float = 1.0  # of the time

    def line(self) -> str:
        """The command as a user would type it."""
        return shlex.join(("stapes", *self.command))


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the plan is made from: the words, their near misses, and folders of the user."""

    words: tuple[str, ...]
    near: tuple[str, ...]
    clip_duration_ms: int
    work_dir: Path
    output: Path
    sounds: Path | None = None
    recordings: tuple[Path, ...] = ()
    voices: tuple[str, ...] = ()
    tune_cast: str = "tune"
    test_cast: str = "test"

    @property
    def has_speech(self) -> bool:
        """Whether the sounds hold running speech of people."""
        return self.sounds is not None and (self.sounds / "_speech_").is_dir()


def make_plan(job: Job, settings: WordSettings) -> list[Stage]:
    """All stages, in order."""
    return _Planner(job, settings).stages()


class _Planner:
    def __init__(self, job: Job, settings: WordSettings) -> None:
        self._job, self._settings = job, settings
        self._amounts = Amounts.within(settings.time)

    def stages(self) -> list[Stage]:
        return [
            self._talk("train", "corpus", self._amounts.talk_minutes, 14),
            self._noise("train", "corpus", self._amounts.noise_minutes, 2),
            self._speak("train", "corpus", self._amounts.clips, 25),
            self._near("corpus", "near"),
            self._gather(),
            self._train("first"),
            self._export("first"),
            self._mine(),
            self._train("second"),
            self._export("second"),
            *self._material("tune"),
            self._tune(),
            *self._material("test"),
            self._card(),
        ]

    def _path(self, *parts: str) -> str:
        return str(self._job.work_dir.joinpath(*parts))

    def _voices(self, cast: str) -> tuple[str, ...]:
        casts = {"tune": self._job.tune_cast, "test": self._job.test_cast}
        files = [flag for file in self._job.voices for flag in ("--voice", file)]
        settings = self._settings
        return (
            *("--cast", casts.get(cast, cast), "--language", settings.language),
            *("--processes", str(settings.processes), "--seed", self._seed(cast), *files),
        )

    def _seed(self, cast: str) -> str:
        return str(_SEEDS[cast] + 10 * self._settings.seed)

    def _talk(self, cast: str, folder: str, minutes: float, share: float) -> Stage:
        per_speaker = max(5.0, min(30.0, minutes * 60 / 50))
        return Stage(
            name=f"talk_{cast}",
            about=f"{minutes:.3g} minutes of talk by voices to {cast} with",
            command=(
                *("data", "talk", "--minutes", f"{minutes:g}"),
                *("--seconds_per_speaker", f"{per_speaker:g}", "--rows_percent", "50"),
                # Talk is trained as other words, so nothing in it may contain the wanted words.
                *("--without", ",".join(self._job.words), *self._voices(cast)),
                *("--output_dir", self._path(folder)),
            ),
            writes=(f"{folder}/_speech_",),
            share=share,
        )

    def _noise(self, cast: str, folder: str, minutes: float, share: float) -> Stage:
        """This stage comes after the talk, because some noises are made of many voices at once. It
        comes before the words, because `data speak` adds its own noise if there is none."""
        seconds = max(3.0, min(10.0, minutes * 60 / _NOISES))
        return Stage(
            name=f"noise_{cast}",
            about=f"{minutes:.3g} minutes of synthetic sounds of surroundings to {cast} with",
            command=(
                *("data", "noise", "--minutes", f"{minutes:g}", "--seconds", f"{seconds:g}"),
                *("--seed", self._seed(cast), "--extend", "--output_dir", self._path(folder)),
            ),
            continues=(f"{folder}/{BACKGROUND_NOISE_FOLDER}",),
            needs=(f"talk_{cast}",),
            share=share,
        )

    def _speak(self, cast: str, folder: str, clips: int, share: float) -> Stage:
        return Stage(
            name=f"speak_{cast}",
            about=f"{clips} clips of {' and '.join(self._job.words)} by voices to {cast} with",
            command=(
                *("data", "speak", *self._job.words, "--clips", str(clips), "--extend"),
                *("--engine", "all", "--clip_duration_ms", str(self._job.clip_duration_ms)),
                *("--tract_percent", "15", "--neighbours_percent", "40"),
                *("--emphasis_percent", "60", *self._voices(cast)),
                *("--output_dir", self._path(folder)),
            ),
            continues=tuple(f"{folder}/{word}" for word in self._job.words),
            share=share,
        )

    def _near(self, folder: str, name: str) -> Stage:
        return Stage(
            name=name,
            about=f"{len(self._job.near)} words that sound nearly alike",
            command=(
                *("data", "speak", *self._job.near, "--clips", str(self._amounts.near_clips)),
                *("--extend", "--engine", "all"),
                *("--clip_duration_ms", str(self._job.clip_duration_ms)),
                # The phrases that come around the word also come around these words: otherwise a
                # model would take these phrases for the word.
                *("--tract_percent", "15", "--neighbours_percent", "40"),
                *("--emphasis_percent", "40", *self._voices("train")),
                *("--output_dir", self._path(folder)),
            ),
            continues=tuple(f"{folder}/{word}" for word in self._job.near),
            share=13,
        )

    def _gather(self) -> Stage:
        about = "other words, noise and speech as links, recordings as copies"
        return self._own("gather", about, "noise_train", "speak_train", "near", share=0.2)

    def _own(self, step: str, about: str, *needs: str, share: float = 1.0) -> Stage:
        """A step without a separate command: `stapes word ... --only STEP` runs it."""
        return Stage(
            name=step,
            about=about,
            command=(
                *("word", *self._job.words, "--work_dir", str(self._job.work_dir)),
                *("--output_file", str(self._job.output), "--only", step),
            ),
            needs=needs,
            share=share,
        )

    def _train(self, name: str) -> Stage:
        """Both trainings begin with the trunk. The first training only finds mistakes, and the
        second is trained with these mistakes. To go on from the first training instead lost more
        words of people."""
        amounts, second = self._amounts, name == "second"
        steps = amounts.second_steps if second else amounts.first_steps
        # Without sounds, near misses are the only other words. If there are many of them, the model
        # learns to refuse people who say the word a little differently from the voices. Talk
        # teaches more.
        unknown, speech = ("200", "120") if self._job.sounds else ("15", "600")
        return Stage(
            name=name,
            about=f"train, {steps} steps" + ", with what the first took for the word" * second,
            command=(
                *("train", "--data_dir", self._path("corpus"), "--train_dir", self._path(name)),
                *("--wanted_words", ",".join(self._job.words)),
                *("--clip_duration_ms", str(self._job.clip_duration_ms)),
                *("--preprocess", "pcen", "--upper_edge_hertz", "7600", "--room"),
                *("--silence_percentage", "100", "--unknown_percentage", unknown),
                *("--speech_percentage", speech, "--balance", "1"),
                *("--time_stretch_percent", "30", "--speed_percent", "15", "--equalizer_db", "10"),
                *("--time_shift_ms", "150", "--lead_ms", "400"),
                *("--model_architecture", "broadcast_svdf", "--conv_channels", "12"),
                *("--conv_frames", "7", "--conv_stride", "2", "--svdf_units", "64,64,64,64,64"),
                *("--svdf_memory", _memories(self._job.clip_duration_ms)),
                *("--bottleneck_units", "40", "--dropout", "0", "--end_frames", "11"),
                *("--frozen_layers", str(_FROZEN)),
                *("--time_mask_frames", "5", "--frequency_mask_channels", "7"),
                *("--learning_rate_decay", "cosine"),
                *("--warmup_steps", str(min(200, steps // 5)), "--learning_rate", "0.006"),
                *("--how_many_training_steps", str(steps)),
                *("--eval_step_interval", str(max(1, math.ceil(steps / 5)))),
                *("--trunk", str(TRUNK), *(("--hard_dir", self._path("hard")) if second else ())),
            ),
            continues=(name,),
            needs=("gather", "mine") if second else ("talk_train", "speak_train", "near"),
            share=12 if second else 9,
        )

    def _export(self, name: str) -> Stage:
        return Stage(
            name=f"export_{name}",
            about="quantize it to int8",
            command=(
                *("export", "--train_dir", self._path(name)),
                *("--output_file", self._path(f"{name}.tflite")),
                *("--name", self._job.output.stem),
            ),
            writes=(f"{name}.tflite",),
            needs=(name,),
            share=2,
        )

    def _mine(self) -> Stage:
        return Stage(
            name="mine",
            about="what it takes for the word where nobody says it",
            command=(
                *("data", "mine", self._path("first.tflite"), "--allow_none", "--resample"),
                *("--audio", self._path("corpus", "_speech_")),
                *(self._path("corpus", "_background_noise_"), "--output_dir", self._path("hard")),
            ),
            writes=("hard",),
            needs=("export_first",),
            share=1,
        )

    def _material(self, cast: str) -> list[Stage]:
        """Words by other voices in noise, and talk by these voices."""
        amounts = self._amounts
        seconds = max(60, math.ceil(amounts.test_clips * 4.5 * len(self._job.words)))
        return [
            self._talk(cast, cast, amounts.test_talk_minutes, 14),
            self._noise(cast, cast, amounts.test_noise_minutes, 0.4),
            self._speak(cast, cast, amounts.test_clips, 2),
            Stage(
                name=f"stream_{cast}",
                about=f"a stream of words to {cast} with",
                command=(
                    *("stream", "make", "--data_dir", self._path(cast)),
                    *("--model", self._path("second.tflite"), "--partition", "validation"),
                    *("--validation_percentage", "100", "--testing_percentage", "0"),
                    *("--unknown_percentage", "0", "--snr_db", "10,30"),
                    *("--background_volume", "0.5"),
                    *("--test_duration_seconds", str(seconds)),
                    *("--output_audio_file", self._path(f"{cast}.wav")),
                    *("--output_labels_file", self._path(f"{cast}.txt")),
                ),
                writes=(f"{cast}.wav", f"{cast}.txt", f"{cast}.jsonl"),
                needs=(f"noise_{cast}", f"speak_{cast}", "export_second"),
                share=0.3,
            ),
            self._own(
                f"join_{cast}",
                "the talk as one recording, the noise as another",
                f"talk_{cast}",
                f"noise_{cast}",
                share=0.1,
            ),
        ]

    def _tune(self) -> Stage:
        rate = self._settings.fa_per_hour
        return Stage(
            name="tune",
            about="choose the threshold with voices that it does not know",
            command=(
                *("tune", self._path("second.tflite"), "--modes", "streaming"),
                # A fixed window: words of people last longer, and with words of voices alone, tune
                # would choose a shorter window.
                *("--average_window_duration_ms", "700", "--suppression_ms", "1000"),
                *("--wav", self._path("tune.wav"), "--labels", self._path("tune.txt")),
                # Words of people are harder than words of voices: take a threshold as low as the
                # talk allows.
                *("--fa_per_hour", "10", "--lowest"),
                *("--also", f"talk,{rate:g},{self._path('tune_talk.wav')}"),
                *("--also", f"noise,{rate * _SOUNDS_SHARE:g},{self._path('tune_noise.wav')}"),
                *("--output_file", str(self._job.output)),
            ),
            needs=("export_second", "stream_tune", "join_tune"),
            share=1,
        )

    def _card(self) -> Stage:
        return self._own(
            "card", "measure it, and write down what it is", "tune", "stream_test", "join_test"
        )


def _memories(clip_duration_ms: int) -> str:
    """The memories of the layers. For a clip longer than the trunk's, the last layer remembers
    more; the others stay as in the trunk."""
    *others, last = _TRUNK_MEMORY
    more = max(0, clip_duration_ms - _TRUNK_CLIP_MS) // _TRUNK_STEP_MS
    return ",".join(map(str, (*others, last + more)))


def inputs_of(job: Job) -> dict[str, str]:
    """Digests of what stages read from outside of the working folder, by the names of the stages:
    a stage starts again when its digest changes."""
    trunk = hashlib.sha256(TRUNK.read_bytes()).hexdigest()[:16]
    sounds = [*filter(None, [job.sounds])]
    return {
        "gather": digest([*sounds, *job.recordings]),
        **dict.fromkeys(("join_tune", "join_test"), digest(sounds)),
        **dict.fromkeys(STAGE_MODELS, trunk),
    }


def digest(folders: Sequence[Path]) -> str:
    """A value that changes when a file is added to the folders, removed, or written again."""
    found = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                about = path.stat()
                found.update(f"{path}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return found.hexdigest()[:16]
