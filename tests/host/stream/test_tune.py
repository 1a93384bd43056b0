# SPDX-License-Identifier: Apache-2.0
"""Tuning: scores with known peaks, and the command from audio to a tuned model."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stapes.audio.wav import write_wav
from stapes.cli.main import main
from stapes.device.pipeline import Pipeline
from stapes.errors import StapesError
from stapes.model.metadata import read_settings
from stapes.model.settings import DecoderSettings, FrontEndSettings, ModelSettings
from stapes.model.shipped import shipped_models
from stapes.stream import plot, score_track
from stapes.stream.accuracy import ScoreSettings
from stapes.stream.curve import CurvePoint, Material, detection_curve, score_material
from stapes.stream.labels import LabelTime, read_labels
from stapes.stream.plot import lower_envelope
from stapes.stream.score_track import ScoreTrack
from stapes.stream.tune import Kind, TuneSettings, rejects_at, split_budget, tune

LABELS = ("_silence_", "yes", "no")
STRIDE_MS = 100
SCORING = ScoreSettings()


def pulses(*events, minutes=60, labels=LABELS):
    """A track of silence with pulses: (label, time_ms, height of 256, milliseconds)."""
    frames = minutes * 60_000 // STRIDE_MS
    scores = np.zeros((frames, len(labels)), int)
    scores[:, 0] = 255
    for label, time_ms, height, length_ms in events:
        place = slice(time_ms // STRIDE_MS, (time_ms + length_ms) // STRIDE_MS)
        scores[place, 0] = 0
        scores[place, labels.index(label)] = height
    return ScoreTrack(
        scores=(scores - 128).astype(np.int8),
        times_ms=(np.arange(frames) * STRIDE_MS).astype(np.uint32),
        settings=ModelSettings(
            name="m", labels=labels, front_end=FrontEndSettings(window_stride_ms=STRIDE_MS)
        ),
        duration_ms=minutes * 60_000.0,
    )


def spoken(*events):
    return [LabelTime(label=label, time_ms=float(time_ms)) for label, time_ms in events]


def material(heights, false_heights, label="yes"):
    """Words of these heights, one every 10 s, then pulses without a word."""
    words = [(label, 10_000 * n, height, 400) for n, height in enumerate(heights, start=1)]
    start = 10_000 * (len(heights) + 2)
    wrong = [(label, start + 5000 * n, height, 400) for n, height in enumerate(false_heights)]
    truth = spoken(*((label, time_ms) for label, time_ms, _, _ in words))
    return Material(track=pulses(*words, *wrong), ground_truth=truth)


def settings_of(**changes):
    return TuneSettings(
        modes=("streaming",), average_window_duration_ms=(200,), suppression_ms=(500,), **changes
    )


def test_the_threshold_falls_between_words_and_what_is_none():
    heard = material([220] * 8, [150] * 8)
    tuned = tune([heard], DecoderSettings(minimum_count=1), settings=settings_of(), scoring=SCORING)
    assert (tuned.score.correct, tuned.score.false_accepts) == (8, 0)
    assert tuned.reached
    # The middle between them on the scale of the curve: far from both.
    assert 170 / 256 < tuned.decoder.detection_threshold < 210 / 256


def test_the_lowest_of_equal_thresholds_is_that_right_above_what_is_none():
    heard = material([220] * 8, [150] * 8)
    tuned = tune([heard], DecoderSettings(minimum_count=1), scoring=SCORING,
                 settings=settings_of(lowest=True))  # fmt: skip
    assert (tuned.score.correct, tuned.score.false_accepts) == (8, 0)
    assert 150 / 256 < tuned.decoder.detection_threshold < 160 / 256


def test_the_lowest_threshold_uses_up_the_limit_of_another_kind():
    talk = kind([], [200, 190, 160, 150, 140], limit=3)
    heights = (250, 250, 250)
    tuned = tuned_with([talk], heights, fa_per_hour=0, lowest=True)
    assert (tuned.score.missed, tuned.kinds["talk"].false_accepts) == (0, 3)
    assert 150 / 256 < tuned.decoder.detection_threshold < 160 / 256
    assert tuned_with([talk], heights, fa_per_hour=0).kinds["talk"].false_accepts == 0


def test_a_margin_and_the_lowest_threshold_are_refused_together():
    with pytest.raises(StapesError, match=r"--margin_percent: .* no --lowest beside it"):
        settings_of(lowest=True, margin_percent=5)


def test_a_higher_target_buys_more_words():
    heard = material([240] * 4 + [140] * 4, [160, 200])
    rejects = {}
    for rate in (0, 1, 2):
        tuned = tune([heard], DecoderSettings(minimum_count=1), scoring=SCORING,
                     settings=settings_of(fa_per_hour=rate))  # fmt: skip
        assert tuned.score.false_accepts_per_hour <= rate
        rejects[rate] = tuned.score.missed
    assert rejects == {0: 4, 1: 4, 2: 0}


def test_where_the_target_cannot_be_reached_the_fewest_false_accepts_win():
    heard = material([200] * 4, [255] * 3)
    tuned = tune([heard], DecoderSettings(minimum_count=1), scoring=SCORING,
                 settings=settings_of(fa_per_hour=0.5))  # fmt: skip
    assert tuned.score.false_accepts == 3
    assert not tuned.reached


def test_a_margin_of_words_buys_the_highest_threshold_within_it():
    heights = [245, 240, 235, 230, *[180] * 6]
    thresholds = {}
    for percent in (0, 60, 80):
        tuned = tune([material(heights, [100])], DecoderSettings(minimum_count=1), scoring=SCORING,
                     settings=settings_of(margin_percent=percent))  # fmt: skip
        assert tuned.score.missed <= percent / 100 * len(heights)
        assert tuned.point.threshold == pytest.approx(tuned.decoder.detection_threshold)
        thresholds[percent] = tuned.decoder.detection_threshold
    assert thresholds[0] < 180 / 256 < thresholds[60] < thresholds[80] < 245 / 256


def test_a_margin_buys_no_threshold_with_more_false_accepts():
    words = [("yes", 10_000 * n, 240, 400) for n in range(1, 5)]
    noise = [("yes", 60_000 + 3000 * n, 250 - 50 * (n % 2), 3000) for n in range(3)]
    heard = Material(track=pulses(*words, *noise), ground_truth=spoken(*(w[:2] for w in words)))
    # One noise below the dip of its score, two above it.
    assert [score_material([heard], DecoderSettings(minimum_count=1, mode="streaming",
                                                    average_window_duration_ms=200,
                                                    detection_threshold=threshold),
                           settings=SCORING).false_accepts
            for threshold in (0.7, 0.9)] == [1, 2]  # fmt: skip
    tuned = tune([heard], DecoderSettings(minimum_count=1), scoring=SCORING,
                 settings=settings_of(fa_per_hour=1, margin_percent=50))  # fmt: skip
    assert (tuned.score.missed, tuned.score.false_accepts) == (0, 1)


def kind(heights, false_heights, *, limit):
    """An hour of another kind of audio."""
    return Kind(name="talk", material=[material(heights, false_heights)], fa_per_hour=limit)


def tuned_with(kinds, heights=(240, 240, 180, 180), **changes):
    return tune(
        [material(heights, [])],
        DecoderSettings(minimum_count=1),
        settings=settings_of(**changes),
        scoring=SCORING,
        kinds=kinds,
    )


def test_another_kind_of_audio_keeps_its_own_limit():
    talk = [200, 200, 200]  # three an hour, if the threshold is low enough
    free = tuned_with([kind([], talk, limit=3)], fa_per_hour=0)
    strict = tuned_with([kind([], talk, limit=2)], fa_per_hour=0)
    assert (free.score.correct, free.kinds["talk"].false_accepts, free.reached) == (4, 3, True)
    assert (strict.score.correct, strict.kinds["talk"].false_accepts) == (2, 0)
    assert strict.reached


def test_words_of_another_kind_count_as_well():
    """For two more of its words, one more false accept in quiet is allowed."""
    heard = material([240] * 3, [150])
    noisy = kind([140] * 2, [], limit=1)
    tuned = tune([heard], DecoderSettings(minimum_count=1), scoring=SCORING, kinds=[noisy],
                 settings=settings_of(fa_per_hour=1))  # fmt: skip
    assert tuned.kinds["talk"].correct == 2
    assert tuned.score.false_accepts == 1


def test_limits_that_cannot_be_kept_are_told():
    tuned = tuned_with([kind([], [255] * 5, limit=1)])
    assert not tuned.reached
    assert tuned.kinds["talk"].false_accepts == 5


def test_a_window_that_keeps_short_words_is_preferred():
    words = [("yes", 10_000 * n, 250, 800) for n in range(1, 9)]
    clicks = [("no", 5000 + 10_000 * n, 255, 100) for n in range(1, 9)]
    truth = spoken(*(word[:2] for word in words))
    heard = Material(track=pulses(*words, *clicks), ground_truth=truth)
    tuned = tune(
        [heard],
        DecoderSettings(minimum_count=1),
        settings=TuneSettings(
            modes=("streaming",), average_window_duration_ms=(1, 400, 5000), suppression_ms=(500,)
        ),
        scoring=SCORING,
    )
    assert tuned.decoder.average_window_duration_ms == 400
    assert (tuned.score.correct, tuned.score.false_accepts) == (8, 0)


def test_each_label_gets_the_threshold_that_it_needs():
    quiet = material([120] * 6, [90] * 3, label="yes")
    loud = material([250] * 6, [190] * 3, label="no")
    both = [quiet, loud]
    start = DecoderSettings(minimum_count=1)
    one = tune(both, start, settings=settings_of(), scoring=SCORING)
    each = tune(both, start, settings=settings_of(per_label=True), scoring=SCORING)
    assert (one.score.correct, one.score.false_accepts) == (6, 0)
    assert (each.score.correct, each.score.false_accepts) == (12, 0)
    thresholds = each.decoder.label_thresholds
    assert 90 / 256 < thresholds["yes"] < 120 / 256
    assert 190 / 256 < thresholds["no"] < 250 / 256


def test_a_budget_is_spent_where_it_saves_most_words():
    heard = [material([120] * 6, [130], label="yes"), material([250] * 6 + [100], [190], "no")]
    curve = detection_curve(
        heard, DecoderSettings(mode="streaming", average_window_duration_ms=200), settings=SCORING
    )
    chosen = split_budget(curve, 1)
    assert chosen["yes"] < 120 / 256, "one false accept saves six words"
    assert 190 / 256 < chosen["no"] < 250 / 256, "and would save one here"


def test_the_curve_is_the_same_for_any_number_of_workers():
    heard = [material([100, 150, 200, 250], [120, 180])]
    decoder = DecoderSettings(mode="streaming", average_window_duration_ms=200, minimum_count=1)
    curves = [detection_curve(heard, decoder, settings=SCORING, workers=n) for n in (1, 4)]
    assert curves[0] == curves[1]
    rates = [point.false_reject_rate for point in curves[0]]
    assert rates == sorted(rates)
    assert rates[0] == 0
    assert rates[-1] == 1


def curve(*points):
    return [CurvePoint(threshold=0.5, words=100, correct=0, wrong=0, false_accepts=0, labels={},
                       false_reject_rate=rejects, false_accepts_per_hour=rate,
                       median_latency_ms=None) for rate, rejects in points]  # fmt: skip


def test_a_curve_is_drawn_through_the_points_that_no_other_betters():
    def envelope(*points):
        kept = lower_envelope(curve(*points))
        return [(point.false_accepts_per_hour, point.false_reject_rate) for point in kept]

    assert envelope() == []
    assert envelope((4, 0.1), (0, 0.9), (2, 0.5)) == [(0, 0.9), (2, 0.5), (4, 0.1)]
    assert envelope((1, 0.3), (1, 0.2), (1, 0.4)) == [(1, 0.2)], "one of a rate, the lowest"
    assert envelope((1, 0.3), (5, 0.1), (9, 0.1), (7, 0.2)) == [(1, 0.3), (5, 0.1)]


def test_a_curve_is_read_at_the_target_between_its_points():
    points = curve((0, 0.9), (2, 0.5), (4, 0.1))
    assert rejects_at(points, 0) == 0.9
    assert rejects_at(points, 1) == pytest.approx(0.7)
    assert rejects_at(points, 2) == 0.5
    assert rejects_at(points, 9) == 0.1
    assert rejects_at(curve((3, 0.2)), 1) == 1
    assert rejects_at(curve((0, 0.3), (2, 0.5)), 1) == 0.3, "more false accepts buy nothing here"


def test_several_recordings_count_as_one():
    one, other = material([220] * 3, [200]), material([], [200, 210])
    decoder = DecoderSettings(
        mode="streaming", average_window_duration_ms=100, minimum_count=1, detection_threshold=0.5
    )
    score = score_material([one, other], decoder, settings=SCORING)
    assert (score.words, score.correct, score.false_accepts) == (3, 3, 3)
    assert score.false_accepts_per_hour == pytest.approx(1.5)


def test_audio_without_words_alone_cannot_be_tuned_on():
    with pytest.raises(StapesError, match="found no words"):
        tune([material([], [200])], DecoderSettings(), settings=settings_of(), scoring=SCORING)


@pytest.fixture(scope="module")
def recording(small_model, tmp_path_factory):
    """A small model, audio, and a ground truth: half of its own detections."""
    folder = tmp_path_factory.mktemp("recording")
    labels = ("_silence_", "yes", "no", "up")
    path = folder / "m.tflite"
    path.write_bytes(small_model(ModelSettings(name="small", labels=labels)))
    random = np.random.default_rng(3)
    loudness = np.repeat(10 ** random.uniform(0, 4, 700), 3000)
    samples = np.clip(random.normal(size=len(loudness)) * loudness, -32768, 32767)
    samples = samples.astype(np.int16)
    write_wav(folder / "a.wav", samples, sample_rate=16000)
    pipeline = Pipeline.from_file(path)
    decoder = DecoderSettings(
        mode="streaming", average_window_duration_ms=100, detection_threshold=0.3, suppression_ms=0
    )
    trace = pipeline.process(samples)
    track = ScoreTrack(scores=trace.scores, times_ms=trace.times_ms, duration_ms=1.0,
                       settings=pipeline.settings)  # fmt: skip
    heard = track.detections(decoder)[::2]
    assert len(heard) > 5
    lines = [f"{found.label}, {max(0, found.time_ms - 700):.0f}\n" for found in heard]
    (folder / "a.txt").write_text("".join(lines))
    return folder


@pytest.fixture
def recorded(recording, tmp_path):
    """The files of `recording`, which a test may change."""
    return shutil.copytree(recording, tmp_path, dirs_exist_ok=True)


def command(folder, *options):
    return main(
        ["tune", str(folder / "m.tflite"), "--wav", str(folder / "a.wav"),
         "--labels", str(folder / "a.txt"), "--fa_per_hour", "200", *options]
    )  # fmt: skip


def test_the_tuned_model_scores_as_tuning_said(recorded, capsys):
    out = recorded / "tuned.tflite"
    options = ["--output_file", str(out), "--per_label", "--json", "--verify_wav",
               str(recorded / "a.wav"), "--verify_labels", str(recorded / "a.txt")]  # fmt: skip
    assert command(recorded, *options) == 0
    report = json.loads(capsys.readouterr().out)
    before, after = read_settings(recorded / "m.tflite"), read_settings(out)
    assert after.decoder == DecoderSettings(**report["decoder"])
    assert replace(after, decoder=before.decoder, provenance={}) == before
    assert after.provenance["decoder_tuning"]["tuned_on"] == report["tuned_on"]
    assert report["verified_on"] == report["tuned_on"]
    status = main(["stream", "score", "--model", str(out), "--wav", str(recorded / "a.wav"),
                   "--ground_truth", str(recorded / "a.txt"), "--json"])  # fmt: skip
    scored = json.loads(capsys.readouterr().out)
    assert status == 0
    assert scored["words"] > 5
    names = ("words", "correct", "wrong", "missed", "false_accepts", "false_accepts_per_hour")
    assert {n: scored[n] for n in names} == {n: report["tuned_on"][n] for n in names}


def test_a_tuned_model_tells_whose_data_it_was_trained_on(recorded):
    """The card of a shipped model has the text, and cannot be found for the changed file."""
    micro = shipped_models()["micro"]
    shutil.copy(micro.path, recorded / "m.tflite")
    assert command(recorded, "--modes", "streaming", "--in_place") == 0
    assert read_settings(recorded / "m.tflite").provenance["attribution"] == micro.card["data"]


def test_in_place_changes_the_settings_and_nothing_else(recorded):
    model = recorded / "m.tflite"
    before = Pipeline.from_file(model)
    assert command(recorded, "--in_place") == 0
    after = Pipeline.from_file(model)
    assert after.settings.decoder != before.settings.decoder
    samples = np.random.default_rng(1).integers(-9000, 9000, 32000).astype(np.int16)
    assert after.process(samples).scores.tobytes() == before.process(samples).scores.tobytes()


def test_kinds_are_loaded_measured_and_kept_with_the_model(recorded, capsys):
    out = recorded / "tuned.tflite"
    wav, labels = recorded / "a.wav", recorded / "a.txt"
    kinds = ["--also", f"talk,900,{wav}", "--also", f"noisy,150,{wav},{labels}"]
    verified = ["--verify_also", f"other talk,900,{wav}"]
    assert command(recorded, *kinds, *verified, "--output_file", str(out), "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["also"]["noisy"]["limit"] == 150
    measured = ("words", "correct", "wrong", "missed", "false_accepts")
    for name in measured:  # the same audio with the same labels
        assert report["also"]["noisy"][name] == report["tuned_on"][name]
    assert report["also"]["talk"]["words"] == 0
    assert (
        report["verified_also"]["other talk"]["false_accepts"]
        == (report["also"]["talk"]["false_accepts"])
    )
    tuning = read_settings(out).provenance["decoder_tuning"]
    for kinds_of in ("also", "verified_also"):
        for name, kept in tuning[kinds_of].items():
            assert kept == {figure: report[kinds_of][name][figure] for figure in kept}
    assert tuning["also"]["noisy"]["false_accepts"] == report["also"]["noisy"]["false_accepts"]
    assert main(["tune", str(out), "--wav", str(wav), "--labels", str(labels), *kinds]) == 0
    assert "  noisy " in capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["talk", "talk,2", "talk,0,a.wav", "talk,nan,a.wav", ",2,a.wav", "t,2,a.wav,a.txt,x"]
)
def test_a_kind_that_cannot_be_read_is_told(recorded, capsys, text):
    assert command(recorded, "--also", text) == 2
    assert "expected NAME,RATE,WAV" in capsys.readouterr().err


def test_without_an_output_the_model_stays_as_it_is(recorded, capsys):
    content = (recorded / "m.tflite").read_bytes()
    assert command(recorded, "--modes", "streaming", "--suppression_ms", "300,400") == 0
    output = capsys.readouterr()
    assert "tuned on" in output.out
    assert "h cannot tell" not in output.out
    assert (recorded / "m.tflite").read_bytes() == content


@pytest.mark.parametrize(("rate", "hours"), [("0.5", "6"), ("10", "0.3")])
def test_too_little_audio_for_the_target_is_said(recorded, capsys, rate, hours):
    assert command(recorded, "--fa_per_hour", rate) == 0
    assert f"cannot tell {rate} false accepts per hour from none; {hours} h or more would" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("reached", [True, False])
def test_an_unreachable_target_is_said_and_leads_nowhere(recorded, capsys, monkeypatch, reached):
    monkeypatch.setattr(
        "stapes.stream.tune.tune",
        lambda *words, **more: replace(tune(*words, **more), reached=reached),
    )
    assert command(recorded, "--output_file", str(recorded / "tuned.tflite")) == 0
    output = capsys.readouterr()
    said = "no threshold that still finds a word keeps 200 false accepts per hour"
    assert (said in output.err) != reached
    assert ("Next: stapes flash" in output.out) == reached


def test_figures_of_the_audio_that_was_tuned_with_flatter(recorded, capsys):
    verified = ["--verify_wav", str(recorded / "." / "a.wav")]
    verified += ["--verify_labels", str(recorded / "a.txt")]
    assert command(recorded, *verified) == 0
    assert "a.wav is one of --wav: its figures flatter" in capsys.readouterr().err


def test_few_recordings_are_counted_and_said(recorded, capsys):
    truth = read_labels(recorded / "a.txt", what="a ground truth")
    clips = [replace(word, clip=f"{word.label}/anna_nohash_0.wav") for word in truth]
    lines = [json.dumps(word.to_dict()) + "\n" for word in clips]
    (recorded / "a.jsonl").write_text("".join(lines))
    count = len({word.clip for word in clips})
    assert command(recorded) == 0
    output = capsys.readouterr()
    assert f" words from {count} recordings of 1 speakers in " in output.out
    assert f"tune: {count} recordings are few, expected 30 or more" in output.err


def test_too_little_audio_of_a_kind_for_its_limit_is_said(recorded, capsys):
    kinds = ["--also", f"talk,2,{recorded / 'a.wav'}", "--also", f"noise,900,{recorded / 'a.wav'}"]
    assert command(recorded, "--fa_per_hour", "900", *kinds) == 0
    said = capsys.readouterr().err.splitlines()
    (warning,) = [line for line in said if line.startswith("tune: ")]  # a note stands before it
    assert warning.startswith("tune: talk: ")
    assert "cannot tell 2 false accepts per hour from none; 1.5 h or more would" in warning


def test_what_silence_bounds_is_said_where_the_target_is_none(recorded, capsys):
    assert command(recorded, "--fa_per_hour", "0") == 0
    hours = 700 * 3000 / 16000 / 3600
    error = capsys.readouterr().err
    assert f"show one below {3 / hours:.2f} per hour (3 h below 1, 30 h below 0.1)" in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--modes", "fast"], "--modes=fast: expected 1 to 100 values"),
        (["--suppression_ms", "a"], "--suppression_ms=a: expected 1 to 100 values"),
        (["--verify_wav", "x.wav"], "--verify_labels: found 0 for 1 of --verify_wav"),
        (["--average_window_duration_ms", "0"], "--average_window_duration_ms=0"),
        (["--fa_per_hour", "-1"], "--fa_per_hour=-1"),
        (["--margin_percent", "nan"], "--margin_percent=nan: expected 0 to 100"),
        (["--margin_percent", "5", "--per_label"], "expected no --per_label"),
        (["--also", "t,2,a.wav", "--also", "t,3,a.wav"], "--also: found 't' 2 times"),
        (["--also", "t,2,a.wav", "--per_label"], "--also: raises one threshold"),
        (["--also", "t,2,x.txt", "--output_file", "x.txt"], "x.txt: found an input"),
        (["--output_file", "a.txt"], "a.txt: found an input of this command"),
        (["--output_file", "x", "--det_png", "m.tflite"], "m.tflite: found an input"),
        (["--output_file", "x.png", "--det_png", "x.png"], "x.png: found an input"),
        (["--output_file", "nowhere/x.tflite"], "nowhere/x.tflite: cannot be written"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(recorded, capsys, monkeypatch, options, message):
    monkeypatch.chdir(recorded)
    content = (recorded / "m.tflite").read_bytes()
    assert command(recorded, *options) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error
    assert (recorded / "m.tflite").read_bytes() == content


def test_curves_are_drawn(recorded):
    pytest.importorskip("matplotlib")
    png = recorded / "det.png"
    assert command(recorded, "--modes", "streaming", "--det_png", str(png)) == 0
    first = png.read_bytes()
    assert first.startswith(b"\x89PNG")
    assert command(recorded, "--modes", "streaming", "--det_png", str(png)) == 0
    assert png.read_bytes() == first
    assert Path(recorded / "a.wav").exists()


def test_the_model_is_written_even_if_its_picture_cannot_be(recorded, monkeypatch, capsys):
    def fail(*arguments, **options):
        raise StapesError("no picture")

    monkeypatch.setattr(plot, "draw_curves", fail)
    tuned = recorded / "tuned.tflite"
    flags = ["--modes", "streaming", "--det_png", str(recorded / "det.png")]
    assert command(recorded, *flags, "--output_file", str(tuned)) == 2
    assert "no picture" in capsys.readouterr().err
    assert "decoder_tuning" in read_settings(tuned).provenance


@pytest.mark.parametrize("target", ["tuned.tflite", ""])
def test_without_matplotlib_nothing_is_begun(recorded, monkeypatch, target, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr(score_track, "load_track", lambda *words, **options: pytest.fail("began"))
    flags = ["--det_png", str(recorded / "det.png")]
    flags += ["--output_file", str(recorded / target)] if target else []
    assert command(recorded, *flags) == 2
    assert "stapes[plot]" in capsys.readouterr().err
    assert not (recorded / "tuned.tflite").exists()
