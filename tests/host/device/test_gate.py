# SPDX-License-Identifier: Apache-2.0
"""The silence gate: what it lets through, and that the network then scores as if it always ran."""

from dataclasses import replace

import numpy as np
import pytest

from stapes.device.bundle import ModelBundle
from stapes.device.decoder import Decoder
from stapes.device.gate import (
    gate_config,
    gate_ring_bytes,
    network_memory,
    silence_scores,
    use_gate,
)
from stapes.device.pipeline import Pipeline
from stapes.errors import StapesError
from stapes.link.decoder_settings import parse_changes
from stapes.model.settings import FrontEndSettings, GateSettings, ModelSettings, PcenSettings
from stapes.replay import open_player
from stapes.stream.score_track import compute_scores
from window_model import window_model

LABELS = ("_silence_", "_unknown_", "yes", "no")
RATE = 16000
GATE = GateSettings(replay_inferences=5, hold_ms=200, onset_ms=60)


def room(*sounds: tuple[float, float], seconds: float = 6.0, seed: int = 0) -> np.ndarray:
    """Noise of a quiet room at -66 dB of full scale, with louder noise from and until seconds."""
    random = np.random.default_rng(seed)
    audio = random.normal(0, 16, round(seconds * RATE))
    for start, end in sounds:
        place = slice(round(start * RATE), round(end * RATE))
        audio[place] += random.normal(0, 3000, len(audio[place]))
    return np.clip(np.rint(audio), -32768, 32767).astype(np.int16)


# The last one is not made up for.
SOUNDS = ((2.0, 2.5), (2.8, 2.9), (3.3, 3.7), (5.92, 6.0))


def model_of(small_model, *, memory: int = 5, gate: GateSettings | None = GATE, **values):
    settings = ModelSettings(name="gated", labels=LABELS, gate=gate, **values)
    return ModelBundle.from_bytes(small_model(settings, memory=memory), settings)


def without_gate(bundle: ModelBundle) -> ModelBundle:
    return replace(bundle, settings=replace(bundle.settings, gate=None))


PCEN = FrontEndSettings(dct_coefficient_count=0, pcen=PcenSettings())
LOG_MEL = FrontEndSettings(dct_coefficient_count=0, window_stride_ms=10.0)
SLOW = FrontEndSettings(sample_rate=8000, window_stride_ms=32.0)
ODD = FrontEndSettings(sample_rate=11025)  # frames end within a millisecond


@pytest.mark.parametrize("front_end", [FrontEndSettings(), PCEN, LOG_MEL, SLOW, ODD])
def test_open_frames_score_as_if_the_network_had_always_run(small_model, front_end):
    bundle = model_of(small_model, front_end=front_end)
    audio = room(*SOUNDS)
    gated, plain = Pipeline(bundle), Pipeline(without_gate(bundle))
    heard, always = gated.process_all(audio), plain.process_all(audio)
    use = use_gate(bundle.settings, audio)
    assert use.openings >= 3 and 0.1 < use.is_open.mean() < 0.9
    np.testing.assert_array_equal(heard.scores[use.is_open], always.scores[use.is_open])
    silence = silence_scores(bundle.settings)
    assert (heard.scores[~use.is_open] == silence).all()
    assert (always.scores[~use.is_open] != silence).any()
    np.testing.assert_array_equal(heard.times_ms, always.times_ms)
    np.testing.assert_array_equal(heard.inputs, always.inputs)
    assert (gated.skipped, gated.inferences) == (use.skipped, use.runs)


def test_fewer_replayed_frames_than_the_network_remembers_show(small_model):
    bundle = model_of(small_model, gate=replace(GATE, replay_inferences=2))
    audio = room(*SOUNDS)
    always = Pipeline(without_gate(bundle)).process_all(audio)
    use = use_gate(bundle.settings, audio)
    heard = Pipeline(bundle).process_all(audio)
    assert (heard.scores[use.is_open] != always.scores[use.is_open]).any()


def test_a_network_that_sees_windows_needs_no_replay(tmp_path):
    bundle = ModelBundle.from_bytes(
        window_model(), replace(settings_of_window(), gate=replace(GATE, replay_inferences=0))
    )
    audio = room(*SOUNDS)
    heard = Pipeline(bundle).process_all(audio)
    always = Pipeline(without_gate(bundle)).process_all(audio)
    use = use_gate(bundle.settings, audio)
    assert use.runs == np.count_nonzero(use.is_open) < len(use.is_open)
    np.testing.assert_array_equal(heard.scores[use.is_open], always.scores[use.is_open])
    assert (heard.scores[~use.is_open] == silence_scores(bundle.settings)).all()
    np.testing.assert_array_equal(heard.times_ms, always.times_ms)
    assert gate_ring_bytes(bundle.settings) == 0


