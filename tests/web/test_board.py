# SPDX-License-Identifier: Apache-2.0
"""A board in the page: a stand-in for its serial port, the firmware of this machine behind it."""

import dataclasses
import select
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pages import serving, until

from stapes.link.protocol import FrameType, encode_frame
from stapes.model.settings import DecoderSettings, ModelSettings
from stapes.page.site import build_site

LABELS = ("_silence_", "_unknown_", "yes", "no")
DECODER = DecoderSettings(
    average_window_duration_ms=200,
    detection_threshold=0.3,
    suppression_ms=100,
    minimum_count=1,
    mode="streaming",
    retrigger=True,
)

# Like Chromium's own, as far as the page uses it.
PORT = """
const pause = () => new Promise((resume) => setTimeout(resume, 20));
const port = {
  async open(options) {
    if (!(await boardOpen(options.baudRate))) throw new DOMException("in use", "NetworkError");
    this.readable = new ReadableStream({
      async pull(controller) {
        for (;;) {
          const bytes = await boardRead();
          if (bytes === null) return controller.error(new DOMException("gone", "NetworkError"));
          if (bytes.length > 0) return controller.enqueue(Uint8Array.from(bytes));
          await pause();
        }
      },
    });
    this.writable = new WritableStream({ write: (bytes) => boardWrite([...bytes]) });
  },
  async close() {},
};
const serial = { requestPort: async () => port };
Object.defineProperty(navigator, "serial", { value: serial, configurable: true });
"""


class StandIn:
    """The other side of the port. `garbage` comes before the firmware's lines."""

    def __init__(self, command: list[str], *, garbage: bytes = b"", opens: bool = True) -> None:
        self._command, self._garbage, self._opens = command, garbage, opens
        self._program: subprocess.Popen | None = None
        self._sent = 0

    def attach(self, context) -> None:
        context.expose_function("boardOpen", self.open)
        context.expose_function("boardRead", self.read)
        context.expose_function("boardWrite", self.write)

    def open(self, baud: int) -> bool:
        assert baud == 115200
        if self._opens:
            self._program = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        return self._opens

    def read(self) -> list[int] | None:
        garbage, self._garbage = self._garbage, b""
        if garbage:
            return list(garbage)
        ready, _, _ = select.select([self._program.stdout], [], [], 0)
        data = self._program.stdout.read(4096) if ready else b""
        return None if ready and not data else list(data)

    def write(self, data: list[int]) -> None:
        self._program.stdin.write(bytes(data))

    def speak(self, samples: np.ndarray) -> None:
        """Lets the board hear something, beside what the page says to it."""
        for start in range(0, len(samples), 128):
            payload = samples[start : start + 128].astype("<i2").tobytes()
            frame = encode_frame(FrameType.AUDIO, self._sent & 0xFF, payload)
            self._program.stdin.write(frame)
            self._sent += 1

    def unplug(self) -> None:
        self._program.kill()
        self._program.wait()


@pytest.fixture(scope="module")
def models(tmp_path_factory, small_model) -> list[Path]:
    """Two models of one front end."""
    folder = tmp_path_factory.mktemp("models")
    paths = []
    for name, seed in (("first", 1), ("second", 2)):
        settings = ModelSettings(name=name, labels=LABELS, decoder=DECODER)
        paths.append(folder / f"{name}.tflite")
        paths[-1].write_bytes(small_model(settings, seed=seed))
    return paths


@pytest.fixture(scope="module")
def board_site(models):
    with serving(build_site(models)) as made:
        yield made


@pytest.fixture(scope="module")
def browser(chromium):
    return chromium()


@pytest.fixture
def connect(board_site, browser, firmware, tmp_path):
    """Opens the page with a stand-in; gives both."""
    opened = []

    def open_page(command: list[str] | None = None, **options):
        slots = str(tmp_path / "slots")
        program = command or [str(firmware.program), "--link", "--models", slots]
        board = StandIn(program, **options)
        context = browser.new_context()
        opened.append(context)
        board.attach(context)
        context.add_init_script(PORT)
        page = context.new_page()
        page.goto(f"{board_site.address}#board")
        page.wait_for_selector("body.ready")
        page.click("#board-toggle")
        return page, board

    yield open_page
    for context in opened:
        context.close()


