# SPDX-License-Identifier: Apache-2.0
"""The real images for Raspberry Pi's Pico and Pico 2, instruction by instruction, as the boot ROM
starts them, with modelled peripherals."""

import numpy as np
import pytest
from cortex_m import check_hearing, flash_content
from link_bytes import TRIES
from rp2 import HERTZ, Rp2040, Rp2350, image_type

from stapes.firmware.boot_checksum import boot_crc32
from stapes.link.protocol import LineReader
from stapes.replay import LinkPlayer, NativePlayer

GAIN_LOG2 = 4  # of boards/chips/rp2/pdm.cc
CHIPS = {"rpi_pico": Rp2040, "rpi_pico2": Rp2350}


@pytest.fixture(params=CHIPS)
def board(request):
    return request.param


@pytest.fixture
def chip(board, firmware):
    return CHIPS[board](flash_content(firmware.image(board)))


def test_the_checksum_is_the_boot_roms():
    # The check value of CRC-32/MPEG-2.
    assert boot_crc32(b"123456789") == 0x0376E6E7


def test_the_program_says_hello_at_its_clock(chip, board):
    chip.run(lambda: b"\n" in chip.uart.line.sent, seconds=1)
    assert chip.pll.hertz() == HERTZ
    (hello,) = LineReader().feed(chip.transport.read(0))
    assert (hello.name, hello.fields["board"]) == ("hello", board)


def test_the_second_stage_of_a_pico_sets_up_the_flash(firmware):
    chip = Rp2040(flash_content(firmware.image("rpi_pico")))
    chip.run(lambda: chip.pll.values.get(0x8) is not None, seconds=0.1)
    assert chip.ssi.executes_in_place()


def test_the_boot_rom_of_a_pico_2_wants_a_sound_image_definition(firmware):
    start = bytearray(flash_content(firmware.image("rpi_pico2"))[:4096])
    at = start.index(bytes.fromhex("d3deffff"))
    assert image_type(start) == 0x1021
    start[at + 9] = 2  # the last item says how many words come before it
    with pytest.raises(AssertionError, match="counts the words"):
        image_type(start)


def test_the_watchdog_waits_eight_seconds(chip):
    chip.run(lambda: b"\n" in chip.uart.line.sent, seconds=1)
    counts_per_second = {Rp2040: 2_000_000, Rp2350: 1_000_000}[type(chip)]  # erratum RP2040-E1
    assert chip.watchdog.values[0x4] == 8 * counts_per_second
    assert chip.watchdog.values[0x0] >> 30 == 1
    oscillators = {Rp2040: 0x3, Rp2350: 0xC}[type(chip)]  # go on
    assert chip.power.values[0x8] & oscillators == 0 != chip.power.values[0x8]


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
