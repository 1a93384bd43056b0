# SPDX-License-Identifier: Apache-2.0
"""Firmware with a public key takes only models that were signed with the private one.

Stapes brings no cryptography for boards: STAPES_ED25519_DIR names a folder of TweetNaCl or
Monocypher; then these tests use real signatures. Without it, a toy takes the place of TweetNaCl.
Anybody can make its signatures, but everything except the mathematics is the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import stat
import struct
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from builds import BUILDS, ROOT
from stapes.cli.main import main
from stapes.errors import StapesError
from stapes.files import write_bytes
from stapes.link.model_image import ModelImage, read_model_image
from stapes.link.session import Session
from stapes.link.signing import make_keys, sign_image
from stapes.link.transport import ProgramTransport
from stapes.model.settings import ModelSettings

TRAILER_BYTES = 80
LIBRARY = os.environ.get("STAPES_ED25519_DIR", "")

# A hash of 32 bits in place of SHA-512; a signature is the hash of key and message.
TOY_HEADER = """
extern int crypto_hash(unsigned char*, const unsigned char*, unsigned long long);
extern int crypto_sign_open(unsigned char*, unsigned long long*, const unsigned char*,
                            unsigned long long, const unsigned char*);
"""
TOY_SOURCE = """
#include "tweetnacl.h"
#include <string.h>
int crypto_hash(unsigned char* out, const unsigned char* in, unsigned long long n) {
  unsigned hash = 2166136261u;
  for (unsigned long long i = 0; i < n; ++i) hash = (hash ^ in[i]) * 16777619u;
  for (int i = 0; i < 64; ++i) out[i] = hash >> 8 * (i % 4);
  return 0;
}
int crypto_sign_open(unsigned char* m, unsigned long long* mlen, const unsigned char* sm,
                     unsigned long long n, const unsigned char* pk) {
  unsigned char both[32 + 256], hash[64];
  memcpy(both, pk, 32);
  memcpy(both + 32, sm + 64, n - 64);
  crypto_hash(hash, both, n - 32);
  *mlen = n - 64;
  return memcmp(hash, sm, 64);
}
"""


def toy_hash(content: bytes) -> bytes:
    value = 2166136261
    for byte in content:
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return struct.pack("<I", value) * 16


@dataclasses.dataclass(frozen=True)
class Owner:
    """The owner of a pair of keys, who makes real signatures or those of the toy."""

    key: Path
    public: Path

    def sign(self, image: ModelImage, version: int) -> ModelImage:
        if LIBRARY:
            return sign_image(image, self.key, version=version)
        head = b"SPTS" + struct.pack("<III", version, 0, 0)
        public = bytes.fromhex(self.public.read_text())
        signature = toy_hash(public + head + toy_hash(image.data))
        return dataclasses.replace(image, data=image.data + head + signature)


@pytest.fixture(scope="module")
def owner() -> Owner:
    """Always the same keys, so that the firmware is not built again."""
    stem = BUILDS / "signed_owner"
    if not stem.with_suffix(".key").exists() or not stem.with_suffix(".pub").exists():
        BUILDS.mkdir(parents=True, exist_ok=True)
        for suffix in (".key", ".pub"):
            stem.with_suffix(suffix).unlink(missing_ok=True)
        make_keys(stem)
    return Owner(stem.with_suffix(".key"), stem.with_suffix(".pub"))


@pytest.fixture(scope="module")
def library() -> Path:
    if LIBRARY:
        return Path(LIBRARY).absolute()
    folder = BUILDS / "toy_tweetnacl"
    for name, text in (("tweetnacl.h", TOY_HEADER), ("tweetnacl.c", TOY_SOURCE)):
        if not (folder / name).exists() or (folder / name).read_text() != text:
            folder.mkdir(parents=True, exist_ok=True)
            write_bytes(folder / name, text.encode())
    return folder


@pytest.fixture
def board(firmware, owner, library, tmp_path):
    """Switches on the firmware with the owner's public key; it keeps its models."""
    program = firmware.program_of(
        "signed", f"-DSTAPES_PUBLIC_KEY={owner.public}", f"-DSTAPES_ED25519_DIR={library}"
    )

    @contextlib.contextmanager
    def switch_on():
        command = [str(program), "--link", "--models", str(tmp_path / "slots")]
        with contextlib.closing(ProgramTransport(command)) as transport:
            yield Session(transport)

    return switch_on


@pytest.fixture
def image(small_model, tmp_path):
    """Makes images of models by their names."""

    def make(name: str) -> ModelImage:
        path = tmp_path / f"{name}.tflite"
        settings = ModelSettings(name=name, labels=("_silence_", "_unknown_", "ja"))
        path.write_bytes(small_model(settings, input_scale=0.07, seed=2))
        return read_model_image(path)

    return make


def name_of_model(board) -> str:
    with board() as session:
        return session.hello.model


def assert_refused(session: Session, image: ModelImage, reason: str) -> None:
    with pytest.raises(StapesError, match=reason):
        session.load(image)


def test_a_signed_model_is_taken_and_stays(board, owner, image):
    with board() as session:
        assert session.load(owner.sign(image("first"), 3)).model == "first"
    assert name_of_model(board) == "first"


