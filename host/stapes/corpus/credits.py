# SPDX-License-Identifier: Apache-2.0
"""Who speaks synthetic speech, and on what terms: a line for each engine, in any ATTRIBUTION.txt.

    Synthetic speech by ENGINE: VOICE (TERMS); VOICE (TERMS).

Lines of one engine merge, whatever folders they come from, so that no voice is named twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stapes.errors import StapesError
from stapes.files import read_text
from stapes.plain import plain

_HEAD = "Synthetic speech by "
MORE = "more voices than fit here"
_LONGEST = 200  # characters of a name or of terms
# Terms of programs that have the same name everywhere.
_TERMS = {
    "espeak-ng": "GPL 3 or later",
    "flite": "Carnegie Mellon University, BSD-like",
    "festival": "MIT-like, its voices have terms of their own",
}


@dataclass(frozen=True, kw_only=True)
class Credit:
    """A voice of an engine. `terms` are those of the voice, if it has terms beside the engine's."""

    engine: str
    voice: str = ""
    terms: str = ""


def engine_name(program: str) -> str:
    """A program with its terms, as it stands in a credit."""
    return f"{program} ({_TERMS.get(program, 'Stapes does not know its terms')})"


def credits_in(text: str) -> tuple[str, list[Credit]]:
    """The lines of a text that credit no voices, and the credits in its other lines."""
    rest, found = [], []
    for line in text.splitlines():
        if line.startswith(_HEAD) and line.endswith("."):
            found += _parsed(line[len(_HEAD) : -1])
        else:
            rest.append(line)
    return "\n".join(rest), found


def _parsed(said: str) -> list[Credit]:
    engine, _, voices = said.partition(": ")
    parts = [voice.partition(" (") for voice in voices.split("; ")]
    return [
        Credit(engine=engine, voice=name, terms=terms.removesuffix(")")) for name, _, terms in parts
    ]


def credit_lines(
    credits: Iterable[Credit], *, with_terms: bool = True, with_voices: bool = True
) -> list[str]:
    """A line for each engine, sorted. If a voice has different terms, the longest are kept."""
    engines: dict[str, dict[str, str]] = {}
    for credit in credits:
        voices = engines.setdefault(_tidy(credit.engine).replace(": ", ", "), {})
        if name := _tidy(credit.voice).replace("(", "["):
            known, terms = voices.get(name, ""), _tidy(credit.terms) * with_terms
            voices[name] = max(known, terms, key=lambda one: (len(one), one))
    return [
        _line(engine, voices if with_voices or not voices else {MORE: ""})
        for engine, voices in sorted(engines.items())
    ]


def _line(engine: str, voices: Mapping[str, str]) -> str:
    names = sorted(voices, key=lambda name: (name == MORE, name))
    told = [f"{name} ({voices[name]})" if voices[name] else name for name in names]
    return f"{_HEAD}{engine}{': ' if told else ''}{'; '.join(told)}."


def _tidy(text: str) -> str:
    """One plain line without ";", which would end the voice in a credit."""
    return plain(" ".join(text.split())).replace(";", ",")[:_LONGEST].strip()


def piper_credit(file: str) -> Credit:
    """A voice of Piper, from its .onnx.json and the MODEL_CARD beside it, as far as they tell."""
    path = Path(file)
    settings, card = _settings(path), _card(path)
    dataset = _first(card, "URL", "Dataset") or settings.get("dataset")
    licence = _first(card, "Licen[cs]e") or settings.get("license") or settings.get("licence")
    origin = re.search(r"^[\s*-]*(finetuned from .*?)[\s.]*$", card, re.IGNORECASE | re.MULTILINE)
    told = [f"dataset {dataset}"] * bool(dataset) + [f"licence {licence}"] * bool(licence)
    told += [origin[1][0].lower() + origin[1][1:]] if origin else []
    terms = ", ".join(told) or "no terms found beside it"
    return Credit(engine="Piper", voice=path.name.removesuffix(".onnx"), terms=terms)


def _settings(path: Path) -> dict[str, object]:
    try:
        settings = json.loads(Path(f"{path}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _card(path: Path) -> str:
    """The MODEL_CARD beside a voice, unless its title names another voice of the folder."""
    try:
        card = read_text(path.with_name("MODEL_CARD"), what="a voice's terms")
    except StapesError:
        return ""
    title = re.search(r"^#\s*Model card for (\S+)", card, re.IGNORECASE | re.MULTILINE)
    return card if title and title[1] in re.split(r"[-.]", path.name) else ""


def _first(card: str, *names: str) -> str:
    """What a line `* NAME: …` says."""
    found = re.search(rf"^\W*(?:{'|'.join(names)}):\s*(\S.*?)\s*$", card, re.MULTILINE)
    return found[1] if found else ""
