# SPDX-License-Identifier: Apache-2.0
"""The server: the site and nothing else, clips of those who know the token, TLS."""

import http.client
import json
import ssl
import threading

import numpy as np
import pytest

from stapes.audio.wav import read_wav, write_wav
from stapes.errors import StapesError
from stapes.page.clip_folder import MAX_CLIP_BYTES, ClipFolder
from stapes.page.serve import SiteServer

FILES = {"index.html": b"<p>", "models/a.model": b"model", "x.wasm": b"\0asm"}
TOKEN = {"Authorization": "Bearer secret"}


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    return folder


@pytest.fixture
def wav(tmp_path):
    write_wav(tmp_path / "a.wav", np.arange(16000, dtype=np.int16), sample_rate=16000)
    return (tmp_path / "a.wav").read_bytes()


@pytest.fixture
def server(corpus):
    made = SiteServer(("127.0.0.1", 0), FILES, clips=ClipFolder(corpus), token="secret")
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def ask(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer, data


def post(server, path, body, headers=TOKEN):
    answer, data = ask(server, "POST", path, body, headers)
    return answer.status, json.loads(data)


def test_the_site_is_served_with_its_types_and_policy(server):
    answer, data = ask(server, "GET", "/")
    assert (answer.status, data) == (200, b"<p>")
    assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert ask(server, "GET", "/x.wasm?a=b")[0].headers["Content-Type"] == "application/wasm"
    answer, data = ask(server, "HEAD", "/models/a.model")
    assert (answer.headers["Content-Length"], data) == ("5", b"")


@pytest.mark.parametrize("path", ["/other", "/../serve.py", "/%2e%2e/serve.py", "/models/"])
def test_nothing_else_is_served(server, path):
    assert ask(server, "GET", path)[0].status == 404


def test_a_clip_lands_in_the_folder(server, corpus, wav):
    assert post(server, "/record/yes/me_nohash_0.wav", wav) == (200, {"words": {"yes": 1}})
    assert post(server, "/record/yes/me_nohash_0.wav", wav)[0] == 200  # the same again
    assert read_wav(corpus / "yes" / "me_nohash_0.wav")[5] == 5
    _, data = ask(server, "GET", "/record", headers=TOKEN)
    assert json.loads(data) == {"folder": "corpus", "words": {"yes": 1}}
    changed = wav[:-2] + b"\1\1"
    status, said = post(server, "/record/yes/me_nohash_0.wav", changed)
    assert status == 400 and "found another clip of that name" in said["reason"]
    assert (corpus / "yes" / "me_nohash_0.wav").read_bytes() == wav


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "é"}])
def test_without_the_token_nothing_is_told_or_taken(server, corpus, wav, headers):
    headers = {name: value.encode("latin-1") for name, value in headers.items()}
    assert post(server, "/record/yes/me_nohash_0.wav", wav, headers)[0] == 403
    assert ask(server, "GET", "/record", headers=headers)[0].status == 403
    assert list(corpus.iterdir()) == []


@pytest.mark.parametrize(
    "path",
    [
        "/record/..%2f..%2fetc/me_nohash_0.wav",
        "/record/%2e%2e/me_nohash_0.wav",
        "/record/yes/..%2fme_nohash_0.wav",
        "/record/yes/me_nohash_0.exe",
        "/record/_silence_/me_nohash_0.wav",
        "/record/yes/no/me_nohash_0.wav",
        "/record/yes",
        "/other/yes/me_nohash_0.wav",
        "/record/%00/me_nohash_0.wav",
    ],
)
def test_nothing_lands_outside_the_folder(server, corpus, tmp_path, wav, path):
    before = sorted(tmp_path.rglob("*"))
    assert post(server, path, wav)[0] in (400, 404)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_out_of_the_folder_is_not_followed(server, corpus, tmp_path, wav):
    (tmp_path / "elsewhere").mkdir()
    (corpus / "yes").symlink_to(tmp_path / "elsewhere")
    status, said = post(server, "/record/yes/me_nohash_0.wav", wav)
    assert status == 400 and "a link out of the folder" in said["reason"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("body", [b"", b"RIFF", b"no audio" * 100])
def test_what_is_no_clip_is_refused(server, corpus, body):
    assert post(server, "/record/yes/me_nohash_0.wav", body)[0] == 400
    assert list(corpus.iterdir()) == []


def test_a_clip_cut_short_on_its_way_leaves_nothing(server, corpus, wav):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    connection.putrequest("POST", "/record/yes/me_nohash_0.wav")
    connection.putheader("Authorization", TOKEN["Authorization"])
    connection.putheader("Content-Length", str(len(wav)))
    connection.endheaders()
    connection.send(wav[:1000])
    connection.close()
    assert post(server, "/record/no/me_nohash_0.wav", wav)[0] == 200
    assert [path.name for path in corpus.iterdir()] == ["no"]


@pytest.mark.parametrize("length", [str(MAX_CLIP_BYTES + 1), "-1", "many", ""])
def test_sizes_are_bounded(server, corpus, length):
    headers = {**TOKEN, "Content-Length": length}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    connection.putrequest("POST", "/record/yes/me_nohash_0.wav")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    assert list(corpus.iterdir()) == []


def test_a_server_without_a_folder_takes_nothing(wav):
    server = SiteServer(("127.0.0.1", 0), FILES)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    assert post(server, "/record/yes/me_nohash_0.wav", wav, {"Authorization": "Bearer "})[0] == 403
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_port_in_use_is_said(server):
    with pytest.raises(StapesError, match=f"--port {server.port}: cannot be used"):
        SiteServer(("127.0.0.1", server.port), FILES)


def test_https_with_a_certificate_of_our_own():
    pytest.importorskip("cryptography")
    from stapes.page.certificate import server_context

    server = SiteServer(("127.0.0.1", 0), FILES, tls=server_context(["127.0.0.1"]))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    seen = ssl.get_server_certificate(("127.0.0.1", server.port))
    context = ssl.create_default_context(cadata=seen)  # as somebody who has accepted it
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=120)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"<p>"
    connection.close()
    server.shutdown()
    server.server_close()
    thread.join()
