# SPDX-License-Identifier: Apache-2.0
"""Recordings in the page: the detections of replay, the scoring of `stapes stream score`; and
tuning, which acts on them at once."""

import base64
import dataclasses
import random
import struct

import numpy as np
import pytest
from pages import model_of, until

from stapes.audio.reader import read_audio
from stapes.audio.wav import read_wav, write_wav
from stapes.device.bundle import ModelBundle
from stapes.device.pipeline import Pipeline
from stapes.errors import StapesError
from stapes.model.metadata import read_settings
from stapes.stream.accuracy import ScoreSettings, score_stream
from stapes.stream.labels import LabelTime, read_labels
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


@pytest.fixture(scope="module")
def opened(site, browser):
    page = site.open(browser, fragment="#recording")
    yield page
    page.context.close()


@pytest.fixture
def page(opened):
    """One page for all tests, loaded again for each: it keeps nothing of a recording."""
    opened.reload()
    opened.wait_for_selector("body.ready")
    opened.errors.clear()
    yield opened
    assert opened.errors == []


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
    """The rows for the detections of replay, with these settings of the decoder."""
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


def test_scores_are_written_as_by_replay(page):
    """All of them: a browser rounds a half up, Python to the even digit."""
    found = page.evaluate(
        """async () => {
          const { decimals } = await import("./dom.js");
          return Array.from({ length: 65537 }, (_, score) => decimals(score / 65536, 5));
        }"""
    )
    assert found == [f"{score / 65536:.5f}" for score in range(65537)]
    clock = "import('./dom.js').then(({ clock }) => [0, 59996, 62340, 3600000].map(clock))"
    assert page.evaluate(clock) == ["0:00.00", "1:00.00", "1:02.34", "60:00.00"]


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
    truth[1][0] = "up"  # the word there is then a wrong one
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


@pytest.mark.parametrize("subtype", ["PCM_24", "PCM_32", "FLOAT"])
@pytest.mark.parametrize("channels", [1, 2])
def test_wavs_of_other_samples_give_the_same_detections(page, stream, tmp_path, subtype, channels):
    soundfile = pytest.importorskip("soundfile")
    samples = np.stack([read_wav(stream)] * channels, axis=1)
    if subtype == "FLOAT":
        samples = (samples / 32768).astype(np.float32)
    soundfile.write(tmp_path / "other.wav", samples, 16000, subtype=subtype)
    take(page, tmp_path / "other.wav")
    assert rows(page) == expected(stream)
    assert "was converted" in page.inner_text("#recording-state")


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_a_wav_with_open_sizes_is_heard_to_its_end(page, stream, tmp_path, subtype):
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(tmp_path / "open.wav", read_wav(stream), 16000, subtype=subtype)
    content = bytearray((tmp_path / "open.wav").read_bytes())
    for place in (4, content.index(b"data") + 4):
        struct.pack_into("<I", content, place, 0)
    (tmp_path / "open.wav").write_bytes(content)
    take(page, tmp_path / "open.wav")
    assert rows(page) == expected(stream)
    assert "does not say how long it is" in page.inner_text("#recording-state")


def test_a_wav_whose_size_lies_is_refused(page, stream, tmp_path):
    content = bytearray(stream.read_bytes())
    struct.pack_into("<I", content, 40, 32000)
    (tmp_path / "lies.wav").write_bytes(content)
    page.set_input_files("#audio-file", str(tmp_path / "lies.wav"))
    page.wait_for_selector("#recording-state.notice:has-text('as its header says: its sizes')")
    said = f"lies.wav: found {len(content)} bytes, expected 32044 as its header says"
    assert said in page.inner_text("#recording-state")


