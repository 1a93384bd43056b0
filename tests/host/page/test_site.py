# SPDX-License-Identifier: Apache-2.0
"""The site as a folder: what is in it, how large it is, what is refused."""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from stapes.cli.main import main
from stapes.errors import StapesError
from stapes.model.metadata import read_settings
from stapes.model.settings import FrontEndSettings, ModelSettings, WakeSettings
from stapes.model.shipped import shipped_models
from stapes.page.site import build_site, page_sources, wasm_modules

ROOT = Path(__file__).parents[3]
MICRO = ROOT / "models" / "micro" / "model.tflite"
WORDS = ROOT / "models" / "words" / "model.tflite"


def page(*words) -> int:
    return main(["page", *map(str, words)])


def contents(files: dict[str, bytes]) -> dict:
    """What the service worker knows of the site."""
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


def test_a_site_tells_whose_data_each_of_its_models_was_trained_on(tmp_path, small_model):
    path, labels = tmp_path / "small.tflite", ("_silence_", "_unknown_", "yes", "no")
    path.write_bytes(small_model(ModelSettings(name="small", labels=labels)))
    files = build_site([MICRO, path])
    of_micro, of_small = files["ATTRIBUTION.txt"].decode().split("Model: ")[1:]
    assert shipped_models()["micro"].card["data"] in of_micro
    assert "does not say on what data" in of_small
    assert "ATTRIBUTION.txt" in contents(files)["files"]
    assert b"Rich Felker" in files["ATTRIBUTION.txt"]  # of musl, which the modules contain


def test_a_wake_words_model_is_no_choice_but_what_wakes_the_others():
    awake = WakeSettings(awake_seconds=2.5)
    files = build_site([WORDS], wake=MICRO, awake=awake)
    site = json.loads(files["site.json"])
    assert [model["name"] for model in site["models"]] == ["words"]
    assert (site["wake"]["name"], site["wake"]["awake_ms"]) == ("micro", 2500)
    assert site["wake"]["file"] in contents(files)["files"]
    assert files[site["wake"]["file"]] == build_site([MICRO])["models/micro.model"]
    assert b"Model: micro" in files["ATTRIBUTION.txt"]
    assert "wake" not in json.loads(build_site([WORDS])["site.json"])


def test_a_wake_word_of_another_rate_or_without_a_model_is_refused(tmp_path, small_model, capsys):
    slow, labels = tmp_path / "slow.tflite", ("_silence_", "_unknown_", "hey")
    front_end = FrontEndSettings(sample_rate=8000)
    slow.write_bytes(small_model(ModelSettings(name="slow", labels=labels, front_end=front_end)))
    assert page(WORDS, "--wake", slow, "--output_dir", tmp_path / "site") == 2
    assert "found a model for 8000 Hz, expected 16000 Hz" in capsys.readouterr().err
    assert page(WORDS, "--awake_seconds", 3, "--output_dir", tmp_path / "site") == 2
    assert "--awake_seconds: expected --wake as well" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_what_a_model_is_stands_in_the_list(tmp_path):
    (model,) = json.loads(build_site([WORDS])["site.json"])["models"]
    settings = read_settings(WORDS)
    assert (model["name"], model["labels"]) == (settings.name, list(settings.labels))
    card = json.loads((WORDS.parent / "card.json").read_text())
    assert len(model["stream"]["det"]) == len(card["stream"]["det"])
    shutil.copy(WORDS, tmp_path / "alone.tflite")
    (model,) = json.loads(build_site([tmp_path / "alone.tflite"])["site.json"])["models"]
    assert model["stream"] is None  # it has no card


def test_commands_of_the_page_name_the_model_as_commands_take_it(tmp_path):
    shutil.copy(MICRO, tmp_path / "alone.tflite")
    models = json.loads(build_site([WORDS, tmp_path / "alone.tflite"])["site.json"])["models"]
    assert [model["tflite"] for model in models] == ["words", "alone.tflite"]


