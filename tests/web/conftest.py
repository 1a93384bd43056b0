# SPDX-License-Identifier: Apache-2.0
"""A browser with a site to look at, and sound for its microphone."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import ARGUMENTS, RATE, WORDS, Site, model_of, serving

from stapes.audio.reader import read_audio
from stapes.audio.wav import write_wav
from stapes.page.site import build_site


@pytest.fixture(scope="session")
def stream(tmp_path_factory) -> Path:
    """WORDS, spoken by espeak-ng with a second of faint noise between them; beside it stream.txt,
    where each begins."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    folder = tmp_path_factory.mktemp("stream")
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
            more = []
            if sound is not None:
                once = "%noloop" if plays_once else ""
                more = [
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-audio-capture={sound}{once}",
                ]
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
