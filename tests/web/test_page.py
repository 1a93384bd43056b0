# SPDX-License-Identifier: Apache-2.0
"""The page itself: offline, without other hosts, accessible, with clear errors about a bad site."""

import json
import shlex
import zlib
from pathlib import Path

import pytest
from pages import PHONE, ROOT, WIDE, model_of, serving, until

from stapes.model.settings import ModelSettings
from stapes.page.page_model import read_page_model
from stapes.page.site import build_site

AXE = ROOT / "boards/web/node_modules/axe-core/axe.min.js"
PARTS = ("listen", "recording", "tune", "record", "board")


@pytest.fixture(scope="module")
def browser(chromium):
    return chromium()


def test_after_the_first_visit_it_works_offline(site_files, browser, stream):
    with serving(site_files) as site:
        page = site.open(browser, offline=True)
        until(page, "navigator.serviceWorker.ready.then(() => true)")
    # The server has ended: everything else comes from the browser.
    page.context.set_offline(True)
    page.goto(site.address)
    page.wait_for_selector("body.ready")
    page.click("#tab-recording")
    page.set_input_files("#audio-file", str(stream))
    page.wait_for_selector("#recording-state:has-text('faster than real time')")
    page.select_option("#model", label="micro")
    page.wait_for_selector("#about-model:has-text('Model micro')")
    page.context.close()


def test_a_new_version_of_the_site_replaces_the_old_one(browser):
    files = build_site([model_of("micro")])
    with serving(files) as site:
        page = site.open(browser, offline=True)
        until(page, "navigator.serviceWorker.ready.then(() => true)")
        site.server.files = build_site([model_of("jarvis")])
        page.reload()
        page.wait_for_selector("text=Say “jarvis”")
        until(page, "caches.keys().then((names) => names.length === 1)")
        until(page, "caches.match('models/jarvis.model').then(Boolean)")
        page.context.close()


def test_no_request_goes_to_another_host(site, chromium, stream):
    page = site.open(chromium(stream), offline=True)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.reload()
    page.wait_for_selector("body.ready")
    page.click("#listen-toggle")
    page.wait_for_selector("#listen-view [data-heard]")
    for part in PARTS:
        page.click(f"#tab-{part}")
    assert len(requests) > 10
    assert [url for url in requests if not url.startswith((site.address, "blob:"))] == []
    page.context.close()


def test_the_policy_lets_in_nothing_from_elsewhere(site, browser):
    page = site.open(browser)
    violations = page.evaluate(
        """async () => {
          const found = [];
          const note = (event) => found.push(event.violatedDirective);
          document.addEventListener("securitypolicyviolation", note);
          const script = document.createElement("script");
          script.textContent = "window.hacked = true";
          document.body.append(script);
          const picture = new Image();
          picture.src = "https://example.invalid/a.png";
          await fetch("https://example.invalid/").catch(() => undefined);
          await new Promise((resume) => setTimeout(resume, 100));
          return [window.hacked === undefined, ...found];
        }"""
    )
    assert violations[0] is True
    assert {v.removesuffix("-elem") for v in violations[1:]} == {
        "script-src",
        "img-src",
        "connect-src",
    }
    page.context.close()


def fill(page, part: str, stream: Path) -> None:
    """Shows a part of the page with everything that it can show."""
    page.click(f"#tab-{part}")
    if part == "recording":
        page.set_input_files("#audio-file", str(stream))
        page.set_input_files("#labels-file", str(stream.with_suffix(".txt")))
        page.wait_for_selector("#figures p")
    if part == "tune" and page.get_attribute("details", "open") is None:
        page.click("summary")
    if part == "record":
        add = """async () => {
          const store = await (await import("./clips.js")).ClipStore.open();
          await store.add("yes", "me", new Uint8Array(10));
        }"""
        page.evaluate(add)
        page.wait_for_selector("#clips li")
    if part == "board":  # as if one were connected
        page.evaluate("document.getElementById('board-live').hidden = false")


