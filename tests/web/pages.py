# SPDX-License-Identifier: Apache-2.0
"""Sites that tests serve, and pages of them in a browser."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from stapes.audio.reader import read_audio
from stapes.audio.wav import write_wav
from stapes.page.clip_folder import ClipFolder
from stapes.page.serve import SiteServer

ROOT = Path(__file__).parents[2]
RATE = 16000
WORDS = ("yes", "no", "left", "right", "on", "off", "stop")
TOKEN = "a-token-for-tests"
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 900}
# A test waits for events. After this time it gives up.
PATIENCE_MS = 180_000


def model_of(name: str) -> Path:
    return ROOT / "models" / name / "model.tflite"


def speak_stream(folder: Path) -> Path:
    """stream.wav in `folder`: WORDS, spoken by espeak-ng with a second of faint noise between them;
    beside it stream.txt, where each begins."""
    parts, truth = [np.zeros(RATE // 2)], ""
    for word in WORDS:
        said = folder / f"{word}.wav"
        subprocess.run(["espeak-ng", "-v", "en-us", "-s", "140", "-w", said, word], check=True)
        samples = read_audio(said, sample_rate=RATE, resample=True).astype(float)
        truth += f"{word}, {1000 * sum(map(len, parts)) / RATE:.0f}\n"
        parts += [samples / np.abs(samples).max() * 12000, np.zeros(int(0.9 * RATE))]
    audio = np.concatenate(parts)
    audio += np.random.default_rng(0).normal(0, 30, len(audio))
    write_wav(folder / "stream.wav", audio.astype(np.int16), sample_rate=RATE)
    (folder / "stream.txt").write_text(truth)
    return folder / "stream.wav"


def microphone_of(sound: Path, *, plays_once: bool = False) -> list[str]:
    """What Chromium is started with, to hear this recording as its microphone."""
    once = "%noloop" if plays_once else ""
    return [
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}{once}",
    ]


class Site:
    """A served site, and pages of it in a browser."""

    def __init__(self, server: SiteServer) -> None:
        self.server = server
        self.address = f"http://127.0.0.1:{server.port}/"

    def open(
        self,
        browser: Any,
        *,
        fragment: str = "",
        microphone: bool = True,
        script: str = "",
        viewport: dict[str, int] = WIDE,
        offline: bool = False,
        **options: Any,
    ) -> Any:
        """A page in a context of its own that has loaded; `script` runs before those of the page.
        Errors of the page's own scripts fail the test when it is closed. Only with `offline` does
        its service worker keep the site: that takes as long again as loading it."""
        workers = "allow" if offline else "block"
        context = browser.new_context(viewport=viewport, service_workers=workers, **options)
        if microphone:
            context.grant_permissions(["microphone"], origin=self.address)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(self.address + fragment)
        page.wait_for_selector("body.ready")
        return page


@contextlib.contextmanager
def serving(files: dict[str, bytes], *, folder: Path | None = None) -> Iterator[Site]:
    clips = ClipFolder(folder, rates=[RATE]) if folder else None
    server = SiteServer(("127.0.0.1", 0), files, clips=clips, token=TOKEN)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Site(server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def until(page: Any, expression: str, *, patience_ms: int = PATIENCE_MS) -> Any:
    """The value of a JavaScript expression as soon as it is true. The page's policy allows no
    function of the test inside, so this asks again and again."""
    end = time.monotonic() + patience_ms / 1000
    while not (value := page.evaluate(expression)):
        assert time.monotonic() < end, f"{expression} has not become true"
        page.wait_for_timeout(50)
    return value
