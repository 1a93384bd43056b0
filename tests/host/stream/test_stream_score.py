# SPDX-License-Identifier: Apache-2.0
"""Scoring: hand-worked ground truths and detections."""

import json

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from stapes.audio.wav import read_wav, write_wav
from stapes.cli.main import main
from stapes.device.pipeline import Pipeline
from stapes.errors import StapesError
from stapes.evaluation.intervals import binomial_interval, cluster_interval, poisson_interval
from stapes.model.settings import DecoderSettings, ModelSettings
from stapes.stream import cuts, score_track
from stapes.stream.accuracy import MS_PER_HOUR, ScoreSettings, score_stream
from stapes.stream.labels import LabelTime, check_labels, format_line, read_labels, read_truth
from stapes.stream.tutorial import tutorial_score

SETTINGS = ScoreSettings(clip_duration_ms=1000, time_tolerance_ms=750)


def at(*pairs):
    return [LabelTime(label=label, time_ms=time_ms) for label, time_ms in pairs]


def score(truth, detections, **options):
    return score_stream(at(*truth), at(*detections), settings=SETTINGS, **options)


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_label_track_of_audacity_is_read(tmp_path, mark, end):
    lines = [
        "1.500000\t2.250000\tyes",
        "\\\t-1.000000\t-1.000000",  # its range of frequencies
        "4.000000\t4.000000\tStraße",  # a point
        "3,25\t3,5\tno",
        "",
    ]
    path = tmp_path / "track.txt"
    path.write_bytes((mark + end.join(lines)).encode())
    found = read_labels(path, what="a ground truth")
    assert [(e.label, e.time_ms, e.end_ms) for e in found] == [
        ("yes", 1500.0, 2250.0),
        ("no", 3250.0, 3500.0),
        ("Straße", 4000.0, None),
    ]


@pytest.mark.parametrize(
    "line", ["1.0\tyes", "1.0\t2.0\t", "2.0\t1.0\tyes", "a\tb\tyes", "1\t2\t3\t4"]
)
def test_what_is_no_label_track_is_refused_by_its_line(tmp_path, line):
    path = tmp_path / "track.txt"
    path.write_text(f"1.0\t2.0\tno\n{line}\n")
    with pytest.raises(
        StapesError, match=r"track\.txt:2: found .* label track \(start, end, label"
    ):
        read_labels(path, what="a ground truth")


def test_labels_that_the_model_does_not_know_are_told_with_the_nearest(capsys):
    labels = ("_silence_", "_unknown_", "yes", "Straße")
    truth = at(
        ("yes", 1), ("Yes", 2), ("STRASSE", 3), ("STRASSE", 4), ("left", 5), ("_unknown_", 6)
    )
    check_labels(truth, labels, path="a.txt")
    assert capsys.readouterr().err.splitlines() == [
        "Note: a.txt: the model does not know the label 'Yes', did you mean 'yes'?",
        "Note: a.txt: the model does not know the label 'STRASSE' (2 times), did you mean "
        "'Straße'?",
        "Note: a.txt: the model does not know the label 'left'",
    ]


def test_a_ground_truth_of_which_the_model_knows_no_label_is_refused():
    labels = ("_silence_", "_unknown_", "yes", "Straße")
    with pytest.raises(StapesError) as caught:
        check_labels(at(("YES", 1), ("_unknown_", 2)), labels, path="a.txt")
    assert str(caught.value) == (
        "a.txt: found no label that the model knows, such as 'YES', did you mean 'yes'?, expected "
        "some of yes, Straße; choose the ground truth or the model that fits"
    )
    check_labels(at(("_unknown_", 2)), labels, path="a.txt")  # nobody says a word
    check_labels([], labels, path="a.txt")


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


def test_two_words_at_one_time_are_two_words():
    result = score([("yes", 1000), ("no", 1000)], [("no", 1500), ("yes", 1600)])
    assert (result.words, result.correct, result.false_accepts) == (2, 2, 0)
    twins = score([("yes", 1000), ("yes", 1000)], [("yes", 1500)])
    assert (twins.words, twins.correct, twins.missed) == (2, 1, 1)


def test_a_detection_between_two_neighbours_belongs_to_the_one_it_names():
    result = score([("yes", 1000), ("no", 2000)], [("no", 2600)])
    assert (result.correct, result.missed, result.wrong) == (1, 1, 0)
    assert result.missed_words == at(("yes", 1000))