@pytest.mark.parametrize("viewport", [PHONE, WIDE], ids=["phone", "wide"])
def test_axe_finds_no_violation(site, chromium, stream, viewport):
    """In both colour schemes, with everything that the parts can show, and with an error shown."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in boards/web")
    page = site.open(chromium(stream), viewport=viewport, reduced_motion="reduce")
    page.evaluate(AXE.read_text())
    found, wide = [], []
    page.click("#listen-toggle")
    page.wait_for_selector("#listen-view [data-heard]")
    page.evaluate("import('./app.js').then(({ sayProblem }) => sayProblem('A problem.'))")
    for part in PARTS:
        fill(page, part, stream)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(part)
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            violations = page.evaluate("axe.run()")["violations"]
            found += [(part, scheme, v["id"], v["nodes"][0]["target"]) for v in violations]
    assert (found, wide) == ([], [])
    page.context.close()


def test_keys_alone_lead_everywhere(site, browser):
    page = site.open(browser)
    page.focus("#tab-listen")
    for part in (*PARTS[1:], PARTS[0]):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.id") == f"tab-{part}"
        assert page.is_visible(f"#{part}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "listen-toggle"
    page.context.close()


# The element with the focus: its place among the elements that can have it, and if it is visible.
FOCUSED = """() => {
  const it = document.activeElement;
  const wanted = "a[href], button, input, select, summary, audio, [tabindex='0']";
  const usable = [...document.querySelectorAll(wanted)].filter((one) =>
    one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.tabIndex >= 0);
  const { outlineStyle, outlineWidth } = getComputedStyle(it);
  const box = it.getBoundingClientRect();
  return {
    place: usable.indexOf(it),
    name: it.outerHTML.slice(0, 80),
    count: usable.length,
    // Inside a player the browser draws the focus by itself.
    seen: (it.matches("audio") || (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2))
      && box.top < innerHeight && box.bottom > 0,
  };
}"""


@pytest.mark.parametrize("viewport", [PHONE, WIDE], ids=["phone", "wide"])
@pytest.mark.parametrize("part", PARTS)
def test_tab_reaches_all_that_can_be_used_in_order_and_it_is_seen(
    site, browser, stream, part, viewport
):
    page = site.open(browser, viewport=viewport)
    fill(page, part, stream)
    page.focus(".skip")  # the first one
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    places = []
    for _ in range(200):
        found = page.evaluate(FOCUSED)
        if found["place"] < 0 or (places and found["place"] < places[-1]):
            break  # round the corner
        assert found["seen"], found["name"]
        places.append(found["place"])
        page.keyboard.press("Tab")
    assert sorted(set(places)) == list(range(found["count"]))
    page.context.close()


def test_the_question_before_all_clips_go_is_closed_by_keys(site, browser):
    page = site.open(browser)
    fill(page, "record", None)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.focus("#forget")
    page.keyboard.press("Enter")
    assert asked == ["Delete all clips in this browser? Take the ZIP first to keep them."]
    assert page.locator("#clips li").count() == 1
    assert page.evaluate("document.activeElement.id") == "forget"
    page.context.close()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"models": []}', '{"models": [{}]}', '{"models": 7}', '{"version": NaN}'],
)
def test_a_list_of_models_that_is_none_is_said(site_files, browser, text):
    with serving({**site_files, "site.json": text.encode()}) as site:
        page = browser.new_page()
        page.goto(site.address)
        page.wait_for_selector("#problem:has-text('site.json cannot be loaded (')")
        page.close()


def test_html_in_names_stays_text(browser, small_model, tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    settings = ModelSettings(
        name=evil, labels=("_silence_", "_unknown_", "<b>bold<", "'; rm -rf ~")
    )
    (tmp_path / f"{evil}.tflite").write_bytes(small_model(settings))
    with serving(build_site([tmp_path / f"{evil}.tflite", model_of("micro")])) as site:
        page = site.open(browser)
        assert evil in page.inner_text("#about-model")
        assert page.locator("option >> nth=0").inner_text() == evil
        for part in PARTS:
            page.click(f"#tab-{part}")
            assert page.locator("main img, main b").count() == 0
        command = page.locator("#commands code >> nth=0").text_content()
        assert shlex.split(command)[2].startswith("threshold:<b>bold<=")
        assert shlex.split(command)[3].startswith("threshold:'; rm -rf ~=")
        tune = shlex.split(page.locator("#commands code >> nth=1").text_content())
        assert tune[2] == f"{evil}.tflite"
        assert page.errors == []
        page.context.close()


def test_nothing_moves_for_those_who_wish_so(site, browser):
    page = site.open(browser, reduced_motion="reduce")
    moving = page.evaluate(
        "[...document.querySelectorAll('*')].filter((e) => "
        "parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    )
    assert moving == 0
    page.context.close()


def test_all_texts_come_from_one_file(site, browser):
    """With every text of text.js replaced, no English is left but the page's name."""
    page = browser.new_page()
    mute = """
      const handler = { get: (texts, name) => typeof texts[name] === "function" ? () => "§" : "§" };
      export const TEXT = new Proxy(%s, handler);
    """
    source = (ROOT / "boards/web/page/text.js").read_text()
    body = (
        source[source.index("export const TEXT = ") + len("export const TEXT = ") :]
        .rstrip()
        .rstrip(";")
    )
    before = source[: source.index("export const TEXT = ")]
    page.route(
        "**/text.js",
        lambda route: route.fulfill(body=before + mute % body, content_type="text/javascript"),
    )
    page.goto(site.address)
    page.wait_for_selector("body.ready")
    for part in PARTS:
        page.click(f"#tab-{part}")
        commands = " ".join(page.locator("code").all_inner_texts()).split()
        words = set(page.inner_text("body").replace("§", " ").split()) - set(commands)
        models = json.loads(site.server.files["site.json"])["models"]
        names = {word for model in models for word in (model["name"], *model["labels"])}
        assert {word for word in words if word.isalpha()} - names <= {"Stapes", "s"}, part
    page.close()


