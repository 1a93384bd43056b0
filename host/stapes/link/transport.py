# SPDX-License-Identifier: Apache-2.0
"""Byte streams to a board: serial ports, sockets, programs, pipes."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import socket
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import serial

from stapes.errors import StapesError
from stapes.link.ports import is_usb_device
from stapes.link.protocol import ALL_AUDIO
from stapes.options import check, setting

_CHUNK = 65536
_PIPE_CHUNK = 512  # at most PIPE_BUF: a pipe that is ready for writing takes it whole


@dataclass(frozen=True, kw_only=True)
class PortSettings:
    """How a board's serial port is set; other ports ignore this."""

    baud: int = setting(115200, least=50, most=20_000_000, help="bits per second of a serial port")

    def __post_init__(self) -> None:
        check(self)


class LinkClosed(StapesError):
    """The other side has gone: unplugged, ended, hung up."""


class Transport(Protocol):
    """The way over which a link runs."""

    name: str

    def read(self, timeout: float) -> bytes:
        """What has come, at least one byte; b"" when nothing came for `timeout` seconds.

        Raises:
            LinkClosed: the other side has gone.
        """

    def write(self, data: bytes) -> None:
        """Sends all of `data`.

        Raises:
            LinkClosed: the other side has gone, or takes nothing for a long time.
        """

    def close(self) -> None:
        """May be called twice."""


class FileTransport:
    """Any pair of file descriptors: pipes, sockets, a terminal's input."""

    WRITE_SECONDS = 30.0

    def __init__(
        self, name: str, reading: int, writing: int | None, *, owned: bool = False
    ) -> None:
        self.name = name
        self._reading = reading
        self._writing = writing
        self._owned = owned

    def read(self, timeout: float) -> bytes:
        ready, _, _ = select.select([self._reading], [], [], timeout)
        if not ready:
            return b""
        try:
            data = os.read(self._reading, _CHUNK)
        except OSError as error:
            raise _closed(self.name, error) from error
        if not data and self._writing is None:
            raise LinkClosed(f"{self.name}: the connection ended: its writer has closed it")
        if not data:
            raise _closed(self.name, None)
        return data

    def write(self, data: bytes) -> None:
        if self._writing is None:
            return  # this transport can only be read
        try:
            while data:
                _, ready, _ = select.select([], [self._writing], [], self.WRITE_SECONDS)
                if not ready:
                    raise LinkClosed(
                        f"{self.name}: took no byte for {self.WRITE_SECONDS:.0f} s; restart it"
                    )
                data = data[os.write(self._writing, data[:_PIPE_CHUNK]) :]
        except OSError as error:
            raise _closed(self.name, error) from error

    def close(self) -> None:
        if self._owned:
            os.close(self._reading)
            self._owned = False


class SocketTransport(FileTransport):
    """A connected stream socket, closed with the transport."""

    def __init__(self, name: str, connection: socket.socket) -> None:
        super().__init__(name, connection.fileno(), connection.fileno())
        self._connection = connection

    def close(self) -> None:
        self._connection.close()


class ProgramTransport(FileTransport):
    """A program's standard input and output; the program ends with the transport."""

    is_fast = True  # there is no wire

    def __init__(self, command: list[str]) -> None:
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        except OSError as error:
            raise StapesError(
                f"{command[0]}: cannot be run ({error.strerror}); expected the program "
                "stapes-firmware; build it with cmake -DSTAPES_MODEL=..."
            ) from error
        output, input_ = self._process.stdout, self._process.stdin
        assert output and input_  # pipes
        self._pipes = (input_, output)
        super().__init__(command[0], output.fileno(), input_.fileno())

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._pipes[0].close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipes[1].close()


class SerialTransport:
    """A serial port, or any URL that pyserial knows (rfc2217://, loop://, hwgrep://)."""

    def __init__(self, url: str, *, baud: int) -> None:
        self.name = url
        self.baud = baud
        try:
            self._serial = serial.serial_for_url(
                url, baudrate=baud, timeout=0, write_timeout=30, exclusive=True
            )
        except (OSError, ValueError, LookupError, re.error) as error:  # varies with the URL
            if getattr(error, "errno", None) == errno.EAGAIN:  # each would get half of the bytes
                raise StapesError(
                    f"{url}: found another program at this port, expected none; stop it first "
                    "(for example a stapes monitor)"
                ) from error
            number = getattr(error, "errno", None)
            reason = os.strerror(number) if number else error
            raise StapesError(
                f"{url}: cannot be opened ({reason}); expected a serial port or a pyserial URL; "
                "check the cable and the name"
            ) from error

    def read(self, timeout: float) -> bytes:
        try:
            self._serial.timeout = timeout
            first = self._serial.read(1)
            if not first:
                return b""
            self._serial.timeout = 0
            return first + self._serial.read(max(self._serial.in_waiting, 1))
        except (OSError, TypeError) as error:  # pyserial's answer to a vanished port varies
            raise _closed(self.name, error) from error

    def write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except OSError as error:
            raise _closed(self.name, error) from error

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._serial.close()


