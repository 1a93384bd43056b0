# SPDX-License-Identifier: Apache-2.0
"""`stapes demo`: the whole path as a smoke test, and tests of its parts."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from stapes.cli.main import main
from stapes.corpus.index import CorpusSettings, scan_corpus
from stapes.corpus.partition import PARTITIONS, which_set
from stapes.corpus.speak import SpeakSettings, make_speakers
from stapes.corpus.synthesizers import Espeak
from stapes.demo import run
from stapes.demo.compare import differences
from stapes.demo.steps import Workbench
from stapes.device.decoder import Detection
from stapes.errors import StapesError
from stapes.firmware.tools import missing_tools
from stapes.replay import Replayed

ROOT = Path(__file__).parents[3]
KEYS = (
    *("float_accuracy", "int8_accuracy", "words", "matched", "wrong", "false_accepts"),
    *("model_bytes", "flash_bytes", "ram_bytes", "realtime_factor"),
    *("instructions_per_second_of_audio", "bit_equal"),
)


@pytest.mark.skipif(
    bool(missing_tools(*run.TOOLS, "espeak-ng")),
    reason="needs the Arm compiler, qemu-system-arm and espeak-ng",
)
def test_the_quick_demo_ends_with_a_report_of_three_equal_builds(tmp_path, capfd, monkeypatch):
    process = Workbench.stapes

    def stapes(bench, *arguments, **options):
        """Training and export in this process, which has loaded TensorFlow."""
        if arguments[0] not in ("train", "export"):
            return process(bench, *arguments, **options)
        assert main([str(word) for word in arguments]) == 0
        return ""

    monkeypatch.setattr(Workbench, "stapes", stapes)
    arguments = ["demo", "--quick", "--work_dir", str(tmp_path), "--source_dir", str(ROOT)]
    assert main(arguments) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert set(KEYS) <= set(report)
    assert report["bit_equal"] is True
    assert report["differences"] == []
    assert report["compared_clips"] == run.QUICK.compared_clips
    # 1 s clips and the stream, at 50 frames a second but for the first frames.
    assert report["compared_frames"] > 49 * (run.QUICK.compared_clips + run.QUICK.stream_seconds)
    assert report["words"] >= report["matched"] >= report["wrong"] >= 0
    assert 10_000 < report["model_bytes"] < report["flash_bytes"] < 100_000
    assert report["arena_bytes"] < report["ram_bytes"] < 32_000
    assert 1e6 < report["instructions_per_second_of_audio"] < 20e6
    assert report["realtime_factor"] > 0  # the time depends on the machine
    assert "bit for bit     yes" in capfd.readouterr().out
    index = scan_corpus(tmp_path / "corpus", CorpusSettings(wanted_words=run.WORDS))
    assert all(index.unknown_count(partition) > 0 for partition in PARTITIONS)


@pytest.mark.skipif(bool(missing_tools("espeak-ng")), reason="needs espeak-ng")
@pytest.mark.parametrize("scale", [run.FULL, run.QUICK], ids=["full", "quick"])
def test_other_words_have_speakers_in_every_partition(tmp_path, monkeypatch, scale):
    settings = run.DemoSettings(work_dir=tmp_path, data_dir=None, quick=scale is run.QUICK)
    spoken = []
    monkeypatch.setattr(Workbench, "stapes", lambda bench, *words: spoken.append(words))
    run.Demo(settings, ROOT, Workbench(tmp_path)).speak()
    engine, partitions, others = Espeak(language=SpeakSettings(clips=1).language), set(), 0
    for command in spoken[1:]:
        flags = command.index("--seed")
        others += flags - 2
        said = dict(zip(command[flags::2], command[flags + 1 :: 2], strict=True))
        asked = SpeakSettings(clips=said["--clips"], seed=said["--seed"])
        for speaker in make_speakers(engine.voices(), settings=asked, variants=engine.variants()):
            partitions.add(which_set(f"{speaker.name}_nohash_0.wav", 10, 10))
    assert others == scale.other_words
    assert partitions == set(PARTITIONS)


def test_missing_tools_are_named_with_their_packages(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    arguments = ["demo", "--quick", "--work_dir", str(tmp_path / "w"), "--source_dir", str(ROOT)]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    for package in ("cmake", "ninja-build", "gcc-arm-none-eabi", "qemu-system-arm", "espeak-ng"):
        assert package in error
    assert not (tmp_path / "w").exists()


def replayed(**changes: object) -> Replayed:
    result = Replayed(
        frames=3,
        detections=[Detection(time_ms=50, label="yes", score_q16=60000)],
        times_ms=np.array([30, 50, 70], np.uint32),
        scores=np.array([[1, 2], [3, 4], [5, 6]], np.int8),
        features_crc=np.array([7, 8, 9], np.uint16),
        stats={},
    )
    return dataclasses.replace(result, **changes)


def test_equal_builds_have_no_differences():
    assert differences({"Python": replayed(), "x86": replayed(stats={"request": 1})}) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.array([[1, 2], [3, 5], [5, 6]], np.int8)}, r"scores of 1 of 3 .* frame 1"),
        ({"features_crc": np.array([7, 8, 0], np.uint16)}, r"features_crc of 1 of 3 .* frame 2"),
        ({"times_ms": np.array([30, 50, 71], np.uint32)}, r"times_ms of 1 of 3 .* frame 2"),
        ({"scores": np.array([[1, 2]], np.int8)}, r"1 frames instead of 3"),
        ({"detections": []}, r"detections \[\] instead of"),
        (
            {"detections": [Detection(time_ms=50, label="yes", score_q16=60001)]},
            r"score_q16=60001.* instead of .*score_q16=60000",
        ),
    ],
)
def test_any_difference_is_found_and_said(change, message):
    found = differences({"Python": replayed(), "x86": replayed(), "board": replayed(**change)})
    assert len(found) == 1
    assert found[0].startswith("board and Python: ")
    assert re.search(message, found[0])


class TestWorkbench:
    def make(self, tmp_path):
        self.said = []
        return Workbench(tmp_path / "work", log=self.said.append)

    def test_a_step_runs_again_only_when_its_inputs_or_outputs_change(self, tmp_path):
        bench = self.make(tmp_path)
        source, output = tmp_path / "in.txt", tmp_path / "out.txt"
        source.write_text("a")
        runs = []

        def action():
            runs.append(source.read_text())
            output.write_text(runs[-1])

        def step():
            bench.step("copy", action, inputs={"source": source}, outputs=[output])

        step()
        step()
        assert runs == ["a"]
        source.write_text("b")
        step()
        assert runs == ["a", "b"]
        output.unlink()
        step()
        assert runs == ["a", "b", "b"]

    def test_a_failed_step_is_not_taken_for_done(self, tmp_path):
        bench = self.make(tmp_path)
        output = tmp_path / "out.txt"

        def fail():
            output.write_text("half")
            raise StapesError("no")

        for _ in range(2):
            with pytest.raises(StapesError):
                bench.step("fail", fail, inputs={}, outputs=[output])

    def test_a_failed_command_shows_the_end_of_its_output_and_its_log(self, tmp_path):
        bench = self.make(tmp_path)
        with pytest.raises(StapesError, match=r"exit status 3; its output is in .*\.log"):
            bench.run(["sh", "-c", "seq 100; exit 3"])
        assert self.said[-1] == "   | 100"
        assert not any("| 50" in line for line in self.said)
