# SPDX-License-Identifier: Apache-2.0
"""Features as the source of a C array."""

from __future__ import annotations

import numpy as np

_COLUMNS = 100


def c_source(name: str, features: np.ndarray, *, command: str, comment: str) -> str:
    """A C file with g_<name>_width, _height and _data: int8 or float [frames, features]."""
    kind, form = ("int8_t", "d") if features.dtype == np.int8 else ("float", "#.9g")
    lines = [
        f"// Written by: {command}",
        f"// Rows are frames of {features.shape[1]} features; {comment}.",
        "#include <stdint.h>",
        "",
        f"const int g_{name}_width = {features.shape[1]};",
        f"const int g_{name}_height = {features.shape[0]};",
        f"const {kind} g_{name}_data[] = {{",
    ]
    suffix = "" if kind == "int8_t" else "f"
    for row in features:
        line = "   "
        for value in row:
            word = f" {value:{form}}{suffix},"
            if len(line) + len(word) > _COLUMNS:
                lines.append(line)
                line = "   "
            line += word
        lines.append(line)
    return "\n".join([*lines, "};", ""])
