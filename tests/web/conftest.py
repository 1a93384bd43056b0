# SPDX-License-Identifier: Apache-2.0
"""A browser with a site to look at, and sound for its microphone."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import ARGUMENTS, RATE, Site, microphone_of, model_of, serving, speak_stream

from stapes.audio.wav import write_wav
from stapes.page.site import build_site


@pytest.fixture(scope="session")
def stream(tmp_path_factory) -> Path:
    """WORDS, spoken by espeak-ng with a second of faint noise between them. stream.txt says where
    each begins."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    return speak_stream(tmp_path_factory.mktemp("stream"))


@pytest.fixture(scope="session")
def silent(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("silent") / "silent.wav"
    write_wav(path, np.zeros(4 * RATE, np.int16), sample_rate=RATE)
    return path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Callable[..., Any]]:
    """Starts browsers; each has the recording for a microphone, or none at all."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as tools, contextlib.ExitStack() as stack:

        def start(sound: Path | None = None, *, plays_once: bool = False) -> Any:
            more = [] if sound is None else microphone_of(sound, plays_once=plays_once)
            browser = tools.chromium.launch(executable_path=program, args=[*ARGUMENTS, *more])
            stack.callback(browser.close)
            return browser

        yield start


@pytest.fixture(scope="session")
def site_files() -> dict[str, bytes]:
    return build_site([model_of("words"), model_of("micro")])


@pytest.fixture(scope="session")
def site(site_files) -> Iterator[Site]:
    with serving(site_files) as made:
        yield made
