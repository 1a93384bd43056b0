# SPDX-License-Identifier: Apache-2.0
"""Choosing a silence gate: what it saves, what it may cost, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from stapes.audio.wav import write_wav
from stapes.cli.main import main
from stapes.device.bundle import ModelBundle
from stapes.errors import StapesError
from stapes.model.metadata import read_settings
from stapes.model.settings import DecoderSettings, GateSettings, ModelSettings
from stapes.stream.accuracy import ScoreSettings
from stapes.stream.curve import Material
from stapes.stream.gate_tuning import (
    GateTuneSettings,
    Recording,
    check_as_if_always_run,
    score_gate,
    tune_gate,
)
from stapes.stream.labels import LabelTime
from stapes.stream.score_track import ScoreTrack, compute_scores

LABELS = ("_silence_", "_unknown_", "yes", "no")
RATE = 16000
DECODER = DecoderSettings(
    mode="streaming", average_window_duration_ms=100, detection_threshold=0.5, suppression_ms=500
)
SETTINGS = ModelSettings(name="m", labels=LABELS, decoder=DECODER)
START = GateSettings(replay_inferences=5)


def recording(*words: tuple[float, float], seconds: float = 40.0) -> Recording:
    """A quiet room with "yes" at these times and levels, 0.4 s each. The network is sure of it
    0.3 s later."""
    random = np.random.default_rng(0)
    audio = random.normal(0, 16, round(seconds * RATE))
    frames = SETTINGS.front_end.frame_count(len(audio))
    scores = np.full((frames, len(LABELS)), -128, np.int8)
    scores[:, 0] = 127
    for start, loudness in words:
        place = slice(round(start * RATE), round((start + 0.4) * RATE))
        audio[place] += random.normal(0, loudness, len(audio[place]))
        place = slice(round((start + 0.3) * 50), round((start + 0.6) * 50))
        scores[place, 0], scores[place, 2] = -128, 127
    track = ScoreTrack(
        scores=scores,
        times_ms=(30 + 20 * np.arange(frames)).astype(np.uint32),
        settings=SETTINGS,
        duration_ms=seconds * 1000,
    )
    truth = [LabelTime(label="yes", time_ms=start * 1000) for start, _ in words]
    samples = np.clip(np.rint(audio), -32768, 32767).astype(np.int16)
    return Recording(samples=samples, material=Material(track=track, ground_truth=truth))


def tuned(*recordings: Recording, **settings):
    return tune_gate(
        recordings,
        DECODER,
        start=START,
        settings=GateTuneSettings(**settings),
        scoring=ScoreSettings(),
    )


def test_the_gate_that_saves_most_and_loses_nothing_is_chosen():
    found = tuned(recording((10, 3000), (20, 1000), (30, 300)))
    assert (found.without.correct, found.behind.correct) == (3, 3)
    assert found.openings == 3 and found.duty < 0.15
    assert found.gate.replay_inferences == 5
    assert found.skipped + found.runs == found.inferences + 3 * 5


def test_quieter_words_take_a_more_sensitive_gate():
    loud = tuned(recording((10, 3000)), gate_least_db=(-75, -20), gate_threshold_db=(12, 40))
    quiet = tuned(recording((10, 200)), gate_least_db=(-75, -20), gate_threshold_db=(12, 40))
    # Both save the same: for loud words, the most sensitive gate is as good.
    assert loud.gate == quiet.gate
    assert (quiet.gate.threshold_db, quiet.gate.least_db) == (12, -75)
    assert quiet.lost_percent == 0


def test_a_gate_that_loses_words_is_refused():
    heard = recording((10, 3000), (20, 60))
    only = {"gate_threshold_db": (24,), "gate_least_db": (-55,)}
    with pytest.raises(StapesError, match=r"found none of 6 that loses 0\.2% .* loses 50\.00%"):
        tuned(heard, **only)
    allowed = tuned(heard, **only, gate_loss_percent=50)
    assert (allowed.without.correct, allowed.behind.correct) == (2, 1)
    assert allowed.lost_percent == 50


def test_a_gate_that_adds_false_accepts_is_refused():
    heard = recording((10, 3000))
    score = score_gate([heard], START, DECODER, scoring=ScoreSettings())
    two = replace(score.without, false_accept_detections=[LabelTime(label="no", time_ms=1.0)])
    from stapes.stream.gate_tuning import is_affordable

    assert is_affordable(score, GateTuneSettings())
    assert not is_affordable(replace(score, behind=two), GateTuneSettings())


def test_gates_that_close_too_early_for_their_replay_are_not_tried():
    start = replace(START, replay_inferences=100)
    found = tune_gate(
        [recording((10, 3000))],
        DECODER,
        start=start,
        settings=GateTuneSettings(gate_hold_ms=(500, 1200)),
        scoring=ScoreSettings(),
    )
    assert found.gate.hold_ms == 1200


def test_scores_behind_the_gate_are_checked_with_the_firmware(small_model):
    bundle = ModelBundle.from_bytes(small_model(SETTINGS), SETTINGS)
    heard = recording((10, 3000), (20, 1000))
    track = compute_scores(bundle.model, SETTINGS, heard.samples)
    heard = replace(heard, material=replace(heard.material, track=track))
    check_as_if_always_run(bundle, START, [heard])
    with pytest.raises(StapesError, match="remembers more than 1 inputs"):
        check_as_if_always_run(bundle, replace(START, replay_inferences=1), [heard])


@pytest.fixture
def heard(tmp_path, small_model):
    """A model, audio and its labels in a folder."""
    settings = replace(SETTINGS, provenance={"attribution": "Of Ada, CC0"})
    (tmp_path / "m.tflite").write_bytes(small_model(settings))
    write_wav(tmp_path / "a.wav", recording((10, 3000)).samples, sample_rate=RATE)
    (tmp_path / "a.txt").write_text("yes, 10000\n")
    return tmp_path


def command(folder, *options: str) -> int:
    words = [str(folder / name) for name in ("m.tflite", "a.wav", "a.txt")]
    return main(["tune", words[0], "--gate", "--wav", words[1], "--labels", words[2], *options])


def test_the_command_writes_the_gate_and_what_it_measured(heard, capsys):
    out = heard / "gated.tflite"
    verify = ["--verify_wav", str(heard / "a.wav"), "--verify_labels", str(heard / "a.txt")]
    assert command(heard, *verify, "--output_file", str(out), "--json") == 0
    report = json.loads(capsys.readouterr().out)
    settings = read_settings(out)
    assert settings.gate == GateSettings(**report["gate"])
    assert settings.gate.replay_inferences == 5  # the small model's memory
    assert settings.decoder == DECODER
    assert settings.provenance["attribution"] == "Of Ada, CC0"
    kept = settings.provenance["gate_tuning"]
    assert kept["tuned_on"] == kept["verified_on"] == report["tuned_on"]
    assert 0 < kept["tuned_on"]["duty"] < 0.5
    assert read_settings(heard / "m.tflite").gate is None


def test_the_command_says_what_is_saved_and_lost(heard, capsys):
    assert command(heard) == 0
    printed = capsys.readouterr().out
    assert "the network runs in" in printed and "words lost (0.00%)" in printed
    assert read_settings(heard / "m.tflite").gate is None


def test_a_gate_is_tuned_without_the_one_that_the_model_has(heard, capsys):
    for _ in range(2):
        assert command(heard, "--in_place", "--json") == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == second
