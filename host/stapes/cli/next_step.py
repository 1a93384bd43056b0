# SPDX-License-Identifier: Apache-2.0
"""The line that ends a command: the command that most people run next."""

from __future__ import annotations

import shlex
from pathlib import Path

from stapes.model.shipped import short_name
from stapes.plain import say


def next_step(*words: object, about: str = "") -> None:
    """Prints "Next: stapes ...": `words` are quoted for a shell, "..." stays as it is, and the path
    of a shipped model becomes its name."""
    texts = [short_name(word) if isinstance(word, Path) else str(word) for word in words]
    command = " ".join(text if text == "..." else shlex.quote(text) for text in texts)
    say(f"Next: stapes {command}" + (f"   ({about})" if about else ""))