def test_floats_of_the_scale_of_integers_are_refused(page, stream, tmp_path):
    soundfile = pytest.importorskip("soundfile")
    samples = read_wav(stream).astype(np.float32)
    soundfile.write(tmp_path / "loud.wav", samples, 16000, subtype="FLOAT")
    page.set_input_files("#audio-file", str(tmp_path / "loud.wav"))
    page.wait_for_selector("#recording-state.notice:has-text('loud.wav: found samples up to')")


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_wavs_of_other_rates_are_resampled(page, stream, tmp_path, rate):
    soundfile = pytest.importorskip("soundfile")
    samples = read_audio(stream, sample_rate=rate, resample=True)
    soundfile.write(tmp_path / "other.wav", samples, rate)
    take(page, tmp_path / "other.wav")
    labels = [row["label"] for row in rows(page)]
    assert len(set(labels) & {row["label"] for row in expected(stream)}) >= len(labels) - 1 > 1
    assert "was converted" in page.inner_text("#recording-state")


def test_labels_as_any_editor_writes_them(page, stream, tmp_path):
    """A byte order mark, Windows line ends; a word that the model does not know."""
    text = stream.with_suffix(".txt").read_text() + "<img src=x onerror=alert(1)>, 99000\n"
    take(page, stream)
    state = page.inner_text("#recording-state")
    labels = tmp_path / "labels.txt"
    labels.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    page.set_input_files("#labels-file", str(labels))
    page.wait_for_selector(
        "#figures p:has-text('The model does not know “<img src=x onerror=alert(1)>”')"
    )
    assert page.locator("#recording img").count() == 0
    assert page.inner_text("#recording-state") == state
    labels.write_text("yes at 5\n")
    choose(page, labels)
    page.wait_for_selector("#recording-state.notice:has-text('labels.txt, line 1')")
    labels.write_text("yes, 5\n")  # it is corrected: the same file again
    choose(page, labels)
    page.wait_for_selector("#figures p:has-text('1 word: ')")
    page.wait_for_selector("#recording-state:not(.notice)")
    assert page.inner_text("#recording-state") == state


def choose(page, labels) -> None:
    """As a person does."""
    with page.expect_file_chooser() as chooser:
        page.click("#labels-file")
    chooser.value.set_files(str(labels))


def test_label_files_are_read_as_by_the_commands(page, tmp_path):
    """Every kind of line by itself: both read it, or neither does."""
    lines = [
        "yes, 100", "yes, 100, 0.5", "yes 100", ", 100", "yes, -1", "yes, many", "yes, 1e3",
        "# yes", "", "0.5\t0.75\tyes", "0,5\t0,75\tyes", "\\\t100\t200", "2\t1\tyes", "1\t2",
        "1\t2\t ", "1\t\tyes", "1\t2\tyes\tno", '{"label": "yes", "time_ms": 7}', '{"event": 1}',
        '{"label": 1, "time_ms": 7}', '{"label": "yes", "time_ms": "7"}',
        '{"label": "yes", "time_ms": null}', '{"label": "yes", "time_ms": [7]}',
        '{"label": "yes", "time_ms": true}', '{"label": "a, b", "time_ms": 7}', "yes, 0x10",
        "yes, 5.", "yes, .5, 0x1", '"yes", 5', "é" * 24 + ", 5", "é" * 25 + ", 5", "a\x7f, 5",
        "a\u00a0b, 5", "\u202eyes, 5", "_unknown_, 5", "0x1\t0x2\tyes",
    ]  # fmt: skip
    found = page.evaluate(
        """async (lines) => {
          const { readLabels } = await import("./scoring.js");
          const read = (line) => {
            try {
              return readLabels(line).map(({ timeMs, label }) => [timeMs, label]);
            } catch {
              return null;
            }
          };
          return lines.map(read);
        }""",
        lines,
    )
    wanted = []
    for line in lines:
        (tmp_path / "labels.txt").write_text(line + "\n")
        try:
            entries = read_labels(tmp_path / "labels.txt", what="labels")
            wanted.append([[entry.time_ms, entry.label] for entry in entries])
        except StapesError:
            wanted.append(None)
    assert wanted.count(None) > 5 and found == wanted


