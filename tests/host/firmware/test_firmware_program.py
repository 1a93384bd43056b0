# SPDX-License-Identifier: Apache-2.0
"""stapes-firmware, the firmware as a program of this machine: its options, output and errors."""

import subprocess

import numpy as np
import pytest

from stapes import __version__
from stapes.audio.wav import write_wav
from stapes.link.heard import detection_of
from stapes.link.protocol import LineReader
from stapes.replay import NativePlayer, open_player


@pytest.fixture(scope="module")
def run(firmware):
    def call(*arguments, stdin=b""):
        return subprocess.run(
            [firmware.program, *map(str, arguments)], input=stdin, capture_output=True, timeout=300
        )

    return call


@pytest.fixture
def audio():
    return np.random.default_rng(8).integers(-20000, 20000, 40_000).astype(np.int16)


@pytest.fixture
def wav(tmp_path, audio):
    path = tmp_path / "a.wav"
    write_wav(path, audio, sample_rate=16000)
    return path


def events(output: bytes):
    reader = LineReader()
    found = list(reader.feed(output))
    assert reader.counts.damaged == reader.counts.lost == 0
    return found


def test_a_wav_gives_hello_scores_detections_and_done(run, firmware, wav, audio):
    done = run("--scores", wav)
    assert (done.returncode, done.stderr) == (0, b"")
    hello, *middle, last = events(done.stdout)
    expected = NativePlayer(firmware.model).play(audio)
    assert hello.fields["firmware"] == __version__
    scores = [event.values()["q"] for event in middle if event.name == "scores"]
    assert scores == expected.scores.tolist()
    found = [detection_of(event) for event in middle if event.name == "detection"]
    assert found == expected.detections != []
    assert last.values() == {
        "samples": len(audio),
        "frames": expected.frames,
        "detections": len(expected.detections),
    }


def test_a_network_that_sees_whole_windows_gives_what_python_gives(window_firmware, audio):
    expected = NativePlayer(window_firmware.model).play(audio)
    with open_player(program=window_firmware.program, send_scores=True) as player:
        replayed = player.play(audio)
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    np.testing.assert_array_equal(replayed.times_ms, expected.times_ms)
    np.testing.assert_array_equal(replayed.features_crc, expected.features_crc)
    assert replayed.detections == expected.detections
    assert len(np.unique(expected.scores, axis=0)) > 20  # of 35: the answers differ


def test_hello_says_how_far_scores_are_apart(firmware, window_firmware):
    for build, stride in ((firmware, 320), (window_firmware, 3 * 320)):
        done = subprocess.run([build.program, "--raw", "-"], input=bytes(2), capture_output=True)
        assert events(done.stdout)[0].number("stride_samples") == stride


def test_without_scores_there_are_none(run, wav):
    names = {event.name for event in events(run(wav).stdout)}
    assert names == {"hello", "detection", "done"}


def test_standard_input_and_raw_samples_give_the_same(run, wav, audio):
    expected = run(wav).stdout
    assert run("-", stdin=wav.read_bytes()).stdout == expected
    assert run("--raw", "-", stdin=audio.tobytes()).stdout == expected


def test_help_has_an_example_and_version_names_the_model(run):
    assert b"Example: stapes-firmware" in run("--help").stdout
    assert (
        f"stapes-firmware {__version__}\nmodel small, SHA-256 ".encode() in run("--version").stdout
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.wav", None, "cannot be read (No such file or directory)"),
        ("text.wav", b"no wav file at all", "expected a RIFF/WAVE file"),
        ("empty.wav", b"", "found an empty file"),
        ("cut.wav", lambda good: good[:-100], "cut short, or its header is wrong"),
        (
            "rate.wav",
            lambda good: good.replace(b"\x80\x3e\0\0\0\x7d", b"\x40\x1f\0\0\x80\x3e"),
            "Hz",
        ),
        ("stereo.wav", lambda good: good.replace(b"\1\0\1\0", b"\1\0\2\0", 1), "found 2 channels"),
    ],
)
def test_a_bad_wav_is_one_line_on_stderr_and_nothing_on_stdout(
    run, tmp_path, wav, name, content, said
):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content(wav.read_bytes()) if callable(content) else content)
    done = run(path)
    assert done.returncode == 2
    assert done.stdout == b""
    message = done.stderr.decode()
    assert message.startswith(f"stapes-firmware: error: {path}: ")
    assert said in message
    assert message.count("\n") == 1


def test_raw_input_of_half_a_sample_or_none_is_refused(run):
    assert b"found half a sample" in run("--raw", "-", stdin=b"\1\2\3").stderr
    assert b"found no samples" in run("--raw", "-").stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a.wav", "b.wav"),
        ("--loud", "a.wav"),
        ("--link", "a.wav"),
        ("--link", "--raw"),
        ("--link", "--scores"),
    ],
)
def test_wrong_options_are_one_line_and_status_2(run, arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(b"stapes-firmware: error: ")
    assert done.stderr.count(b"\n") == 1


def test_a_link_whose_host_hangs_up_ends(run):
    assert run("--link").returncode == 0


def test_a_missing_raw_file_is_not_said_to_be_a_wav(run, tmp_path):
    said = run("--raw", tmp_path / "none.raw").stderr
    assert b"none.raw: cannot be read (No such file or directory), expected 16-bit samples" in said


@pytest.mark.parametrize("arguments", [("a.wav",), ("--help",), ("--version",), ("--link",)])
def test_output_that_nobody_takes_is_an_error(firmware, wav, arguments):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [firmware.program, *arguments],
            cwd=wav.parent,
            stdin=subprocess.PIPE,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=300,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"stapes-firmware: error: standard output: cannot be written")
    assert done.stderr.count(b"\n") == 1


def test_an_endless_input_ends_with_the_reader_of_the_output(firmware):
    # Silence has few detections, so perhaps no write fails after the reader has gone.
    with open("/dev/zero", "rb") as silence:  # noqa: PTH123
        program = subprocess.Popen(
            [firmware.program, "--raw", "-"],
            stdin=silence,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    assert b" hello " in program.stdout.readline()
    program.stdout.close()
    try:
        assert program.wait(timeout=300) == 1
        assert b"standard output: cannot be written" in program.stderr.read()
    finally:
        program.kill()
        program.stderr.close()
