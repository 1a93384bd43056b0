# SPDX-License-Identifier: Apache-2.0
"""`stapes monitor` at a bad serial port: a pseudo-terminal that the test controls."""

import base64
import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import tty
from queue import Empty, Queue

import numpy as np
import pytest
from link_bytes import cobs_decode, line

from stapes.audio.wav import read_wav
from stapes.cli.main import main
from stapes.corpus.hard_examples import hard_recordings
from stapes.errors import StapesError
from stapes.link import monitor as monitor_room
from stapes.link.monitor import Monitor
from stapes.link.transport import LinkClosed, SerialTransport

HELLO = "hello protocol=1 firmware=1 board=b model=m labels=_silence_,yes,no sample_rate=16000"
PATIENCE = 120.0  # a busy machine may need many


class Board:
    """The board's end of a serial cable; `path` is where the monitor finds the other end."""

    def __init__(self, path):
        self.path = path
        self.plug_in()

    def plug_in(self):
        self._ours, theirs = os.openpty()
        tty.setraw(theirs)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(theirs))
        self._theirs = theirs

    def send(self, data: bytes):
        os.write(self._ours, data)

    def receive(self) -> bytes:
        return os.read(self._ours, 1000)

    def pull_out(self):
        self.path.unlink()
        os.close(self._theirs)
        os.close(self._ours)


