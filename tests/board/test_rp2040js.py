# SPDX-License-Identifier: Apache-2.0
"""The image for a Raspberry Pi Pico in an emulator that others wrote (rp2040js): a second opinion
on what tests/board/rp2.py takes from the datasheet."""

import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from cortex_m import pdm_noise
from link_bytes import PATIENT

from stapes import _native
from stapes.link.protocol import Event
from stapes.link.session import Session
from stapes.link.transport import ProgramTransport
from stapes.replay import LinkPlayer, NativePlayer, Replayed

RUNNER = Path(__file__).parent / "rp2040js" / "run_image.mjs"
GAIN_LOG2 = 4  # of boards/chips/rp2/pdm.cc
SAMPLES = 5000
HEARD_SAMPLES = 4000


@pytest.fixture
def transport(firmware, words, tmp_path):
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not (RUNNER.parent / "node_modules" / "rp2040js").is_dir():
        pytest.skip(f"rp2040js is not installed; run npm ci in {RUNNER.parent}")
    pdm = tmp_path / "pdm.bin"
    pdm.write_bytes(words.astype("<u2").tobytes())
    image = firmware.image("rpi_pico").with_suffix(".bin")
    with closing(ProgramTransport(["node", str(RUNNER), str(image), str(pdm)])) as transport:
        yield transport


@pytest.fixture
def words():
    """The bits that the microphone gives, from its start."""
    return pdm_noise()[: HEARD_SAMPLES * 4]


def scores_heard(transport: ProgramTransport, until_ms: int) -> list[Event]:
    """The `scores` lines that the board sends about its microphone."""
    heard: list[Event] = []
    session = Session(transport, on_event=heard.append, **PATIENT)
    session.send_scores(True)
    while not heard or heard[-1].number("time_ms") < until_ms:
        heard.extend(session.reader.feed(transport.read(1.0)))
        heard = [event for event in heard if event.name == "scores"]
    return heard


def expected_of(model: Path, words: np.ndarray) -> Replayed:
    """What this machine computes from the same bits."""
    decimated = _native.decimate_pdm(words, gain_log2=GAIN_LOG2)
    return NativePlayer(model).play(_native.block_dc(decimated))


def test_the_microphone_and_the_link_give_what_python_gives(firmware, transport, words):
    hearing = expected_of(firmware.model, words)
    times = hearing.times_ms.tolist()
    heard = scores_heard(transport, until_ms=times[-1])
    in_both = [event for event in heard if event.number("time_ms") in times]
    assert len(in_both) > len(times) / 2
    for event in in_both:
        i = times.index(event.number("time_ms"))
        assert event.values()["q"] == hearing.scores[i].tolist()
        assert event.number("features_crc") == hearing.features_crc[i]

    audio = np.random.default_rng(4).integers(-3000, 3000, SAMPLES).astype(np.int16)
    expected = NativePlayer(firmware.model).play(audio)
    replayed = LinkPlayer(transport, send_scores=True, **PATIENT).play(audio)
    np.testing.assert_array_equal(replayed.features_crc, expected.features_crc)
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    assert replayed.detections == expected.detections != []
    assert replayed.stats["overruns"] == replayed.stats["lost_lines"] == 0
