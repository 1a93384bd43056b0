# SPDX-License-Identifier: Apache-2.0
"""`stapes listen`: the firmware's code on the sound of this machine."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
from terminal import Terminal

from stapes.audio.wav import read_wav, write_wav
from stapes.cli.main import main
from stapes.device.bundle import ModelBundle
from stapes.device.pipeline import Pipeline
from stapes.errors import StapesError
from stapes.link.listen import RawSound, WavSound, listen
from stapes.model.settings import GateSettings, ModelSettings

RATE = 16000


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, small_model) -> ModelBundle:
    path = tmp_path_factory.mktemp("listen") / "small.tflite"
    path.write_bytes(small_model())
    return ModelBundle.from_file(path)


@pytest.fixture
def wav(tmp_path) -> Path:
    """A second and a half of noise whose level goes up and down."""
    time_s = np.arange(RATE * 3 // 2) / RATE
    noise = np.random.default_rng(3).normal(0, 4000, len(time_s)) * np.sin(9 * time_s)
    write_wav(tmp_path / "noise.wav", noise.astype(np.int16), sample_rate=RATE)
    return tmp_path / "noise.wav"


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def wav_sound(path: Path, clock: Clock | None = None) -> WavSound:
    clock = clock or Clock()
    return WavSound(path, sample_rate=RATE, now=lambda: clock.now, sleep=clock.sleep)


def test_events_are_what_the_pipeline_computes(bundle, wav):
    trace = Pipeline(bundle).process(read_wav(wav, sample_rate=RATE))
    events = list(listen(bundle, wav_sound(wav)))
    scores = [event.values() for event in events if event.name == "scores"]
    assert [entry["q"] for entry in scores] == trace.scores.tolist()
    assert [entry["time_ms"] for entry in scores] == trace.times_ms.tolist()
    found = [event.values() for event in events if event.name == "detection"]
    assert [(entry["label"], entry["time_ms"]) for entry in found] == [
        (detection.label, detection.time_ms) for detection in trace.detections
    ]


def test_the_gate_of_a_model_skips_the_quiet(tmp_path, small_model):
    """In pieces of any length, as over the whole recording; and `stats` tells it."""
    labels = ("_silence_", "_unknown_", "yes", "no")
    gate = GateSettings(replay_inferences=5, hold_ms=200, onset_ms=60)
    path, sound = tmp_path / "gated.tflite", tmp_path / "sound.wav"
    path.write_bytes(small_model(ModelSettings(name="gated", labels=labels, gate=gate)))
    loudness = np.repeat([5, 9000, 5, 5], RATE // 2)
    noise = np.random.default_rng(8).normal(0, 1, loudness.size) * loudness / 3
    write_wav(sound, noise.astype(np.int16), sample_rate=RATE)
    bundle = ModelBundle.from_file(path)
    trace = Pipeline(bundle).process(read_wav(sound, sample_rate=RATE))
    events = list(listen(bundle, wav_sound(sound)))
    scores = [event.values()["q"] for event in events if event.name == "scores"]
    assert scores == trace.scores.tolist()
    assert scores.count([127, -128, -128, -128]) > 20
    stats = [event.values() for event in events if event.name == "stats"][-1]
    assert 0 < stats["skipped"] < stats["frames"]


def test_the_first_event_says_what_listens(bundle, wav):
    hello = next(listen(bundle, wav_sound(wav)))
    values = hello.values()
    assert hello.name == "hello" and values["board"] == "this machine"
    assert values["labels"] == list(bundle.settings.labels) and values["sample_rate"] == RATE


def test_a_file_takes_as_long_as_it_was_spoken(wav):
    clock = Clock()
    sound = wav_sound(wav, clock)
    heard = [len(sound.read(800)) for _ in range(30)]
    assert sum(heard) == RATE * 3 // 2 and clock.now == pytest.approx(101.5)
    assert len(sound.read(800)) == 0


def test_a_slow_machine_does_not_wait_in_addition(wav):
    clock = Clock()
    sound = wav_sound(wav, clock)
    clock.now += 60  # behind
    sound.read(800)
    assert clock.now == 160


def test_raw_samples_may_come_in_any_pieces():
    class Dripping(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 3))

    samples = np.arange(-50, 50, dtype=np.int16)
    sound = RawSound(Dripping(samples.astype("<i2").tobytes() + b"\1"))
    assert sound.read(64).tolist() == samples[:64].tolist()
    assert sound.read(64).tolist() == samples[64:].tolist()
    assert len(sound.read(64)) == 0


def test_an_empty_pipe_is_said():
    with pytest.raises(StapesError, match="standard input: found no samples"):
        RawSound(io.BytesIO(b"")).read(64)


def test_a_wav_file_is_not_taken_for_raw_samples(wav):
    with pytest.raises(StapesError, match=r"found a WAV file, .* \(--wav FILE.wav\)"):
        RawSound(io.BytesIO(wav.read_bytes())).read(64)


def test_a_microphone_is_read_without_gaps(monkeypatch, bundle, capsys):
    samples = np.random.default_rng(5).normal(0, 4000, RATE).astype(np.int16)

    class Stream:
        def __init__(self, **settings):
            assert settings["samplerate"] == RATE and settings["device"] == 2
            self.place = 0

        def start(self):
            pass

        def read(self, count):
            if self.place >= len(samples):
                raise KeyboardInterrupt
            block = samples[self.place : self.place + count]
            self.place += count
            return block[:, None], False

        def close(self):
            pass

    fake = types.SimpleNamespace(InputStream=Stream, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    assert main(["listen", "micro", "--device", "2", "--json", "--scores"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    trace = Pipeline.from_file(_micro()).process(samples)
    assert [event["q"] for event in events if event["event"] == "scores"] == trace.scores.tolist()


def _micro() -> Path:
    return Path(__file__).parents[3] / "models" / "micro" / "model.tflite"


def test_without_a_microphone_the_message_names_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main(["listen"]) == 2
    assert "pip install 'stapes[record]'" in capsys.readouterr().err


def test_a_recording_of_another_rate_is_refused(tmp_path):
    write_wav(tmp_path / "a.wav", np.zeros(100, np.int16), sample_rate=8000)
    with pytest.raises(StapesError, match="8000 Hz"):
        wav_sound(tmp_path / "a.wav")


def test_it_ends_by_itself_after_some_seconds(tmp_path):
    write_wav(tmp_path / "minute.wav", np.zeros(60 * RATE, np.int16), sample_rate=RATE)
    started = time.monotonic()
    wav = str(tmp_path / "minute.wav")
    assert main(["listen", "--wav", wav, "--plain", "--seconds", "0.2"]) == 0
    assert time.monotonic() - started < 50


def test_a_pipe_of_raw_samples_gives_the_events_of_the_file(wav):
    command = [sys.executable, "-m", "stapes", "listen", "--json", "--scores", "--wav"]
    piped = subprocess.run(
        [*command, "-"], input=wav.read_bytes()[44:], capture_output=True, check=True
    )
    played = subprocess.run([*command, str(wav)], capture_output=True, check=True)
    assert _scores(piped.stdout) == _scores(played.stdout) != []


def _scores(output: bytes) -> list[object]:
    events = [json.loads(line) for line in output.splitlines()]
    return [event["q"] for event in events if event["event"] == "scores"]


def test_the_screen_shows_a_row_for_each_label_in_one_frame(tmp_path, wav):
    terminal = Terminal(tmp_path, environment={})
    terminal.run(f"{sys.executable} -m stapes listen micro --wav {wav}")
    lines = terminal.lines
    assert sum(line.startswith("╭") for line in lines) == 1 and "Traceback" not in terminal.text
    assert any("this machine: micro" in line for line in lines)
    for label in ("_silence_", "_unknown_", "yes", "no"):
        assert sum(bool(re.match(rf"│ +{label} +[━╸╺ ]+ \d\.\d\d", line)) for line in lines) == 1
    assert not re.search(r"damaged|board errors", terminal.text), "there is no link"
    assert sum(float(x) for x in re.findall(r"[━╸╺ ](\d\.\d\d)", terminal.text)) > 0.9
