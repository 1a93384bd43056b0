# SPDX-License-Identifier: Apache-2.0
"""The real image for an nRF52840, instruction by instruction, with modelled peripherals."""

import numpy as np
import pytest
from cortex_m import Restart, flash_content
from link_bytes import TRIES
from nrf52840 import DEVICE_ID, HERTZ, RAM, Nrf52840
from unicorn.arm_const import UC_ARM_REG_PC, UC_ARM_REG_PRIMASK

from stapes import _native
from stapes.link.heard import detection_of
from stapes.link.model_image import read_model_image
from stapes.link.protocol import LineReader
from stapes.link.session import Session
from stapes.model.settings import ModelSettings
from stapes.replay import LinkPlayer, NativePlayer

FLASH_STARTS = {"nrf52840dk": 0, "arduino_nano33ble_sense": 0x10000}
YELLOW_LED, MICROPHONE_POWER = (0, 13), (0, 17)


@pytest.fixture(scope="module")
def chips(firmware):
    """Makes a chip with the image of a board: just switched on, or restarted with the memory of
    another chip."""

    def make(board, *, after=None):
        image = flash_content(firmware.image(board))
        return Nrf52840(image, flash_start=FLASH_STARTS[board], after=after)

    return make


@pytest.fixture
def chip(chips):
    return chips("nrf52840dk")


@pytest.fixture
def audio():
    """Noise whose loudness changes."""
    rng = np.random.default_rng(3)
    loudness = np.repeat([30, 3000, 20000, 400], 3000)
    return (rng.uniform(-1, 1, loudness.size) * loudness).astype(np.int16)


@pytest.mark.parametrize("board", FLASH_STARTS)
def test_it_says_hello_over_the_uart(chips, board):
    chip = chips(board)
    chip.run(lambda: b"\n" in chip.uarte.line.sent, seconds=1)
    (hello,) = LineReader().feed(chip.transport.read(0))
    assert hello.name == "hello"
    assert hello.fields["board"] == board
    assert hello.fields["id"] == f"{DEVICE_ID:016X}"


def test_it_hears_the_microphone_as_x86_does(chip, firmware, audio):
    heard = []
    Session(chip.transport, on_event=heard.append, tries=TRIES).send_scores(True)
    chip.pdm.play(audio)
    end = chip.pdm.heard + len(audio) + 256
    reader = LineReader()
    while chip.pdm.heard < end:
        heard.extend(reader.feed(chip.transport.read(0.1)))
    assert reader.counts.damaged == reader.counts.lost == 0

    samples = _native.block_dc(chip.pdm.delivered())
    expected = NativePlayer(firmware.model).play(samples)
    scores = {event.number("time_ms"): event for event in heard if event.name == "scores"}
    at_board = [scores.get(time) for time in expected.times_ms.tolist()]
    first = next(i for i, event in enumerate(at_board) if event)
    last = max(i for i, event in enumerate(at_board) if event)
    assert last - first > len(audio) // 320
    for i in range(first, last + 1):
        assert at_board[i].values()["q"] == expected.scores[i].tolist()
        assert at_board[i].number("features_crc") == expected.features_crc[i]
    detections = [detection_of(event) for event in heard if event.name == "detection"]
    assert detections == [found for found in expected.detections if found.time_ms <= max(scores)]
    assert detections != []


def test_the_nano_feeds_its_microphone_and_shines_after_a_detection(chips, audio):
    chip = chips("arduino_nano33ble_sense")
    chip.pdm.play(audio)
    chip.run(lambda: YELLOW_LED in chip.gpio.high, seconds=2)
    assert chip.gpio.high >= {YELLOW_LED, MICROPHONE_POWER}


def test_audio_over_the_link_gives_what_python_gives(chip, firmware, audio):
    audio = audio[2000:7000]
    expected = NativePlayer(firmware.model).play(audio)
    replayed = LinkPlayer(chip.transport, send_scores=True, tries=TRIES).play(audio)
    np.testing.assert_array_equal(replayed.features_crc, expected.features_crc)
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    np.testing.assert_array_equal(replayed.times_ms, expected.times_ms)
    assert replayed.detections == expected.detections != []
    assert replayed.stats["overruns"] == replayed.stats["lost_lines"] == 0


