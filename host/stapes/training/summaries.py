# SPDX-License-Identifier: Apache-2.0
"""Event files for TensorBoard, written with TensorFlow alone.

Format: TFRecords of `Event` messages, tensorflow/core/util/event.proto.
"""

from __future__ import annotations

import io
import os
import time
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from stapes.errors import StapesError
from stapes.evaluation.confusion import Confusion
from stapes.files import writing
from stapes.networks.backend import tf
from stapes.training.pictures import confusion_pixels

_PICTURE_SCALE = 4


class SummaryWriter:
    """One event file in `folder`, which is made if needed; every write names its step.

    `first_step` is the first step of the training: from there on, TensorBoard drops what an earlier
    run that was stopped has written.
    """

    def __init__(self, folder: str | os.PathLike[str], *, first_step: int) -> None:
        """Raises:
        StapesError: the folder cannot be written.
        """
        self._folder = folder
        with writing(folder):
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / ".probe").touch()
            (Path(folder) / ".probe").unlink()
        name = f"events.out.tfevents.{time.time_ns() // 1000:017d}.{os.getpid()}"
        with self._told():
            self._records = tf.io.TFRecordWriter(str(Path(folder) / name))
        self._write(file_version="brain.Event:2")
        start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
        self._write(step=first_step, session_log=start)

    def scalars(self, step: int, **values: float) -> None:
        self._summary(step, *({"tag": tag, "simple_value": value} for tag, value in values.items()))

    def image(self, step: int, tag: str, pixels: np.ndarray) -> None:
        """`pixels`: uint8 [height, width, 3]."""
        picture = tf.compat.v1.Summary.Image(
            height=pixels.shape[0],
            width=pixels.shape[1],
            colorspace=pixels.shape[2],
            encoded_image_string=tf.io.encode_png(pixels).numpy(),
        )
        self._summary(step, {"tag": tag, "image": picture})

    def audio(self, step: int, tag: str, samples: np.ndarray, *, sample_rate: int) -> None:
        """`samples`: int16 [samples]."""
        content = io.BytesIO()
        with wave.open(content, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(sample_rate)
            out.writeframes(samples.astype("<i2").tobytes())
        sound = tf.compat.v1.Summary.Audio(
            sample_rate=sample_rate,
            num_channels=1,
            length_frames=len(samples),
            encoded_audio_string=content.getvalue(),
            content_type="audio/wav",
        )
        self._summary(step, {"tag": tag, "audio": sound})

    def close(self) -> None:
        with self._told():
            self._records.close()

    def flush(self) -> None:
        with self._told():
            self._records.flush()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turns TensorFlow's errors into a StapesError of one line."""
        try:
            yield
        except tf.errors.OpError as error:
            reason = error.message.splitlines()[0].split("; ")[-1]
            raise StapesError(f"{self._folder}: cannot be written ({reason})") from error

    def _summary(self, step: int, *values: dict[str, Any]) -> None:
        messages = [tf.compat.v1.Summary.Value(**value) for value in values]
        self._write(step=step, summary=tf.compat.v1.Summary(value=messages))

    def _write(self, **content: Any) -> None:
        event = tf.compat.v1.Event(wall_time=time.time(), **content)
        with self._told():
            self._records.write(event.SerializeToString())


class Summaries:
    """The summaries of one training: folders `train` and `validation`, as in the tutorial."""

    def __init__(
        self, folder: str | os.PathLike[str], *, labels: Sequence[str], first_step: int
    ) -> None:
        self._labels = labels
        self._training = SummaryWriter(Path(folder) / "train", first_step=first_step)
        self._validation = SummaryWriter(Path(folder) / "validation", first_step=first_step)

    def step(self, step: int, *, accuracy: float, cross_entropy: float, rate: float) -> None:
        self._training.scalars(
            step, accuracy=accuracy, cross_entropy=cross_entropy, learning_rate=rate
        )

    def clips(
        self,
        step: int,
        samples: np.ndarray,
        features: np.ndarray,
        labels: np.ndarray,
        *,
        sample_rate: int,
    ) -> None:
        """Writes, for each label, the first clip of a batch as training hears and sees it: int16
        [clips, samples], float [clips, frames, features], int [clips]."""
        for label in np.unique(labels):
            number = int(np.flatnonzero(labels == label)[0])
            name = self._labels[label]
            self._training.audio(step, f"clip/{name}", samples[number], sample_rate=sample_rate)
            self._training.image(step, f"features/{name}", feature_picture(features[number]))

    def validation(self, step: int, confusion: Confusion, cross_entropy: float) -> None:
        self._validation.scalars(step, accuracy=confusion.accuracy, cross_entropy=cross_entropy)
        self._validation.image(step, "confusion_matrix", confusion_pixels(confusion, self._labels))
        self._training.flush()
        self._validation.flush()

    def close(self) -> None:
        self._training.close()
        self._validation.close()


def feature_picture(features: np.ndarray) -> np.ndarray:
    """float [frames, features] -> uint8 [height, width, 3]: time to the right, low channels at the
    bottom, the range of values from dark to bright."""
    low, high = float(features.min()), float(features.max())
    bright = (features.T[::-1] - low) * (255 / max(high - low, 1e-9))
    grey = np.rint(bright).astype(np.uint8)[:, :, None].repeat(3, axis=2)
    return grey.repeat(_PICTURE_SCALE, 0).repeat(_PICTURE_SCALE, 1)