def test_wrong_labels_are_said_beside_the_recording_that_came_with_them(page, stream, tmp_path):
    (tmp_path / "labels.txt").write_text("yes at 5\n")
    files = [str(tmp_path / "labels.txt"), str(stream)]
    page.evaluate("document.getElementById('audio-file').multiple = true")
    page.set_input_files("#audio-file", files)
    page.wait_for_selector("#recording-state.notice:has-text('faster than real time')")
    assert "labels.txt, line 1" in page.inner_text("#recording-state")
    take(page, stream)
    page.wait_for_selector("#recording-state:not(.notice)")


def test_chosen_labels_may_have_any_name(page, stream, tmp_path):
    (tmp_path / "truth.tsv").write_text("0.5\t0.9\tyes\n")
    take(page, stream, tmp_path / "truth.tsv")
    page.wait_for_selector("#figures p:has-text('1 word: ')")


def test_labels_of_another_recording_are_said(page, stream, tmp_path):
    (tmp_path / "labels.txt").write_text("yes, 100\nyes, 99000\n")
    take(page, stream, tmp_path / "labels.txt")
    page.wait_for_selector("#figures p:has-text('“yes” at 1:39.00 lies after the end')")


def test_labels_without_a_recording_wait_for_it(page, stream):
    page.set_input_files("#labels-file", str(stream.with_suffix(".txt")))
    page.wait_for_selector("text=stream.txt: read. Now choose the audio")
    take(page, stream)
    page.wait_for_selector("#figures p")


def test_a_list_of_labels_without_end_is_cut(page, stream, tmp_path):
    take(page, stream)
    (tmp_path / "many.txt").write_text("".join(f"yes, {9000000 + i}\n" for i in range(20000)))
    page.set_input_files("#labels-file", str(tmp_path / "many.txt"))
    page.wait_for_selector("text=These are the first 1000 of 200")
    assert page.locator("#found tbody tr").count() == 1000
    (tmp_path / "huge.txt").write_bytes(bytes(5_000_000))
    page.set_input_files("#labels-file", str(tmp_path / "huge.txt"))
    page.wait_for_selector("text=huge.txt: larger than 4 MB.")


UNREADABLE = """for (const name of ["arrayBuffer", "text"]) {
  File.prototype[name] = async () => { throw new DOMException("gone", "NotFoundError"); };
}
undefined"""


def test_a_file_that_cannot_be_read_is_said(page, stream, tmp_path):
    """For example a folder that somebody dropped."""
    take(page, stream)
    page.evaluate(UNREADABLE)
    (tmp_path / "other.wav").touch()
    page.set_input_files("#audio-file", str(tmp_path / "other.wav"))
    page.wait_for_selector("text=other.wav: cannot be read.")
    page.set_input_files("#labels-file", str(stream.with_suffix(".txt")))
    page.wait_for_selector("text=stream.txt: cannot be read.")
    assert rows(page) == expected(stream)


def test_a_file_of_gigabytes_is_said(page, tmp_path):
    with (tmp_path / "day.wav").open("wb") as file:
        file.truncate((1 << 30) + 1)
    page.evaluate("void (File.prototype.arrayBuffer = () => { throw new Error('was read'); })")
    page.set_input_files("#audio-file", str(tmp_path / "day.wav"))
    page.wait_for_selector("text=day.wav: larger than 1 GB.")


def test_a_file_that_is_dropped_elsewhere_does_not_take_the_pages_place(page):
    stopped = """() => ["dragover", "drop"].map((name) => {
      const event = new DragEvent(name, { bubbles: true, cancelable: true });
      return !document.body.dispatchEvent(event);
    })"""
    assert page.evaluate(stopped) == [True, True]


def test_a_file_without_audio_is_said_and_the_one_before_stays(page, stream, tmp_path):
    take(page, stream)
    (tmp_path / "notes.wav").write_text("these are notes")
    page.set_input_files("#audio-file", str(tmp_path / "notes.wav"))
    page.wait_for_selector("text=notes.wav: this browser finds no audio in it.")
    assert rows(page) == expected(stream)
    page.click("#tab-tune")  # which still acts on that one
    page.get_by_label("Threshold", exact=True).fill("1")
    page.click("#tab-recording")
    until(page, "document.querySelectorAll('#found tbody tr').length === 0")
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
