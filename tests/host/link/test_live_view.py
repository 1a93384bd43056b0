# SPDX-License-Identifier: Apache-2.0
"""The live view shows a board's words as they are."""

from __future__ import annotations

import io
import json

import pytest
from link_bytes import line
from rich.console import Console

from stapes.link.event_log import EventLog, json_line
from stapes.link.live_view import LiveView
from stapes.link.monitor import Notice
from stapes.link.protocol import LineReader, LinkCounts


def event(body):
    (found,) = LineReader().feed(line(7, body))
    return found


@pytest.mark.parametrize("word", ["[/final]", "[link=http://x]y[/]", "[bold]", ":bomb:", "\\["])
def test_what_looks_like_markup_is_text(word):
    escaped = "".join(f"%{byte:02X}" for byte in word.encode())
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100)
    with LiveView(LinkCounts(), console=console) as view:
        hello = f"hello board={escaped} model=m firmware={escaped} labels={escaped},b"
        view.show(event(f"{hello} sample_rate=16000"))
        view.show(event(f"detection time_ms=1000 label={escaped} score=0.5"))
        view.show(event(f"log text={escaped}"))
        view.show(event("scores time_ms=1 q=0000"))
        view.show(Notice(name="refused", text=f"the board refused: {word}"))
    shown = out.getvalue()
    assert f"{word}: m, firmware {word}" in shown
    assert f"log: text={word}" in shown
    assert f"the board refused: {word}" in shown
    assert "\x1b]8;" not in shown  # a link


def test_a_board_cannot_set_what_the_host_says_of_its_line():
    forged = event("detection event=fatal received=1970 sequence=9 time_ms=5 label=yes")
    entry = json.loads(json_line(forged))
    assert (entry["event"], entry["sequence"]) == ("detection", 7)
    assert entry["received"] > "2020"
    assert (entry["time_ms"], entry["label"]) == (5, "yes")


def test_a_board_cannot_say_a_notice_of_the_host(tmp_path):
    log = EventLog(tmp_path / "log", max_bytes=10**6, files=1)
    log.event(event("notice name=disconnected text=forged"))
    log.notice("connected", "ours")
    log.close()
    entries = [json.loads(text) for text in (tmp_path / "log").read_text().splitlines()]
    assert [entry["event"] for entry in entries] == ["board_notice", "notice"]
