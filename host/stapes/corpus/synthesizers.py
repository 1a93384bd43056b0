# SPDX-License-Identifier: Apache-2.0
"""Speech synthesizers: one small interface over espeak-ng, Piper and any other program.

A synthesizer lists its voices and says a text in one of them. It is sent to other processes, so it
is plain data.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from stapes.audio.reader import read_recording
from stapes.corpus.credits import Credit, engine_name, piper_credit
from stapes.errors import StapesError

INSTALL_HINT = "install it with: apt-get install espeak-ng"
NORMAL_WORDS_PER_MINUTE = 160
TIMEOUT_S = 300
DEFAULT_VOICE = "default"  # the voice of a user's program, if none is named
# Formant variants that come with espeak-ng and stay understandable.
VARIANTS = ("", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5")


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """How a synthesizer shall sound; `name` is eight hexadecimal digits, as in Speech Commands.

    `pitch` is 0 to 99, and 50 is the voice's own pitch; synthesizers without a pitch ignore it.
    `tract` moves the resonances of the voice: 1.1 makes them a tenth higher, as a smaller mouth and
    throat would.
    """

    voice: str
    pitch: int
    words_per_minute: int
    tract: float = 1.0

    @property
    def name(self) -> str:
        sound = f"{self.voice} {self.pitch} {self.words_per_minute}"
        if self.tract != 1:
            sound += f" {self.tract:.3f}"
        return hashlib.sha256(sound.encode()).hexdigest()[:8]


class EngineFailed(StapesError):
    """A synthesizer could not say a text; another one may."""


class Synthesizer(Protocol):
    """What `speak_corpus` asks of a synthesizer."""

    def voices(self) -> list[str]:
        """Names of all voices, sorted.

        Raises:
            StapesError: the program or the voice files are missing.
        """

    def variants(self) -> Sequence[str]:
        """Endings that turn a voice's name into the name of another voice."""

    def say(self, text: str, speaker: Speaker) -> tuple[np.ndarray, int]:
        """float64 [samples] from -1 to 1, and their sample rate in Hz.

        Raises:
            EngineFailed: the program failed.
        """

    def phonemes(self, text: str) -> str:
        """The pronunciation of a text; "" if the synthesizer cannot tell it."""

    def credit(self, voice: str) -> Credit:
        """Who speaks with a voice (and its variant), and on what terms."""


