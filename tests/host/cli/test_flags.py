# SPDX-License-Identifier: Apache-2.0
"""Flags of all commands: made from declared settings, shown with their defaults, checked."""

from __future__ import annotations

import argparse

import pytest

from stapes.cli import main as cli
from stapes.cli.main import arguments_of, build_parser
from stapes.options import Setting

NOTHING = (None, (), [], "", argparse.SUPPRESS)
OUTSIDE = ["nan", "inf", "-inf", "1e300", "-1e300", "9" * 40, "", "text", "0x10", "1,2,3,text"]


def settings_of(command: str) -> list[Setting]:
    """The declared settings among the command's flags."""
    parsers = [getattr(action.type, "__self__", None) for action in arguments_of(command)]
    return [entry for entry in parsers if isinstance(entry, Setting)]


def beyond(entry: Setting) -> list[str]:
    """Numbers just outside of what the setting declares."""
    option, step = entry.option, 1 if entry.kind is int else 1e-6
    lows = [option.above] if option.least is None else [option.least - step]
    highs = [option.below] if option.most is None else [option.most * (1 + 1e-9) + step]
    return [str(entry.kind(number)) for number in [*lows, *highs] if number != entry.default]


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_a_number_out_of_range_is_one_line_that_names_the_flag(command, capsys):
    for entry in settings_of(command):
        if not entry.is_number:
            continue
        for text in [*OUTSIDE, *beyond(entry)]:
            status = cli.main([*command.split(), f"--{entry.flag}={text}"])
            error = capsys.readouterr().err
            assert status == 2, (command, entry.flag, text)
            assert error.startswith(f"stapes: error: --{entry.flag}={text}: expected "), error
            assert error.count("\n") == 1


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_no_flag_reads_a_number_past_the_one_check(command):
    unchecked = [action.dest for action in arguments_of(command) if action.type in (int, float)]
    assert unchecked == []
    for entry in settings_of(command):
        if entry.is_number:
            option = entry.option
            assert (option.least is None) != (option.above is None), entry.flag
            assert (option.most is None) != (option.below is None), entry.flag


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_help_says_what_every_flag_is_and_its_default_once(command):
    for action in arguments_of(command):
        name = action.option_strings[0] if action.option_strings else action.dest
        assert action.help, f"{name}: no help"
        shown = action.help.count("default:")
        is_set = action.default is not False and action.default not in NOTHING
        assert shown <= 1, f"{name}: {action.help}"
        assert shown or not is_set, f"{name}: the default {action.default!r} is not shown"


def test_a_choice_is_named_with_all_that_there_are(capsys):
    assert cli.main(["spectrogram", "--preprocess=fft"]) == 2
    assert "--preprocess=fft: expected mfcc, logmel or pcen\n" in capsys.readouterr().err


def test_a_default_of_the_settings_is_the_default_of_the_flag():
    arguments = build_parser("spectrogram").parse_args(["spectrogram", "a.wav"])
    assert (arguments.window_size, arguments.window_stride_ms) == (256, 20.0)
    assert arguments.channel_count is None and arguments.resample is False
