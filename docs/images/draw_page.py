#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draw the pictures of docs/page.md: the page while it hears words, on a laptop and on a phone.

    docs/images/draw_page.py

Takes the shipped models, espeak-ng, Chromium and playwright; writes page_wide.png and
page_phone.png beside this script.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from stapes.files import write_bytes
from stapes.page.site import build_site

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "web"))

import pages  # noqa: E402, as the tests of the page have it

# File: size, pixels of a picture to one of the page, colours, words that have been heard.
PICTURES: dict[str, tuple[dict[str, int], float, str, int]] = {
    "page_wide.png": ({"width": 1200, "height": 860}, 1, "light", 5),
    "page_phone.png": (pages.PHONE, 1.5, "dark", 3),
}


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    files = build_site([pages.model_of(name) for name in ("words", "micro", "jarvis")])
    with (
        tempfile.TemporaryDirectory() as folder,
        pages.serving(files) as site,
        sync_playwright() as tools,
    ):
        sound = pages.microphone_of(pages.speak_stream(Path(folder)))
        for name, look in PICTURES.items():
            browser = tools.chromium.launch(
                executable_path=shutil.which("chromium"), args=[*pages.ARGUMENTS, *sound]
            )
            write_bytes(HERE / name, picture(site, browser, *look))
            browser.close()


def picture(
    site: pages.Site, browser: Any, viewport: dict[str, int], scale: float, scheme: str, words: int
) -> bytes:
    """A PNG, taken while a tile is lit."""
    page = site.open(browser, viewport=viewport, device_scale_factor=scale, color_scheme=scheme)
    page.click("#listen-toggle")
    count = f"document.querySelectorAll('#listen-view .found .number').length >= {words}"
    pages.until(page, count)
    page.wait_for_selector("#listen-view li.lit")
    page.wait_for_timeout(300)
    return page.screenshot()


if __name__ == "__main__":
    main()