def test_a_late_detection_is_a_miss_and_a_false_accept():
    result = score([("yes", 1000)], [("yes", 2751)])
    assert (result.missed, result.false_accepts) == (1, 1)


def test_without_words_every_detection_is_a_false_accept():
    result = score([], [("yes", 1000), ("yes", 1100)], duration_ms=1_800_000)
    assert (result.words, result.false_accepts, result.false_accepts_per_hour) == (0, 2, 4)
    assert result.false_reject_rate == 0


def test_rates_come_with_exact_intervals():
    result = score([("yes", 5000 * n) for n in range(10)], [("yes", 5500), ("no", 60_000)],
                   duration_ms=MS_PER_HOUR)  # fmt: skip
    assert result.false_reject_rate == 0.9
    # Compared with other implementations of the same intervals.
    exact = scipy.stats.binomtest(9, 10).proportion_ci(0.95, method="exact")
    assert result.false_reject_rate_interval == pytest.approx((exact.low, exact.high))
    low, high = result.false_accepts_per_hour_interval
    assert scipy.stats.poisson.sf(0, low) == pytest.approx(0.025)
    assert scipy.stats.poisson.cdf(1, high) == pytest.approx(0.025)


@pytest.mark.parametrize("count", [0, 1, 7, 400])
def test_intervals_hold_the_count_and_nothing_seen_bounds_from_above_alone(count):
    low, high = poisson_interval(count)
    assert low <= count <= high
    assert scipy.stats.poisson.cdf(count, high) == pytest.approx(0.025)
    assert (low == 0) == (count == 0)
    assert binomial_interval(0, count)[0] == 0
    assert binomial_interval(count, count)[1] == 1


def test_an_interval_over_recordings_is_as_wide_as_their_number_asks_for():
    """A hundred draws from ten recordings tell no more than the ten recordings."""
    lost = [True] * 3 + [False] * 7
    once = cluster_interval(lost, [f"clip{number}" for number in range(10)])
    often = cluster_interval(lost * 10, [f"clip{number}" for number in range(10)] * 10)
    each = cluster_interval(lost * 10, [f"clip{number}" for number in range(100)])
    assert once == pytest.approx(often)
    assert often[1] - often[0] > 2 * (each[1] - each[0])
    # If every trial has its own source: about the normal approximation of the binomial.
    assert each == pytest.approx((0.3 - 1.96 * 0.0458, 0.3 + 1.96 * 0.0458), abs=0.015)


@pytest.mark.parametrize(("happened", "bounds"), [(False, (0, 1 / 4)), (True, (3 / 4, 1))])
def test_events_that_always_or_never_came_are_bounded_by_the_number_of_sources(happened, bounds):
    low, high = cluster_interval([happened] * 600, [str(number % 12) for number in range(600)])
    expected = binomial_interval(12 * happened, 12)
    assert (low, high) == expected
    assert high - low == pytest.approx(bounds[1] - bounds[0], abs=0.02)


def test_a_few_sources_never_look_surer_than_as_many_words():
    """Of two speakers, one lost six words of seven and the other none of seven."""
    lost = [True] * 6 + [False] * 8
    low, high = cluster_interval(lost, ["anna"] * 7 + ["ben"] * 7)
    least, most = binomial_interval(2 * 6 / 14, 2)
    assert (low, high) == (min(least, 0), max(most, 6 / 7))
    assert high > 0.95


def test_what_few_recordings_and_little_audio_cannot_show_is_said():
    def score(recordings, hours, accepts=0):
        words = [
            LabelTime(label="yes", time_ms=5000.0 * n, clip=f"yes/p{n % recordings}_nohash_0.wav")
            for n in range(40)
        ]
        heard = [LabelTime(label="yes", time_ms=600_000.0 + 5000 * n) for n in range(accepts)]
        duration_ms = hours * 3_600_000
        found = score_stream(words, heard, settings=ScoreSettings(), duration_ms=duration_ms)
        return found.to_text()

    assert "Note: 12 recordings are few, expected 30 or more" in score(12, 5)
    assert "recordings are few" not in score(30, 5)
    assert "0.50 h without a false accept show a rate below 6.0 per hour, not none" in score(
        30, 0.5
    )
    assert "Note:" not in score(30, 5) and "Note:" not in score(30, 0.5, accepts=3)


