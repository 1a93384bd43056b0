# SPDX-License-Identifier: Apache-2.0
"""Public corpora that `stapes data get` knows: where they lie and what they must hold.

Speech Commands: Warden 2018, arXiv 1804.03209; Creative Commons BY 4.0.
"""

from __future__ import annotations

from dataclasses import dataclass

from stapes.errors import StapesError


@dataclass(frozen=True, kw_only=True)
class KnownCorpus:
    """An archive of <word>/*.wav. `attribution`: the text that a model trained on it must carry."""

    url: str
    sha256: str
    note: str
    attribution: str


_BASE = "http://download.tensorflow.org/data/"
_NOTE = "Speech Commands (Pete Warden, 2018), Creative Commons BY 4.0: name its author in models"
_ATTRIBUTION = (
    "Speech Commands (Pete Warden, 2018; https://arxiv.org/abs/1804.03209), licensed under "
    "Creative Commons Attribution 4.0 (https://creativecommons.org/licenses/by/4.0/)"
)
KNOWN = {
    ("speech_commands", "0.01"): KnownCorpus(
        url=_BASE + "speech_commands_v0.01.tar.gz",
        sha256="743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
        note=_NOTE,
        attribution=_ATTRIBUTION,
    ),
    ("speech_commands", "0.02"): KnownCorpus(
        url=_BASE + "speech_commands_v0.02.tar.gz",
        sha256="af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        note=_NOTE,
        attribution=_ATTRIBUTION,
    ),
}
NAMES = tuple(dict.fromkeys(name for name, _ in KNOWN))


def find_known(name: str, version: str) -> KnownCorpus:
    """The corpus of a name and version, such as `speech_commands` and `0.02` (or `v0.02`).

    Raises:
        StapesError: none is known by that name and version.
    """
    found = KNOWN.get((name, version.removeprefix("v")))
    if found is None:
        known = ", ".join(f"{name} --version {version}" for name, version in KNOWN)
        raise StapesError(f"{name} --version {version}: not known, expected one of {known}")
    return found
