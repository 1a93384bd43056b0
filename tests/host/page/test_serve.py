# SPDX-License-Identifier: Apache-2.0
"""The server gives the site and nothing else, and takes clips with the token only. TLS."""

import contextlib
import errno
import http.client
import json
import shutil
import socket
import ssl
import threading
import time

import numpy as np
import pytest

from stapes.audio.wav import read_wav, write_wav
from stapes.errors import StapesError
from stapes.page import clip_folder
from stapes.page.clip_folder import ClipFolder
from stapes.page.serve import MAX_CONNECTIONS, SiteServer

FILES = {"index.html": b"<p>", "models/a.model": b"model", "x.wasm": b"\0asm"}
LARGE = {"large": bytes(1 << 26)}
TOKEN = {"Authorization": "Bearer secret"}


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    return folder


@pytest.fixture
def wav(tmp_path):
    return clip(tmp_path)


def clip(folder, *, seconds=1.0, rate=16000) -> bytes:
    samples = np.arange(int(seconds * rate)).astype(np.int16)
    write_wav(folder / "a.wav", samples, sample_rate=rate)
    return (folder / "a.wav").read_bytes()


@contextlib.contextmanager
def serving(files=FILES, **options):
    made = SiteServer(("127.0.0.1", 0), files, token="secret", **options)
    thread = threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


@pytest.fixture
def server(corpus):
    with serving(clips=ClipFolder(corpus, rates=[16000])) as made:
        yield made


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


def test_ctrl_c_while_a_thread_starts_ends_the_server(monkeypatch):
    """Ctrl-C may come when that thread has already given back its place."""
    begin = threading.Thread.start

    def start_and_interrupt(thread):
        begin(thread)
        thread.join()
        raise KeyboardInterrupt

    with SiteServer(("127.0.0.1", 0), FILES) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        monkeypatch.setattr(threading.Thread, "start", start_and_interrupt)
        monkeypatch.setattr(server, "service_actions", lambda: pytest.fail("the server goes on"))
        with pytest.raises(KeyboardInterrupt):
            server.serve_forever()


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
    said = {"clip": "yes/me_nohash_0.wav"}
    assert post(server, "/record/yes/me_nohash_0.wav", wav) == (200, said)
    assert post(server, "/record/yes/me_nohash_0.wav", wav)[0] == 200  # the same again
    assert read_wav(corpus / "yes" / "me_nohash_0.wav")[5] == 5
    _, data = ask(server, "GET", "/record", headers=TOKEN)
    assert json.loads(data) == {"folder": "corpus", "words": {"yes": 1}}
    changed = wav[:-2] + b"\1\1"
    status, said = post(server, "/record/yes/me_nohash_0.wav", changed)
    assert status == 409 and "found another clip of that name" in said["reason"]
    assert said["free"] == 1
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
        "/record/yes/me_nohash_%D9%A3.wav",  # a digit of another script
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


@pytest.mark.parametrize(
    ("lengths", "status"),
    [
        (["1924097"], 413),
        (["9" * 15], 413),
        (["9" * 5000], 400),
        (["-1"], 400),
        (["many"], 400),
        ([""], 400),
        (["\u0663".encode().decode("latin-1")], 400),
        (["5", "5"], 400),
        ([], 411),
    ],
)
def test_a_body_says_how_long_it_is(server, corpus, lengths, status):
    lines = "".join(f"Content-Length: {length}\r\n" for length in lengths)
    head = (
        f"POST /record/yes/me_nohash_0.wav HTTP/1.1\r\nAuthorization: Bearer secret\r\n{lines}\r\n"
    )
    assert status_of(server, head.encode("latin-1") + b"x" * 100) == status
    assert ask(server, "GET", "/")[0].status == 200
    assert list(corpus.iterdir()) == []


@pytest.mark.parametrize("more", [{}, {"Content-Length": "5"}], ids=["", "with a length"])
def test_a_body_in_chunks_is_refused(server, corpus, wav, more):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    path = "/record/yes/me_nohash_0.wav"
    headers = {**TOKEN, "Transfer-Encoding": "chunked", **more}
    connection.request("POST", path, iter([wav]), headers, encode_chunked=True)
    assert connection.getresponse().status == 411
    connection.close()
    assert list(corpus.iterdir()) == []