def test_words_that_name_their_clips_are_counted_by_recording_and_speaker():
    def words(*clips):
        return [
            LabelTime(label="yes", time_ms=5000.0 * n, clip=clip) for n, clip in enumerate(clips)
        ]

    truth = words("yes/a_nohash_0.wav", "yes/a_nohash_1.wav", "yes/b_nohash_0.wav") * 1
    result = score_stream(truth, [], settings=ScoreSettings(), duration_ms=MS_PER_HOUR)
    assert (result.recordings, result.speakers) == (3, 2)
    assert "3 words from 3 recordings of 2 speakers" in result.to_text()
    assert result.figures()["speakers"] == 2
    assert result.false_reject_rate_interval == binomial_interval(2, 2)
    unnamed = score_stream(
        words("yes/a_nohash_0.wav", None), [], settings=ScoreSettings(), duration_ms=MS_PER_HOUR
    )
    assert (unnamed.recordings, unnamed.speakers) == (None, None)
    assert unnamed.false_reject_rate_interval == binomial_interval(2, 2)


def test_latency_counts_from_the_end_of_the_word():
    words = [LabelTime(label="yes", time_ms=5000 * n, end_ms=5000 * n + 600) for n in range(4)]
    heard = [LabelTime(label="yes", time_ms=5000 * n + late) for n, late in
             enumerate((500, 700, 800, 1000))]  # fmt: skip
    latency = score_stream(words, heard, settings=SETTINGS).latency()
    assert latency == pytest.approx(
        {"count": 4, "median": 150, "percentile_90": 340, "longest": 400}
    )
    assert score([("yes", 0)], [("yes", 500)]).latency() is None


def test_each_label_has_its_own_figures():
    truth = [("yes", 0), ("yes", 5000), ("no", 10_000)]
    result = score(truth, [("yes", 500), ("no", 5500), ("no", 20_000)], duration_ms=MS_PER_HOUR)
    labels = result.by_label()
    assert (labels["yes"].correct, labels["yes"].wrong, labels["yes"].false_accepts) == (1, 1, 0)
    assert (labels["no"].missed, labels["no"].false_accepts_per_hour) == (1, 1)
    rows = [line.split() for line in result.to_text().splitlines()]
    assert ["no", "1", "0", "0", "1", "100.0", "1", "1.00"] in rows
    assert ["yes", "2", "1", "1", "0", "50.0", "0", "0.00"] in rows


def tutorial(truth, heard):
    result = tutorial_score(at(*truth), at(*heard), clip_duration_ms=1000, time_tolerance_ms=750)
    return result.matched, result.correct, result.wrong, result.false_positives


def test_the_tutorial_counts_a_duplicate_as_wrong():
    assert tutorial([("yes", 1000)], [("yes", 2000), ("yes", 2300)]) == (1, 1, 1, 0)


def test_the_tutorial_lets_a_wrong_early_neighbour_hide_the_right_later_one():
    truth = [("no", 1000), ("yes", 1500)]
    assert tutorial(truth, [("yes", 2500)]) == (1, 0, 1, 0)
    assert score(truth, [("yes", 2500)]).correct == 1


def test_the_tutorial_measures_both_ways_from_the_start_of_the_window():
    for time_ms, correct in ((1249, 0), (1250, 1), (2750, 1), (2751, 0)):
        assert tutorial([("yes", 1000)], [("yes", time_ms)]) == (
            correct,
            correct,
            0,
            1 - correct,
        )


def test_the_tutorial_merges_words_at_one_time_and_counts_unknown_but_not_silence():
    assert tutorial([("yes", 1000), ("no", 1000)], [("yes", 2000), ("no", 2100)]) == (1, 1, 1, 0)
    heard = [("_unknown_", 2000), ("_silence_", 2000), ("_unknown_", 9000)]
    assert tutorial([("_unknown_", 1000)], heard) == (1, 1, 0, 1)