# A second, so that all lines about it fit into the pipe.
NOISE = np.random.default_rng(0).integers(-12000, 12000, 16000).astype(np.int16)
MARKS = """[2, 3].every((label) =>
  document.querySelectorAll("#board-view .mark")[label].style.insetInlineStart === "100%")"""
HEARD = "parseFloat(document.querySelectorAll('#board-stats dd')[1].textContent)"


def load(page, name: str) -> None:
    page.select_option("#board-model", label=name)
    page.click("#board-load")
    page.wait_for_selector(f"#board-state:has-text('The board runs {name} now.')")


def test_hello_scores_detections_and_statistics(connect):
    page, board = connect(garbage=b"\xff\x00$0001 cut li$garbage*1234\r\n")
    page.wait_for_selector("#board-state:has-text('host: model small, firmware')")
    load(page, "first")
    board.speak(NOISE)
    page.wait_for_selector("#board-view [data-heard]")
    assert page.locator("#board-view .found .number").count() > 0
    until(page, "document.querySelector('#board-view .fill').style.inlineSize !== ''")
    until(page, "Number(document.querySelectorAll('#board-stats dd')[2].textContent) > 0")
    stats = page.inner_text("#board-stats")
    assert "Heard" in stats and "bytes" in stats
    page.click("#board-toggle")
    page.wait_for_selector("#board-toggle:has-text('Connect')")


def test_a_threshold_is_set_over_the_link(connect):
    page, board = connect()
    page.wait_for_selector("#board-live")
    load(page, "first")
    board.speak(NOISE)
    until(page, f"{HEARD} >= 1")
    before = page.locator("#board-view .found .number").count()
    assert before > 3
    for word in ("yes", "no"):
        page.locator("#board-thresholds").get_by_label(f"“{word}”").fill("1")
    until(page, MARKS)
    board.speak(NOISE)
    until(page, f"{HEARD} >= 2")  # comes after everything that it heard
    assert page.locator("#board-view .found .number").count() == before


def test_a_model_that_the_board_refuses_is_said(connect, board_site, models, small_model):
    other = dataclasses.replace(
        ModelSettings(name="other", labels=LABELS, decoder=DECODER),
        labels=("_silence_", "_unknown_", *(f"word{i}" for i in range(30))),
    )
    path = models[0].with_name("large.tflite")
    path.write_bytes(small_model(other))
    with_large = build_site([*models, path])
    before, board_site.server.files = board_site.server.files, with_large
    try:
        page, _ = connect()
        page.wait_for_selector("#board-live")
        page.select_option("#board-model", label="other")
        page.click("#board-load")
        page.wait_for_selector("#problem:has-text('The board refused: ')")
        assert page.is_enabled("#board-load")
    finally:
        board_site.server.files = before


def test_a_board_that_is_unplugged_is_said(connect):
    page, board = connect()
    page.wait_for_selector("#board-state:has-text('model small')")
    board.unplug()
    page.wait_for_selector("text=The board has gone.")
    assert page.inner_text("#board-toggle") == "Connect"


def test_a_port_without_a_board_is_said(connect):
    page, _ = connect(["cat"])  # sends back what it gets
    page.wait_for_selector("text=Nothing that speaks Stapes answers at this port.")


def test_a_port_in_use_is_said(connect):
    page, _ = connect(opens=False)
    page.wait_for_selector("text=The port cannot be opened (in use).")


def test_a_browser_without_web_serial_says_what_it_lacks(board_site, browser):
    script = "delete Navigator.prototype.serial;"
    page = board_site.open(browser, fragment="#board", script=script)
    assert "This browser has no Web Serial" in page.inner_text("#board-hint")
    assert page.is_disabled("#board-toggle")
    page.context.close()


def test_frames_are_those_of_the_host(board_site, browser):
    """Every payload length, with and without zeros: COBS has corners."""
    page = board_site.open(browser)
    random = np.random.default_rng(0)
    payloads = [random.integers(low, 256, n).tolist() for n in range(257) for low in (0, 1)]
    frames = page.evaluate(
        """async (payloads) => {
          const { encodeFrame } = await import("./link.js");
          const frame = (payload, i) => [...encodeFrame(5, i & 255, Uint8Array.from(payload))];
          return payloads.map(frame);
        }""",
        payloads,
    )
    for number, (payload, frame) in enumerate(zip(payloads, frames, strict=True)):
        assert bytes(frame) == encode_frame(FrameType.AUDIO, number & 0xFF, bytes(payload))
    page.context.close()