def test_a_network_with_a_window_and_a_memory_sees_the_windows_it_missed(small_model):
    settings = ModelSettings(
        name="both", labels=LABELS, gate=GATE, window_frames=4, clip_stride_frames=2
    )
    model = small_model(settings, features=settings.input_size, memory=5)
    bundle = ModelBundle.from_bytes(model, settings)
    assert network_memory(bundle) == 5
    assert gate_ring_bytes(settings) == 6 * 4 * 40
    audio = room(*SOUNDS)
    gated = Pipeline(bundle)
    heard, always = gated.process_all(audio), Pipeline(without_gate(bundle)).process_all(audio)
    use = use_gate(settings, audio)
    assert use.openings >= 3
    np.testing.assert_array_equal(heard.scores[use.is_open], always.scores[use.is_open])
    assert (heard.scores[~use.is_open] == silence_scores(settings)).all()
    np.testing.assert_array_equal(heard.times_ms, always.times_ms)
    np.testing.assert_array_equal(heard.inputs, always.inputs)
    assert (gated.skipped, gated.inferences) == (use.skipped, use.runs)


def settings_of_window() -> ModelSettings:
    from stapes.model.metadata import settings_of

    return settings_of(window_model(), source="window")


def test_how_audio_is_cut_up_makes_no_difference(small_model):
    bundle = model_of(small_model)
    audio = room(*SOUNDS)
    whole = Pipeline(bundle).process_all(audio)
    pipeline = Pipeline(bundle)
    cuts = np.sort(np.random.default_rng(1).integers(0, len(audio), 60))
    parts = [pipeline.process(part) for part in np.split(audio, cuts)] + [pipeline.finish()]
    for name in ("times_ms", "inputs", "scores"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, name))
    assert [found for part in parts for found in part.detections] == whole.detections
    assert len(pipeline.finish().scores) == 0


def test_the_network_never_runs_more_often_per_frame_than_it_may(small_model):
    bundle = model_of(small_model, gate=replace(GATE, runs_at_once=2, replay_inferences=9))
    pipeline = Pipeline(bundle)
    audio = room(*SOUNDS)
    pipeline.process(audio[:480])
    most, scored = 0, []
    for start in range(480, len(audio) - 319, 320):
        before = pipeline.inferences
        scored.append(len(pipeline.process(audio[start : start + 320]).scores))
        most = max(most, pipeline.inferences - before)
    assert most == 2
    # Nine missed frames and the one that opened, two in a frame: eight later ones come late.
    assert scored.count(0) >= 4 and max(scored) == 2


def test_the_gate_keeps_out_what_is_short_and_what_stays(small_model):
    bundle = model_of(small_model)

    def frames(*sounds, **form):
        return use_gate(bundle.settings, room(*sounds, **form))

    hold = gate_config(bundle.settings)["hold_frames"]
    assert frames().is_open.tolist() == [True] * hold + [False] * (299 - hold)
    assert frames((3.0, 3.03)).openings == 0  # a click
    word = frames((3.0, 3.5))
    assert word.openings == 1
    opened = np.flatnonzero(word.is_open[hold:])[0] + hold
    assert 3.0 < opened * 0.02 < 3.1
    assert word.runs == np.count_nonzero(word.is_open) + 5
    fan = frames((5.0, 30.0), seconds=30)
    assert fan.is_open[260:340].all() and not fan.is_open[-300:].any()


def test_an_octave_of_its_own_opens_the_gate_over_a_rumble(small_model):
    bundle = model_of(small_model)
    time = np.arange(6 * RATE) / RATE
    rumble = 8000 * np.sin(2 * np.pi * 60 * time)
    hiss = np.where((time > 3) & (time < 3.4), 600 * np.sin(2 * np.pi * 6000 * time), 0)
    quiet = use_gate(bundle.settings, rumble.astype(np.int16))
    heard = use_gate(bundle.settings, (rumble + hiss).astype(np.int16))
    assert quiet.openings == 0 and heard.openings == 1


def test_digital_silence_is_a_quiet_room_and_no_quieter(small_model):
    bundle = model_of(small_model)
    audio = room(seconds=6)
    audio[32000:64000] = 0
    assert use_gate(bundle.settings, audio).openings == 0


def test_the_decoder_sees_silence_for_skipped_frames(small_model):
    bundle = model_of(small_model)
    heard = Pipeline(bundle).process_all(room(*SOUNDS))
    expected = Decoder(bundle.settings).process(heard.scores, heard.times_ms)
    assert heard.detections == expected
    assert {found.label for found in expected} > {"_silence_"}


