"""Speaks a corpus with espeak-ng, for words that nobody has recorded.

Each made-up speaker is a voice, a variant, a pitch and a speed; the same speakers say every word,
and their names are hashes, so the partition rule splits them as it splits people. A corpus spoken
by formant synthesis is a start, not a substitute for recordings.
"""

from __future__ import annotations

import hashlib
import math
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import scipy.signal

from stapes.audio.wav import write_wav
from stapes.errors import StapesError
from stapes.files import writing
from stapes.settings import check_label

BACKGROUND_FOLDER = "_background_noise_"
CLIPS_PER_SPEAKER = 3
INSTALL_HINT = "install it with: apt-get install espeak-ng"
# Formant variants that come with espeak-ng and stay understandable.
VARIANTS = ("", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5")


@dataclass(frozen=True, kw_only=True)
class SpeakSettings:
    """`clips` of each word; equal settings and espeak-ng versions give equal bytes."""

    clips: int = 300
    seed: int = 0
    sample_rate: int = 16000
    clip_duration_ms: int = 1000
    language: str = "en"
    background_seconds: float = 30
    processes: int = 2

    def __post_init__(self) -> None:
        _expect(1 <= self.clips <= 100_000, "clips", self.clips, "1 to 100000")
        _expect(0 <= self.seed < 2**63, "seed", self.seed, "0 or more")
        _expect(8000 <= self.sample_rate <= 48000, "sample_rate", self.sample_rate, "8000 to 48000")
        _expect(
            200 <= self.clip_duration_ms <= 60000,
            "clip_duration_ms",
            self.clip_duration_ms,
            "200 to 60000",
        )
        _expect(1 <= self.processes <= 256, "processes", self.processes, "1 to 256")

    @property
    def clip_samples(self) -> int:
        return self.sample_rate * self.clip_duration_ms // 1000


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """How espeak-ng is to sound; `name` is eight hexadecimal digits, as in Speech Commands."""

    voice: str
    pitch: int
    words_per_minute: int

    @property
    def name(self) -> str:
        sound = f"{self.voice} {self.pitch} {self.words_per_minute}"
        return hashlib.sha256(sound.encode()).hexdigest()[:8]


def speak_corpus(
    words: Sequence[str],
    output_dir: str | Path,
    *,
    settings: SpeakSettings,
    progress: Callable[[str, int], None] = lambda word, clips: None,
) -> None:
    """Writes <word>/<speaker>_nohash_<n>.wav for every word, and `_background_noise_`.

    Each word's folder appears whole or not at all. `progress` is called with every finished folder
    and its number of clips.

    Raises:
        StapesError: a word does not fit a folder name or a clip, its folder exists already,
            espeak-ng is missing or knows no voice of the language.
    """
    words = list(dict.fromkeys(words))
    for word in words:
        _check_word(word)
    root = Path(output_dir)
    for word in words:
        if (root / word).exists():
            raise StapesError(
                f"{root / word}: exists already, expected a new folder; "
                "choose another --output_dir or remove it"
            )
    speakers = make_speakers(list_voices(settings.language), settings=settings)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StapesError(
            f"{root}: cannot be made ({error.strerror}); choose another --output_dir"
        ) from error
    for word in words:
        # The pool is inside: its processes have ended before the folder gets its name or goes.
        with (
            _new_folder(root, word) as folder,
            ProcessPoolExecutor(max_workers=settings.processes) as pool,
        ):
            speak = partial(_speak_speaker, word, folder, settings)
            with _ctrl_c_held():  # the processes start here, and leave Ctrl-C to this one
                spoken = pool.map(speak, enumerate(speakers), chunksize=4)
            count = sum(spoken)
        progress(word, count)
    if not (root / BACKGROUND_FOLDER).exists():
        with _new_folder(root, BACKGROUND_FOLDER) as folder:
            backgrounds = make_backgrounds(settings=settings)
            for name, samples in backgrounds.items():
                write_wav(folder / f"{name}.wav", samples, sample_rate=settings.sample_rate)
        progress(BACKGROUND_FOLDER, len(backgrounds))


def list_voices(language: str) -> list[str]:
    """The formant voices that espeak-ng has for a language, such as `en` or `de`.

    Raises:
        StapesError: espeak-ng is missing, or has none.
    """
    # `en` also matches mbrola voices and variants, whose sounds are not part of espeak-ng.
    listing = _espeak([f"--voices={language}"]).decode("utf-8", errors="replace").splitlines()[1:]
    rows = [line.split() for line in listing]
    voices = {
        row[1]
        for row in rows
        if len(row) >= 5
        and not row[4].startswith(("mb/", "!v/"))
        and row[1].split("-")[0] == language.split("-")[0]
    }
    if not voices:
        raise StapesError(
            f"--language {language}: espeak-ng has no voice; list them: espeak-ng --voices"
        )
    return sorted(voices)


def make_speakers(voices: Sequence[str], *, settings: SpeakSettings) -> list[Speaker]:
    """As many different speakers as `settings.clips` asks for, drawn from the seed."""
    random = np.random.default_rng([settings.seed, 1])
    speakers: dict[str, Speaker] = {}
    while len(speakers) < math.ceil(settings.clips / CLIPS_PER_SPEAKER):
        speaker = Speaker(
            voice=voices[random.integers(len(voices))] + VARIANTS[random.integers(len(VARIANTS))],
            pitch=int(random.integers(15, 86)),
            words_per_minute=int(random.integers(110, 200)),
        )
        speakers[speaker.name] = speaker
    return list(speakers.values())


def speak_word(word: str, speaker: Speaker, *, sample_rate: int) -> np.ndarray:
    """The word as espeak-ng says it, without the silence around: float64 [samples], -1 to 1."""
    arguments = [f"-v{speaker.voice}", f"-p{speaker.pitch}", f"-s{speaker.words_per_minute}"]
    wav = _espeak([*arguments, "--stdout", "--stdin"], stdin=word.replace("_", " "))
    # espeak-ng writes to a pipe and so cannot fill in the sizes of the header: take them as read.
    rate = int.from_bytes(wav[24:28], "little")
    voiced = np.frombuffer(wav[44 : 44 + (len(wav) - 44) // 2 * 2], dtype="<i2") / 32768
    loud = np.flatnonzero(np.abs(voiced) > 0.01)
    if not len(loud):
        raise StapesError(
            f"word {word!r}: espeak-ng says nothing; write it as it is spoken, in letters"
        )
    voiced = voiced[loud[0] : loud[-1] + 1]
    divisor = math.gcd(rate, sample_rate)
    return scipy.signal.resample_poly(voiced, sample_rate // divisor, rate // divisor)


def make_backgrounds(*, settings: SpeakSettings) -> dict[str, np.ndarray]:
    """White, pink and brown noise and the hum of the mains: int16 [samples] each."""
    random = np.random.default_rng([settings.seed, 2])
    count = int(settings.background_seconds * settings.sample_rate)
    frequency = np.fft.rfftfreq(count, 1 / settings.sample_rate)
    frequency[0] = frequency[1]
    sounds = {}
    for name, exponent in (("white_noise", 0.0), ("pink_noise", 0.5), ("brown_noise", 1.0)):
        # No rumble below 20 Hz: it would take all of the range and nobody hears it.
        weight = (frequency >= 20) * frequency**-exponent
        sounds[name] = np.fft.irfft(np.fft.rfft(random.normal(size=count)) * weight, count)
    time = np.arange(count) / settings.sample_rate
    sounds["mains_hum"] = random.normal(scale=0.02, size=count) + sum(
        np.sin(2 * np.pi * 50 * harmonic * time + random.uniform(0, 6.28)) / harmonic
        for harmonic in (1, 2, 3, 4, 6, 8, 10, 14)
    )
    return {name: _to_int16(0.7 * sound / np.abs(sound).max()) for name, sound in sounds.items()}


def _speak_speaker(
    word: str, folder: Path, settings: SpeakSettings, numbered: tuple[int, Speaker]
) -> int:
    """Writes the clips of one speaker; returns how many."""
    index, speaker = numbered
    first = index * CLIPS_PER_SPEAKER
    clips = min(CLIPS_PER_SPEAKER, settings.clips - first)
    key = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
    for number in range(clips):
        random = np.random.default_rng([settings.seed, 3, key, first + number])
        samples = _place_word(word, speaker, random, settings)
        path = folder / f"{speaker.name}_nohash_{number}.wav"
        write_wav(path, samples, sample_rate=settings.sample_rate)
    return clips


def _place_word(
    word: str, speaker: Speaker, random: np.random.Generator, settings: SpeakSettings
) -> np.ndarray:
    """One clip: the word at a random place, loudness and speed, in light noise."""
    for hurry in (1.0, 1.4, 1.9):
        faster = hurry * random.uniform(0.9, 1.1)
        spoken = speak_word(
            word,
            Speaker(
                voice=speaker.voice,
                pitch=speaker.pitch,
                words_per_minute=round(speaker.words_per_minute * faster),
            ),
            sample_rate=settings.sample_rate,
        )
        if len(spoken) <= settings.clip_samples:
            break
    else:
        milliseconds = len(spoken) * 1000 // settings.sample_rate
        raise StapesError(
            f"word {word!r}: takes {milliseconds} ms to say, expected at most "
            f"{settings.clip_duration_ms}; pass a longer --clip_duration_ms or a shorter word"
        )
    noise = 10 ** random.uniform(-4.0, -2.0)
    clip = random.normal(scale=noise, size=settings.clip_samples)
    start = random.integers(settings.clip_samples - len(spoken) + 1)
    loudness = random.uniform(0.2, 0.9) / np.abs(spoken).max()
    clip[start : start + len(spoken)] += loudness * spoken
    return _to_int16(clip)


def _to_int16(samples: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)


def _espeak(arguments: list[str], stdin: str = "") -> bytes:
    try:
        done = subprocess.run(
            ["espeak-ng", *arguments], input=stdin.encode(), capture_output=True, check=True
        )
    except FileNotFoundError as error:
        raise StapesError(f"espeak-ng: not found, expected the program; {INSTALL_HINT}") from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise StapesError(f"espeak-ng {' '.join(arguments)}: failed ({reason[-1]})") from error
    return done.stdout


def _check_word(word: str) -> None:
    check_label(word)
    if word.startswith(("_", ".", "-")):
        raise StapesError(f"word {word!r}: begins with {word[0]!r}, expected a letter; rename it")


@contextmanager
def _new_folder(root: Path, name: str) -> Iterator[Path]:
    """Yields a temporary folder; renames it to `root`/`name` on success, removes it on error."""
    with writing(root / name):
        temporary = Path(tempfile.mkdtemp(prefix=".stapes.", dir=root))
        try:
            yield temporary
            temporary.chmod(0o755)
            temporary.rename(root / name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Ctrl-C waits until the end of the block; processes started inside never see it."""
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


def _expect(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise StapesError(f"--{name}={value!r}: expected {expected}")
