# SPDX-License-Identifier: Apache-2.0
"""The `stapes` command: finds the subcommand, turns errors into one line and an exit status."""

from __future__ import annotations

import _thread
import argparse
import difflib
import importlib
import io
import itertools
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, BinaryIO, NoReturn

from stapes import __version__
from stapes.errors import StapesError
from stapes.plain import PlainStream, say

# Name -> one line of help. "group action" makes a second level. The module is
# stapes.cli.commands.<name with underscores>; it holds add_arguments(parser), run(arguments) -> int
# and EXAMPLE. It is imported only when its command is asked for, so that --help stays quick.
COMMANDS: dict[str, str] = {
    "data get": "download, check and unpack a public corpus",
    "data check": "check a folder of clips before training",
    "data trim": "cut recordings to their loudest second",
    "data record": "record a corpus with the microphone of this machine",
    "data augment": "show what each variation of training clips does, in pictures",
    "data speak": "speak a small corpus, for words without recordings",
    "data talk": "let synthetic voices read sentences, as speech to ignore",
    "data noise": "make sounds of surroundings, for models without recordings of noise",
    "data mine": "find sounds that a model takes for words, to train against them",
    "spectrogram": "draw a recording and its features as the device sees them",
    "train": "train a keyword model on a folder of clips",
    "export": "quantize a trained model to int8 and write the .tflite file",
    "info": "say how large and how good a model is, and which boards it fits",
    "verify": "run the same inputs through Stapes, upstream TFLM and LiteRT and compare all bytes",
    "evaluate": "measure the accuracy of a model on clips",
    "label_wav": "name the word in a recording",
    "label_wav_dir": "name the word in every recording of a folder",
    "wav_to_features": "write the features of a recording as a C array",
    "emit": "write the C arrays that a firmware build compiles in",
    "library": "write the firmware with a model as a library for CMake, Arduino and others",
    "stream make": "write a streaming test WAV with its ground truth",
    "stream score": "score detections against a ground truth",
    "tune": "choose a model's decoder settings for a rate of false accepts",
    "models": "list the models that come with Stapes",
    "boards": "list the boards, and what is plugged in",
    "listen": "listen with the microphone of this machine, without a board",
    "flash": "build the firmware around a model and flash a board, or start an emulated one",
    "replay": "play a WAV through the firmware, on this machine or on a board",
    "load": "send a model to a running board",
    "keys": "make the keys for a firmware that takes only signed models",
    "set": "change the decoder's settings of a running board",
    "page": "make a web page that listens with a model, and serve it",
    "monitor": "show a board's detections as they come over the serial port",
    "word": "make a model of a word from its text alone",
    "demo": "run the whole path on a small scale, with a report",
}

GROUP_EXAMPLES: dict[str, str] = {
    "data": "stapes data speak yes no --clips 300 --output_dir corpus",
    "stream": "stapes stream make --data_dir corpus --model model.tflite",
}

GROUPS: dict[str, str] = {
    "data": "make and check corpora",
    "stream": "make and score long test audio",
}


PATH = """\
Stapes spots keywords on microcontrollers. From clips to a board:

  stapes data speak yes no --clips 300 --output_dir corpus     or data get, data record
  stapes data check --data_dir corpus
  stapes train --data_dir corpus --wanted_words yes,no --train_dir train
  stapes export --train_dir train --output_file model.tflite
  stapes evaluate model.tflite --data_dir corpus
  stapes stream make, stapes tune                              thresholds, from long audio
  stapes flash --board NAME model.tflite                       stapes boards lists the names
  stapes monitor

With a model that is there already (stapes models):

  stapes listen micro                                          this machine's microphone
  stapes flash --board mps2_an386 micro

stapes --help lists all commands, stapes COMMAND --help explains one."""


def _show_path(arguments: argparse.Namespace) -> int:
    print(PATH)
    return 0


def command_module(name: str) -> ModuleType:
    """The module of one of COMMANDS."""
    return importlib.import_module("stapes.cli.commands." + name.replace(" ", "_"))


def _wanted_command(argv: Sequence[str]) -> str | None:
    words = [word for word in argv if not word.startswith("-")][:2]
    for candidate in (" ".join(words), *words[:1]):
        if candidate in COMMANDS:
            return candidate
    return None


def _with_underscores(argument: str) -> str:
    """`--wanted-words=a` and `--wanted_words=a` are the same flag."""
    if not argument.startswith("--"):
        return argument
    flag, equals, value = argument.partition("=")
    return "--" + flag[2:].replace("-", "_") + equals + value


