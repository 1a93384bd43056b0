# SPDX-License-Identifier: Apache-2.0
"""Signatures of models (Ed25519), for firmware that takes only signed models: docs/protocol.md.

Keys are made and used by the package `cryptography`, which is imported when it is needed.
"""

from __future__ import annotations

import hashlib
import os
import struct
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from stapes.errors import StapesError
from stapes.link.model_image import ModelImage
from stapes.options import setting

TRAILER_MAGIC = b"SPTS"
SIGNATURE_BYTES = 64
MAX_VERSION = 2**32 - 1


@dataclass(frozen=True, kw_only=True)
class SigningSettings:
    """What a signature says of the model."""

    model_version: int | None = setting(
        None,
        least=0,
        most=MAX_VERSION,
        shown="the time, in seconds",
        help="with --sign: the board refuses lower ones later",
    )


def make_keys(stem: Path) -> tuple[Path, Path]:
    """Writes a new private key to STEM.key, which only its owner can read, and the public key to
    STEM.pub: 64 hexadecimal digits.

    Raises:
        StapesError: one of the files is there already, or cannot be written; the package
            `cryptography` is not installed.
    """
    ed25519, serialization = _cryptography()
    private, public = (stem.with_name(stem.name + suffix) for suffix in (".key", ".pub"))
    for path in (private, public):
        if os.path.lexists(path):
            raise StapesError(
                f"{path}: found a file, expected none: a lost key cannot be made again; choose "
                "another name, or move the file away"
            )
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write_new(private, pem, mode=0o600)
    _write_new(public, (key.public_key().public_bytes_raw().hex() + "\n").encode(), mode=0o644)
    return private, public


def sign_image(image: ModelImage, key_file: Path, *, version: int | None = None) -> ModelImage:
    """The image with a signature behind it.

    Args:
        version: boards refuse a lower version than they have taken before. By default it is the
            time, in seconds since 1970, so that a model that is signed later is newer.

    Raises:
        StapesError: the key cannot be read, or the version is out of range.
    """
    version = int(time.time()) if version is None else version
    if not 0 <= version <= MAX_VERSION:
        raise StapesError(
            f"--model_version: found {version}, expected 0 to {MAX_VERSION}; leave it out to take "
            "the time"
        )
    head = TRAILER_MAGIC + struct.pack("<III", version, 0, 0)
    signature = sign_message(head + hashlib.sha512(image.data).digest(), key_file)
    return replace(image, data=image.data + head + signature)


def sign_message(message: bytes, key_file: Path) -> bytes:
    """The Ed25519 signature (RFC 8032), SIGNATURE_BYTES.

    Raises:
        StapesError: the key cannot be read.
    """
    return _load_key(key_file).sign(message)


def _load_key(path: Path) -> Any:
    ed25519, serialization = _cryptography()
    expected = "expected the .key file that `stapes keys NAME` writes"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StapesError(f"{path}: cannot be read ({error.strerror}); {expected}") from error
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise StapesError(f"{path}: found no private key without password, {expected}") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise StapesError(f"{path}: found another kind of key than Ed25519, {expected}")
    return key


def _write_new(path: Path, content: bytes, *, mode: int) -> None:
    """Writes a new file: never over another file, and never readable by more people than `mode`
    says."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        raise StapesError(
            f"{path}: cannot be written ({error.strerror}), expected a folder with room in it; "
            "choose another place"
        ) from error


def _cryptography() -> tuple[ModuleType, ModuleType]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise StapesError(
            "keys: found no package cryptography, expected it to be installed; run: "
            "pip install 'stapes[sign]'"
        ) from error
    return ed25519, serialization
