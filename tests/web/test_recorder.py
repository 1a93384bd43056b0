# SPDX-License-Identifier: Apache-2.0
"""A corpus recorded in the page: takes, checks, the ZIP, the folder of the server, two tabs."""

import io
import re
import zipfile

import numpy as np
import pytest
from pages import TOKEN, serving, until

from stapes.audio.wav import parse_wav, write_wav
from stapes.corpus.trim import loudest_section

TRACKS = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
window.tracks = [];
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  window.tracks.push(...stream.getTracks());
  return stream;
};
"""
NAME = re.compile(r"(yes|no)/[0-9a-f]{8}_nohash_\d+\.wav")
# Pauses would be most of the test. Limits are longer: the browser's sound may begin late.
QUICK = """
const wait = window.setTimeout.bind(window);
const quick = (time) => (time > 1000 ? 30 * time : Math.min(time, 150));
window.setTimeout = (act, time = 0, ...more) => wait(act, quick(time), ...more);
"""

# As on a full disk: the clip is written, then the transaction fails.
FILL_UP = """() => {
  const add = IDBObjectStore.prototype.add;
  IDBObjectStore.prototype.add = function (clip) {
    const full = new DOMException("full", "QuotaExceededError");
    Object.defineProperty(this.transaction, "error", { value: full });
    const request = add.call(this, clip);
    request.addEventListener("success", () => this.transaction.abort());
    return request;
  };
}"""


@pytest.fixture(scope="module")
def speaking(chromium, stream):
    return chromium(stream)


@pytest.fixture
def page(site, speaking):
    page = site.open(speaking, fragment="#record", script=QUICK)
    yield page
    assert page.errors == []
    page.context.close()


def record(page, words: str, takes: int) -> None:
    page.fill("#record-words", words)
    page.fill("#record-takes", str(takes))
    page.click("#record-start")
    page.wait_for_selector("text=All takes are recorded.")


def clips_in(page, word: str) -> int:
    found = page.get_attribute(f"#clips h3[data-word='{word}']", "data-count")
    return int(found)


def test_three_takes_become_a_corpus_in_a_zip(page, tmp_path):
    record(page, "yes, no", 2)
    assert (clips_in(page, "yes"), clips_in(page, "no")) == (2, 2)
    page.click("#clips li >> nth=0 >> text=Delete")
    until(page, "document.querySelectorAll('#clips li').length === 3")
    with page.expect_download() as download:
        page.click("#zip")
    with zipfile.ZipFile(download.value.path()) as corpus:
        assert corpus.testzip() is None
        names = corpus.namelist()
        assert len(names) == 3 and all(NAME.fullmatch(name) for name in names)
        speakers = {name.split("/")[1].split("_")[0] for name in names}
        assert len(speakers) == 1
        for name in names:
            samples, rate = parse_wav(corpus.read(name), source=name)
            assert (len(samples), rate) == (16000, 16000)
            assert np.abs(samples).max() > 1000
    page.reload()
    page.wait_for_selector("body.ready")
    assert (clips_in(page, "yes"), clips_in(page, "no")) == (2, 1)  # they outlive a reload
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#forget")
    page.wait_for_selector("text=No clips yet.")


def test_clips_land_in_the_folder_of_the_server(site_files, speaking, tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    with serving(site_files, folder=folder) as site:
        page = site.open(speaking, fragment=f"#token={TOKEN}", script=QUICK)
        page.wait_for_selector("text=Clips also go to the folder corpus")
        assert TOKEN not in page.url
        record(page, "yes", 2)
        page.wait_for_selector("#clips li >> nth=1 >> text=in the folder")
        page.context.close()
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    assert found[0] == "yes" and len(found) == 3
    assert [name[-13:] for name in found[1:]] == ["_nohash_0.wav", "_nohash_1.wav"]


def test_the_page_says_where_the_sound_goes(site_files, speaking, tmp_path):
    with serving(site_files) as site:
        page = site.open(speaking)
        assert "Nothing is sent anywhere" in page.inner_text("footer")
        page.context.close()
    with serving(site_files, folder=tmp_path) as site:
        page = site.open(speaking, fragment=f"#token={TOKEN}")
        page.wait_for_selector("footer:has-text('clips that you record: they go to the server')")
        assert "Nothing is sent" not in page.inner_text("footer")
        page.context.close()


def test_a_server_that_has_gone_loses_no_clip(site_files, speaking, tmp_path):
    with serving(site_files, folder=tmp_path) as site:
        page = site.open(speaking, fragment=f"#token={TOKEN}", script=QUICK)
        page.wait_for_selector("#record-folder:has-text('Clips also go')")
        page.route("**/record/**", lambda route: route.abort())
        record(page, "yes", 1)
        page.wait_for_selector("text=The server did not take a clip")
        assert "only in this browser" in page.inner_text("#clips li >> nth=0")
        page.unroute("**/record/**")
        record(page, "yes", 1)
        page.wait_for_selector("#clips li >> nth=1 >> text=in the folder")
        page.context.close()
    assert len(list(tmp_path.rglob("*_nohash_*.wav"))) == 2


def test_a_clip_that_is_deleted_gives_its_name_to_no_other(site_files, speaking, tmp_path):
    """The folder keeps what it has; the page cannot delete there."""
    with serving(site_files, folder=tmp_path) as site:
        page = site.open(speaking, fragment=f"#token={TOKEN}", script=QUICK)
        record(page, "yes", 2)
        page.wait_for_selector("#clips li >> nth=1 >> text=in the folder")
        page.click("#clips li >> nth=1 >> text=Delete")
        page.click("#clips li >> nth=0 >> text=Delete")
        page.wait_for_selector("text=No clips yet.")
        record(page, "yes", 1)
        page.wait_for_selector("#clips li:has-text('_nohash_2.wav'):has-text('in the folder')")
        assert page.is_hidden("#problem")
        page.context.close()
    found = sorted(path.name[-5:] for path in tmp_path.rglob("*_nohash_*.wav"))
    assert found == ["0.wav", "1.wav", "2.wav"]


def test_a_clip_that_is_deleted_on_its_way_stays_deleted(site_files, speaking, tmp_path):
    """Of two clips that wait for a slow server, one is on its way, and one has not begun."""
    with serving(site_files, folder=tmp_path) as site:
        page = site.open(speaking, fragment=f"#token={TOKEN}", script=QUICK)
        page.wait_for_selector("#record-folder:has-text('Clips also go')")
        page.route("**/record/**", lambda route: route.abort())
        record(page, "yes", 2)
        page.unroute("**/record/**")
        held = []
        page.route("**/*_nohash_0.wav", lambda route: held.append(route))
        page.fill("#record-takes", "1")
        page.click("#record-start")
        page.wait_for_selector("#clips li >> nth=2")
        while not held:
            page.wait_for_timeout(50)
        page.click("#clips li >> nth=1 >> text=Delete")
        page.click("#clips li >> nth=0 >> text=Delete")
        page.wait_for_selector("#clips h3[data-count='1']")
        held[0].continue_()
        page.wait_for_selector("text=All takes are recorded.")
        assert page.inner_text("#clips .name").endswith("_nohash_2.wav")
        assert clips_in(page, "yes") == 1
        page.context.close()
    found = sorted(path.name[-5:] for path in tmp_path.rglob("*_nohash_*.wav"))
    assert found == ["0.wav", "2.wav"]


def test_a_clip_that_the_server_refuses_stops_no_other(site_files, speaking, tmp_path):
    with serving(site_files, folder=tmp_path) as site:
        page = site.open(speaking, fragment=f"#token={TOKEN}", script=QUICK)
        page.route(
            "**/*_nohash_0.wav", lambda route: route.fulfill(status=400, json={"reason": "why"})
        )
        record(page, "yes", 2)
        page.wait_for_selector("#problem:has-text('The server did not take a clip (why).')")
        page.wait_for_selector("#clips li >> nth=1 >> text=in the folder")
        page.context.close()


def test_an_address_with_an_old_token_is_said(site_files, speaking, tmp_path):
    with serving(site_files, folder=tmp_path) as site:
        page = site.open(speaking, fragment="#token=old")
        page.wait_for_selector("text=The server's folder cannot be reached (wrong address")
        page.context.close()


def test_a_browser_that_keeps_nothing_says_so_and_listens(site, speaking):
    script = """for (const name of ["sessionStorage", "indexedDB"]) {
      const get = () => { throw new DOMException("denied", "SecurityError"); };
      Object.defineProperty(window, name, { get });
    }"""
    page = site.open(speaking, fragment=f"#token={TOKEN}", script=script)
    page.wait_for_selector("#problem:has-text('The browser cannot keep clips')")
    page.click("#tab-listen")
    page.click("#listen-toggle")
    page.wait_for_selector("#listen-view [data-heard]")
    assert page.errors == []
    page.context.close()


def test_a_microphone_that_goes_in_the_middle_keeps_the_takes_before(site, speaking):
    page = site.open(speaking, fragment="#record", script=QUICK + TRACKS)
    page.fill("#record-words", "yes")
    page.fill("#record-takes", "50")
    page.click("#record-start")
    page.wait_for_selector("#clips li >> nth=1")
    page.evaluate("window.tracks[0].dispatchEvent(new Event('ended'))")
    page.wait_for_selector("text=The microphone has gone")
    page.wait_for_selector("#prompt-state:has-text('Stopped. All takes so far are kept.')")
    kept = page.locator("#clips li").count()
    assert kept >= 2
    page.wait_for_timeout(2000)
    assert page.locator("#clips li").count() == kept
    page.context.close()


def test_the_focus_stays_in_the_list_of_clips(page):
    record(page, "yes", 2)
    page.focus("#clips li >> nth=1 >> text=Play")
    page.evaluate("new BroadcastChannel('stapes-clips').postMessage('added')")  # another tab
    page.wait_for_timeout(500)
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("Play yes/") and label.endswith("_1.wav")
    page.click("#clips li >> nth=1 >> text=Delete")
    until(page, "document.activeElement.id === 'record-start'")


def test_silent_takes_are_refused(site, chromium, silent):
    page = site.open(chromium(silent), fragment="#record", script=QUICK)
    page.fill("#record-words", "yes")
    page.click("#record-start")
    page.wait_for_selector("text=Too quiet. Come closer. Once more.")
    page.click("#record-start")
    page.wait_for_selector("text=Stopped.")
    assert page.locator("#clips li").count() == 0
    page.context.close()


def test_clipped_takes_are_refused(site, chromium, tmp_path):
    square = np.where(np.arange(32000) % 100 < 50, 32767, -32768).astype(np.int16)
    write_wav(tmp_path / "loud.wav", square, sample_rate=16000)
    page = site.open(chromium(tmp_path / "loud.wav"), fragment="#record", script=QUICK)
    page.fill("#record-words", "yes")
    page.click("#record-start")
    page.wait_for_selector("text=Too loud: the sound was cut off.")
    page.context.close()


def test_clips_are_trimmed_by_the_rule_of_data_trim(page):
    audio = np.random.default_rng(0).integers(-3000, 3000, 32000).astype(np.int16)
    audio[9000:21000] *= 5
    trimmed = page.evaluate(
        """async (samples) => {
          const { loudestSection } = await import("./wav.js");
          return [...loudestSection(Int16Array.from(samples), 16000)];
        }""",
        audio.tolist(),
    )
    assert trimmed == loudest_section(audio, 16000).tolist()


@pytest.mark.parametrize("word", ["yes,no/up", "_unknown_", "", "a" * 49, ".hidden"])
def test_words_that_can_name_no_folder_are_said(page, word):
    page.fill("#record-words", word)
    page.click("#record-start")
    page.wait_for_selector("#problem:has-text('cannot be a word'), #problem:has-text('Enter')")


def test_two_tabs_never_give_one_number_twice(page):
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("body.ready")
    add = """async () => {
      const { ClipStore } = await import("./clips.js");
      const store = await ClipStore.open();
      const added = [];
      for (let i = 0; i < 20; ++i) added.push(store.add("yes", "me", new Uint8Array(10)));
      window.numbers = Promise.all(added).then((clips) => clips.map((clip) => clip.number));
    }"""
    for tab in (page, other):
        tab.evaluate(add)
    numbers = [tab.evaluate("window.numbers") for tab in (page, other)]
    assert sorted(numbers[0] + numbers[1]) == list(range(40))
    for tab in (page, other):  # each hears of the other's clips
        tab.wait_for_selector("#clips h3[data-word='yes'][data-count='40']")


def test_full_storage_is_said_and_earlier_clips_stay(site, speaking):
    page = site.open(speaking, fragment="#record", script=QUICK)
    record(page, "yes", 1)
    page.evaluate(FILL_UP)
    page.click("#record-start")
    page.wait_for_selector("text=The browser's storage is full")
    assert clips_in(page, "yes") == 1
    page.context.close()


def test_a_zip_of_any_content_is_whole(page):
    names = ["yes/a_nohash_0.wav", "été/b_nohash_1.wav", "leer/c_nohash_2.wav"]
    data = page.evaluate(
        """async (names) => {
          const { makeZip } = await import("./zip.js");
          const files = names.map((name, i) => ({ name, bytes: new Uint8Array(1000 * i).fill(i) }));
          return [...new Uint8Array(await makeZip(files).arrayBuffer())];
        }""",
        names,
    )
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == names
        assert [archive.read(name) for name in names] == [bytes([i]) * 1000 * i for i in range(3)]