def test_other_models_are_refused_and_the_running_one_stays(board, owner, image, tmp_path):
    stranger = Owner(*make_keys(tmp_path / "stranger"))
    signed = owner.sign(image("next"), 5)
    changed = bytearray(signed.data)
    changed[len(changed) // 2] ^= 1
    newer = bytearray(signed.data)
    newer[-TRAILER_BYTES + 4] += 1
    with board() as session:
        session.load(owner.sign(image("first"), 4))
        assert_refused(session, image("next"), "not signed")
        for wrong in (
            stranger.sign(image("next"), 5),
            dataclasses.replace(signed, data=bytes(changed)),
            dataclasses.replace(signed, data=bytes(newer)),
        ):
            assert_refused(session, wrong, "signed by another key, or changed since")
    assert name_of_model(board) == "first"


def test_older_models_are_refused_also_after_the_built_in_one(board, owner, image):
    with board() as session:
        session.load(owner.sign(image("first"), 10))
        session.load(owner.sign(image("second"), 11))
        assert_refused(session, owner.sign(image("first"), 10), "an older version")
        session.use_built_in()
        assert_refused(session, owner.sign(image("first"), 10), "an older version")
    with board() as session:
        assert session.hello.model == "small"
        assert_refused(session, owner.sign(image("first"), 10), "an older version")
        assert session.load(owner.sign(image("second"), 11)).model == "second"


def test_firmware_without_a_key_takes_signed_models_too(firmware, owner, image, tmp_path):
    command = [str(firmware.program), "--link", "--models", str(tmp_path / "slots")]
    with contextlib.closing(ProgramTransport(command)) as transport:
        assert Session(transport).load(owner.sign(image("first"), 1)).model == "first"


def test_a_signature_covers_version_and_image_as_the_protocol_says(owner, image):
    plain = image("first")
    signed = sign_image(plain, owner.key, version=0x01020304)
    assert signed.data[:-TRAILER_BYTES] == plain.data
    trailer = signed.data[-TRAILER_BYTES:]
    assert trailer[:16] == b"SPTS" + bytes([4, 3, 2, 1]) + bytes(8)
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(owner.public.read_text()))
    key.verify(trailer[16:], trailer[:16] + hashlib.sha512(plain.data).digest())


def test_what_is_signed_later_is_newer(owner, image, monkeypatch):
    def version(now: float) -> int:
        monkeypatch.setattr("time.time", lambda: now)
        signed = sign_image(image("first"), owner.key)
        return struct.unpack_from("<I", signed.data, len(signed.data) - TRAILER_BYTES + 4)[0]

    assert (version(1_800_000_000.7), version(1_800_000_001.2)) == (1_800_000_000, 1_800_000_001)


def test_keys_are_for_their_owner_alone_and_never_overwritten(tmp_path, capsys):
    stem = tmp_path / "product.v1"
    assert main(["keys", str(stem)]) == 0
    private, public = tmp_path / "product.v1.key", tmp_path / "product.v1.pub"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert len(bytes.fromhex(public.read_text())) == 32
    assert f"--public_key {public}" in capsys.readouterr().out
    before = private.read_bytes()
    assert main(["keys", str(stem)]) != 0
    assert "a lost key cannot be made again" in capsys.readouterr().err
    assert private.read_bytes() == before
    private.unlink()
    assert main(["keys", str(stem)]) != 0  # the public one is still there
    assert not private.exists()


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "no private key"), (b"-----BEGIN", "no private key"), (None, "No such file")],
)
def test_a_key_that_cannot_be_used_is_named(image, tmp_path, content, found):
    path = tmp_path / "wrong.key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StapesError, match=f"wrong.key: .*{found}.*stapes keys NAME"):
        sign_image(image("first"), path)


def test_versions_out_of_range_or_without_a_key_are_refused(owner, image):
    with pytest.raises(StapesError, match="found 4294967296, expected 0 to 4294967295"):
        sign_image(image("first"), owner.key, version=2**32)


def test_a_version_without_a_key_is_refused(firmware, capsys):
    arguments = ["load", str(firmware.model), "--port", "none", "--model_version", "3"]
    assert main(arguments) != 0
    assert "give --sign KEY as well" in capsys.readouterr().err


def test_flash_builds_the_key_in_and_leaves_it_out_again(firmware, owner, library, capsys):
    def configured(*flags: str) -> str:
        model = str(firmware.model)
        arguments = ["flash", "--board", "mps2_an386", model, "--dry_run", *flags]
        assert main(arguments) == 0
        return capsys.readouterr().out

    room = ("--room_for", str(firmware.model))
    key = ("--public_key", str(owner.public), "--ed25519_dir", str(library))
    assert f"-DSTAPES_PUBLIC_KEY={owner.public}" in configured(*room, *key)
    assert "-DSTAPES_PUBLIC_KEY= " in configured(*room)  # a folder remembers the last build
    for flags in (key, (*room, *key[:2]), (*room, *key[2:])):
        assert main(["flash", "--board", "mps2_an386", str(firmware.model), *flags]) != 0
        assert "--public_key: found it without" in capsys.readouterr().err


def configure(firmware, folder: Path, *options: str) -> str:
    """What CMake says against these options, without line breaks."""
    firmware.program  # noqa: B018  (its model is emitted)
    model = BUILDS / "model" / firmware.model.stem
    command = ["cmake", "-S", ROOT, "-B", folder / "build", f"-DSTAPES_MODEL={model}", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    return " ".join(done.stderr.split())


def test_a_build_without_key_or_library_is_refused(firmware, owner, library, tmp_path):
    wrong = tmp_path / "wrong.pub"
    wrong.write_text("zz" * 32)
    said = configure(firmware, tmp_path, f"-DSTAPES_PUBLIC_KEY={wrong}")
    assert "found no line of 64 hexadecimal digits" in said
    said = configure(firmware, tmp_path, f"-DSTAPES_PUBLIC_KEY={owner.public}")
    assert "found neither tweetnacl.c nor monocypher.c" in said
