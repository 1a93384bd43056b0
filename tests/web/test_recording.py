# SPDX-License-Identifier: Apache-2.0
"""Recordings in the page: the detections of replay, the scoring of `stapes stream score`; and
tuning, which acts on them at once."""

import base64
import dataclasses
import random

import numpy as np
import pytest
from pages import model_of, until

from stapes.audio.wav import read_wav, write_wav
from stapes.device.bundle import ModelBundle
from stapes.device.pipeline import Pipeline
from stapes.model.metadata import read_settings
from stapes.stream.accuracy import ScoreSettings, score_stream
from stapes.stream.labels import LabelTime
from stapes.stream.tutorial import tutorial_score

ROWS = """all => all.map((row) => ({
  timeMs: Number(row.dataset.time),
  label: row.dataset.label,
  score: row.cells[2].textContent,
  verdict: row.dataset.verdict ?? "",
}))"""


@pytest.fixture(scope="module")
def browser(chromium):
    return chromium()


@pytest.fixture
def page(site, browser):
    page = site.open(browser, fragment="#recording")
    yield page
    assert page.errors == []
    page.context.close()


def take(page, *paths) -> None:
    """Drops the audio, then its labels, and waits for the result."""
    page.set_input_files("#audio-file", str(paths[0]))
    page.wait_for_selector("#recording-state:has-text('faster than real time')")
    if len(paths) > 1:
        page.set_input_files("#labels-file", str(paths[1]))
        page.wait_for_selector("#figures p")


def rows(page) -> list[dict]:
    return page.eval_on_selector_all("#found tbody tr", ROWS)


def expected(stream, decoder=None) -> list[dict]:
    """The rows that replay's detections make; with other settings of the decoder."""
    bundle = ModelBundle.from_file(model_of("words"))
    if decoder:
        settings = dataclasses.replace(bundle.settings, decoder=decoder(bundle.settings.decoder))
        bundle = dataclasses.replace(bundle, settings=settings)
    trace = Pipeline(bundle).process(read_wav(stream))
    return [
        {"timeMs": d.time_ms, "label": d.label, "score": f"{d.score:.5f}", "verdict": ""}
        for d in trace.detections
    ]


def test_a_wav_gives_the_detections_of_replay(page, stream):
    take(page, stream)
    assert rows(page) == expected(stream) != []
    assert "converted" not in page.inner_text("#recording-state")


def test_a_dropped_file_is_taken_like_a_chosen_one(page, stream):
    data = base64.b64encode(stream.read_bytes()).decode()
    page.evaluate(
        """(data) => {
          const files = new DataTransfer();
          const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
          files.items.add(new File([bytes], "dropped.wav"));
          const drop = new DragEvent("drop", { dataTransfer: files, cancelable: true });
          document.getElementById("drop").dispatchEvent(drop);
        }""",
        data,
    )
    page.wait_for_selector("#recording-state:has-text('dropped.wav: ')")
    until(page, "document.querySelectorAll('#found tbody tr').length > 0")
    assert rows(page) == expected(stream)


def test_labels_bring_misses_false_accepts_and_the_tutorials_figures(page, stream, tmp_path):
    truth = [line.split(", ") for line in stream.with_suffix(".txt").read_text().splitlines()]
    truth[1][0] = "up"  # what is said there is a wrong word then
    truth = [*truth[:4], *truth[5:], ("go", "100000")]
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"{word}, {time}\n" for word, time in truth))
    take(page, stream, labels)
    entries = [LabelTime(label=word, time_ms=float(time)) for word, time in truth]
    heard = [LabelTime(label=r["label"], time_ms=r["timeMs"]) for r in expected(stream)]
    score = score_stream(entries, heard, settings=ScoreSettings())
    found = [row["verdict"] for row in rows(page)]
    assert found.count("correct") == score.correct > 0
    assert found.count("wrong word") == score.wrong > 0
    assert found.count("missed") == score.missed > 0
    assert found.count("false accept") == score.false_accepts > 0
    line = tutorial_score(entries, heard, clip_duration_ms=1000, time_tolerance_ms=750).to_text()
    assert page.inner_text("#figures p:first-child").startswith(line)


