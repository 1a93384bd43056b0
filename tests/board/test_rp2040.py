"""The real image for a Raspberry Pi Pico from the boot ROM on, instruction by instruction, with
modelled peripherals."""

import numpy as np
import pytest
from cortex_m import flash_content
from rp2040 import HERTZ, Rp2040

from stapes import _native
from stapes.boot_checksum import boot_crc32
from stapes.link.protocol import LineReader
from stapes.link.replay import LinkPlayer, NativePlayer
from stapes.link.session import Session

GAIN_LOG2 = 4  # of boards/rp2040/pdm.cc


@pytest.fixture(scope="module")
def image(firmware):
    return flash_content(firmware.image("rpi_pico"))


@pytest.fixture
def chip(image):
    return Rp2040(image)


@pytest.fixture
def pdm_words():
    """Bits whose density wanders about, 0.5 s of them."""
    rng = np.random.default_rng(9)
    wave = np.sin(np.cumsum(rng.uniform(0.001, 0.01, 512_000)))
    loudness = np.repeat([0.01, 0.04, 0.4, 0.02], 128_000)
    bits = rng.random(512_000) < 0.5 + loudness * wave
    return np.packbits(bits.reshape(-1, 16)).view(">u2").astype(np.uint16)


def test_the_checksum_is_the_boot_roms():
    # The check value of CRC-32/MPEG-2.
    assert boot_crc32(b"123456789") == 0x0376E6E7


def test_the_second_stage_sets_up_the_flash_and_the_program_says_hello(chip):
    chip.run(lambda: b"\n" in chip.uart.line.sent, seconds=1)
    assert chip.ssi.executes_in_place()
    assert chip.pll.hertz() == HERTZ
    (hello,) = LineReader().feed(chip.transport.read(0))
    assert (hello.name, hello.fields["board"]) == ("hello", "rpi_pico")


def test_it_hears_the_microphone_as_x86_does(chip, firmware, pdm_words):
    heard = []
    Session(chip.transport, on_event=heard.append).send_scores(True)
    chip.dma.play(pdm_words)
    end = len(chip.dma.delivered) + len(pdm_words) // 512 + 4
    reader = LineReader()
    while len(chip.dma.delivered) < end:
        heard.extend(reader.feed(chip.transport.read(0.1)))
    assert (chip.pio.clock_pin, chip.pio.data_pin) == (2, 3)

    decimated = _native.decimate_pdm(np.concatenate(chip.dma.delivered), gain_log2=GAIN_LOG2)
    expected = NativePlayer(firmware.model).play(_native.block_dc(decimated))
    times = expected.times_ms.tolist()
    scores = [event for event in heard if event.name == "scores"]
    assert len(scores) > 20
    for event in scores:
        i = times.index(event.number("time_ms"))
        assert event.values()["q"] == expected.scores[i].tolist()
        assert event.number("features_crc") == expected.features_crc[i]


def test_audio_over_the_link_gives_what_python_gives(chip, firmware):
    audio = np.random.default_rng(4).integers(-9000, 9000, 4000).astype(np.int16)
    expected = NativePlayer(firmware.model).play(audio)
    replayed = LinkPlayer(chip.transport, send_scores=True).play(audio)
    np.testing.assert_array_equal(replayed.features_crc, expected.features_crc)
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    assert replayed.stats["overruns"] == replayed.stats["lost_lines"] == 0
