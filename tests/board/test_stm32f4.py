# SPDX-License-Identifier: Apache-2.0
"""The image for the STM32F4 Discovery: on QEMU's STM32F405, which has its USART, timer and
interrupts, but no crystal, no I2S and no DMA; and, by unicorn, with those modelled."""

import socket
import struct
import subprocess
import time

import numpy as np
import pytest
from cortex_m import check_hearing, flash_content
from link_bytes import PATIENT, TRIES
from stm32f407 import HERTZ, UNIQUE_ID, Stm32f407

from stapes.link.protocol import LineReader
from stapes.link.session import Session
from stapes.link.transport import connect
from stapes.replay import LinkPlayer, NativePlayer

GAIN_LOG2 = 4  # of boards/chips/stm32f407/pdm.cc


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
        deadline = time.monotonic() + 120
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        connection = connect("netduinoplus2", socket.AF_UNIX, str(path), patience=60.0)
        yield connection
        connection.close()
    finally:
        process.kill()
        process.wait()


def test_it_says_hello_and_its_clock_runs(transport):
    session = Session(transport, **PATIENT)
    assert session.hello.board == "stm32f4_discovery"
    first = session.stats()
    deadline = time.monotonic() + 120
    # The speed proves nothing: the emulated processor has 168 MHz with any setting of the clocks.
    while session.stats()["uptime_ms"] <= first["uptime_ms"] + 100:
        assert time.monotonic() < deadline
    assert first["ticks_per_second"] == 4_000_000


def test_audio_over_the_link_gives_what_python_gives(transport, firmware):
    audio = np.random.default_rng(4).integers(-9000, 9000, 6000).astype(np.int16)
    expected = NativePlayer(firmware.model).play(audio)
    replayed = LinkPlayer(transport, send_scores=True, **PATIENT).play(audio)
    np.testing.assert_array_equal(replayed.features_crc, expected.features_crc)
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    np.testing.assert_array_equal(replayed.times_ms, expected.times_ms)
    assert replayed.stats["overruns"] == replayed.stats["lost_lines"] == 0


def test_a_flood_of_garbage_is_survived(transport):
    session = Session(transport, **PATIENT)
    rng = np.random.default_rng(6)
    transport.write(rng.integers(0, 256, 5000).astype(np.uint8).tobytes() + b"\0")
    stats = session.stats()
    assert stats["bad_framing"] + stats["bad_length"] + stats["bad_checksum"] > 10


def test_with_its_crystal_it_runs_at_168_mhz_and_hears_the_microphone_as_x86_does(firmware):
    chip = Stm32f407(flash_content(firmware.image("stm32f4_discovery")))
    check_hearing(chip.transport, chip.dma, firmware.model, gain_log2=GAIN_LOG2)
    assert chip.rcc.read(0x08) >> 2 & 3 == 2  # by the PLL
    stats = Session(chip.transport, tries=TRIES).stats()
    assert stats["uptime_ms"] == pytest.approx(chip.now / HERTZ * 1000, abs=60)
    assert (chip.function(0, 2), chip.function(0, 3)) == (7, 7)


def test_the_watchdog_is_started_for_8_seconds_and_fed(firmware):
    chip = Stm32f407(flash_content(firmware.image("stm32f4_discovery")))
    chip.run(lambda: False, seconds=0.1)
    assert chip.watchdog.values[0x04] == 6 and chip.watchdog.values[0x08] == 1000  # 32 kHz / 256
    keys = [value for offset, value in chip.watchdog.log if offset == 0x00]
    assert keys[:2] == [0x5555, 0xCCCC] and set(keys[2:]) == {0xAAAA}


def test_the_chips_number_is_in_its_hello(firmware):
    chip = Stm32f407(flash_content(firmware.image("stm32f4_discovery")))
    chip.run(lambda: b"\n" in chip.usart.line.sent, seconds=1)
    (hello,) = LineReader().feed(chip.transport.read(0))
    low, middle, high = struct.unpack("<3I", UNIQUE_ID)
    assert hello.fields["id"] == f"{middle:08X}{low ^ high:08X}"