def _with_values(argv: Sequence[str]) -> list[str]:
    """Writes `--snr_db -5,20` as `--snr_db=-5,20`: argparse takes a negative number for a value,
    but a list that begins with such a number for a flag."""
    words: list[str] = []
    for word in argv:
        if re.match(r"-[\d.]", word) and words and re.fullmatch(r"--\w+", words[-1]):
            word = f"{words.pop()}={word}"
        words.append(word)
    return words


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; for an unknown flag, names a similar flag."""

    @property
    def taken(self) -> list[argparse.Action]:
        """Its flags and arguments."""
        return self._actions

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ")
        message = message.replace("the following arguments are required: ", "expected ")
        if choice := re.fullmatch(r"\w+: invalid choice: '(.*)' \(choose from (.*)\)", message):
            known = re.findall(r"'(\w+)'", choice[2])
            message = f"{choice[1]} is not known to {self.prog}{_nearest(choice[1], known)}"
        raise StapesError(f"{message}; see {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._subparsers is None:  # an unknown flag first: it may stand for one that is missing
            self._refuse_unknown_flags(args or [])
        arguments, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._about(unknown))
        return arguments, unknown

    def _refuse_unknown_flags(self, words: Sequence[str]) -> None:
        before = itertools.takewhile(lambda word: word != "--", words)
        flags = [word for word in before if word.startswith("--")]
        known = self._option_string_actions
        if unknown := [word for word in flags if word.partition("=")[0] not in known]:
            self.error(self._about(unknown))

    def _about(self, unknown: Sequence[str]) -> str:
        from stapes.cli.tutorial_flags import GONE

        flag = next((word for word in unknown if word.startswith("--")), "").partition("=")[0]
        if not flag:
            return f"unrecognized arguments: {' '.join(unknown)}"
        if reason := GONE.get(self.prog.removeprefix("stapes "), {}).get(flag[2:]):
            return f"{flag} of the tutorial is not here: {reason} (docs/tutorial_map.md)"
        hint = _nearest(flag, self._option_string_actions)
        return f"{flag} is not a flag of {self.prog}{hint}"


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f", did you mean {near[0]}?" if near else ""


def arguments_of(name: str) -> list[argparse.Action]:
    """The flags and arguments of one command."""
    parser = _Parser(prog=f"stapes {name}", allow_abbrev=False)
    command_module(name).add_arguments(parser)
    return parser.taken


def build_parser(wanted: str | None) -> argparse.ArgumentParser:
    """Parser with every command listed and the arguments of `wanted` filled in."""
    parser = _Parser(
        prog="stapes",
        description="Keyword spotting for microcontrollers: train, export, replay, monitor.",
        epilog="Example: stapes train --help",
    )
    parser.add_argument("--version", action="version", version=f"stapes {__version__}")
    top = parser.add_subparsers(dest="command", metavar="COMMAND")
    parser.set_defaults(run=_show_path)  # without a command
    groups = {}
    for group, help_line in GROUPS.items():
        group_parser = top.add_parser(
            group, help=help_line, description=help_line, epilog=f"Example: {GROUP_EXAMPLES[group]}"
        )
        groups[group] = group_parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, help_line in COMMANDS.items():
        group, _, action = name.rpartition(" ")
        command = (groups[group] if group else top).add_parser(
            action, help=help_line, allow_abbrev=False
        )
        if name == wanted:
            module = command_module(name)
            command.description = module.__doc__
            command.epilog = f"Example:\n{module.EXAMPLE}"
            command.formatter_class = argparse.RawDescriptionHelpFormatter
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _unwind_when_ended() -> None:
    """SIGTERM and SIGHUP also end what a command has started, as Ctrl-C does. A signal that is
    ignored already (by nohup) stays ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


def keep_interrupts() -> None:
    """At some places Python drops exceptions: in a finalizer, while it throws a generator away,
    while it forks. A Ctrl-C that comes at such a place is sent again a moment later."""
    said = sys.unraisablehook

    def drop(dropped: Any) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            _thread.start_new_thread(_interrupt_again, ())  # threading's locks may be held here
        else:
            said(dropped)

    sys.unraisablehook = drop


def _interrupt_again() -> None:
    time.sleep(0.05)
    # A signal, as _thread.interrupt_main() would not end a wait of the main thread.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status (2 for a user's mistake, 130 for Ctrl-C,
    128 + number for other signals)."""
    ours = argv is None  # the whole process
    if ours:
        _unwind_when_ended()
        keep_interrupts()
        _repair_streams()
    if "_ARGCOMPLETE" in os.environ:
        _complete()
    argv = [_with_underscores(word) for word in (sys.argv[1:] if argv is None else argv)]
    argv = _with_values(argv)
    try:
        arguments = build_parser(_wanted_command(argv)).parse_args(argv)
        status = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except StapesError as error:
        say(f"stapes: error: {error}", to=sys.stderr)
        return 2
    except KeyboardInterrupt:
        if ours:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C changes nothing
        print("stapes: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _silence_stdout()  # the reader of our output has gone
        return 1
    except MemoryError:
        print(
            "stapes: error: this needs more memory than the machine has; give it less at once, or "
            "check its files",
            file=sys.stderr,
        )
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(
            f"stapes: error: {where}{error.strerror or error}; fix it, then try again",
            to=sys.stderr,
        )
        try:
            sys.stdout.flush()
        except OSError:
            _silence_stdout()
        return 2


def _complete() -> None:
    """Ends the process with what a shell offers for the line that is being typed."""
    import argcomplete

    words = os.environ["COMP_LINE"][: int(os.environ["COMP_POINT"])].split()
    argcomplete.autocomplete(build_parser(_wanted_command(words[1:])))


def _repair_streams() -> None:
    """Discards output to a stream that is closed; escapes what the terminal cannot show or must not
    obey; and if standard output cannot be written, the error names it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open("w", errors="backslashreplace")  # noqa: SIM115, never closed
            setattr(sys, name, nowhere)
    if sys.stdout is sys.__stdout__ and isinstance(sys.stdout, io.TextIOWrapper):
        binary = io.BufferedWriter(_StandardOutput(sys.stdout.fileno(), "wb", closefd=False))
        sys.stdout = _plain_stream(sys.stdout, binary)
    if sys.stderr is sys.__stderr__ and isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = _plain_stream(sys.stderr, sys.stderr.buffer)


def _plain_stream(stream: io.TextIOWrapper, binary: BinaryIO) -> PlainStream:
    return PlainStream(
        binary,
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _StandardOutput(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = "standard output"
            raise


def _silence_stdout() -> None:
    """Points stdout away, so that what is left in its buffer does not fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
