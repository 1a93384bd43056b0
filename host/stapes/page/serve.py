# SPDX-License-Identifier: Apache-2.0
"""Serves a site from memory, and takes the clips that its page records."""

from __future__ import annotations

import hmac
import http.client
import http.server
import json
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from stapes import plain
from stapes.errors import StapesError
from stapes.page.clip_folder import ClipFolder, FolderFault, NameTaken

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
# In addition to the policy in index.html, which is for hosts that send no headers.
_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_RECORD = "record"
_HEAD_BYTES = 32768  # of a request's first line and headers together
_DRAIN_BYTES = 1 << 23  # read and forgotten after a refusal, so that the client sees the answer
MAX_CONNECTIONS = 64
_BUSY = b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n"


class _Refusal(Exception):
    """An answer that refuses a request."""

    def __init__(self, status: HTTPStatus, reason: str, **more: object) -> None:
        super().__init__(reason)
        self.status = status
        self.content = {"reason": reason, **more}


class SiteServer(http.server.ThreadingHTTPServer):
    """A server for the `files` of a site. With `clips` it takes recordings from all clients that
    know the `token`.

    Args:
        request_seconds: time for a whole request with its answer, and for a connection without a
            request.
    """

    daemon_threads = True
    request_queue_size = MAX_CONNECTIONS

    def __init__(
        self,
        address: tuple[str, int],
        files: Mapping[str, bytes],
        *,
        clips: ClipFolder | None = None,
        token: str = "",
        tls: ssl.SSLContext | None = None,
        request_seconds: float = 30,
    ) -> None:
        self.files = files
        self.clips = clips
        self.token = token
        self._tls = tls
        self._request_seconds = request_seconds
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        # When the time of each connection is over; whether it waits for a request.
        self._ends: dict[socket.socket, tuple[float, bool]] = {}
        try:
            super().__init__(address, _Handler)
        except OSError as error:
            raise StapesError(
                f"--port {address[1]}: cannot be used ({error.strerror}); choose another"
            ) from error

    @property
    def port(self) -> int:
        return self.server_address[1]

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._ends)

    @property
    def requests(self) -> int:
        """How many connections have sent at least a part of a request and have no answer yet."""
        return sum(not waits for _, waits in list(self._ends.values()))

    def server_close(self) -> None:
        """Also waits for the clip that is being written."""
        super().server_close()
        if self.clips is not None:
            self.clips.close()

    def watch(self, connection: socket.socket, *, waits: bool) -> None:
        """Starts the time of a connection: for a request, or to wait for a request."""
        self._ends[connection] = (time.monotonic() + self._request_seconds, waits)

    def service_actions(self) -> None:
        """Ends connections whose time is over, however much they send."""
        now = time.monotonic()
        for connection, (end, _) in list(self._ends.items()):
            if now > end:
                _hang_up(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False) and not self._make_place():
            with suppress(OSError):
                if self._tls is None:
                    request.setblocking(False)
                    request.send(_BUSY)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except Exception:
            # No thread has begun. After Ctrl-C a thread may have begun: it releases the place.
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def _make_place(self) -> bool:
        """Takes the place of the connection that has waited longest without a request."""
        waiting = [(end, place) for place, (end, waits) in list(self._ends.items()) if waits]
        if not waiting:
            return False
        _hang_up(min(waiting, key=lambda entry: entry[0])[1])
        return self._places.acquire(timeout=1)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # Here, in the request's own thread: a client that sends nothing does not stop others.
        request.settimeout(self._request_seconds)
        if self._tls is not None:
            request = self._tls.wrap_socket(
                request, server_side=True, do_handshake_on_connect=False
            )
        self.watch(request, waits=self._tls is None)  # a handshake is a request, too
        try:
            if self._tls is not None:
                request.do_handshake()
            super().finish_request(request, client_address)
        finally:
            self._ends.pop(request, None)
            request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing about a browser that went away, but reports all other errors."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            say(f"a request failed: {error!r}")


