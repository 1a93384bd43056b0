#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the trunk of `stapes word`: a checkpoint without what only its own training needs.

models/trunk/pack.py CHECKPOINT DEST
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from stapes.errors import StapesError
from stapes.training.checkpoint import Checkpoint
from stapes.training.history import History


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", help="checkpoint.npz of `stapes train`")
    parser.add_argument("destination", help="the trunk's file")
    arguments = parser.parse_args()
    try:
        whole = Checkpoint.load(arguments.checkpoint)
        origin = {**whole.origin, "data_dir": Path(whole.origin["data_dir"]).name}
        trunk = dataclasses.replace(whole, optimizer=[], history=History(), origin=origin)
        trunk.save(arguments.destination)
    except StapesError as error:
        print(f"pack.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
