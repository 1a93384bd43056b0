# SPDX-License-Identifier: Apache-2.0
"""The steps of the demo, in order."""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stapes.audio.wav import read_wav, write_wav
from stapes.demo.compare import differences
from stapes.demo.report import Report
from stapes.demo.steps import Workbench
from stapes.files import write_text
from stapes.firmware.build import Sizes, cmake_commands, image, read_sizes
from stapes.firmware.emulator import INSTRUCTION_NS
from stapes.firmware.source import find_source
from stapes.firmware.tools import BUILD_TOOLS, EMULATOR, require_tools
from stapes.model.metadata import read_settings
from stapes.replay import Replayed, open_player
from stapes.stream.accuracy import ScoreSettings, StreamScore, score_stream
from stapes.stream.labels import LabelTime, read_labels

BOARD = "mps2_an386"
WORDS = ("yes", "no")
# In percent of the wanted clips. Most false accepts come from other words, then from noise.
UNKNOWN_PERCENTAGE = 150
SILENCE_PERCENTAGE = 25
# Spoken beside the wanted words: some sound similar to them, some do not.
OTHER_WORDS = (
    *("yet", "yeah", "guess", "chess", "less", "know how", "not", "nor", "row", "go"),
    *("left", "right", "stop", "house", "seven", "happy", "dog", "tree", "three", "marvin"),
)
# So many other words are said by the same speakers. Each word has few speakers, but all speakers
# together must be in every partition.
SAME_SPEAKERS = 5
TOOLS = (*BUILD_TOOLS, EMULATOR)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of everything."""

    spoken_clips: int  # of each wanted word
    other_clips: int  # of each other word
    other_words: int
    steps: str
    stream_seconds: int
    compared_clips: int
    load_seconds: int  # of audio, for counting instructions


FULL = Scale(
    spoken_clips=450,
    other_clips=45,
    other_words=len(OTHER_WORDS),
    steps="1600",
    stream_seconds=120,
    compared_clips=200,
    load_seconds=10,
)
QUICK = Scale(
    spoken_clips=90,
    other_clips=60,
    other_words=1,
    steps="50",
    stream_seconds=6,
    compared_clips=5,
    load_seconds=2,
)


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """`data_dir` None: the corpus is spoken. `source_dir` None: found by itself."""

    work_dir: Path
    data_dir: Path | None
    source_dir: Path | None = None
    quick: bool = False
    seed: int = 1

    @property
    def scale(self) -> Scale:
        return QUICK if self.quick else FULL


def run_demo(settings: DemoSettings, *, log: Callable[[str], None] = print) -> Report:
    """Runs all steps and writes `report.json`.

    Raises:
        StapesError: a tool or the source tree is missing, or a step fails.
    """
    started = time.monotonic()
    source = find_source(settings.source_dir)
    spoken = settings.data_dir is None
    require_tools(*TOOLS, *(("espeak-ng",) if spoken else ()), purpose="for the demo")
    bench = Workbench(settings.work_dir, log=log)
    demo = Demo(settings, source, bench)
    demo.make_model()
    demo.build_firmware()
    demo.make_audio()
    report = demo.replay(started)
    write_text(settings.work_dir / "report.json", report.to_json())
    log(f"\n== report ({settings.work_dir / 'report.json'})\n{report.to_text()}")
    return report


class Demo:
    """The steps, and where each leaves its result."""

    def __init__(self, settings: DemoSettings, source: Path, bench: Workbench) -> None:
        self.settings = settings
        self.scale = settings.scale
        self.source = source
        self.bench = bench
        work = settings.work_dir
        self.corpus = settings.data_dir or work / "corpus"
        self.train_dir = work / "train"
        self.model = work / "yes_no.tflite"
        self.generated = work / "model"
        self.host_build, self.board_build = work / "host", work / BOARD
        self.stream, self.truth = work / "stream.wav", work / "stream_labels.txt"
        self.clips = work / "clips.wav"
        self.sizes: Sizes | None = None  # of the board's image

    def make_model(self) -> None:
        """Corpus, training, export, C++ constants."""
        bench, seed = self.bench, self.settings.seed
        if self.settings.data_dir is None:
            bench.step(
                "speak a corpus",
                self.speak,
                inputs={"scale": str(self.scale), "seed": seed},
                outputs=[self.corpus],
            )
        bench.step(
            "train",
            self._train,
            inputs={"corpus": self.corpus, "scale": str(self.scale)},
            outputs=[self.train_dir],
        )
        bench.step(
            "export",
            lambda: bench.stapes(
                *("export", "--train_dir", self.train_dir, "--output_file", self.model),
                *("--average_window_duration_ms", 750, "--detection_threshold", 0.5),
            ),
            inputs={"checkpoint": self.train_dir},
            outputs=[self.model],
        )
        bench.step("emit", lambda: bench.stapes("emit", self.model, "--output_dir", self.generated))

    def build_firmware(self) -> None:
        """The x86 program and the board's image; CMake knows what is up to date."""
        self.bench.step("build host", lambda: self._build("host", self.host_build))
        self.bench.step(f"build {BOARD}", self._build_board)

    def make_audio(self) -> None:
        """The streaming test, and test clips one after the other."""
        inputs = {"corpus": self.corpus, "model": self.model, "scale": str(self.scale)}
        self.bench.step(
            "make streaming audio",
            lambda: self.bench.stapes(
                *("stream", "make", "--data_dir", self.corpus, "--model", self.model),
                *("--test_duration_seconds", self.scale.stream_seconds),
                *("--output_audio_file", self.stream, "--output_labels_file", self.truth),
                *("--seed", self.settings.seed),
            ),
            inputs=inputs,
            outputs=[self.stream, self.truth],
        )
        self.bench.step("join test clips", self._join_clips, inputs=inputs, outputs=[self.clips])

    def speak(self) -> None:
        """Makes a corpus with espeak-ng."""
        shutil.rmtree(self.corpus, ignore_errors=True)
        others = OTHER_WORDS[: self.scale.other_words]
        groups: list[Sequence[str]] = [WORDS]
        groups += [others[at : at + SAME_SPEAKERS] for at in range(0, len(others), SAME_SPEAKERS)]
        for group, words in enumerate(groups):
            self.bench.stapes(
                *("data", "speak", *words, "--seed", self.settings.seed + group),
                *("--clips", self.scale.other_clips if group else self.scale.spoken_clips),
                *("--output_dir", self.corpus),
            )

    def _train(self) -> None:
        # Otherwise training would continue from a checkpoint of other settings.
        shutil.rmtree(self.train_dir, ignore_errors=True)
        self.bench.stapes(
            *("train", "--data_dir", self.corpus, "--train_dir", self.train_dir),
            *("--wanted_words", ",".join(WORDS), "--unknown_percentage", UNKNOWN_PERCENTAGE),
            *("--silence_percentage", SILENCE_PERCENTAGE, "--preprocess", "logmel"),
            *("--upper_edge_hertz", 7600, "--time_mask_frames", 4, "--frequency_mask_channels", 4),
            *("--how_many_training_steps", self.scale.steps, "--learning_rate", 0.01),
            *("--learning_rate_decay", "cosine", "--eval_step_interval", 800),
            show=True,
        )

    def _build_board(self) -> None:
        self.sizes = read_sizes(self._build(BOARD, self.board_build))

    def _build(self, board: str, folder: Path) -> str:
        """Returns what the build printed, its table of sizes among it."""
        model = self.generated.resolve()
        configure, build = cmake_commands(self.source, folder, board=board, model=model)
        self.bench.run(configure)
        image(folder, "elf").unlink(missing_ok=True)  # linked again: only then sizes are printed
        return self.bench.run(build)

    def _join_clips(self) -> None:
        """Clips of all labels of the testing partition, in a drawn order."""
        from stapes.corpus.clips import evaluation_clips, load_background
        from stapes.corpus.index import CorpusSettings, scan_corpus

        model = read_settings(self.model)
        form: dict[str, Any] = {
            "sample_rate": model.front_end.sample_rate,
            "samples": model.clip_samples,
        }
        corpus = CorpusSettings(
            wanted_words=WORDS,
            unknown_percentage=UNKNOWN_PERCENTAGE,
            silence_percentage=SILENCE_PERCENTAGE,
        )
        index = scan_corpus(self.corpus, corpus)
        noises = load_background(index, **form)
        samples = evaluation_clips(index, "testing", **form, noises=noises).samples
        order = np.random.default_rng(self.settings.seed).permutation(len(samples))
        chosen = samples[order[: self.scale.compared_clips]]
        write_wav(self.clips, chosen.ravel(), sample_rate=model.front_end.sample_rate)

    def replay(self, started: float) -> Report:
        """Plays both audio files through Python, x86 and the emulated board; returns the report."""
        heard = _Heard()
        self.bench.step("replay and compare", lambda: self._replay(heard))
        model = read_settings(self.model)
        assert heard.stream and heard.load and self.sizes  # the steps before have run
        score = self._score(heard.stream)
        stats = heard.load.stats
        nanoseconds = stats["busy_ticks"] * 1_000_000_000 / stats["ticks_per_second"]
        return Report(
            float_accuracy=model.provenance["float_accuracy"],
            int8_accuracy=model.provenance["int8_accuracy"],
            test_clips=model.provenance["test_clips"],
            words=score.words,
            matched=score.matched,
            correct=score.correct,
            wrong=score.wrong,
            false_accepts=score.false_accepts,
            false_accepts_per_hour=round(score.false_accepts_per_hour, 2),
            stream_seconds=self.scale.stream_seconds,
            model_bytes=self.model.stat().st_size,
            arena_bytes=stats["arena_used"],
            flash_bytes=self.sizes.flash_bytes,
            ram_bytes=self.sizes.ram_bytes,
            stack_used_bytes=stats["stack_used"],
            realtime_factor=round(heard.realtime_factor, 1),
            instructions_per_second_of_audio=round(
                nanoseconds / INSTRUCTION_NS * model.front_end.sample_rate / stats["samples"]
            ),
            bit_equal=not heard.differences,
            compared_clips=heard.clips,
            compared_frames=heard.frames,
            differences=heard.differences,
            corpus=str(self.settings.data_dir or "spoken by espeak-ng"),
            board=BOARD,
            seconds=round(time.monotonic() - started, 1),
        )

    def _replay(self, heard: _Heard) -> None:
        rate = read_settings(self.model).front_end.sample_rate
        stream, clips = (read_wav(path, sample_rate=rate) for path in (self.stream, self.clips))
        program = image(self.host_build, "elf").with_suffix("")
        builds: dict[str, dict[str, Any]] = {
            "Python": {"model": self.model},
            "x86": {"program": program},
            BOARD: {"board": BOARD, "image": image(self.board_build, "elf")},
        }
        half = len(clips) // 2
        pieces = {"stream": stream, "clips 1": clips[:half], "clips 2": clips[half:]}
        # The emulator takes most of the time, and one core for each board.
        with ThreadPoolExecutor(max_workers=len(pieces)) as pool:
            runs = {
                (name, what): pool.submit(self._play, f"{what} on {name}", audio, build)
                for name, build in builds.items()
                for what, audio in pieces.items()
            }
            results = {key: run.result() for key, run in runs.items()}
        for what in pieces:
            found = differences({name: results[name, what] for name in builds})
            heard.differences += [f"{what}: {line}" for line in found]
            heard.frames += results["Python", what].frames
        heard.stream = results["Python", "stream"]
        heard.clips = len(clips) // (rate * read_settings(self.model).clip_duration_ms // 1000)
        heard.load = _play(stream[: self.scale.load_seconds * rate], **builds[BOARD])
        heard.realtime_factor = len(stream) / rate / min(self._time(program) for _ in range(3))

    def _play(self, what: str, samples: np.ndarray, build: dict[str, Any]) -> Replayed:
        started = time.monotonic()
        result = _play(samples, **build, send_scores=True, count_instructions=False)
        self.bench.say(f"{what}: {result.frames} frames in {time.monotonic() - started:.1f} s")
        return result

    def _time(self, program: Path) -> float:
        """Seconds that one core works on the stream, from the start of the program to its end."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.bench.run([program, self.stream])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    def _score(self, replayed: Replayed) -> StreamScore:
        """As `stapes stream score` does; the detections are kept beside the audio."""
        detections = [
            LabelTime(label=found.label, time_ms=found.time_ms) for found in replayed.detections
        ]
        lines = [
            f"{found.label}, {found.time_ms}, {found.score:.4f}\n" for found in replayed.detections
        ]
        write_text(self.settings.work_dir / "stream_detections.txt", "".join(lines))
        return score_stream(
            read_labels(self.truth, what="a ground truth"),
            detections,
            settings=ScoreSettings(),
            duration_ms=self.scale.stream_seconds * 1000,
        )


@dataclass
class _Heard:
    """What the replays leave for the report."""

    stream: Replayed | None = None
    load: Replayed | None = None
    clips: int = 0
    frames: int = 0
    realtime_factor: float = 0.0
    differences: list[str] = field(default_factory=list)


def _play(samples: np.ndarray, **where: Any) -> Replayed:
    with open_player(**where) as player:
        return player.play(samples)
