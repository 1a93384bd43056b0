# SPDX-License-Identifier: Apache-2.0
"""The real image for a Raspberry Pi Pico from the boot ROM on, instruction by instruction, with
modelled peripherals."""

import numpy as np
import pytest
from cortex_m import check_hearing, flash_content
from link_bytes import TRIES
from rp2040 import HERTZ, Rp2040

from stapes.firmware.boot_checksum import boot_crc32
from stapes.link.protocol import LineReader
from stapes.replay import LinkPlayer, NativePlayer

GAIN_LOG2 = 4  # of boards/chips/rp2040/pdm.cc


@pytest.fixture(scope="module")
def image(firmware):
    return flash_content(firmware.image("rpi_pico"))


@pytest.fixture
def chip(image):
    return Rp2040(image)


def test_the_checksum_is_the_boot_roms():
    # The check value of CRC-32/MPEG-2.
    assert boot_crc32(b"123456789") == 0x0376E6E7


def test_the_second_stage_sets_up_the_flash_and_the_program_says_hello(chip):
    chip.run(lambda: b"\n" in chip.uart.line.sent, seconds=1)
    assert chip.ssi.executes_in_place()
    assert chip.pll.hertz() == HERTZ
    (hello,) = LineReader().feed(chip.transport.read(0))
    assert (hello.name, hello.fields["board"]) == ("hello", "rpi_pico")


def test_it_hears_the_microphone_as_x86_does(chip, firmware):
    check_hearing(chip.transport, chip.dma, firmware.model, gain_log2=GAIN_LOG2)
    assert (chip.pio.clock_pin, chip.pio.data_pin) == (2, 3)


def test_audio_over_the_link_gives_what_python_gives(chip, firmware):
    audio = np.random.default_rng(4).integers(-9000, 9000, 4000).astype(np.int16)
    expected = NativePlayer(firmware.model).play(audio)
    replayed = LinkPlayer(chip.transport, send_scores=True, tries=TRIES).play(audio)
    np.testing.assert_array_equal(replayed.features_crc, expected.features_crc)
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    assert replayed.stats["overruns"] == replayed.stats["lost_lines"] == 0
