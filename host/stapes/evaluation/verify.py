# SPDX-License-Identifier: Apache-2.0
"""One model, the same inputs, several runtimes: which bytes differ?

Stapes' own engine is compared with upstream TensorFlow Lite Micro (TFLM), which must give equal
bytes, and with LiteRT, whose kernels may round differently (docs/engines.md).
"""

from __future__ import annotations

import faulthandler
import importlib
import importlib.metadata
import importlib.util
import math
import multiprocessing
import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from stapes.audio.reader import audio_files, read_audio
from stapes.device.bundle import ModelBundle
from stapes.device.engine import Engine
from stapes.device.pipeline import Pipeline
from stapes.errors import StapesError
from stapes.files import read_bytes
from stapes.model.metadata import settings_of

Run = Callable[[np.ndarray], np.ndarray]

_MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Inputs of consecutive inferences from a fresh state: [frames, values] of the input's type."""

    name: str
    frames: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One output that is different in another runtime; `frame` counts within its stream."""

    stream: str
    frame: int
    index: int
    stapes: int
    other: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The outputs of one runtime; `failure` says why there are none.

    `present` is false if no package with the runtime is installed.
    """

    runtime: str
    version: str = ""
    present: bool = True
    failure: str = ""
    compared_bytes: int = 0
    differences: tuple[Difference, ...] = ()

    @property
    def differing_frames(self) -> int:
        """Inferences with at least one differing byte."""
        return len({(entry.stream, entry.frame) for entry in self.differences})

    @property
    def largest_difference(self) -> int:
        """In steps of the output; 0 where all is equal."""
        return max((abs(entry.stapes - entry.other) for entry in self.differences), default=0)


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """A runtime to compare with.

    `start` takes the imported module and the bytes of a model and returns a function that runs one
    stream: [frames, inputs] to [frames, outputs], from a fresh state at each call.
    """

    name: str
    package: str
    module: str
    start: Callable[[ModuleType, bytes], Run]


def verify(
    path: Path, *, clips: Path | None = None, frames: int = 1000, seed: int = 0
) -> tuple[dict[str, Any], list[Comparison]]:
    """Compares the model's outputs; `equal` of the report is None where TFLM is not installed.

    Raises:
        StapesError: not a model that Stapes runs, no inputs, or no other runtime.
    """
    model = read_bytes(path, what="a .tflite model")
    engine = Engine.from_bytes(model, source=str(path))
    if engine.input_type == "float32":
        raise StapesError(
            f"{path}: found float32 as input, expected integers; convert the model with int8 input "
            "and output"
        )
    if clips is None:
        streams = random_streams(
            math.prod(engine.input_shape),
            frames=frames,
            seed=seed,
            zero_point=engine.input_zero_point,
            dtype=engine.input_type,
        )
    else:
        streams = clip_streams(model, engine, clips, frames=frames, seed=seed, source=str(path))
    outputs = stapes_outputs(engine, streams)
    comparisons = [compare(runtime, model, streams, outputs) for runtime in (TFLM, LITERT)]
    if not any(comparison.present for comparison in comparisons):
        raise StapesError(
            "found neither TFLM nor LiteRT to compare with, expected one of them; "
            "pip install tflite-micro ai-edge-litert"
        )
    upstream = comparisons[0]
    report = {
        "model": str(path),
        "inputs": "random" if clips is None else str(clips),
        "seed": seed,
        "streams": len(streams),
        "frames": sum(len(stream.frames) for stream in streams),
        "equal": not (upstream.failure or upstream.differences) if upstream.present else None,
    }
    return report, comparisons


def random_streams(
    size: int, *, frames: int, seed: int, zero_point: int, dtype: str = "int8"
) -> list[Stream]:
    """Constant extremes, alternating extremes, and uniform values: `frames` of them in the last.

    Args:
        size: values in one frame.
        zero_point: the value that stands for real 0.
        dtype: an integer type.
    """
    rng = np.random.default_rng(seed)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    constants = np.array([low, high, zero_point, low, high], dtype)
    return [
        Stream(name="extremes", frames=np.repeat(constants[:, None], size, axis=1)),
        Stream(name="random extremes", frames=rng.choice(constants[:2], (8, size))),
        Stream(name="random", frames=rng.integers(low, high + 1, (frames, size), dtype=dtype)),
    ]


def clip_streams(
    model: bytes, engine: Engine, folder: Path, *, frames: int, seed: int, source: str
) -> list[Stream]:
    """Features of the clips under `folder`, each a stream, until there are `frames` of them.

    The clips are drawn in an order that depends on `seed`; they go through the model's own front
    end.

    Raises:
        StapesError: the model carries no settings, takes no single frame of features, or the folder
            has no readable clips that fill a frame.
    """
    settings = settings_of(model, source=source)
    if math.prod(engine.input_shape) != settings.input_size:
        raise StapesError(
            f"{source}: found inputs of shape {engine.input_shape}, expected "
            f"{settings.input_size} features; leave --clips out"
        )
    pipeline = Pipeline(ModelBundle.from_bytes(model, settings, source=source))
    paths = audio_files(folder, "**/*")
    streams, missing = [], frames
    for path in random.Random(seed).sample(paths, len(paths)):
        if missing <= 0:
            break
        pipeline.reset()
        audio = read_audio(path, sample_rate=settings.front_end.sample_rate)
        found = pipeline.process_all(audio).inputs
        if len(found):
            streams.append(Stream(name=str(path.relative_to(folder)), frames=found[:missing]))
            missing -= len(found)
    if not streams:
        raise StapesError(
            f"{folder}: found {len(paths)} clips with a whole frame of audio in none, expected WAV "
            "files below it; check --clips"
        )
    return streams


