# SPDX-License-Identifier: Apache-2.0
"""What a board hears, in files: none is too long, and none is lost."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from disk import room_for

from stapes.audio.wav import read_wav_with_rate
from stapes.errors import StapesError
from stapes.link import wav_capture
from stapes.link.protocol import Event
from stapes.link.wav_capture import MAX_GAP_SECONDS, MAX_SAMPLES, WavCapture

RATE = 8000
HEARD = np.arange(1, 1001, dtype=np.int16)


def audio(first, count=100):
    """Samples whose values are their places."""
    pcm = base64.b64encode(HEARD[first : first + count].astype("<i2").tobytes()).decode()
    return Event(name="audio", sequence=0, fields={"sample": str(first), "pcm": pcm.rstrip("=")})


def capture(folder, **options):
    wav = WavCapture(folder / "heard.wav", **options)
    wav.start(RATE)
    return wav


def files(folder):
    """Name, rate and samples of all files, by name."""
    found = {}
    for path in sorted(folder.iterdir()):
        samples, rate = read_wav_with_rate(path)
        found[path.name] = (rate, samples.tolist())
    return found


def test_a_board_that_changes_its_rate_for_ever_does_not_fill_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(wav_capture, "MOST_FILES", 3)
    wav = capture(tmp_path)
    with pytest.raises(StapesError, match=r"heard\.wav: found a board that has filled 3 files"):
        for number in range(10):
            wav.start(RATE * (1 + number % 2))
            wav.hear(audio(0))
    assert len(files(tmp_path)) == 3


def test_a_full_file_is_closed_and_the_next_one_begins_in_the_middle_of_a_line(tmp_path):
    wav = capture(tmp_path, max_samples=250)
    for first in range(0, 600, 100):
        wav.hear(audio(first))
    assert wav.paths == [tmp_path / "heard.wav", tmp_path / "heard-2.wav"]  # while it still runs
    wav.close()
    assert files(tmp_path) == {
        "heard.wav": (RATE, HEARD[:250].tolist()),
        "heard-2.wav": (RATE, HEARD[250:500].tolist()),
        "heard-3.wav": (RATE, HEARD[500:600].tolist()),
    }
    assert wav.samples == 600


def test_silence_is_split_as_samples_are(tmp_path):
    wav = capture(tmp_path, max_samples=150)
    wav.hear(audio(0))
    wav.hear(audio(400))
    wav.close()
    together = [sample for _, part in sorted_parts(tmp_path) for sample in part]
    expected = [*HEARD[:100], *np.zeros(300, np.int16), *HEARD[400:500]]
    assert together == expected
    assert (wav.samples, wav.missing) == (500, 300)
    assert all(len(part) <= 150 for _, part in sorted_parts(tmp_path))


def sorted_parts(folder):
    """In the order in which they were heard."""
    return [
        part for _, part in sorted(files(folder).items(), key=lambda item: (len(item[0]), item))
    ]


def test_a_file_of_the_limit_is_one_that_every_reader_takes():
    assert 44 + 2 * MAX_SAMPLES < 0x7FFFF000
    assert MAX_SAMPLES / 16000 / 3600 > 18  # hours


def test_the_next_file_takes_no_name_that_is_there_already(tmp_path):
    (tmp_path / "heard-2.wav").write_bytes(b"mine")
    wav = capture(tmp_path, max_samples=100)
    wav.hear(audio(0, 200))
    wav.close()
    assert (tmp_path / "heard-2.wav").read_bytes() == b"mine"
    assert [path.name for path in wav.paths] == ["heard.wav", "heard-3.wav"]


def test_another_sample_rate_begins_another_file(tmp_path):
    wav = capture(tmp_path)
    wav.hear(audio(0))
    wav.start(RATE)
    wav.hear(audio(100))
    wav.start(16000)
    wav.hear(audio(0))
    wav.close()
    assert {name: (rate, len(heard)) for name, (rate, heard) in files(tmp_path).items()} == {
        "heard.wav": (RATE, 200),
        "heard-2.wav": (16000, 100),
    }


@pytest.mark.parametrize("room", [44 + 2 * 250, 44 + 2 * 250 + 1, 44 + 2 * 299])
def test_a_full_disk_keeps_the_lines_that_were_captured(tmp_path, room):
    wav = capture(tmp_path)
    with (
        room_for(room),
        pytest.raises(
            StapesError, match=r"heard.wav: cannot be written \(File too large\)"
        ) as told,
    ):
        for first in range(0, 1000, 100):
            wav.hear(audio(first))
    assert "what was heard until then is in it, 200 samples" in str(told.value)
    wav.close()
    assert files(tmp_path) == {"heard.wav": (RATE, HEARD[:200].tolist())}
    assert (tmp_path / "heard.wav").stat().st_size == 44 + 2 * 200


@pytest.mark.parametrize("room", [10, 44, 100])
def test_a_disk_without_room_for_a_line_gets_no_file(tmp_path, room):
    wav = capture(tmp_path)
    with room_for(room), pytest.raises(StapesError, match=r"heard\.wav: cannot be written"):
        wav.hear(audio(0))
    wav.close()
    assert not list(tmp_path.iterdir())


def test_silence_takes_no_room_on_the_disk(tmp_path):
    wav = capture(tmp_path)
    wav.start(48000)
    wav.hear(audio(0, 1))
    for _ in range(50):  # of a board that sends few bytes for a long gap
        event = audio(0, 1)
        event.fields["sample"] = str(wav.samples + MAX_GAP_SECONDS * 48000)
        wav.hear(event)
    wav.close()
    assert wav.samples > 20_000_000
    assert (tmp_path / "heard.wav").stat().st_blocks * 512 < 1_000_000


def test_a_gap_that_is_too_long_to_be_one_is_left_out(tmp_path):
    wav = capture(tmp_path)
    wav.hear(audio(0))
    event = audio(100)
    event.fields["sample"] = str(10**19)
    wav.hear(event)
    wav.close()
    assert (wav.samples, wav.missing) == (200, 0)


def test_audio_before_any_rate_is_left_out(tmp_path):
    wav = WavCapture(tmp_path / "heard.wav")
    wav.hear(audio(0))
    wav.close()
    assert not list(tmp_path.iterdir())
