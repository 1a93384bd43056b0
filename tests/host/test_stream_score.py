"""Scoring: hand-worked ground truths and detections."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stapes.audio.wav import write_wav
from stapes.cli import main
from stapes.errors import StapesError
from stapes.stream.labels import LabelTime, format_line, read_labels
from stapes.stream.score import ScoreSettings, score_stream

SETTINGS = ScoreSettings(clip_duration_ms=1000, time_tolerance_ms=750)


def at(*pairs):
    return [LabelTime(label=label, time_ms=time_ms) for label, time_ms in pairs]


def score(truth, detections, **options):
    return score_stream(at(*truth), at(*detections), settings=SETTINGS, **options)


def test_a_detection_while_the_clip_is_heard_is_correct():
    result = score([("yes", 1000)], [("yes", 1900)])
    assert (result.words, result.correct, result.wrong, result.missed) == (1, 1, 0, 0)
    assert result.false_accepts == 0


@pytest.mark.parametrize(
    ("time_ms", "correct"),
    [(999, 0), (1000, 1), (2000, 1), (2750, 1), (2751, 0)],
)
def test_the_window_reaches_from_the_start_of_the_clip_to_its_end_plus_tolerance(time_ms, correct):
    result = score([("yes", 1000)], [("yes", time_ms)])
    assert (result.correct, result.missed, result.false_accepts) == (
        correct,
        1 - correct,
        1 - correct,
    )


def test_another_word_in_the_window_is_wrong_not_a_false_accept():
    result = score([("yes", 1000)], [("no", 1500)])
    assert (result.matched, result.correct, result.wrong, result.missed) == (1, 0, 1, 0)
    assert result.false_accepts == 0
    assert result.wrong_words[0].spoken.label == "yes"
    assert result.wrong_words[0].detected.label == "no"


def test_the_right_label_wins_over_an_earlier_wrong_one():
    result = score([("yes", 1000)], [("no", 1200), ("yes", 1800)])
    assert (result.correct, result.wrong, result.false_accepts) == (1, 0, 1)
    assert result.false_accept_detections == at(("no", 1200))


def test_a_word_counts_once_and_the_second_detection_is_a_false_accept():
    result = score([("yes", 1000)], [("yes", 1500), ("yes", 2500)])
    assert (result.correct, result.false_accepts) == (1, 1)


def test_close_words_of_one_label_each_take_their_own_detection():
    # The second detection fits both words; the first fits the first word only.
    result = score([("yes", 0), ("yes", 1000)], [("yes", 500), ("yes", 1600)])
    assert (result.correct, result.missed, result.false_accepts) == (2, 0, 0)


def test_wanted_word_over_an_unknown_word_is_a_false_accept():
    result = score([("_unknown_", 1000)], [("yes", 1500)])
    assert (result.words, result.wrong, result.false_accepts) == (0, 0, 1)


def test_silence_and_unknown_detections_are_not_words():
    result = score([("yes", 1000)], [("_silence_", 1400), ("_unknown_", 1500), ("yes", 1600)])
    assert (result.correct, result.false_accepts) == (1, 0)


def test_percentages_are_of_the_words_of_the_ground_truth():
    truth = [("yes", 0), ("no", 3000), ("yes", 6000), ("no", 9000)]
    heard = [("yes", 900), ("yes", 3900), ("yes", 20000)]
    result = score(truth, heard, duration_ms=36_000)
    text = result.to_text()
    assert text.startswith("50.0% matched, 25.0% correctly, 25.0% wrongly, 25.0% false positives\n")
    assert result.false_accepts_per_hour == pytest.approx(100)
    assert "missed        0:00:06.000 yes" in text
    assert "false accept  0:00:20.000 yes" in text


def test_without_words_or_detections_nothing_divides_by_zero():
    result = score([], [])
    assert (result.words, result.false_accepts, result.false_accepts_per_hour) == (0, 0, 0)
    assert "0 words" in result.to_text()


entries = st.lists(
    st.builds(
        LabelTime,
        label=st.sampled_from(["yes", "no", "_unknown_"]),
        time_ms=st.integers(0, 20_000).map(float),
    ),
    max_size=12,
)


@given(truth=entries, heard=entries)
def test_every_word_and_every_detection_is_accounted_for_once(truth, heard):
    result = score_stream(truth, heard, settings=SETTINGS)
    words = [entry for entry in truth if entry.label != "_unknown_"]
    detections = [entry for entry in heard if entry.label != "_unknown_"]
    assert result.correct + result.wrong + result.missed == len(words)
    assert result.correct + result.wrong + result.false_accepts == len(detections)
    for pair in result.wrong_words:
        assert pair.spoken.label != pair.detected.label


@given(heard=entries)
def test_own_times_as_ground_truth_score_perfectly(heard):
    words = [entry for entry in heard if entry.label != "_unknown_"]
    result = score_stream(words, heard, settings=SETTINGS)
    assert (result.correct, result.wrong, result.missed, result.false_accepts) == (
        len(words),
        0,
        0,
        0,
    )


def test_lines_read_back_as_written_and_json_lines_mean_the_same(tmp_path):
    plain, lines = tmp_path / "plain.txt", tmp_path / "lines.jsonl"
    words = at(("yes", 1500), ("no", 12_345_678))
    plain.write_text("# made by hand\n\n" + "".join(map(format_line, words)))
    objects = [{"event": "hello", "board": "host"}, {"label": "yes", "time_ms": 1500, "score": 0.9}]
    lines.write_text("".join(json.dumps(entry) + "\n" for entry in objects))
    assert read_labels(plain, what="a ground truth") == words
    assert read_labels(lines, what="detections") == words[:1]


def test_a_byte_order_mark_is_no_part_of_the_first_label(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("yes, 1\n", encoding="utf-8-sig")
    assert read_labels(path, what="a ground truth") == at(("yes", 1))


@pytest.mark.parametrize(
    "line",
    [
        *("yes", "yes, soon", "yes, nan", ", 12", "a, 1, 2, 3", "a, 1e308", '{"label": "a"}'),
        '{"label": "a", "time_ms": true}',
        '{"label": ["a"], "time_ms": 1}',
        '{"label": "a", "time_ms": 1e308}',
        '{"label": ' + "[" * 100_000,
    ],
    ids=lambda line: line[:40],
)
def test_another_line_is_refused_with_its_number(tmp_path, line):
    path = tmp_path / "labels.txt"
    path.write_text(f"yes, 1\n{line}\n")
    with pytest.raises(StapesError, match=r"labels\.txt:2: found"):
        read_labels(path, what="a ground truth")


def test_the_command_prints_the_same_figures_as_json(tmp_path, capsys):
    truth, heard = tmp_path / "truth.txt", tmp_path / "heard.txt"
    truth.write_text("yes, 1000\nno, 5000\n")
    heard.write_text("yes, 1800, 0.97\n")
    status = main(
        ["stream", "score", "--ground-truth", str(truth), "--detections", str(heard), "--json"]
    )
    report = json.loads(capsys.readouterr().out)
    assert status == 0
    assert (report["words"], report["correct"], report["missed"]) == (2, 1, 1)
    assert report["missed_words"] == [{"time_ms": 5000.0, "label": "no"}]


def score_command(tmp_path, *words, truth="yes, 1000\n"):
    path = tmp_path / "truth.txt"
    path.write_text(truth)
    return main(["stream", "score", "--ground_truth", str(path), "--detections", str(path), *words])


def test_a_ground_truth_without_entries_is_refused(tmp_path, capsys):
    assert score_command(tmp_path, truth="# nothing\n") == 2
    assert "truth.txt: found no entry, expected the words" in capsys.readouterr().err


def test_the_duration_is_that_of_the_samples_and_a_lying_header_is_refused(tmp_path, capsys):
    wav = tmp_path / "a.wav"
    write_wav(wav, np.zeros(36_000, np.int16), sample_rate=16000)
    assert score_command(tmp_path, "--wav", str(wav), "--json") == 0
    assert json.loads(capsys.readouterr().out)["duration_ms"] == 2250
    good = wav.read_bytes()
    wav.write_bytes(good[:40] + b"\xff\xff\xff\x7f" + good[44:])
    assert score_command(tmp_path, "--wav", str(wav)) == 2
    assert "cut short or its header lies" in capsys.readouterr().err
    wav.write_bytes(good[:24] + bytes(8) + good[32:])
    assert score_command(tmp_path, "--wav", str(wav)) == 2
    assert "found 0 Hz" in capsys.readouterr().err