def test_the_x86_program_has_the_same_gate(gated_firmware):
    audio = room(*SOUNDS)
    here = Pipeline.from_file(gated_firmware.model)
    heard = here.process_all(audio)
    with open_player(program=gated_firmware.program, send_scores=True) as player:
        for _ in range(2):  # a second time after a reset
            there = player.play(audio)
            np.testing.assert_array_equal(there.scores, heard.scores)
            np.testing.assert_array_equal(there.times_ms, heard.times_ms)
            assert there.detections == heard.detections
            assert there.stats["skipped"] == here.skipped > 0
            assert there.stats["inferences"] == here.inferences


def test_the_gate_of_a_running_board_is_set_and_cleared(gated_firmware):
    audio = room(*SOUNDS)
    bundle = ModelBundle.from_file(gated_firmware.model)
    always = Pipeline(without_gate(bundle)).process_all(audio)
    with open_player(program=gated_firmware.program, send_scores=True) as player:
        skipped = player.play(audio).stats["skipped"]
        player.session.set_decoder(parse_changes(["gate=off"]))
        there = player.play(audio)
        np.testing.assert_array_equal(there.scores, always.scores)
        assert there.stats["skipped"] == 0
        assert there.stats["inferences"] == len(always.scores)
        player.session.set_decoder(parse_changes(["gate=40"]))
        assert player.play(audio).stats["skipped"] > skipped
        player.session.set_decoder(parse_changes(["gate=15"]))
        assert player.play(audio).stats["skipped"] == skipped


def test_a_board_without_a_gate_refuses_to_set_it(firmware):
    with (
        open_player(program=firmware.program) as player,
        pytest.raises(StapesError, match="no silence gate"),
    ):
        player.session.set_decoder(parse_changes(["gate=20"]))
    with pytest.raises(StapesError, match="gate=on: expected a number, 1 to 90"):
        parse_changes(["gate=on"])


@pytest.mark.parametrize(("memory", "frames"), [(1, 1), (5, 5), (9, 9)])
def test_a_network_remembers_as_many_frames_as_its_state_holds(small_model, memory, frames):
    assert network_memory(model_of(small_model, memory=memory)) == frames


def test_score_tracks_are_those_of_the_gated_pipeline(small_model):
    bundle = model_of(small_model)
    audio = room(*SOUNDS)
    track = compute_scores(bundle.model, bundle.settings, audio)
    heard = Pipeline(bundle).process_all(audio)
    np.testing.assert_array_equal(track.scores, heard.scores)
    assert track.decode() == heard.detections
    assert track.gate.openings == use_gate(bundle.settings, audio).openings


def test_a_gate_that_closes_before_it_has_caught_up_is_refused(small_model):
    settings = ModelSettings(
        name="m", labels=LABELS, gate=GateSettings(replay_inferences=100, runs_at_once=2)
    )
    with pytest.raises(StapesError, match="the 100 inputs that it missed, expected 2000 ms"):
        Pipeline(ModelBundle.from_bytes(small_model(settings), settings))


def pipeline_of_long_frames(small_model, replayed: int) -> Pipeline:
    """A frame has 4,000 samples. The firmware's clock counts 4 million back."""
    front_end = FrontEndSettings(
        window_size_ms=250, window_stride_ms=250, dct_coefficient_count=10, channel_count=10
    )
    gate = GateSettings(replay_inferences=replayed, runs_at_once=64, hold_ms=10000)
    return Pipeline(model_of(small_model, gate=gate, front_end=front_end))


def test_a_gate_keeps_no_more_than_the_clock_counts_back(small_model):
    longest = pipeline_of_long_frames(small_model, 998)
    assert len(longest.process_all(room((2.0, 3.0))).scores) == 24
    with pytest.raises(StapesError, match="clock counts back, expected at most 998, as one takes"):
        pipeline_of_long_frames(small_model, 999)


def test_the_firmware_itself_refuses_a_gate_that_keeps_more(small_model, monkeypatch):
    monkeypatch.setattr("stapes.device.gate._MOST_SAMPLES", 10**9)
    with pytest.raises(ValueError, match="the silence gate's settings or memory do not fit"):
        pipeline_of_long_frames(small_model, 999)


def test_settings_without_a_gate_are_those_of_older_versions():
    settings = ModelSettings(name="m", labels=LABELS)
    assert "gate" not in settings.to_json()
    gated = replace(settings, gate=GATE)
    assert ModelSettings.from_json(gated.to_json(), source="m") == gated
