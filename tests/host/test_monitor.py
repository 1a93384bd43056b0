"""`stapes monitor` beside a serial port that misbehaves: a pseudo-terminal that the test holds."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import tty
from queue import Empty, Queue

import numpy as np
import pytest
from test_link_protocol import line

HELLO = "hello protocol=1 firmware=1 board=b model=m labels=_silence_,yes,no sample_rate=16000"
PATIENCE = 20.0


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
    monitor.until("began again", monitor.err)


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