def test_the_tutorials_line_is_worded_as_it_is():
    result = tutorial_score(
        at(("yes", 0), ("no", 5000), ("no", 9000)), at(("yes", 1000), ("no", 90_000)),
        clip_duration_ms=1000, time_tolerance_ms=750,
    )  # fmt: skip
    assert result.to_text() == (
        "33.3% matched, 33.3% correctly, 0.0% wrongly, 33.3% false positives"
    )
    empty = tutorial_score([], at(("no", 1)), clip_duration_ms=0, time_tolerance_ms=0)
    assert empty.to_text() == "No ground truth yet, 1 false positives"


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
        '{"label": "a", "time_ms": 1' + "0" * 400 + "}",
        '{"label": "a", "time_ms": 1, "score": NaN}',
        "a, 1, inf",
        '{"label": ' + "[" * 100_000,
    ],
    ids=lambda line: line[:40],
)
def test_another_line_is_refused_with_its_number(tmp_path, line):
    path = tmp_path / "labels.txt"
    path.write_text(f"yes, 1\n{line}\n")
    with pytest.raises(StapesError, match=r"labels\.txt:2: found"):
        read_labels(path, what="a ground truth")


def test_a_word_that_is_detected_in_another_spelling_is_named(tmp_path, capsys):
    truth, heard = tmp_path / "truth.txt", tmp_path / "heard.txt"
    truth.write_text("Yes, 1000\nSTRASSE, 5000\nno, 9000\nup, 13000\n")
    heard.write_text("yes, 1500\nstraße, 5500\nno, 9500\n")
    score = ["stream", "score", "--ground_truth", str(truth), "--detections", str(heard)]
    assert main(score) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if "never detected" in line]
    assert [note.split(": ", 2)[2] for note in notes] == [
        "'Yes' is never detected, but 'yes' is; is it the same word?",
        "'STRASSE' is never detected, but 'straße' is; is it the same word?",
    ]


def test_times_in_seconds_are_refused(tmp_path):
    path = tmp_path / "truth.txt"
    path.write_text("no, 1.044\nyes, 6.126\nno, 9.5\n")
    with pytest.raises(StapesError, match=r"a word every 4.2 ms, .* multiply them by 1000"):
        read_truth(path)


def test_a_line_that_is_there_twice_is_noted(tmp_path, capsys):
    path = tmp_path / "truth.txt"
    path.write_text("no, 1044\nyes, 6126\nno, 1044\n")
    assert len(read_truth(path)) == 3
    assert "truth.txt: 1 repeated line: each counts as another word" in capsys.readouterr().err


