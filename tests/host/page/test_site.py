# SPDX-License-Identifier: Apache-2.0
"""The site as a folder: what is in it, how large it is, what is refused."""

import json
import re
import shutil
from pathlib import Path

import pytest

from stapes.cli.main import main
from stapes.model.metadata import read_settings
from stapes.page.site import build_site, page_sources, wasm_modules

ROOT = Path(__file__).parents[3]
MICRO = ROOT / "models" / "micro" / "model.tflite"
WORDS = ROOT / "models" / "words" / "model.tflite"


def page(*words) -> int:
    return main(["page", *map(str, words)])


def contents(files: dict[str, bytes]) -> dict:
    """What the service worker was told."""
    line = re.search(rb"^const SITE = (.*);$", files["sw.js"], re.MULTILINE)
    return json.loads(line[1])


def test_a_site_with_micro_is_small_and_whole(tmp_path, capsys):
    assert page(MICRO, "--output_dir", tmp_path / "site") == 0
    files = [path for path in (tmp_path / "site").rglob("*") if path.is_file()]
    total = sum(path.stat().st_size for path in files)
    assert total <= 400_000
    assert f"{len(files)} files, {total:,} bytes" in capsys.readouterr().out
    for name in contents(build_site([MICRO]))["files"]:
        assert name == "./" or (tmp_path / "site" / name).is_file()


def test_every_file_that_the_page_names_is_there():
    files = build_site([MICRO])
    named = set(re.findall(rb'(?:src|href)="([^"#]+)"', files["index.html"]))
    for name, data in files.items():
        if name.endswith(".js"):
            named |= set(re.findall(rb'from "\./([^"]+)"', data))
            named |= set(re.findall(rb'"([\w.]+\.(?:js|wasm|json))"', data))
    assert {name.decode() for name in named} <= set(files) | {"./"}


def test_what_a_model_is_stands_in_the_list(tmp_path):
    (model,) = json.loads(build_site([WORDS])["site.json"])["models"]
    settings = read_settings(WORDS)
    assert (model["name"], model["labels"]) == (settings.name, list(settings.labels))
    card = json.loads((WORDS.parent / "card.json").read_text())
    assert len(model["stream"]["det"]) == len(card["stream"]["det"])
    shutil.copy(WORDS, tmp_path / "alone.tflite")
    (model,) = json.loads(build_site([tmp_path / "alone.tflite"])["site.json"])["models"]
    assert model["stream"] is None  # it has no card beside it


def test_another_content_is_another_version():
    versions = {
        contents(build_site(models))["version"] for models in ([MICRO], [WORDS], [MICRO, WORDS])
    }
    assert len(versions) == 3
    assert contents(build_site([MICRO])) == contents(build_site([MICRO]))


def test_a_site_replaces_a_site_and_nothing_else(tmp_path, capsys):
    site = tmp_path / "site"
    assert page(WORDS, "--output_dir", site) == 0
    assert page(MICRO, "--output_dir", site) == 0
    assert [path.name for path in (site / "models").iterdir()] == ["micro.model"]
    (site / "mine.txt").touch()
    assert page(MICRO, "--output_dir", site) == 2
    assert "found mine.txt, expected a new folder or one that `stapes page` wrote" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([MICRO], "found neither --output_dir nor --serve"),
        ([MICRO, "--output_dir", "x", "--https"], "--https and --record are for a server"),
        ([MICRO, MICRO, "--serve"], "micro.model: found two models of this name"),
        ([MICRO, "--serve", "--port", "70000"], "--port"),
        (["absent.tflite", "--serve"], "absent.tflite: cannot be read"),
    ],
)
def test_mistakes_are_said_in_a_line(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert page(*words) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_package_without_the_module_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("stapes.page.site._INSTALLED", tmp_path)
    assert page(MICRO, "--output_dir", tmp_path / "site") == 2
    assert "install clang, lld, wasi-libc" in capsys.readouterr().err


def test_the_modules_are_small_and_import_nothing():
    for path in wasm_modules().values():
        data = path.read_bytes()
        assert data[:8] == b"\0asm\1\0\0\0" and len(data) <= 120 * 1024
        assert 2 not in _sections(data)  # the section of imports


def _sections(data: bytes) -> list[int]:
    kinds, at = [], 8
    while at < len(data):
        kinds.append(data[at])
        size, shift, at = 0, 0, at + 1
        while True:
            size |= (data[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not data[at - 1] & 0x80:
                break
        at += size
    return kinds


def test_the_policy_of_the_page_is_strict():
    policy = re.search(r'content="(default-src[^"]+)"', (page_sources() / "index.html").read_text())
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'" and "unsafe-inline" not in policy[1]
    assert all("http" not in rule and "*" not in rule for rule in rules.values())
    for path in page_sources().glob("*.js"):
        assert "http:" not in path.read_text() and "https:" not in path.read_text()


@pytest.mark.parametrize(("site", "clips"), [("a", "a"), ("a", "a/clips"), ("a/site", "a")])
def test_a_site_and_its_clips_lie_apart(site, clips, tmp_path, capsys):
    """A site is written again only into a folder that holds nothing else."""
    folders = ("--output_dir", tmp_path / site, "--record", tmp_path / clips)
    assert page(MICRO, "--serve", *folders) == 2
    assert "expected two folders" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