def test_scoring_is_that_of_the_command(page):
    """On random truths and detections, crowded so that all rules matter."""
    chance = random.Random(0)
    cases = []
    for _ in range(200):
        draw = lambda: {  # noqa: E731
            "timeMs": chance.randrange(0, 8000, 50),
            "label": chance.choice(("yes", "no", "up", "_unknown_", "_silence_")),
        }
        cases.append([[draw() for _ in range(chance.randrange(7))] for _ in range(2)])
    found = page.evaluate(
        """async (cases) => {
          const { scoreStream, tutorialScore } = await import("./scoring.js");
          return cases.map(([truth, heard]) => {
            const score = scoreStream(truth, heard, 1000);
            const tutorial = tutorialScore(truth, heard, 1000);
            return [score.correct.length, score.wrong.length, score.missed.length,
              score.falseAccepts.length, ...Object.values(tutorial)];
          });
        }""",
        cases,
    )
    for (truth, heard), counts in zip(cases, found, strict=True):
        lists = [
            [LabelTime(label=e["label"], time_ms=e["timeMs"]) for e in entries]
            for entries in (truth, heard)
        ]
        score = score_stream(*lists, settings=ScoreSettings())
        text = tutorial_score(*lists, clip_duration_ms=1000, time_tolerance_ms=750)
        shares = [text.matched, text.correct, text.wrong, text.false_positives]
        percents = [100 * n / text.words if text.words else 0 for n in shares]
        wanted = [score.correct, score.wrong, score.missed, score.false_accepts, *percents]
        assert counts == pytest.approx(wanted)


def test_other_rates_and_formats_are_converted_and_that_is_said(page, stream, tmp_path):
    soundfile = pytest.importorskip("soundfile")
    samples = np.repeat(read_wav(stream), 3)
    stereo = np.stack([samples, samples], axis=1)
    soundfile.write(tmp_path / "stereo.flac", stereo, 48000)
    take(page, tmp_path / "stereo.flac")
    assert "was converted" in page.inner_text("#recording-state")
    labels = [row["label"] for row in rows(page)]
    assert len(set(labels) & {row["label"] for row in expected(stream)}) >= len(labels) - 1 > 2


def test_a_file_without_audio_is_said_and_the_one_before_stays(page, stream, tmp_path):
    take(page, stream)
    (tmp_path / "notes.wav").write_text("these are notes")
    page.set_input_files("#audio-file", str(tmp_path / "notes.wav"))
    page.wait_for_selector("text=notes.wav: this browser finds no audio in it.")
    assert rows(page) == expected(stream)
    write_wav(tmp_path / "empty.wav", np.zeros(0, np.int16), sample_rate=16000)
    page.set_input_files("#audio-file", str(tmp_path / "empty.wav"))
    page.wait_for_selector("text=empty.wav: no samples in it.")
    (tmp_path / "wrong.txt").write_text("yes, 100\nno at 200\n")
    page.set_input_files("#labels-file", str(tmp_path / "wrong.txt"))
    page.wait_for_selector(
        "text=wrong.txt, line 2: found “no at 200”, expected “label, time in ms”"
    )


def test_a_threshold_acts_at_once_and_becomes_a_command(page, stream):
    take(page, stream)
    page.click("#tab-tune")
    threshold = page.get_by_label("Threshold", exact=True)
    threshold.fill("0.9")
    page.get_by_label("Averaging window").fill("300")
    strict = lambda d: dataclasses.replace(  # noqa: E731
        d, detection_threshold=0.9, average_window_duration_ms=300
    )
    wanted = expected(stream, strict)
    assert wanted not in ([], expected(stream))
    page.click("#tab-recording")
    until(page, f"document.querySelectorAll('#found tbody tr').length === {len(wanted)}")
    assert rows(page) == wanted
    page.click("#tab-tune")
    command = page.inner_text("#commands code >> nth=0")
    assert command.startswith("stapes set threshold:yes=0.9 threshold:no=0.9 ")
    own = read_settings(model_of("words")).decoder
    rest = f"suppression_ms={own.suppression_ms} minimum_count={own.minimum_count}"
    assert command.endswith(f"average_ms=300 {rest}")
    assert "--average_window_duration_ms 300" in page.inner_text("#commands code >> nth=1")
    assert "the model lost" in page.inner_text("#curve-state")
    page.click("text=Back to the model's own")
    page.click("#tab-recording")
    until(page, f"document.querySelectorAll('#found tbody tr').length === {len(expected(stream))}")
    assert rows(page) == expected(stream)


def test_each_word_can_have_a_threshold_of_its_own(page, stream):
    take(page, stream)
    page.click("#tab-tune")
    page.click("text=A threshold for each label")
    page.get_by_label("Threshold of “yes”").fill("1")
    page.click("#tab-recording")
    until(page, "!document.querySelector('#found tr[data-label=yes]')")
    assert [row["label"] for row in rows(page)] == [
        row["label"] for row in expected(stream) if row["label"] != "yes"
    ]
    page.click("#tab-tune")
    own = read_settings(model_of("words")).decoder.threshold("no")
    assert f"threshold:yes=1 threshold:no={own:g}" in page.inner_text("#commands code >> nth=0")


def test_commands_of_the_page_are_commands_of_stapes(page):
    """The parsers of stapes take what the page shows."""
    from stapes.cli.main import build_parser
    from stapes.link.decoder_settings import parse_changes

    page.click("#tab-tune")
    words = page.inner_text("#commands code >> nth=0").split()
    assert words[:2] == ["stapes", "set"]
    parse_changes(words[2:])
    words = page.inner_text("#commands code >> nth=1").split()
    build_parser("tune").parse_args(words[1:])