class Watching:
    """A running monitor and the lines that it has printed."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stapes", "monitor", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out, self.err = Queue(), Queue()
        for stream, queue in ((self.process.stdout, self.out), (self.process.stderr, self.err)):
            threading.Thread(target=self._collect, args=(stream, queue), daemon=True).start()

    @staticmethod
    def _collect(stream, queue):
        for text in stream:
            queue.put(text.rstrip("\n"))

    def next(self, queue=None) -> str:
        try:
            return (queue or self.out).get(timeout=PATIENCE)
        except Empty:
            pytest.fail("the monitor printed nothing")

    def until(self, part: str, queue=None) -> str:
        while part not in (text := self.next(queue)):
            pass
        return text

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@pytest.fixture
def board(tmp_path):
    board = Board(tmp_path / "tty")
    yield board
    with contextlib.suppress(OSError):
        board.pull_out()


@pytest.fixture
def watch():
    started = []

    def start(*words):
        started.append(Watching(*words))
        started[-1].until("watching", started[-1].err)
        return started[-1]

    yield start
    for monitor in started:
        monitor.process.kill()
        monitor.process.wait()


def detection(sequence: int, time_ms: int) -> bytes:
    return line(sequence, f"detection time_ms={time_ms} label=yes score=0.87500")


def test_detections_are_shown_with_time_label_score_and_bar(board, watch):
    monitor = watch("--port", board.path)
    board.send(line(0, HELLO) + detection(1, 3_723_004))
    assert monitor.next() == "b: model m, firmware 1, hears _silence_, yes, no"
    assert monitor.next() == "1:02:03.004  yes              0.875 " + "#" * 18


def test_json_gives_one_object_for_each_event(board, watch):
    monitor = watch("--port", board.path, "--json")
    board.send(line(4, "scores time_ms=30 q=80FF7F"))
    entry = json.loads(monitor.next())
    assert entry.pop("received").endswith("+00:00")
    assert entry == {"event": "scores", "sequence": 4, "time_ms": 30, "q": [-128, -1, 127]}


def test_the_board_is_asked_who_it_is(board, watch):
    watch("--port", board.path)
    assert board.receive().count(b"\0") >= 2


def test_noise_and_cut_lines_cost_no_whole_line_and_are_told(board, watch):
    monitor = watch("--port", board.path)
    noise = np.random.default_rng(0).integers(0, 256, 3000).astype(np.uint8).tobytes()
    board.send(noise + b"\n" + detection(1, 1000) + detection(2, 2000)[:20] + b"\r\n")
    board.send(detection(4, 4000))
    assert monitor.next().startswith("0:00:01.000")
    assert monitor.next().startswith("0:00:04.000")
    assert "missing lines" in monitor.until("missing", monitor.err)


def test_a_reset_in_mid_line_is_told_and_survived(board, watch):
    monitor = watch("--port", board.path)
    board.send(detection(7, 1000) + detection(8, 2000)[:25] + line(0, HELLO) + detection(1, 60))
    assert monitor.next().startswith("0:00:01.000")
    assert monitor.next().startswith("b: model m")
    assert monitor.next().startswith("0:00:00.060")
    monitor.until("restarted", monitor.err)


def test_unplugging_is_told_and_the_board_is_found_again(board, watch):
    monitor = watch("--port", board.path)
    board.send(detection(1, 1000))
    assert monitor.next().startswith("0:00:01.000")
    board.pull_out()
    monitor.until("the connection ended", monitor.err)
    board.plug_in()
    monitor.until("watching", monitor.err)
    board.send(detection(9, 9000))
    assert monitor.next().startswith("0:00:09.000")


def test_ctrl_c_ends_it_with_a_summary_and_status_0(board, watch):
    monitor = watch("--port", board.path)
    board.send(detection(1, 1000))
    monitor.next()
    assert monitor.stop() == 0
    assert "1 events, 0 damaged" in monitor.until("events", monitor.err)


def frames_of(data: bytes) -> list[bytes]:
    """Type and payload of each whole frame."""
    frames = [cobs_decode(frame) for frame in data.split(b"\0")[:-1] if frame]
    return [frame[:1] + frame[2:-2] for frame in frames]


def test_the_answer_to_hello_is_not_shown_twice_a_restart_is(board, watch):
    monitor = watch("--port", board.path)
    board.send(line(0, HELLO) + line(1, HELLO + " request=1") + detection(2, 1000))
    assert monitor.next().startswith("b: model m")
    assert monitor.next().startswith("0:00:01.000")
    board.send(line(0, HELLO) + detection(1, 2000))
    assert monitor.next().startswith("b: model m")
    assert monitor.next().startswith("0:00:02.000")


def test_of_an_emulated_board_it_says_what_it_can_hear(board, watch):
    monitor = watch("--port", board.path)
    board.send(line(0, HELLO.replace("board=b", "board=mps2_an386")))
    assert monitor.next().startswith("mps2_an386: model m")
    monitor.until("mps2_an386 hears only what --replay WAV plays", monitor.err)


def test_a_port_at_which_nobody_speaks_is_named_once(board, monkeypatch):
    monkeypatch.setattr(monitor_room, "SILENT_SECONDS", 0.2)
    port = SerialTransport(str(board.path), baud=115200)
    entries = Monitor(lambda: port, tick_seconds=0.05).watch()
    board.send(b"noise that is no line\n")
    seen = [entry for _, entry in zip(range(20), entries, strict=False) if entry is not None]
    silent = [entry for entry in seen if entry.name == "silent"]
    assert len(silent) == 1 and f"no board speaks at {board.path}; check" in silent[0].text
    entries.close()


def test_a_board_that_speaks_is_not_called_silent(board, monkeypatch):
    monkeypatch.setattr(monitor_room, "SILENT_SECONDS", 0.2)
    port = SerialTransport(str(board.path), baud=115200)
    entries = Monitor(lambda: port, tick_seconds=0.05).watch()
    board.send(line(0, HELLO))
    seen = [entry for _, entry in zip(range(20), entries, strict=False) if entry is not None]
    assert {entry.name for entry in seen} == {"connected", "hello"}
    entries.close()


def test_silence_is_shown_only_when_asked_for(board, watch):
    silence = line(1, "detection time_ms=500 label=_silence_ score=0.90000")
    for words, shown in (((), "0:00:01.000"), (("--show_silence",), "0:00:00.500")):
        monitor = watch("--port", board.path, *words)
        board.send(silence + detection(2, 1000))
        assert monitor.next().startswith(shown)
        monitor.stop()


def test_settings_are_sent_again_to_a_board_that_began_again(board, watch):
    watch("--port", board.path, "--set", "threshold:no=0.5", "--set", "average_ms=400")
    wanted = {
        b"\x07" + struct.pack("<HI", 2, 32768),
        b"\x08" + struct.pack("<IIH", 400, 0xFFFFFFFF, 0xFFFF),
    }
    for _ in range(2):
        board.send(line(0, HELLO))
        sent = b""
        deadline = time.monotonic() + PATIENCE
        while not wanted <= set(frames_of(sent)):
            assert time.monotonic() < deadline
            sent += board.receive()


def test_a_setting_that_the_board_refuses_is_told(board, watch):
    monitor = watch("--port", board.path, "--set", "average_ms=9000")
    board.send(line(0, HELLO) + line(1, "refused request=3 reason=too%20long"))
    monitor.until("the board refused: too long", monitor.err)


def test_statistics_are_shown_when_the_board_says_them_by_itself(board, watch):
    monitor = watch("--port", board.path)
    board.send(line(1, "stats request=9 frames=1") + line(2, "stats frames=7 overruns=0"))
    assert monitor.next() == "stats: frames=7"


def test_a_label_that_the_model_does_not_have_is_a_mistake(board, watch):
    monitor = watch("--port", board.path, "--set", "threshold:maybe=0.5")
    board.send(line(0, HELLO))
    monitor.until("found label 'maybe', expected one of _silence_, yes, no", monitor.err)
    assert monitor.process.wait(PATIENCE) == 2


def test_the_log_holds_every_event_and_rotates(board, watch, tmp_path):
    log = tmp_path / "log.jsonl"
    monitor = watch("--port", board.path, "--log", log, "--log_bytes", 500, "--log_files", 2)
    for number in range(20):
        board.send(detection(number, 1000 * number))
        monitor.until(f"0:00:{number:02}")
    assert monitor.stop() == 0
    files = [tmp_path / name for name in ("log.jsonl.2", "log.jsonl.1", "log.jsonl")]
    assert set(files) == set(tmp_path.glob("log*"))
    assert all(path.stat().st_size <= 500 for path in files)
    entries = [json.loads(text) for path in files for text in path.read_text().splitlines()]
    times = [entry["time_ms"] for entry in entries if entry["event"] == "detection"]
    assert times == list(range(times[0], 20_000, 1000))


def audio(sequence: int, sample: int, samples: np.ndarray) -> bytes:
    pcm = base64.b64encode(samples.astype("<i2").tobytes()).decode().rstrip("=")
    return line(sequence, f"audio sample={sample} pcm={pcm}")


def test_what_the_board_hears_becomes_a_wav_with_silence_where_some_is_missing(
    board, watch, tmp_path
):
    wav = tmp_path / "heard.wav"
    heard = np.arange(-500, 500, dtype=np.int16)
    monitor = watch("--port", board.path, "--wav", wav)
    board.send(line(0, HELLO) + audio(1, 0, heard[:100]) + audio(2, 100, heard[100:300]))
    board.send(line(3, "audio sample=300 pcm=###") + audio(4, 400, heard[400:]) + detection(5, 60))
    monitor.until("0:00:00.060")
    assert not wav.exists()
    assert monitor.stop() == 0
    expected = heard.copy()
    expected[300:400] = 0
    np.testing.assert_array_equal(read_wav(wav, sample_rate=16000), expected)
    monitor.until("1000 samples, 100 of them missing", monitor.err)


def test_a_wav_of_nothing_is_not_written(board, watch, tmp_path):
    monitor = watch("--port", board.path, "--wav", tmp_path / "heard.wav")
    assert monitor.stop() == 0
    monitor.until("not written", monitor.err)
    assert not list(tmp_path.glob("*.wav"))
    assert not list(tmp_path.glob(".stapes*"))


@pytest.mark.parametrize("rate", ["0", "20000000", str(2**31)])
def test_a_board_with_a_rate_that_cannot_be_is_told_and_not_recorded(board, watch, tmp_path, rate):
    wav, hard = tmp_path / "heard.wav", tmp_path / "hard"
    monitor = watch("--port", board.path, "--wav", wav, "--keep_detections", hard)
    absurd = HELLO.replace("16000", rate)
    board.send(line(0, absurd) + audio(1, 0, np.ones(100, np.int16)) + detection(2, 60))
    monitor.until("0:00:00.060")
    assert monitor.stop() == 0
    monitor.until(f"found '{rate}' for sample_rate in its line 'hello'", monitor.err)
    assert not wav.exists()
    assert not list((hard / "clips").iterdir())


def limited(monitor_words, file_bytes):
    """A monitor on a disk that takes no larger file."""
    command = [sys.executable, "-m", "stapes", "monitor", "--port", "-", *map(str, monitor_words)]
    limit = (
        f"import resource, os, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({file_bytes},)*2)"
    )
    program = [sys.executable, "-c", f"{limit}; os.execv(sys.argv[1], sys.argv[1:])", *command]
    said = [line(0, HELLO)]
    for number in range(40):
        said.append(audio(2 * number + 1, 100 * number, np.full(100, number + 1, np.int16)))
        said.append(detection(2 * number + 2, number))
    return subprocess.run(program, input=b"".join(said), capture_output=True, timeout=PATIENCE)


def test_a_full_disk_keeps_what_the_board_said_until_then(tmp_path):
    wav = tmp_path / "heard.wav"
    done = limited(["--wav", wav], 5000)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[-1] == (
        f"stapes: error: {wav}: cannot be written (File too large); what was heard until then is "
        "in it, 2400 samples; make room, or choose another disk"
    )
    assert len(read_wav(wav, sample_rate=16000)) == 2400
    assert list(tmp_path.iterdir()) == [wav]


def test_a_log_on_a_full_disk_is_named(tmp_path):
    log = tmp_path / "week.jsonl"
    done = limited(["--log", log], 1000)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[-1] == (
        f"stapes: error: {log}: cannot be written (File too large); "
        "choose a folder that exists, is yours and has room"
    )
    entries = [json.loads(text) for text in log.read_text().splitlines()]  # whole lines only
    assert entries[1]["event"] == "hello"
    assert log.read_text().endswith("}\n")


def test_the_seconds_around_a_detection_become_training_data(board, watch, tmp_path):
    monitor = watch("--port", board.path, "--keep_detections", tmp_path / "hard")
    board.send(line(0, HELLO) + audio(1, 0, np.arange(1, 801, dtype=np.int16)) + detection(2, 40))
    monitor.until("0:00:00.040")
    assert monitor.stop() == 0
    monitor.until("1 detections kept", monitor.err)
    (clip,) = hard_recordings(tmp_path / "hard")
    assert np.count_nonzero(read_wav(clip, sample_rate=16000)) == 800


def test_it_ends_by_itself_when_told_to(board):
    command = [sys.executable, "-m", "stapes", "monitor", "--port", str(board.path)]
    done = subprocess.run([*command, "--seconds", "0.5"], capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0


def test_garbage_half_lines_and_hang_ups_for_a_while(board, watch):
    monitor = watch("--port", board.path, "--json")
    rng = np.random.default_rng(1)
    for number in range(4):
        whole = [detection(i, 1000 * i) for i in range(40)]
        for i in rng.choice(39, 12, replace=False):
            cut = rng.integers(0, len(whole[i]))
            whole[i] = whole[i][:cut] + rng.integers(0, 256, 20).astype(np.uint8).tobytes() + b"\n"
        board.send(b"".join(whole))
        while json.loads(monitor.next())["time_ms"] != 39_000:
            pass
        if number < 3:
            board.pull_out()
            monitor.until("the connection ended", monitor.err)
            board.plug_in()
            monitor.until("watching", monitor.err)
    assert monitor.stop() == 0


def test_on_a_terminal_the_label_that_was_heard_lights_up(board):
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "stapes", "monitor", "--port", str(board.path)]
    process = subprocess.Popen(
        command, stdout=theirs, stderr=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + PATIENCE
    while b"\x1b[1;30;42m yes " not in shown and time.monotonic() < deadline:
        board.send(line(0, HELLO + " stride_samples=320") + detection(1, 1000))
        shown += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):
        while os.read(ours, 4096):
            pass
    assert process.wait(PATIENCE) == 0
    os.close(ours)
    assert b"b: m, firmware 1" in shown
    assert b"88%" in shown


def test_a_pipe_is_read_to_its_end(watch):
    monitor = watch("--port", "-")
    monitor.process.stdin.write(detection(0, 1000).decode())
    monitor.process.stdin.close()
    assert monitor.process.wait(PATIENCE) == 0
    assert monitor.next().startswith("0:00:01.000")


def test_a_reader_that_goes_away_ends_it_quietly(board):
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "stapes", "monitor", "--port", str(board.path)]
    process = subprocess.Popen(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    os.close(reading)
    assert "watching" in process.stderr.readline()
    deadline = time.monotonic() + PATIENCE
    sequence = 0
    while process.poll() is None and time.monotonic() < deadline:
        board.send(detection(sequence := sequence + 1, 1000))
        time.sleep(0.05)
    process.kill()
    assert process.wait() == 1
    assert "Traceback" not in process.stderr.read()


def test_a_port_that_is_not_there_is_a_mistake():
    done = subprocess.run(
        [sys.executable, "-m", "stapes", "monitor", "--port", "/dev/none"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("stapes: error: /dev/none: cannot be opened (No such file")
    assert done.stderr.count("\n") == 1


def test_log_and_wav_are_two_files(tmp_path, capsys):
    path = str(tmp_path / "heard")
    assert main(["monitor", "--port", "/dev/none", "--log", path, "--wav", path]) == 2
    assert "found for --log and --wav, expected two files" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_port_that_another_program_reads_is_refused_until_it_ends():
    controller, port = os.openpty()
    name = os.ttyname(port)
    with (
        contextlib.closing(SerialTransport(name, baud=115200)),
        pytest.raises(StapesError, match="found another program at this port"),
    ):
        SerialTransport(name, baud=115200)
    SerialTransport(name, baud=115200).close()
    os.close(port)
    os.close(controller)


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1"])
def test_a_time_that_never_ends_is_refused(seconds, capsys):
    assert main(["monitor", "--port", "-", f"--seconds={seconds}"]) == 2
    assert f"--seconds={seconds}: expected 0 to" in capsys.readouterr().err


class Nonsense:
    """A transport from which thousands of damaged lines come."""

    name = "nonsense"

    def __init__(self):
        self.left = 2000

    def write(self, data):
        pass

    def read(self, timeout):
        self.left -= 1
        if not self.left:
            raise LinkClosed("gone")
        return b"~damaged\n" + line(self.left, "ok")

    def close(self):
        pass


def test_lost_lines_are_told_once_a_second_however_many_there_are():
    began = time.monotonic()
    watch = Monitor(Nonsense, reconnect=False)
    told = [found for found in watch.watch() if found and found.name == "lost"]
    assert 1 <= len(told) <= 2 + (time.monotonic() - began) / monitor_room.LOSS_SECONDS
    assert watch.reader.counts.damaged > 1000