def test_a_first_line_may_be_a_heading_and_should_go(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("label, time\nyes, 1\n")
    with pytest.raises(
        StapesError, match=r":1: found 'label, time', .* or remove it if it is a head"
    ):
        read_labels(path, what="a ground truth")


@pytest.mark.parametrize("label", [r"\u0000", r"\ud800", "../../a", "a" * 300])
def test_a_label_that_is_no_part_of_a_file_name_is_refused_with_its_number(tmp_path, label):
    path = tmp_path / "labels.txt"
    path.write_text(f'yes, 1\n{{"label": "{label}", "time_ms": 2}}\n')
    with pytest.raises(StapesError, match=r"labels\.txt:2: label .*; rename it"):
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


def test_the_first_of_many_events_are_listed_or_all_of_them(tmp_path, capsys):
    truth = tmp_path / "truth.txt"
    truth.write_text("".join(f"yes, {5000 * number}\n" for number in range(25)))
    heard = tmp_path / "heard.txt"
    heard.write_text("".join(f"yes, {5000 * number + 3000}\n" for number in range(20)))
    command = ["stream", "score", "--ground_truth", str(truth), "--detections", str(heard)]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("missed        0:") for line in lines) == 20
    assert lines[-21] == "missed        and 5 more (--all)"
    assert sum(line.startswith("false accept  0:") for line in lines) == 20
    assert lines[-1].startswith("false accept  0:01:38.000 yes")
    assert main([*command, "--all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("missed        0:") for line in lines) == 25
    assert not any("more" in line for line in lines)


def test_a_ground_truth_without_entries_is_refused(tmp_path, capsys):
    assert score_command(tmp_path, truth="# nothing\n") == 2
    assert "truth.txt: found no entry, expected the spoken words" in capsys.readouterr().err


def test_the_duration_is_that_of_the_samples_and_a_lying_header_is_refused(tmp_path, capsys):
    wav = tmp_path / "a.wav"
    write_wav(wav, np.zeros(36_000, np.int16), sample_rate=16000)
    assert score_command(tmp_path, "--wav", str(wav), "--json") == 0
    assert json.loads(capsys.readouterr().out)["duration_ms"] == 2250
    good = wav.read_bytes()
    wav.write_bytes(good[:40] + b"\xff\xff\xff\x00" + good[44:])
    assert score_command(tmp_path, "--wav", str(wav)) == 2
    assert "cut short, or its header is wrong" in capsys.readouterr().err
    wav.write_bytes(good[:24] + bytes(8) + good[32:])
    assert score_command(tmp_path, "--wav", str(wav)) == 2
    assert "found 0 Hz" in capsys.readouterr().err


@pytest.fixture
def recorded(small_model, tmp_path):
    """A small model, audio, and words that it will hear, miss, or hear by mistake."""
    path = tmp_path / "m.tflite"
    decoder = DecoderSettings(
        mode="streaming", average_window_duration_ms=100, detection_threshold=0.4, minimum_count=1
    )
    labels = ("_silence_", "yes", "no", "up")
    path.write_bytes(small_model(ModelSettings(name="small", labels=labels, decoder=decoder)))
    random = np.random.default_rng(3)
    loudness = np.repeat(10 ** random.uniform(0, 4, 640), 3000)
    samples = np.clip(random.normal(size=len(loudness)) * loudness, -32768, 32767)
    samples = np.concatenate([samples, np.zeros(4 * 16000)])  # 120 s, then silence
    write_wav(tmp_path / "a.wav", samples.astype(np.int16), sample_rate=16000)
    heard = Pipeline.from_file(path).process(samples.astype(np.int16)).detections
    assert len(heard) > 8
    truth = [f"{found.label}, {max(0, found.time_ms - 800)}\n" for found in heard[::2]]
    (tmp_path / "a.txt").write_text("".join(truth) + "yes, 122000\n")
    ends = [
        {"label": f.label, "time_ms": max(0, f.time_ms - 800), "end_ms": max(0, f.time_ms - 150)}
        for f in heard[::2]
    ]
    details = (json.dumps(entry) + "\n" for entry in ends)
    (tmp_path / "a.jsonl").write_text("".join(details))
    return tmp_path


def score_model(folder, *options):
    return main(
        ["stream", "score", "--model", str(folder / "m.tflite"), "--wav", str(folder / "a.wav"),
         "--ground_truth", str(folder / "a.txt"), *options]
    )  # fmt: skip


def test_a_model_is_scored_as_its_detections_are(recorded, capsys):
    assert score_model(recorded, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    heard = (
        Pipeline.from_file(recorded / "m.tflite").process(read_wav(recorded / "a.wav")).detections
    )
    lines = [f"{found.label}, {found.time_ms}, {found.score}\n" for found in heard]
    (recorded / "heard.txt").write_text("".join(lines))
    assert score_command(
        recorded, "--detections", str(recorded / "heard.txt"), "--wav", str(recorded / "a.wav"),
        "--json", truth=(recorded / "a.txt").read_text(),
    ) == 0  # fmt: skip
    same = json.loads(capsys.readouterr().out)
    for name in ("words", "correct", "wrong", "false_accepts", "duration_ms"):
        assert report[name] == same[name]
    assert report["correct"] >= 4
    assert report["false_accepts"] >= 4
    assert report["missed_words"] == [{"time_ms": 122000.0, "label": "yes"}]
    assert report["latency_ms"]["median"] == pytest.approx(150, abs=2)
    thresholds = [point["threshold"] for point in report["det"]]
    assert thresholds == sorted(thresholds)
    at_model = min(report["det"], key=lambda point: abs(point["threshold"] - 0.4))
    assert at_model["correct"] == pytest.approx(report["correct"], abs=3)


def test_the_number_of_workers_changes_no_byte(recorded, capsys, monkeypatch):
    monkeypatch.setattr("stapes.stream.score_track.SHORTEST_SEGMENT", 300)
    outputs = []
    for workers in ("1", "2", "5"):
        for options in ([], ["--json"]):
            assert score_model(recorded, "--workers", workers, *options) == 0
            outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[2] == outputs[4]
    assert outputs[1] == outputs[3] == outputs[5]


def test_flags_stand_in_for_the_models_decoder(recorded, capsys):
    assert score_model(recorded, "--detection_threshold", "1", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["correct"], report["false_accepts"]) == (0, 0)
    assert report["decoder"]["detection_threshold"] == 1


def test_the_tutorials_figures_come_first_where_they_are_asked_for(recorded, capsys):
    assert score_model(recorded, "--compatibility", "tutorial") == 0
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first.endswith("% false positives (by the tutorial's rules)")
    assert second.endswith("% false positives")


def test_misses_and_false_accepts_are_cut_out_to_listen_to(recorded, capsys):
    clips = recorded / "clips"
    assert score_model(recorded, "--clips", str(clips), "--json") == 0
    report = json.loads(capsys.readouterr().out)
    names = sorted(path.name for path in clips.iterdir())
    events = [report["missed"], report["wrong"], report["false_accepts"]]
    assert len(names) == sum(events)
    assert sum(name.startswith("false_accept_") for name in names) == report["false_accepts"]
    (missed,) = (path for path in clips.iterdir() if path.name.startswith("miss_"))
    assert missed.name == "miss_0001_0-02-02.000_yes.wav"
    audio = read_wav(recorded / "a.wav")
    assert read_wav(missed).tobytes() == audio[121_500 * 16 : 123_500 * 16].tobytes()
    assert score_model(recorded, "--clips", str(clips)) == 2
    assert "expected a new or empty folder" in capsys.readouterr().err


def test_cuts_appear_all_or_not_at_all(recorded, capsys, monkeypatch):
    written = []

    def write(path, *arguments, **options):
        if written:
            raise StapesError(f"{path}: cannot be written (No space left on device)")
        written.append(path)
        write_wav(path, *arguments, **options)

    monkeypatch.setattr(cuts, "write_wav", write)
    assert score_model(recorded, "--clips", str(recorded / "clips")) == 2
    assert written and "No space left" in capsys.readouterr().err
    assert not (recorded / "clips").exists() and not list(recorded.glob(".*"))


def test_a_decoder_that_makes_no_sense_is_refused_before_the_audio_is_heard(recorded, monkeypatch):
    monkeypatch.setattr(
        score_track, "load_track", lambda *arguments, **options: pytest.fail("heard")
    )
    assert score_model(recorded, "--average_window_duration_ms", "0") == 2


def test_audio_without_words_tells_false_accepts_per_hour(recorded, capsys):
    (recorded / "a.txt").write_text("")
    (recorded / "a.jsonl").unlink()
    assert score_model(recorded, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["words"] == 0
    assert report["false_accepts_per_hour"] == pytest.approx(report["false_accepts"] * 3600 / 124)


def test_the_ground_truth_of_other_audio_is_refused(recorded, capsys):
    (recorded / "a.txt").write_text("yes, 124000\nno, 1000\n")
    assert score_model(recorded) == 0
    (recorded / "a.txt").write_text("yes, 124001\nno, 1000\n")
    assert score_model(recorded) == 2
    error = capsys.readouterr().err
    assert "a.txt: found 'yes' at 124001 ms, expected times up to 124000 ms" in error
    assert error.count("\n") == 1


def test_curves_are_not_drawn_over_the_audio(recorded, capsys):
    content = (recorded / "a.wav").read_bytes()
    assert score_model(recorded, "--det_png", str(recorded / "a.wav")) == 2
    assert "a.wav: found an input of this command" in capsys.readouterr().err
    assert (recorded / "a.wav").read_bytes() == content


def test_curves_are_drawn(recorded):
    pytest.importorskip("matplotlib")
    assert score_model(recorded, "--det_png", str(recorded / "det.png")) == 0
    assert (recorded / "det.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "0"], "--workers=0: expected 1 to 256"),
        (["--clip_duration_ms", "-1"], "--clip_duration_ms=-1: expected 0 to"),
        (["--hysteresis", "2"], "--hysteresis=2: expected 0 to 1"),
        (["--det_png", "nowhere/det.png"], "nowhere/det.png: cannot be written"),
    ],
)
def test_a_mistake_is_one_line(recorded, capsys, options, message):
    assert score_model(recorded, *options) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error


def test_decoder_flags_and_clips_ask_for_what_they_need(tmp_path, capsys):
    assert score_command(tmp_path, "--detection_threshold", "0.5") == 2
    assert "--detection_threshold: expected --model as well" in capsys.readouterr().err
    assert score_command(tmp_path, "--clips", str(tmp_path / "clips")) == 2
    assert "--clips: expected --wav as well" in capsys.readouterr().err
