# SPDX-License-Identifier: Apache-2.0
"""Text for people: text from outside is shown and cannot steer the terminal; times are short."""

from __future__ import annotations

import io
import json
import unicodedata

import pytest

from stapes.plain import PlainStream, clock, draw, drawing, plain, say

STEERING = ["\x00", "\x07", "\x1b", "\r", "\n", "\t", "\x7f", "\x80", "\x9b", "\x9f"]
TURNING = ["\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069"]
UNSEEN = ["\u00ad", "\u200b", "\u2028", "\u2029", "\ufeff", "\udcff", "\U000e0041"]


@pytest.mark.parametrize("character", [*STEERING, *TURNING, *UNSEEN], ids=ascii)
def test_what_steers_turns_or_is_not_seen_is_escaped_as_json_does_it(character):
    shown = plain(f"a{character}b")
    assert shown.isascii() and shown.isprintable()
    assert json.loads(f'"{shown}"') == f"a{character}b"


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "größer",
        "да",
        "はい\u3000です",
        "می\u200cخواهم",
        "👩\u200d🔬",
        "a\u00a0b",
        "שלום",
        "\\",
    ],
)
def test_words_of_any_language_stay(text):
    assert plain(text) == text


def test_all_of_unicode_is_escaped_or_has_a_place_on_the_screen():
    kept = {c for c in map(chr, range(0x110000)) if plain(c) == c}
    categories = {unicodedata.category(c) for c in kept - {"\u200c", "\u200d"}}
    assert categories.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def test_what_is_kept_stays():
    assert plain("a\tb\nc\rd", keep="\n\t") == "a\tb\nc\\u000dd"


def test_a_line_is_one_line_whatever_is_in_it(capsys):
    say("name\nstapes: error: forged")
    assert capsys.readouterr().out == "name\\u000astapes: error: forged\n"


def stream():
    return PlainStream(io.BytesIO(), encoding="utf-8", errors="backslashreplace")


def text_of(out):
    out.flush()
    return out.buffer.getvalue().decode()


def test_a_stream_escapes_what_others_print_but_for_lines_and_tabs():
    out = stream()
    print("a\tb\x1b[2J", "\u202egnp", file=out)
    assert text_of(out) == "a\tb\\u001b[2J \\u202egnp\n"


def test_what_we_draw_ourselves_goes_through():
    out = stream()
    draw(out, "\r\x1b[K")
    drawing(out).write("\x1b[1m")
    assert text_of(out) == "\r\x1b[K\x1b[1m"
    assert drawing(out).encoding == "utf-8"


def test_any_stream_can_be_drawn_on():
    out = io.StringIO()
    draw(out, "\x1b[K")
    assert out.getvalue() == "\x1b[K"


@pytest.mark.parametrize(
    ("time_ms", "shown"),
    [(0, "0:00:00.000"), (3_723_456, "1:02:03.456"), (59_999.6, "0:01:00.000")],
)
def test_a_time_is_rounded_before_it_is_split(time_ms, shown):
    assert clock(time_ms) == shown
