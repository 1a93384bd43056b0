# SPDX-License-Identifier: Apache-2.0
"""Fixtures that several modules share: real speech when there is some, a small model always."""

import os
import shutil
import signal
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from builds import BUILDS, FIRMWARE, ROOT, SANITIZED, build_folder, skip_without_board_tools
from stapes.files import write_bytes
from stapes.firmware.tools import run_tool
from stapes.model.settings import (
    METADATA_NAME,
    FrontEndSettings,
    GateSettings,
    ModelSettings,
    PcenSettings,
)
from wake_word import WAKE, WAKE_SEED, WOKEN, WOKEN_SCALE
from window_model import window_model

LABELS = ("_silence_", "_unknown_", "yes", "no")

# The time of an example depends on what else the machine does.
hypothesis.settings.register_profile(
    "stapes", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("stapes")

# A shell's background jobs ignore Ctrl-C, and so would the programs that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def speech() -> Path:
    """The folder of real clips, <word>/*.wav; skips where STAPES_CORPUS is unset."""
    if not os.environ.get("STAPES_CORPUS"):
        pytest.skip("STAPES_CORPUS is not set")
    return Path(os.environ["STAPES_CORPUS"])


def _kept(model: bytes, name: str) -> Path:
    """The file of a model. If it is there already, it stays as it is, so nothing is built again."""
    path = BUILDS / name
    if not path.exists() or path.read_bytes() != model:
        BUILDS.mkdir(parents=True, exist_ok=True)
        write_bytes(path, model)
    return path


class Firmware:
    """Builds of the firmware with a model in them, made when they are first asked for."""

    def __init__(self, model: bytes, *, name: str, wake: bytes | None = None) -> None:
        self.model = _kept(model, f"{name}.tflite")
        self.wake = None if wake is None else _kept(wake, f"{name}_wake.tflite")
        self._built: dict[str, Path] = {}

    @property
    def program(self) -> Path:
        """stapes-firmware of this machine, with address and undefined-behaviour sanitizers."""
        return self._build(SANITIZED, "host", self._sanitized()) / "stapes-firmware"

    def program_of(self, build: str, *options: str) -> Path:
        """The same with more CMake options, in a folder of its own."""
        return self._build(build, "host", self._sanitized(*options)) / "stapes-firmware"

    def _sanitized(self, *options: str) -> tuple[str, ...]:
        return ("-DSTAPES_SANITIZE=ON", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", *options)

    def image(self, board: str, *options: str) -> Path:
        """stapes-firmware.elf of a board, built with CMake options, beside the files in other
        formats; skips where there is no compiler or emulator for it."""
        skip_without_board_tools(board)
        build = "".join([board, *options]).replace("-DSTAPES_", "_")
        return self._build(build, board, options) / "stapes-firmware.elf"

    def _build(self, build: str, board: str, options: tuple[str, ...]) -> Path:
        if build not in self._built:
            with build_folder(build) as folder:
                self._compile(folder, board, options)
                self._built[build] = self._take_away(folder)
        return self._built[build]

    def _compile(self, folder: Path, board: str, options: tuple[str, ...]) -> None:
        from stapes.firmware.build import cmake_commands
        from stapes.firmware.model_folder import emit_model

        emitted = BUILDS / "model" / self.model.stem
        emit_model(self.model, emitted, wake=self.wake)
        configure, build = cmake_commands(ROOT, folder, board=board, model=emitted, main=FIRMWARE)
        for command in ([*configure, *options], build):
            run_tool(command)

    def _take_away(self, build: Path) -> Path:
        """Copies what was built to a place where no build of another model replaces it."""
        folder = BUILDS / "built" / self.model.stem / build.name
        folder.mkdir(parents=True, exist_ok=True)
        for path in (build / "boards").glob("stapes-firmware*"):
            part = shutil.copy(path, folder / f".{path.name}")
            Path(part).replace(folder / path.name)  # another process may run the old one
        return folder


@pytest.fixture(scope="session")
def firmware(small_model) -> Firmware:
    """The firmware with the small model, for this machine and for boards."""
    return Firmware(small_model(), name="small")


@pytest.fixture(scope="session")
def wake_firmware(small_model) -> Firmware:
    """The firmware with two small models. The second one sleeps until the first one wakes it."""
    wake = small_model(WAKE, seed=WAKE_SEED)
    return Firmware(small_model(WOKEN, input_scale=WOKEN_SCALE), name="woken", wake=wake)


@pytest.fixture(scope="session")
def window_firmware() -> Firmware:
    """The firmware with a small model that sees many frames at once."""
    return Firmware(window_model(), name="window")


@pytest.fixture(scope="session")
def pcen_firmware(small_model) -> Firmware:
    """The firmware with a small model of PCEN features, which depend on their own past."""
    front_end = FrontEndSettings(dct_coefficient_count=0, pcen=PcenSettings())
    settings = ModelSettings(name="pcen", labels=LABELS, front_end=front_end)
    return Firmware(small_model(settings, input_scale=0.02), name="pcen")


@pytest.fixture(scope="session")
def gated_firmware(small_model) -> Firmware:
    """The firmware with a small model behind a silence gate."""
    gate = GateSettings(replay_inferences=5, hold_ms=200, onset_ms=60)
    settings = ModelSettings(name="gated", labels=LABELS, gate=gate)
    return Firmware(small_model(settings), name="gated")


@pytest.fixture(scope="session")
def small_model():
    """Makes the bytes of a tiny streaming model: SVDF, fully connected, softmax, random weights.

    `outputs` and `features` may contradict the settings; `operator` adds a unary one before the
    softmax; `seed` chooses the weights; the arena grows by 12 bytes with each step of `memory`.
    """

    def make(
        settings: ModelSettings | None = None,
        *,
        features: int | None = None,
        outputs: int | None = None,
        operator: str | None = None,
        input_scale: float = 0.1,
        seed: int = 1,
        memory: int = 5,
        metadata: bool = True,
    ) -> bytes:
        from stapes.model.builder import ModelBuilder

        settings = settings or ModelSettings(name="small", labels=LABELS)
        features = features or settings.front_end.feature_count
        outputs = outputs or len(settings.labels)
        random = np.random.default_rng(seed)
        build = ModelBuilder()

        def constant(name, shape, dtype, scale, limit):
            data = random.integers(-limit, limit, shape).astype(dtype)
            return build.tensor(name, shape=shape, dtype=dtype, scale=scale, data=data)

        def activation(name, count, scale, zero_point):
            return build.tensor(
                name, shape=[1, count], dtype="int8", scale=scale, zero_point=zero_point
            )

        units = 6
        audio = activation("features", features, input_scale, -5)
        state = build.tensor(
            "state", shape=[1, units * memory], dtype="int16", scale=0.002, variable=True
        )
        hidden = activation("hidden", units, 0.05, -128)
        build.operator(
            "SVDF",
            inputs=[
                audio,
                constant("feature", [units, features], "int8", 0.01, 127),
                constant("time", [units, memory], "int16", 0.0001, 9000),
                constant("svdf_bias", [units], "int32", 0.0001 * 0.002, 9000),
                state,
            ],
            outputs=[hidden],
            options={"rank": 1, "fusedActivationFunction": "RELU"},
        )
        logits = activation("logits", outputs, 0.1, 3)
        build.operator(
            "FULLY_CONNECTED",
            inputs=[
                hidden,
                constant("weights", [outputs, units], "int8", 0.02, 127),
                constant("bias", [outputs], "int32", 0.05 * 0.02, 900),
            ],
            outputs=[logits],
        )
        if operator:
            before, logits = logits, activation("extra", outputs, 0.1, 3)
            build.operator(operator, inputs=[before], outputs=[logits])
        scores = activation("scores", outputs, 1 / 256, -128)
        build.operator("SOFTMAX", inputs=[logits], outputs=[scores], options={"beta": 1.0})
        if metadata:
            build.metadata(METADATA_NAME, settings.to_json().encode())
        return build.build(inputs=[audio], outputs=[scores])

    return make
