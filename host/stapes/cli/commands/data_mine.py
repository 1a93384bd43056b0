# SPDX-License-Identifier: Apache-2.0
"""Find in audio without words what a model takes for words, and cut it out to train against.

Runs everything below the folders of --audio through the firmware's code, with a short averaging
window and a low threshold. OUTPUT_DIR then has the clips with the highest scores first, a page of
pictures to look at and listen to (index.html), and a list. Delete the lines of clips in which
somebody really says a word. `stapes train --hard_dir OUTPUT_DIR` uses the rest as unknown words."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stapes.cli.flags import add_flags, from_flags
from stapes.cli.shared_flags import model_file
from stapes.errors import StapesError
from stapes.plain import clock, say

if TYPE_CHECKING:
    from stapes.model.settings import ModelSettings
    from stapes.stream.mining import Find

EXAMPLE = """  stapes data mine model.tflite --audio radio kitchen --output_dir hard
  stapes train --data_dir corpus --train_dir again --hard_dir hard"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.stream.mining import MiningSettings

    add = parser.add_argument
    add("model", type=model_file, metavar="MODEL", help="the model")
    add("--audio", type=Path, nargs="+", required=True,
        help="recordings, or folders of them, in which none of its words is said")  # fmt: skip
    add("--output_dir", type=Path, required=True, help="the new folder")
    add_flags(parser, MiningSettings)
    add("--resample", action="store_true", help="convert other rates, or stereo")
    add("--allow_none", action="store_true",
        help="if nothing is found, leave OUTPUT_DIR empty, and succeed")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    from stapes.stream.plot import check_plotting

    check_plotting()  # before hours of audio
    from stapes.corpus.attribution import attribution_around, write_attribution
    from stapes.files import held_alone, kept_folder, new_folder
    from stapes.model.metadata import load_model
    from stapes.progress import ProgressBar
    from stapes.stream.mining import MiningSettings, mine

    mining = from_flags(MiningSettings, arguments)
    model, settings = load_model(arguments.model)
    paths = _recordings(arguments.audio)
    attribution = attribution_around(*arguments.audio)
    folder = arguments.output_dir
    with (
        kept_folder(folder.parent),
        held_alone(folder.parent / f".{folder.name}.lock", what=f"the mining into {folder.name}"),
        new_folder(folder) as place,
    ):
        with ProgressBar("recordings", len(paths)) as bar:
            finds = mine(
                model,
                settings,
                paths,
                mining=mining,
                source=str(arguments.model),
                resample=arguments.resample,
                progress=bar.update,
            )
        if not finds and arguments.allow_none:
            say(f"{len(paths)} recordings: found nothing that the model takes for a word")
            return 0
        if not finds:
            raise StapesError(
                f"{len(paths)} recordings: found nothing that the model takes for a word, expected "
                "something to train against; give more audio, or a lower --threshold"
            )
        _write(place, finds, settings)
        if attribution:
            write_attribution(place, attribution)
    say(f"{folder}: {len(finds)} clips; listen to them: {folder / 'index.html'}")
    say(f"Delete from {folder / 'list.txt'} those in which a word is really said.")
    say(f"Next: stapes train --hard_dir {folder} …")
    return 0


def _recordings(audio: Sequence[Path]) -> list[Path]:
    from stapes.audio.reader import audio_files

    found: list[Path] = []
    for path in audio:
        below = audio_files(path, "**/*") if path.is_dir() else [path] * path.exists()
        if not below:
            raise StapesError(f"--audio: {path}: found no recordings, expected *.wav inside")
        found += below
    return found


def _write(place: Path, finds: Sequence[Find], settings: ModelSettings) -> None:
    from stapes.audio.wav import write_wav
    from stapes.corpus.hard_examples import CLIPS_NAME, LIST_NAME, list_text
    from stapes.files import write_bytes, write_text
    from stapes.pictures.finds import features_png, finds_page
    from stapes.pictures.spectrogram import DeviceView

    rows, shown = [], []
    for name in (CLIPS_NAME, "pictures"):
        (place / name).mkdir()
    for number, find in enumerate(finds, start=1):
        stem = f"{number:04}_{find.label}"
        clip, picture = f"{CLIPS_NAME}/{stem}.wav", f"pictures/{stem}.png"
        write_wav(place / clip, find.samples, sample_rate=settings.front_end.sample_rate)
        view = DeviceView.for_samples(settings.front_end, find.samples)
        write_bytes(place / picture, features_png(view.features(find.samples)))
        about = f"{find.label} {find.score:.2f}, {find.recording.name} at {clock(find.time_ms)}"
        rows.append((clip, about))
        shown.append((clip, picture, f"{stem}: {about}"))
    write_text(place / LIST_NAME, list_text(rows))
    title = f"What {settings.name} took for words"
    about = f"Delete the lines of clips in which a word is really said from {LIST_NAME}."
    write_text(place / "index.html", finds_page(title, about, shown))
