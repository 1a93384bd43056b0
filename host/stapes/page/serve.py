# SPDX-License-Identifier: Apache-2.0
"""Serves a site from memory, and takes the clips that its page records."""

from __future__ import annotations

import hmac
import http.server
import json
import socket
import ssl
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from stapes.errors import StapesError
from stapes.page.clip_folder import MAX_CLIP_BYTES, ClipFolder

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
# Beside the policy that index.html carries for hosts that send no headers.
_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_RECORD = "/record"
_TIMEOUT_SECONDS = 30  # for a request, so that nobody keeps a thread for ever


class SiteServer(http.server.ThreadingHTTPServer):
    """A server for the `files` of a site. With `clips` it takes recordings from whoever knows the
    `token`."""

    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        files: Mapping[str, bytes],
        *,
        clips: ClipFolder | None = None,
        token: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.files = files
        self.clips = clips
        self.token = token
        self._tls = tls
        try:
            super().__init__(address, _Handler)
        except OSError as error:
            raise StapesError(
                f"--port {address[1]}: cannot be used ({error.strerror}); choose another"
            ) from error

    @property
    def port(self) -> int:
        return self.server_address[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        # Here, in the request's own thread: a client that says nothing stops nobody else.
        request.settimeout(_TIMEOUT_SECONDS)
        if self._tls is not None:
            try:
                request = self._tls.wrap_socket(request, server_side=True)
            except OSError:
                return
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "stapes"
    sys_version = ""
    server: SiteServer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == _RECORD:
            self._with_clips(self._say_counts)
            return
        name = unquote(path).removeprefix("/") or "index.html"
        body = self.server.files.get(name)
        if body is None:
            self._answer(HTTPStatus.NOT_FOUND, b"not found\n", "text/plain")
            return
        self._answer(HTTPStatus.OK, body, _TYPES.get(name[name.rfind(".") :]))

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._with_clips(self._take_clip)

    def _with_clips(self, act: Callable[[ClipFolder], None]) -> None:
        """Acts for those who know the token alone."""
        sent = self.headers.get("Authorization", "").encode()
        wanted = f"Bearer {self.server.token}".encode()
        if self.server.clips is None or not hmac.compare_digest(sent, wanted):
            self.close_connection = True  # what else was sent stays unread
            self._answer_json(HTTPStatus.FORBIDDEN, {"reason": "wrong address: no such token"})
            return
        act(self.server.clips)

    def _say_counts(self, clips: ClipFolder) -> None:
        self._answer_json(
            HTTPStatus.OK, {"folder": clips.folder.resolve().name, "words": clips.counts()}
        )

    def _take_clip(self, clips: ClipFolder) -> None:
        length = self.headers.get("Content-Length", "")
        parts = [unquote(part) for part in urlsplit(self.path).path.split("/")]
        if not length.isdecimal() or int(length) > MAX_CLIP_BYTES:
            self.close_connection = True
            reason = f"expected a clip of at most {MAX_CLIP_BYTES} bytes"
            self._answer_json(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"reason": reason})
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return  # cut short: nobody is there to be told
        if len(parts) != 4 or f"/{parts[1]}" != _RECORD:
            self._answer_json(HTTPStatus.NOT_FOUND, {"reason": "expected record/WORD/NAME.wav"})
            return
        try:
            clips.take(parts[2], parts[3], body)
        except (StapesError, OSError) as error:
            self._answer_json(HTTPStatus.BAD_REQUEST, {"reason": str(error)})
            return
        self._answer_json(HTTPStatus.OK, {"words": clips.counts()})

    def _answer_json(self, status: HTTPStatus, content: object) -> None:
        self._answer(status, json.dumps(content, ensure_ascii=False).encode(), _TYPES[".json"])

    def _answer(self, status: HTTPStatus, body: bytes, kind: str | None) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind or "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: addresses hold the token."""


def own_address() -> str:
    """The IP address by which others in this network reach this machine; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address of documentation, RFC 5737
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"