class TeeTransport:
    """Another transport, with a copy for a second reader: all bytes that come are also written to
    `copy`, a FIFO or a file, until the second reader goes away.

    Raises:
        StapesError: `copy` cannot be opened or, if it is a file, cannot be written.
    """

    def __init__(self, transport: Transport, copy: str | os.PathLike[str]) -> None:
        self.name = transport.name
        self._transport, self._path = transport, copy
        try:
            self._copy: int | None = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        except OSError as error:
            raise StapesError(
                f"{copy}: cannot be written ({error.strerror}), expected a FIFO; run mkfifo"
            ) from error

    def read(self, timeout: float) -> bytes:
        data = self._transport.read(timeout)
        try:
            left = data
            while left and self._copy is not None:
                left = left[os.write(self._copy, left) :]
        except BrokenPipeError:  # the second reader has gone
            self._stop_copying()
        except OSError as error:
            self._stop_copying()
            raise StapesError(f"{self._path}: cannot be written ({error.strerror})") from error
        return data

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def close(self) -> None:
        self._stop_copying()
        self._transport.close()

    def _stop_copying(self) -> None:
        if self._copy is not None:
            os.close(self._copy)
            self._copy = None


def open_transport(port: str, *, baud: int = PortSettings.baud) -> Transport:
    """Opens `port`: a serial device, a pyserial URL, socket://HOST:PORT, unix:PATH, a named pipe
    or `-` for standard input.

    Raises:
        StapesError: the port cannot be opened.
    """
    PortSettings(baud=baud)  # refuses rates that no port can have
    if port == "-":
        return FileTransport("standard input", sys.stdin.fileno(), None)
    if port.startswith("socket://"):
        return connect(port, socket.AF_INET, _host_and_port(port))
    if port.startswith("unix:"):
        return connect(port, socket.AF_UNIX, port.removeprefix("unix:"))
    if is_pipe(port):
        return FileTransport(port, os.open(port, os.O_RDONLY), None, owned=True)
    return SerialTransport(port, baud=baud)


def audio_rate(transport: Transport) -> int:
    """Characters of `audio` lines a second that leave room for all other lines; ALL_AUDIO for a
    transport without a baud rate."""
    baud = getattr(transport, "baud", None)
    if baud is None or is_usb_device(transport.name):
        return ALL_AUDIO
    return baud // 10 * 7 // 10  # ten bits a character


def connect(name: str, family: int, address: object, *, patience: float = 0.0) -> SocketTransport:
    """Connects a stream socket, trying again for `patience` seconds.

    Raises:
        StapesError: nobody answers.
    """
    return SocketTransport(name, open_socket(name, family, address, patience=patience))


def open_socket(name: str, family: int, address: Any, *, patience: float = 0.0) -> socket.socket:
    """A connected stream socket, as `connect`.

    Raises:
        StapesError: nobody answers.
    """
    deadline = time.monotonic() + patience
    while True:
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.connect(address)
            return connection
        except (OSError, ValueError) as error:  # ValueError: no name of a host or socket
            connection.close()
            if time.monotonic() >= deadline:
                reason = getattr(error, "strerror", None) or error
                raise StapesError(
                    f"{name}: cannot be opened ({reason}); expected a board or an emulator at "
                    "this address; start it first"
                ) from error
            time.sleep(0.02)


def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.port:
            return parts.hostname, parts.port
    except ValueError:
        pass
    raise StapesError(f"{url}: expected socket://HOST:PORT, the port from 1 to 65535; correct it")


def is_pipe(port: str) -> bool:
    """Whether `port` is a named pipe: the program that writes to it cannot be asked."""
    try:
        return stat.S_ISFIFO(Path(port).stat().st_mode)
    except (OSError, ValueError):
        return False


def _closed(name: str, error: Exception | None) -> LinkClosed:
    reason = f" ({getattr(error, 'strerror', None) or error})" if error else ""
    return LinkClosed(f"{name}: the connection ended{reason}; check the cable or the program")