def test_garbage_on_the_uart_is_counted_and_survived(chip):
    session = Session(chip.transport, tries=TRIES)
    rng = np.random.default_rng(6)
    chip.transport.write(rng.integers(0, 256, 4000).astype(np.uint8).tobytes() + b"\0")
    stats = session.stats()
    assert stats["bad_framing"] + stats["bad_length"] + stats["bad_checksum"] > 10
    assert stats["overruns"] == 0


@pytest.mark.parametrize("held_up_seconds", [0, 0.3])
def test_the_clock_keeps_time(chip, held_up_seconds):
    session = Session(chip.transport, tries=TRIES)
    before, now = session.stats()["uptime_ms"], chip.now
    chip.now += round(held_up_seconds * HERTZ)  # as if interrupts had been off
    chip.run(lambda: False, seconds=0.5)
    after = session.stats()["uptime_ms"]
    assert after - before == pytest.approx((chip.now - now) / HERTZ * 1000, abs=30)


@pytest.mark.parametrize("interrupts_off", [False, True])
def test_a_board_that_hangs_is_restarted_by_the_watchdog_and_says_so(chips, chip, interrupts_off):
    chip.run(lambda: False, seconds=0.5)
    assert chip.watchdog.fed_at > 0.4 * HERTZ
    chip.run(lambda: not chip.in_interrupt, seconds=0.1)
    hang = RAM.stop - 0x100
    chip.uc.mem_write(hang, bytes.fromhex("fee7"))  # b .
    chip.uc.reg_write(UC_ARM_REG_PC, hang)
    chip.uc.reg_write(UC_ARM_REG_PRIMASK, interrupts_off)
    chip.now += round(7.8 * HERTZ)
    with pytest.raises(Restart):
        chip.run(lambda: False, seconds=0.5)
    again = chips("nrf52840dk", after=chip)
    again.run(lambda: again.uarte.line.sent.count(b"\n") >= 2, seconds=1)
    events = {event.name: event for event in LineReader().feed(again.transport.read(0))}
    assert events["fatal"].fields["reason"] == "watchdog"
    assert events["fatal"].number("pc") == (0 if interrupts_off else hang)


MODELS = range(0xC0000, 0x100000)


@pytest.fixture
def chip_that_takes_models(firmware):
    """Makes a chip that was on before: `done` is what happened to its flash then."""
    image = flash_content(firmware.image("nrf52840dk", "-DSTAPES_MODEL_SLOTS=ON"))

    def make(done=()):
        chip = Nrf52840(image)
        for address, content in done:
            assert address in MODELS
            chip.uc.mem_write(address, content)
        return chip

    return make


def model_of(chip) -> str:
    chip.run(lambda: b"\n" in chip.uarte.line.sent, seconds=1)
    (hello,) = LineReader().feed(chip.transport.read(0))
    return hello.fields["model"]


def test_power_lost_at_any_write_to_flash_leaves_the_old_model(
    chip_that_takes_models, small_model, audio, tmp_path
):
    path = tmp_path / "other.tflite"
    labels = ("_silence_", "_unknown_", "ja")
    path.write_bytes(small_model(ModelSettings(name="other", labels=labels), seed=2))
    chip = chip_that_takes_models()
    assert Session(chip.transport, tries=TRIES).load(read_model_image(path)).model == "other"
    done = chip.nvmc.done
    record = len(done) - 8  # words of the commit record, the last that is written
    for count in (0, 1, 2, record // 2, *range(record, len(done))):
        assert model_of(chip_that_takes_models(done[:count])) == "small", count
    loaded = chip_that_takes_models(done)
    assert model_of(loaded) == "other"
    expected = NativePlayer(path).play(audio[2000:7000])
    replayed = LinkPlayer(loaded.transport, send_scores=True, tries=TRIES).play(audio[2000:7000])
    np.testing.assert_array_equal(replayed.scores, expected.scores)