def damaged(data: bytes) -> bytes:
    return data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]


def newer(data: bytes) -> bytes:
    """The file is whole, but of a version that this page does not know."""
    changed = data[:4] + (99).to_bytes(4, "little") + data[8:44]
    return changed + zlib.crc32(changed + data[48:]).to_bytes(4, "little") + data[48:]


def newer_image(data: bytes) -> bytes:
    """The image inside is of a newer protocol."""
    start = 48 + int.from_bytes(data[8:12], "little")
    changed = data[: start + 4] + (99).to_bytes(2, "little") + data[start + 6 :]
    crc = zlib.crc32(changed[:44] + changed[48:]).to_bytes(4, "little")
    return changed[:44] + crc + changed[48:]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data[:-100], "damaged, or cut short"),
        (lambda data: data[:20], "no model of a Stapes page"),
        (damaged, "damaged, or cut short"),
        (newer, "made for another version of the page"),
        (newer_image, "not a model image of this version"),
        (lambda data: b"<html>not found</html>" * 9, "no model of a Stapes page"),
    ],
    ids=["cut", "stump", "damaged", "newer", "newer image", "html"],
)
def test_a_model_that_does_not_fit_is_said_and_the_one_before_stays(
    site_files, browser, change, reason
):
    files = {**site_files, "models/micro.model": change(site_files["models/micro.model"])}
    with serving(files) as site:
        page = site.open(browser)
        page.select_option("#model", label="micro")
        page.wait_for_selector(f"#problem:has-text('Model micro: {reason}.')")
        first = json.loads(site_files["site.json"])["models"][0]["name"]
        assert page.inner_text("#about-model").startswith(f"Model {first},")
        assert page.evaluate("document.getElementById('model').selectedIndex") == 0
        assert page.errors == []
        page.context.close()


@pytest.mark.parametrize("name", ["site.json", "models/micro.model", "stapes_simd.wasm"])
def test_a_site_with_a_hole_is_said(browser, name):
    site_files = build_site([model_of("micro")])
    with serving({path: data for path, data in site_files.items() if path != name}) as site:
        page = browser.new_page()
        page.goto(site.address)
        page.wait_for_selector(f"#problem:has-text('{name} cannot be loaded (status 404)')")
        page.close()


def test_a_browser_without_vectors_gets_the_plain_module(site, browser, stream):
    blind = "WebAssembly.validate = () => false;"
    page = site.open(browser, fragment="#recording", script=blind)
    assert "without vectors" in page.inner_text("#about-model")
    page.set_input_files("#audio-file", str(stream))
    page.wait_for_selector("#recording-state:has-text('detections')")
    page.context.close()


def test_a_page_model_holds_the_image_of_stapes_load(site, browser):
    from stapes.link.model_image import read_model_image

    page = site.open(browser)
    image = page.evaluate(
        """async () => {
          const { App } = await import("./app.js");
          const app = new App();
          await app.load();
          const image = await app.imageOf(app.models[1]);
          return [image.length, (await import("./zip.js")).crc32(image)];
        }"""
    )
    wanted = read_model_image(model_of("micro"))
    assert image == [len(wanted.data), wanted.crc32]
    assert read_page_model(model_of("micro")).endswith(wanted.data)
    page.context.close()


def test_the_site_installs_on_a_phone(site_files):
    manifest = json.loads(site_files["manifest.webmanifest"])
    assert manifest["display"] == "standalone" and manifest["start_url"] == "./"
    for icon in manifest["icons"]:
        assert Path(icon["src"]).name in site_files