def test_a_refusal_arrives_though_the_body_is_large(server):
    """A connection that is closed with bytes unread is reset, and its answer lost."""
    status, said = post(server, "/record/yes/me_nohash_0.wav", bytes(6_000_000))
    assert status == 413 and said["reason"] == "expected a clip of at most 1924096 bytes"


def status_of(server, request: bytes) -> int | None:
    """Of the answer to raw bytes; None without one."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else None


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET http://[/ HTTP/1.1", 400),
        (b"GET http://elsewhere/ HTTP/1.1", 400),
        (b"GET * HTTP/1.1", 400),
        (b"GET // HTTP/1.1", 200),
        (b"GET //etc/passwd HTTP/1.1", 404),
        (b"GET /%00 HTTP/1.1", 404),
        (b"GET /..%2f..%2fetc/passwd HTTP/1.1", 404),
        (b"GET /%ff HTTP/1.1", 400),
        (b"GET /\xc3\xa9 HTTP/1.1", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1", 414),
        (b"GET / HTTP/1.1\r\nLong: " + b"a" * 40_000, 431),
        (b"GET / HTTP/1.1" + b"".join(b"\r\nMany: %d" % i for i in range(200)), 431),
        (b"GET / HTTP/1.1" + b"\r\nWide: " + b"a" * 9000 + b"\r\nWide: " + b"a" * 30_000, 431),
        (b"GET / HTTP/9.9", 505),
        (b"GET / nonsense", 400),
        (b"GET /", 200),
        (b"nonsense", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
        (b"BREW / HTTP/1.1", 501),
        (b"PUT /record/yes/a HTTP/1.1", 501),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else value,
)
def test_what_is_no_request_is_answered_and_the_server_lives_on(server, request_line, status):
    assert status_of(server, request_line + b"\r\n\r\n") == status
    assert ask(server, "GET", "/")[0].status == 200


def test_a_body_that_nobody_asked_for_is_no_second_request(server):
    hidden = b"GET /other HTTP/1.1\r\n\r\n"
    head = b"GET / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(hidden)
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection:
        connection.sendall(head + hidden)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "begin",
    [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nName: ", b"GET /large HTTP/1.1\r\n\r\n",
     b"POST /record/yes/me_nohash_0.wav HTTP/1.1\r\nAuthorization: Bearer secret\r\n"
     b"Content-Length: 99\r\n\r\n"],
    ids=["nothing", "line", "headers", "reads nothing", "body"],
)  # fmt: skip
def test_a_slow_client_keeps_no_connection(corpus, begin):
    """Even if it sends a byte now and then."""
    clips = ClipFolder(corpus, rates=[16000])
    with serving(LARGE, clips=clips, request_seconds=1) as server:
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=120)
        with connection:
            connection.sendall(begin)
            slow = bool(begin) and b"large" not in begin
            gone_by = time.monotonic() + 60
            while server.connections == 0:
                time.sleep(0.02)
            while server.connections > 0:
                assert time.monotonic() < gone_by
                with contextlib.suppress(ConnectionError):
                    connection.sendall(b"a" if slow else b"")
                time.sleep(0.1)


def test_a_slow_handshake_keeps_no_thread():
    pytest.importorskip("cryptography")
    from stapes.page.certificate import server_context

    tls = server_context(["127.0.0.1"])
    with serving(tls=tls, request_seconds=1) as server:
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=120)
        with connection:
            connection.sendall(b"\x16\x03\x01\x02")
            assert connection.recv(10) == b""


def test_connections_are_bounded_and_those_that_ask_nothing_go_first(server):
    with contextlib.ExitStack() as stack:

        def connect(sent: bytes) -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=120)
            connection.sendall(sent)
            return stack.enter_context(connection)

        first = connect(b"")
        for _ in range(MAX_CONNECTIONS + 5):
            connect(b"")
        assert first.recv(10) == b""  # the connection that has waited the longest
        assert ask(server, "GET", "/")[0].status == 200
        assert server.connections <= MAX_CONNECTIONS
        busy = [connect(b"GET / HTT") for _ in range(MAX_CONNECTIONS)]
        deadline = time.monotonic() + 120
        while server.requests < MAX_CONNECTIONS and time.monotonic() < deadline:
            time.sleep(0.01)
        answer = connect(b"").recv(100)
        assert answer.startswith(b"HTTP/1.1 503 ")
        busy[0].sendall(b"P/1.1\r\n\r\n")
        assert busy[0].recv(12) == b"HTTP/1.1 200"


def test_a_clip_of_another_rate_is_refused(server, corpus, tmp_path, wav):
    status, said = post(server, "/record/yes/a_nohash_0.wav", clip(tmp_path, rate=8000))
    assert status == 400 and "found 8000 Hz, expected 16000 Hz" in said["reason"]
    assert list(corpus.iterdir()) == []


def test_the_first_clip_of_a_folder_says_its_rate(corpus, tmp_path):
    clips = ClipFolder(corpus, rates=[16000, 8000])
    clips.take("yes", "a_nohash_0.wav", clip(tmp_path, rate=8000))
    with pytest.raises(StapesError, match="found 16000 Hz, expected 8000 Hz"):
        clips.take("yes", "a_nohash_1.wav", clip(tmp_path))
    with pytest.raises(StapesError, match=r"--record .*: found 8000 Hz, expected 16000 Hz"):
        ClipFolder(corpus, rates=[16000])


@pytest.mark.parametrize(("seconds", "status"), [(60, 200), (60.1, 400)])
def test_a_clip_has_a_minute_at_most(server, tmp_path, seconds, status):
    answer, said = post(server, "/record/yes/a_nohash_0.wav", clip(tmp_path, seconds=seconds))
    assert answer == status
    assert status == 200 or said["reason"] == "a_nohash_0.wav: found 60.1 s, expected at most 60 s"


@pytest.mark.parametrize(("most", "value"), [("MAX_SESSION_SECONDS", 3), ("MAX_SESSION_CLIPS", 3)])
def test_what_one_start_takes_is_bounded(corpus, wav, monkeypatch, most, value):
    monkeypatch.setattr(clip_folder, most, value)
    clips = ClipFolder(corpus, rates=[16000])
    for number in range(3):
        clips.take("yes", f"a_nohash_{number}.wav", wav)
    clips.take("yes", "a_nohash_2.wav", wav)  # the same again takes no room
    with pytest.raises(StapesError, match="since the server was started, expected fewer"):
        clips.take("yes", "a_nohash_3.wav", wav)
    assert clips.counts() == {"yes": 3}


def test_a_folder_that_has_gone_is_said_here_and_there(server, corpus, wav, capsys):
    shutil.rmtree(corpus)
    for method, path in (("GET", "/record"), ("POST", "/record/yes/a_nohash_0.wav")):
        answer, data = ask(server, method, path, wav if method == "POST" else None, TOKEN)
        assert answer.status == 500
        assert "No such file or directory" in json.loads(data)["reason"]
        assert str(corpus.parent) not in data.decode()
        assert f"stapes: page: {corpus}: cannot be " in capsys.readouterr().err
    assert ask(server, "GET", "/")[0].status == 200


def test_a_full_disk_is_said_here_and_there(server, corpus, wav, capsys, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    status, said = post(server, "/record/yes/a_nohash_0.wav", wav)
    assert (status, said["reason"]) == (
        500,
        "the server cannot keep clips, its folder cannot be written: No space left on device",
    )
    assert f"{corpus}: cannot be written (No space left on device)" in capsys.readouterr().err
    assert list((corpus / "yes").iterdir()) == []


def test_a_server_that_ends_takes_no_clip(corpus, wav):
    clips = ClipFolder(corpus, rates=[16000])
    with serving(clips=clips):
        pass
    with pytest.raises(StapesError, match="the server is stopping"):
        clips.take("yes", "a_nohash_0.wav", wav)


def test_a_server_without_a_folder_takes_nothing(wav):
    with serving() as server:
        headers = {"Authorization": "Bearer secret"}
        assert post(server, "/record/yes/me_nohash_0.wav", wav, headers)[0] == 403


def test_a_port_in_use_is_said(server):
    with pytest.raises(StapesError, match=f"--port {server.port}: cannot be used"):
        SiteServer(("127.0.0.1", server.port), FILES)


def test_https_with_a_certificate_of_our_own():
    pytest.importorskip("cryptography")
    from stapes.page.certificate import server_context

    with serving(tls=server_context(["127.0.0.1"])) as server:
        seen = ssl.get_server_certificate(("127.0.0.1", server.port))
        trust = ssl.create_default_context(cadata=seen)  # as after somebody accepted it
        connection = http.client.HTTPSConnection(
            "127.0.0.1", server.port, context=trust, timeout=120
        )
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"<p>"
        connection.close()