def stapes_outputs(engine: Engine, streams: Sequence[Stream]) -> list[np.ndarray]:
    """What Stapes' engine gives for each stream: [frames, outputs]."""
    outputs: list[Any] = []
    for stream in streams:
        engine.reset()
        outputs.append(engine.run(stream.frames))
    return outputs


def compare(
    runtime: Runtime, model: bytes, streams: Sequence[Stream], expected: Sequence[np.ndarray]
) -> Comparison:
    """Runs the streams through `runtime` and lists each byte that differs from `expected`."""
    if importlib.util.find_spec(runtime.module.partition(".")[0]) is None:
        failure = f"not installed (pip install {runtime.package})"
        return Comparison(runtime=runtime.name, present=False, failure=failure)
    version = f"{runtime.package} {importlib.metadata.version(runtime.package)}"
    outputs, failure = in_a_process_of_its_own(lambda: _outputs(runtime, model, streams))
    if failure:
        return Comparison(runtime=runtime.name, version=version, failure=failure)
    differences = []
    for stream, ours, theirs in zip(streams, expected, outputs, strict=True):
        differences += _differences(stream.name, ours, theirs)
    return Comparison(
        runtime=runtime.name,
        version=version,
        compared_bytes=sum(output.nbytes for output in expected),
        differences=tuple(differences),
    )


def _differences(stream: str, ours: np.ndarray, theirs: np.ndarray) -> list[Difference]:
    return [
        Difference(
            stream=stream,
            frame=int(frame),
            index=int(index),
            stapes=int(ours[frame, index]),
            other=int(theirs[frame, index]),
        )
        for frame, index in np.argwhere(ours != theirs)
    ]


def _outputs(runtime: Runtime, model: bytes, streams: Sequence[Stream]) -> list[np.ndarray]:
    run = runtime.start(importlib.import_module(runtime.module), model)
    return [run(stream.frames) for stream in streams]


def in_a_process_of_its_own(
    work: Callable[[], list[np.ndarray]],
) -> tuple[list[np.ndarray], str]:
    """What `work` returns, or why it returned nothing: upstream crashes with some models."""
    processes = multiprocessing.get_context("fork")
    here, there = processes.Pipe(duplex=False)

    def child() -> None:
        faulthandler.disable()  # the parent says in a line how this process ended
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # and whether Ctrl-C stopped it
        try:
            there.send((work(), ""))
        except Exception as error:
            there.send(([], " ".join(str(error).split()) or type(error).__name__))

    process = processes.Process(target=child)
    process.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        process.join()
        return [], f"its process ended with {_how(process.exitcode)}"
    finally:
        here.close()
        process.join()


def _how(exit_code: int | None) -> str:
    assert exit_code is not None  # it has ended
    return signal.Signals(-exit_code).name if exit_code < 0 else f"status {exit_code}"


def _start_tflm(module: ModuleType, model: bytes) -> Run:
    interpreter = module.runtime.Interpreter.from_bytes(model, arena_size=_MIB + 32 * len(model))
    shape = interpreter.get_input_details(0)["shape"]

    def run(frames: np.ndarray) -> np.ndarray:
        interpreter.reset()
        outputs = []
        for frame in frames:
            interpreter.set_input(frame.reshape(shape), 0)
            interpreter.invoke()
            outputs.append(interpreter.get_output(0).ravel().copy())
        return np.stack(outputs)

    return run


def _start_litert(module: ModuleType, model: bytes) -> Run:
    def run(frames: np.ndarray) -> np.ndarray:
        # A new interpreter each time: LiteRT's reset does not reset resource variables.
        interpreter = module.Interpreter(
            model_content=model, experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF
        )
        interpreter.allocate_tensors()
        source = interpreter.get_input_details()[0]
        target = interpreter.get_output_details()[0]["index"]
        outputs = []
        for frame in frames:
            interpreter.set_tensor(source["index"], frame.reshape(source["shape"]))
            interpreter.invoke()
            outputs.append(interpreter.get_tensor(target).ravel())
        return np.stack(outputs)

    return run


TFLM = Runtime(name="TFLM", package="tflite-micro", module="tflite_micro", start=_start_tflm)
LITERT = Runtime(
    name="LiteRT",
    package="ai-edge-litert",
    module="ai_edge_litert.interpreter",
    start=_start_litert,
)
