# SPDX-License-Identifier: Apache-2.0
"""Pictures of a training: its curves and its confusion matrix."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from stapes.evaluation.confusion import Confusion
from stapes.files import write_bytes
from stapes.pictures.figures import new_figure, png_bytes
from stapes.training.history import History


def write_curves(history: History, path: str | os.PathLike[str]) -> None:
    """Accuracy and cross entropy over steps, of training batches and of validation, as a PNG."""
    figure = new_figure(9, 4)
    accuracy, loss = figure.subplots(1, 2)
    for name, points, style in (
        ("training", history.training, {"alpha": 0.5, "linewidth": 1}),
        ("validation", history.validation, {"marker": "o", "markersize": 3}),
    ):
        steps = [point.step for point in points]
        accuracy.plot(steps, [100 * point.accuracy for point in points], label=name, **style)
        loss.plot(steps, [point.cross_entropy for point in points], label=name, **style)
    accuracy.set(xlabel="step", ylabel="accuracy (%)", ylim=(0, 100))
    loss.set(xlabel="step", ylabel="cross entropy", ylim=(0, None))
    loss.legend()
    write_bytes(path, png_bytes(figure))


def write_confusion(
    confusion: Confusion, labels: Sequence[str], path: str | os.PathLike[str]
) -> None:
    """The confusion matrix as a PNG."""
    write_bytes(path, png_bytes(_confusion_figure(confusion, labels)))


def confusion_pixels(confusion: Confusion, labels: Sequence[str]) -> np.ndarray:
    """The same picture as uint8 [height, width, 3]."""
    figure = _confusion_figure(confusion, labels)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[:, :, :3].copy()


def _confusion_figure(confusion: Confusion, labels: Sequence[str]) -> Any:
    """True labels downwards; colours are shares of the row, numbers are clips."""
    size = 2 + 0.5 * len(labels)
    figure = new_figure(size, size)
    axes = figure.subplots()
    rows = np.maximum(confusion.matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(confusion.matrix / rows, cmap="Blues", vmin=0, vmax=1)
    places = range(len(labels))
    axes.set_xticks(places, labels, rotation=90)
    axes.set_yticks(places, labels)
    axes.set(xlabel="predicted", ylabel="true", title=f"{100 * confusion.accuracy:.1f}% right")
    for row in places:
        for column in places:
            count = int(confusion.matrix[row, column])
            if count:
                dark = count / rows[row, 0] > 0.5
                colour = "white" if dark else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour)
    return figure
