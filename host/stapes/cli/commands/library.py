# SPDX-License-Identifier: Apache-2.0
"""Write the firmware with a model as a source folder for another build system.

The folder has everything that a build needs: the sources for this model, the model, its tables and
settings, licence and attribution, and examples. Your program uses one class,
`stapes::KeywordSpotter`, or a plain C header. With --wake, the class has two models: the second one
sleeps until the wake word is heard. Equal models give equal bytes. The folder's README says what
was tried on which hardware."""

from __future__ import annotations

import argparse
from pathlib import Path

from stapes.cli.shared_flags import add_wake_flags, model_file, wake_settings
from stapes.plain import say

EXAMPLE = """  stapes library micro --form cmake --output_dir keyword_spotter
  stapes library words --wake jarvis --form zephyr --output_dir keyword_spotter
  stapes library model.tflite --form arduino --output_dir ~/Arduino/libraries/Keywords"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.library.write import FORMS

    parser.add_argument("model", type=model_file, metavar="MODEL", help="an exported model")
    parser.add_argument("--form", choices=FORMS, required=True, help="the build system")
    parser.add_argument("--output_dir", type=Path, required=True, help="the folder to write")
    add_wake_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    from stapes.library.write import Models, write_library

    awake = wake_settings(arguments)
    models = Models(model=arguments.model, wake=arguments.wake, awake=awake)
    write_library(models, arguments.output_dir, form=arguments.form)
    say(f"{arguments.output_dir}: a library in the form of {arguments.form}")
    say(f"Next: read {arguments.output_dir / 'README.md'}")
    return 0