@dataclass(frozen=True, kw_only=True)
class Espeak:
    """espeak-ng's formant synthesis: hundreds of languages, robotic, easy to install everywhere."""

    language: str = "en"

    def voices(self) -> list[str]:
        # `en` also matches mbrola voices and variants, whose sounds are not part of espeak-ng.
        listing = run(["espeak-ng", f"--voices={self.language}"])
        rows = [line.split() for line in listing.decode(errors="replace").splitlines()[1:]]
        voices = {
            row[1]
            for row in rows
            if len(row) >= 5
            and not row[4].startswith(("mb/", "!v/"))
            and row[1].split("-")[0] == self.language.split("-")[0]
        }
        if not voices:
            raise StapesError(
                f"--language {self.language}: espeak-ng has no voice; list them: espeak-ng --voices"
            )
        return sorted(voices)

    def variants(self) -> Sequence[str]:
        return VARIANTS

    def say(self, text: str, speaker: Speaker) -> tuple[np.ndarray, int]:
        arguments = [f"-v{speaker.voice}", f"-p{speaker.pitch}", f"-s{speaker.words_per_minute}"]
        wav = run(["espeak-ng", *arguments, "--stdout", "--stdin"], stdin=text)
        # espeak-ng writes to a pipe and so cannot fill in the header's sizes: they are ignored.
        rate = int.from_bytes(wav[24:28], "little")
        return np.frombuffer(wav[44 : 44 + (len(wav) - 44) // 2 * 2], dtype="<i2") / 32768, rate

    def phonemes(self, text: str) -> str:
        command = ["espeak-ng", "-q", "--ipa", f"-v{self.language}", "--stdin"]
        return run(command, stdin=text).decode(errors="replace").strip()

    def transcriptions(self, texts: Sequence[str]) -> list[str]:
        """`phonemes` of many texts in one go; "" for each text that espeak-ng cannot tell."""
        spoken = [" ".join(text.split()) for text in texts]
        command = ["espeak-ng", "-q", "--ipa", f"-v{self.language}", "--stdin"]
        output = run(command, stdin="".join(f"{text}.\n\n" for text in spoken))
        lines = [line.strip() for line in output.decode(errors="replace").splitlines()]
        found = [line for line in lines if line]
        return found if len(found) == len(texts) else [self.phonemes(text) for text in texts]

    def credit(self, voice: str) -> Credit:
        return Credit(engine=engine_name("espeak-ng"))


@dataclass(frozen=True, kw_only=True)
class Piper:
    """Piper's neural voices: `files` are .onnx models with their .onnx.json beside them.

    A voice is `<file>#<number>`: many models hold hundreds of speakers.
    """

    files: tuple[str, ...]
    program: str = "piper"

    def voices(self) -> list[str]:
        if not self.files:
            raise StapesError("--engine piper: found no --voice, expected one or more .onnx files")
        return sorted(voice for file in self.files for voice in piper_speakers(file))

    def variants(self) -> Sequence[str]:
        return ("",)

    def say(self, text: str, speaker: Speaker) -> tuple[np.ndarray, int]:
        file, _, number = speaker.voice.rpartition("#")
        slowness = NORMAL_WORDS_PER_MINUTE / speaker.words_per_minute
        # Piper cannot change its pitch: here, the number says how freely it speaks.
        freedom = 0.4 + 0.6 * speaker.pitch / 99
        options = ["-s", number, "--length-scale", f"{slowness:.3f}"]
        options += ["--noise-scale", f"{freedom:.3f}"]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            run([self.program, "-m", file, *options, "-f", str(path)], stdin=text)
            return said(path, self.program)

    def phonemes(self, text: str) -> str:
        return ""

    def credit(self, voice: str) -> Credit:
        return piper_credit(voice.rpartition("#")[0])


@dataclass(frozen=True, kw_only=True)
class Command:
    """Any program that writes a recording: words of `template` may hold {text}, {voice}, {rate}
    (words per minute), {speed} (1 is normal), {pitch} and {output}, the file to write. The text is
    on standard input as well."""

    template: str
    names: tuple[str, ...] = (DEFAULT_VOICE,)

    def voices(self) -> list[str]:
        words = shlex.split(self.template)
        if not any("{output}" in word for word in words):
            raise StapesError(
                f"--engine_command {self.template!r}: found no {{output}}, expected a command with "
                "the file to write, such as: 'mytts --out {output} {text}'"
            )
        if shutil.which(words[0]) is None:
            raise StapesError(f"{words[0]}: not found, expected a program; check --engine_command")
        return sorted(self.names)

    def variants(self) -> Sequence[str]:
        return ("",)

    def say(self, text: str, speaker: Speaker) -> tuple[np.ndarray, int]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            values = {
                "text": text,
                "voice": speaker.voice,
                "rate": speaker.words_per_minute,
                "speed": f"{speaker.words_per_minute / NORMAL_WORDS_PER_MINUTE:.3f}",
                "pitch": speaker.pitch,
                "output": path,
            }
            words = shlex.split(self.template)
            try:
                filled = [word.format(**values) for word in words]
            except (KeyError, ValueError, IndexError) as error:
                raise StapesError(
                    f"--engine_command {self.template!r}: cannot fill in {error}, expected "
                    f"{', '.join(f'{{{name}}}' for name in values)}"
                ) from error
            run(filled, stdin=text)
            return said(path, words[0])

    def phonemes(self, text: str) -> str:
        return ""

    def credit(self, voice: str) -> Credit:
        program = Path(shlex.split(self.template)[0]).name
        return Credit(engine=engine_name(program), voice=voice * (voice != DEFAULT_VOICE))


def said(path: Path, program: str) -> tuple[np.ndarray, int]:
    """What a program wrote: float64 [samples] from -1 to 1, and their rate in Hz."""
    if not path.exists():
        raise EngineFailed(f"{program}: wrote no recording, expected one; try it by hand")
    recording = read_recording(path)
    return recording.samples / 32768, recording.sample_rate


def _let_ctrl_c_in() -> None:
    """Lets Ctrl-C end an engine at once, although the process that waits for the engine never sees
    Ctrl-C."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def run(command: list[str], stdin: str = "") -> bytes:
    """The standard output of a program that speaks.

    Raises:
        EngineFailed: the program ended with an error.
        StapesError: the program is missing.
    """
    program = command[0]
    try:
        done = subprocess.run(
            command,
            input=stdin.encode(),
            capture_output=True,
            check=True,
            timeout=TIMEOUT_S,
            preexec_fn=_let_ctrl_c_in,
        )
    except FileNotFoundError as error:
        hint = INSTALL_HINT if program == "espeak-ng" else "install it, or choose another --engine"
        raise StapesError(f"{program}: not found, expected the program; {hint}") from error
    except subprocess.TimeoutExpired as error:
        raise EngineFailed(
            f"{program}: found no end after {TIMEOUT_S} s; try it by hand"
        ) from error
    except OSError as error:
        raise StapesError(f"{program}: cannot be run ({error.strerror}); check it") from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise EngineFailed(f"{' '.join(command)}: failed ({reason[-1]})") from error
    return done.stdout


def piper_speakers(file: str) -> list[str]:
    """One voice for each speaker of a model.

    Raises:
        StapesError: its settings cannot be read.
    """
    settings = Path(f"{file}.json")
    try:
        count = int(json.loads(settings.read_bytes()).get("num_speakers", 1))
    except (OSError, ValueError, AttributeError) as error:
        raise StapesError(
            f"{settings}: cannot be read ({error}), expected the settings of {file}; "
            "download both files of the voice"
        ) from error
    return [f"{file}#{number}" for number in range(max(count, 1))]
