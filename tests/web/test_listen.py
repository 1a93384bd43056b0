# SPDX-License-Identifier: Apache-2.0
"""The page hears a microphone: tiles light up for words, and for nothing else."""

import re

import pytest
from pages import PATIENCE_MS, PHONE, WORDS, model_of, serving, until

from stapes.audio.wav import read_wav
from stapes.device.pipeline import Pipeline
from stapes.model.settings import WakeSettings
from stapes.page.site import build_site

TRACKS = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
window.tracks = [];
navigator.mediaDevices.getUserMedia = async (wanted) => {
  window.wanted = wanted.audio;
  const stream = await open(wanted);
  window.tracks.push(...stream.getTracks());
  return stream;
};
"""


def found_by_replay(stream) -> list[str]:
    detections = Pipeline.from_file(model_of("words")).process(read_wav(stream)).detections
    return [found.label for found in detections if not found.label.startswith("_")]


@pytest.fixture(scope="module")
def speaking(chromium, stream):
    return chromium(stream)


def test_tiles_light_up_for_the_words_that_replay_finds(site, speaking, stream):
    wanted = len(found_by_replay(stream)) - 2
    assert wanted >= len(WORDS) - 3
    page = site.open(speaking, script=TRACKS)
    assert page.inner_text("#say").startswith("Say yes, no, up")
    page.click("#listen-toggle")
    until(
        page,
        f"document.querySelectorAll('#listen-view [data-heard]').length >= {wanted}",
        patience_ms=2 * PATIENCE_MS,
    )
    lit = page.eval_on_selector_all(
        "#listen-view [data-heard] .word", "all => all.map((tile) => tile.textContent)"
    )
    assert len(set(lit) & set(WORDS)) >= wanted - 1
    assert page.locator("#listen-view .found .number").count() >= wanted
    assert re.fullmatch(r"\d+\.\d+ %", page.inner_text("#listen-view output"))
    assert (
        page.evaluate("window.wanted").items()
        >= {
            "echoCancellation": False,
            "noiseSuppression": False,
            "autoGainControl": False,
        }.items()
    )
    assert page.errors == []
    page.context.close()


def test_a_tile_stays_lit_a_moment(site, speaking):
    page = site.open(speaking)
    page.click("#listen-toggle")
    page.wait_for_selector("#listen-view li.lit")
    score = page.inner_text("#listen-view [data-heard] .score")
    assert 0.7 < float(score) <= 1
    until(page, "!document.querySelector('#listen-view li.lit')")
    page.click("#listen-toggle")
    assert page.inner_text("#listen-toggle") == "Listen"
    page.context.close()


def test_with_a_wake_word_the_others_sleep_until_it_is_heard(speaking):
    """The stream begins with "yes", which wakes; the words after it come within ten seconds."""
    files = build_site(
        [model_of("words")], wake=model_of("micro"), awake=WakeSettings(awake_seconds=10)
    )
    asleep = "document.querySelector('#listen-view .tiles.asleep')"
    with serving(files) as site:
        page = site.open(speaking)
        assert page.inner_text("#say").startswith("Say yes or no, then within 10 s yes, no, up")
        assert page.evaluate(f"{asleep} !== null")
        page.click("#listen-toggle")
        page.wait_for_selector("#listen-view li.wakes[data-heard]")
        until(page, f"{asleep} === null")
        page.wait_for_selector("#listen-view li:not(.wakes)[data-heard]")
        assert page.errors == []
        page.context.close()


def test_silence_lights_no_tile(site, chromium, silent):
    page = site.open(chromium(silent))
    page.click("#listen-toggle")
    until(page, "document.querySelector('#listen-view output').textContent !== '–'")
    page.wait_for_timeout(4000)
    assert page.locator("#listen-view [data-heard]").count() == 0
    page.context.close()


def test_the_browsers_processing_can_be_switched_on_to_compare(site, speaking):
    page = site.open(speaking, script=TRACKS)
    page.click("#listen-toggle")
    until(page, "window.tracks.length === 1")
    page.check("#processing")
    until(page, "window.tracks.length === 2")
    assert page.evaluate("window.wanted.noiseSuppression") is True
    assert page.evaluate("window.tracks[0].readyState") == "ended"
    page.context.close()


def test_a_switch_counts_while_the_microphone_starts_as_well(site, speaking):
    page = site.open(speaking, script=TRACKS)
    both = "for (const id of ['listen-toggle', 'processing']) document.getElementById(id).click()"
    page.evaluate(f"() => {{ {both}; }}")
    until(page, "window.tracks.length === 2")
    assert page.evaluate("window.wanted.noiseSuppression") is True
    page.context.close()


def test_a_microphone_that_is_unplugged_is_said(site, speaking):
    page = site.open(speaking, script=TRACKS)
    page.click("#listen-toggle")
    until(page, "window.tracks.length === 1")
    until(page, "document.body.classList.contains('listening')")
    page.evaluate("window.tracks[0].dispatchEvent(new Event('ended'))")
    page.wait_for_selector("text=The microphone has gone")
    assert page.inner_text("#listen-toggle") == "Listen"
    page.context.close()


def test_a_microphone_that_is_refused_is_said(site, speaking):
    refuse = """navigator.mediaDevices.getUserMedia = async () => {
      throw new DOMException("Permission denied", "NotAllowedError");
    };"""
    page = site.open(speaking, script=refuse)
    page.click("#listen-toggle")
    page.wait_for_selector("text=The browser refused the microphone. Allow it for this page")
    assert page.errors == []
    page.context.close()


def test_a_browser_whose_sound_never_begins_is_said(site, speaking):
    """As on a machine that has nothing to play sound with."""
    never = "AudioContext.prototype.resume = () => new Promise(() => undefined);"
    page = site.open(speaking, script=TRACKS + never)
    page.click("#listen-toggle")
    page.wait_for_selector("text=The browser does not start its sound.")
    assert page.inner_text("#listen-toggle") == "Listen"
    assert page.evaluate("window.tracks[0].readyState") == "ended"
    page.context.close()


def test_a_telephone_call_ends_listening_and_that_is_said(site, speaking):
    contexts = """const Context = window.AudioContext;
    window.AudioContext = class extends Context {
      constructor(options) { super(options); window.context = this; }
    };"""
    page = site.open(speaking, script=TRACKS + contexts)
    page.click("#listen-toggle")
    until(page, "document.body.classList.contains('listening')")
    page.evaluate("window.context.suspend()")
    page.wait_for_selector("text=The microphone has gone")
    assert page.inner_text("#listen-toggle") == "Listen"
    page.context.close()


def test_a_model_that_fails_is_said(site, speaking):
    """What a wrong instruction in the module brings."""
    fail = """const live = (await import("./firmware.js")).Firmware.prototype;
      live.push = () => { throw new WebAssembly.RuntimeError("unreachable"); };"""
    page = site.open(speaking)
    page.evaluate(f"async () => {{ {fail} }}")
    page.click("#listen-toggle")
    page.wait_for_selector("text=Model words has stopped (unreachable).")
    assert page.inner_text("#listen-toggle") == "Listen"
    assert page.errors == []
    page.context.close()


def test_a_machine_without_a_microphone_is_told_so(site, chromium):
    page = site.open(chromium(), viewport=PHONE)
    page.click("#listen-toggle")
    page.wait_for_selector("text=No microphone was found")
    page.context.close()


def test_another_model_listens_on(site, speaking):
    page = site.open(speaking)
    page.click("#listen-toggle")
    page.wait_for_selector("#listen-view [data-heard]")
    page.select_option("#model", label="micro")
    page.wait_for_selector("text=Say yes or no")
    page.wait_for_selector("#listen-view [data-heard]")
    assert page.locator("#listen-view .tiles li").count() == 2
    page.context.close()
