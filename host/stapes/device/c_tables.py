# SPDX-License-Identifier: Apache-2.0
"""What the template `frontend_tables.cc.jinja` needs to write tables as C++ constants."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from stapes.device.tables import FrontEndTables

_PER_LINE = {"int16": 10, "uint16": 12, "int32": 7}


def c_context(tables: FrontEndTables) -> dict[str, Any]:
    """Template variables: `frontend_arrays` (constants) and `frontend_fields` (of the struct).

    The fields are in the order of the C++ struct: that of the dataclass, then one pointer to
    code. The template also takes the provenance variables of `_header.jinja`.
    """
    arrays, fields = [], []
    for field in dataclasses.fields(tables):
        value = getattr(tables, field.name)
        if not isinstance(value, np.ndarray):
            fields.append({"name": field.name, "value": str(value)})
        elif value.size == 0:
            fields.append({"name": field.name, "value": "nullptr"})
        else:
            arrays.append(_array(field.name, value))
            fields.append({"name": field.name, "value": arrays[-1]["symbol"]})
    # Only this line names the stage: the linker leaves it out of firmware that does not use it.
    stage = "PcenMel" if tables.pcen_curve.size else "nullptr"
    fields.append({"name": "pcen_stage", "value": stage})
    return {"frontend_arrays": arrays, "frontend_fields": fields}


def _array(name: str, values: np.ndarray) -> dict[str, Any]:
    kind = values.dtype.name
    return {
        "symbol": "k" + name.title().replace("_", ""),
        "type": f"{kind}_t",
        "numbers": [_literal(value) for value in values.ravel().tolist()],
        "per_line": _PER_LINE[kind],
    }


def _literal(value: int) -> str:
    # -2147483648 would be the negation of a literal that does not fit.
    return "INT32_MIN" if value == -(2**31) else str(value)
