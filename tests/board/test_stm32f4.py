"""The image for the STM32F4 Discovery on QEMU's STM32F405, which has its USART, timer and
interrupts, but no crystal, no I2S and no DMA: clocks fall back, audio comes over the link."""

import socket
import subprocess
import time

import numpy as np
import pytest

from stapes.link.replay import LinkPlayer, NativePlayer
from stapes.link.session import Session
from stapes.link.transport import connect


@pytest.fixture(scope="module")
def transport(firmware, tmp_path_factory):
    path = tmp_path_factory.mktemp("stm32") / "uart"
    process = subprocess.Popen(
        [
            *("qemu-system-arm", "-machine", "netduinoplus2", "-nographic", "-monitor", "none"),
            *("-serial", "null", "-serial", f"unix:{path},server=on,wait=on"),  # USART1, USART2
            *("-kernel", firmware.image("stm32f4_discovery")),
        ],
        stdin=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        connection = connect("netduinoplus2", socket.AF_UNIX, str(path), patience=5.0)
        yield connection
        connection.close()
    finally:
        process.kill()
        process.wait()


def test_it_says_hello_and_its_clock_runs(transport):
    session = Session(transport, answer_seconds=5.0)
    assert session.hello.board == "stm32f4_discovery"
    first = session.stats()
    time.sleep(0.5)
    # How fast says nothing: the emulated processor has 168 MHz whatever the clocks are set to.
    assert session.stats()["uptime_ms"] > first["uptime_ms"] + 100
    assert first["ticks_per_second"] == 4_000_000


def test_audio_over_the_link_gives_what_python_gives(transport, firmware):
    audio = np.random.default_rng(4).integers(-9000, 9000, 6000).astype(np.int16)
    expected = NativePlayer(firmware.model).play(audio)
    replayed = LinkPlayer(transport, send_scores=True, answer_seconds=5.0).play(audio)
    np.testing.assert_array_equal(replayed.features_crc, expected.features_crc)
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    np.testing.assert_array_equal(replayed.times_ms, expected.times_ms)
    assert replayed.stats["overruns"] == replayed.stats["lost_lines"] == 0


def test_a_flood_of_garbage_is_survived(transport):
    session = Session(transport, answer_seconds=5.0)
    rng = np.random.default_rng(6)
    transport.write(rng.integers(0, 256, 5000).astype(np.uint8).tobytes() + b"\0")
    stats = session.stats()
    assert stats["bad_framing"] + stats["bad_length"] + stats["bad_checksum"] > 10