class _Head:
    """The lines of a request before its body, with a limit to their bytes."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._left = _HEAD_BYTES

    def readline(self, limit: int) -> bytes:
        line: bytes = self._file.readline(min(limit, self._left + 1))
        self._left -= len(line)
        if self._left < 0:
            raise http.client.LineTooLong("header")
        return line


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # unreadable requests are answered with a status as well
    server_version = "stapes"
    sys_version = ""
    server: SiteServer

    def handle_one_request(self) -> None:
        self.server.watch(self.connection, waits=True)
        if not self.rfile.peek(1):  # type: ignore[attr-defined]
            self.close_connection = True
            return
        self.server.watch(self.connection, waits=False)
        super().handle_one_request()

    def parse_request(self) -> bool:
        whole, self.rfile = self.rfile, _Head(self.rfile)  # type: ignore[assignment]
        try:
            return super().parse_request()
        finally:
            self.rfile = whole

    def finish(self) -> None:
        super().finish()
        # If a connection is closed with unread bytes, it is reset, and the answer may be lost.
        with suppress(OSError):
            socket.socket.shutdown(self.connection, socket.SHUT_WR)
            for _ in range(_DRAIN_BYTES >> 16):
                if not socket.socket.recv(self.connection, 1 << 16):
                    break

    def do_GET(self) -> None:
        if self._body_bytes() != 0:
            self.close_connection = True  # the body stays unread
        self._carry_out(self._give)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._carry_out(self._take_clip)

    def _carry_out(self, act: Callable[[list[str]], None]) -> None:
        """Acts on the parts of the path, or answers why not."""
        try:
            act(_parts(self.path))
        except _Refusal as refusal:
            self._refuse(refusal)
        except FolderFault as fault:
            say(str(fault))
            reason = f"the server cannot keep clips, {fault.reason}"
            self._refuse(_Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, reason))

    def _give(self, parts: list[str]) -> None:
        if parts == [_RECORD]:
            clips = self._clips()
            about = {"folder": clips.folder.resolve().name, "words": clips.counts()}
            self._answer_json(HTTPStatus.OK, about)
            return
        name = "/".join(parts) or "index.html"
        body = self.server.files.get(name)
        if body is None:
            raise _Refusal(HTTPStatus.NOT_FOUND, "no such file")
        self._answer(HTTPStatus.OK, body, _TYPES.get(name[name.rfind(".") :]))

    def _clips(self) -> ClipFolder:
        """The folder of clips, only for clients that know the token."""
        sent = self.headers.get("Authorization", "").encode()
        wanted = f"Bearer {self.server.token}".encode()
        if self.server.clips is None or not hmac.compare_digest(sent, wanted):
            raise _Refusal(HTTPStatus.FORBIDDEN, "wrong address: no such token")
        return self.server.clips

    def _take_clip(self, parts: list[str]) -> None:
        self.close_connection, stays = True, self.close_connection  # if the body is not all read
        clips = self._clips()
        body = self._read_body(clips.max_clip_bytes)
        self.close_connection = stays
        if len(parts) != 3 or parts[0] != _RECORD:
            raise _Refusal(HTTPStatus.NOT_FOUND, "expected record/WORD/NAME.wav")
        try:
            clips.take(parts[1], parts[2], body)
        except NameTaken as error:
            raise _Refusal(HTTPStatus.CONFLICT, str(error), free=error.free) from error
        except FolderFault:
            raise
        except StapesError as error:
            raise _Refusal(HTTPStatus.BAD_REQUEST, str(error)) from error
        self._answer_json(HTTPStatus.OK, {"clip": "/".join(parts[1:])})

    def _read_body(self, most: int) -> bytes:
        count = self._body_bytes()
        if count is None:
            raise _Refusal(HTTPStatus.LENGTH_REQUIRED, "expected a Content-Length")
        if count < 0:
            raise _Refusal(HTTPStatus.BAD_REQUEST, "expected one Content-Length, a number")
        if count > most:
            reason = f"expected a clip of at most {most} bytes"
            raise _Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
        body = self.rfile.read(count)
        if len(body) < count:
            raise _Refusal(HTTPStatus.BAD_REQUEST, f"found {len(body)} of {count} bytes")
        return body

    def _body_bytes(self) -> int | None:
        """None if the request gives no count, -1 if the count is wrong."""
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or (self.command == "POST" and not lengths):
            return None
        length = ",".join(lengths).strip() or "0"
        return int(length) if re.fullmatch("[0-9]{1,15}", length) else -1

    def _refuse(self, refusal: _Refusal) -> None:
        self._answer_json(refusal.status, refusal.content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answers requests that http.server itself refuses."""
        self.close_connection = True
        self._refuse(_Refusal(HTTPStatus(code), HTTPStatus(code).phrase))

    def _answer_json(self, status: HTTPStatus, content: object) -> None:
        self._answer(status, json.dumps(content, ensure_ascii=False).encode(), _TYPES[".json"])

    def _answer(self, status: HTTPStatus, body: bytes, kind: str | None) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind or "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: addresses hold the token."""


def _parts(target: str) -> list[str]:
    """The parts of a request's path, decoded."""
    path = target.partition("?")[0]
    try:
        if not path.startswith("/") or not path.isascii():
            raise ValueError
        return [unquote(part, errors="strict") for part in path[1:].split("/")]
    except ValueError as error:
        reason = "expected a path that begins with /, in UTF-8"
        raise _Refusal(HTTPStatus.BAD_REQUEST, reason) from error


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # the connection has ended by itself
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def say(what: str) -> None:
    """Tells the person at the terminal."""
    plain.say(f"stapes: page: {what}", to=sys.stderr)


def own_address() -> str:
    """The IP address by which others in this network reach this machine; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address of documentation, RFC 5737
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"
