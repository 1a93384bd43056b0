# SPDX-License-Identifier: Apache-2.0
"""Sites that tests serve, and pages of them in a browser."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
# An automatic test waits for things to happen; this is when it gives up.
PATIENCE_MS = 180_000


def model_of(name: str) -> Path:
    return ROOT / "models" / name / "model.tflite"


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
        **options: Any,
    ) -> Any:
        """A page in a context of its own that has loaded; `script` runs before those of the page.
        Errors of the page's own scripts fail the test when it is closed."""
        context = browser.new_context(viewport=viewport, **options)
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
    """The value of a JavaScript expression as soon as it is true; the page's policy lets no
    function of the test run inside, so it is asked for again and again."""
    end = time.monotonic() + patience_ms / 1000
    while not (value := page.evaluate(expression)):
        assert time.monotonic() < end, f"{expression} has not become true"
        page.wait_for_timeout(50)
    return value