@pytest.fixture
def with_card(tmp_path):
    """Makes a model with a card whose curve is this text."""

    def make(det: str) -> Path:
        path = tmp_path / "model.tflite"
        shutil.copy(MICRO, path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        stream = f'{{"hours": 3, "words": 10, "det": {det}}}'
        path.with_name("card.json").write_text(f'{{"sha256": "{sha256}", "stream": {stream}}}')
        return path

    return make


POINT = '{"threshold": 0.5, "false_reject_rate": %s, "false_accepts_per_hour": 1}'


def test_a_curve_without_a_rate_has_no_such_point(with_card):
    det = f"[{POINT % 'null'}, {POINT % '0.25'}]"
    (model,) = json.loads(build_site([with_card(det)])["site.json"])["models"]
    assert [point["false_reject_rate"] for point in model["stream"]["det"]] == [0.25]
    (model,) = json.loads(build_site([with_card("[]")])["site.json"])["models"]
    assert model["stream"] is None


@pytest.mark.parametrize(
    "det",
    ['{"a": 1}', "[1]", "7", *(f"[{POINT % value}]" for value in
     ("NaN", "Infinity", "1e999", "-1", '"<b>"', "true", "[]"))],
)  # fmt: skip
def test_a_curve_that_is_none_is_refused(with_card, det):
    """JSON in a browser has no NaN."""
    with pytest.raises(StapesError, match="found no model card"):
        build_site([with_card(det)])


def test_names_that_look_alike_are_different_files(tmp_path, small_model):
    labels = ("_silence_", "_unknown_", "yes", "no")
    names = ["my model", "my_model", "My:model", "../../x", "é" * 100, "é" * 99]
    paths = []
    for number, name in enumerate(names):
        paths.append(tmp_path / f"{number}.tflite")
        paths[-1].write_bytes(small_model(ModelSettings(name=name, labels=labels)))
    site = build_site(paths)
    models = json.loads(site["site.json"])["models"]
    assert [model["name"] for model in models] == names
    files = [model["file"] for model in models]
    assert files[:4] == [
        "models/my_model.model", "models/my_model-2.model", "models/my_model-3.model",
        "models/_x.model",
    ]  # fmt: skip
    assert len(set(files)) == len(names) and set(files) <= set(site)
    assert all(re.fullmatch(r"models/[a-z0-9_-]{1,70}\.model", file) for file in files)


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
        ([MICRO, MICRO, "--serve"], "found a second model of the name micro"),
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
    monkeypatch.setattr("stapes.page.site.INSTALLED", tmp_path)
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
    pointer = "version https://git-lfs.github.com/spec/"  # a file may begin with it
    for path in page_sources().glob("*.js"):
        text = path.read_text().replace(pointer, "")
        assert "http:" not in text and "https:" not in text


@pytest.mark.parametrize(("site", "clips"), [("a", "a"), ("a", "a/clips"), ("a/site", "a")])
def test_a_site_and_its_clips_lie_apart(site, clips, tmp_path, capsys):
    """A site is written again only into a folder that holds nothing else."""
    folders = ("--output_dir", tmp_path / site, "--record", tmp_path / clips)
    assert page(MICRO, "--serve", *folders) == 2
    assert "expected two folders" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


@pytest.fixture
def serve():
    """Starts `stapes page --serve` in a terminal that has only the letters of ASCII."""
    started = []

    def start(*words):
        environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LANG": "C"}
        command = [sys.executable, "-m", "stapes", "page", MICRO, "--serve", *words]
        started.append(
            subprocess.Popen(
                list(map(str, command)), env=environment,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
        )  # fmt: skip
        return started[-1]

    yield start
    for program in started:
        program.kill()
        program.communicate()


def address_of(program) -> str:
    return program.stdout.readline().split()[-1].decode()


def test_a_server_ends_by_ctrl_c_and_leaves_no_half_clip(serve, tmp_path):
    program = serve("--port", 0, "--record", tmp_path / "corpus")
    address, _, token = address_of(program).partition("#token=")
    # Here, as communicate() does not see what the pipe's reader has read already.
    assert b"Ctrl-C ends it.\n" in iter(program.stdout.readline, b"")
    assert urllib.request.urlopen(address, timeout=120).status == 200
    host, _, port = address.removeprefix("http://").rstrip("/").partition(":")
    with socket.create_connection((host, int(port)), timeout=120) as connection:
        head = f"POST /record/yes/a_nohash_0.wav HTTP/1.1\r\nAuthorization: Bearer {token}\r\n"
        connection.sendall(f"{head}Content-Length: 32044\r\n\r\nRIFF".encode())
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=120)
    assert (program.returncode, errors) == (0, b"\n")
    assert list((tmp_path / "corpus").rglob("*")) == []


def test_two_servers_at_one_port_are_said(serve, tmp_path):
    first = serve("--port", 0)
    port = address_of(first).rstrip("/").rpartition(":")[2]
    second = serve("--port", port)
    _, errors = second.communicate(timeout=120)
    said = f"stapes: error: --port {port}: cannot be used (Address already in use); choose another"
    assert (second.returncode, errors.decode().strip()) == (2, said)


def test_a_terminal_without_blocks_shows_the_square_all_the_same(serve):
    pytest.importorskip("segno")
    pytest.importorskip("cryptography")
    program = serve("--port", 0, "--https")
    lines = iter(lambda: program.stdout.readline(), b"Ctrl-C ends it.\n")
    shown = b"".join(lines)
    assert b"\x1b[7m" in shown and b"\\u" not in shown
    assert b'Choose "Advanced" or "Show details"' in shown
    program.send_signal(signal.SIGINT)
    assert program.communicate(timeout=120)[1] == b"\n"
