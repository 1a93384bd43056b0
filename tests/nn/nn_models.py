# SPDX-License-Identifier: Apache-2.0
"""Random int8 models of one operator or several, and the oracle for their results.

The oracle is upstream's own runtime (PyPI `tflite-micro`). STAPES_TEST_CASES sets how many models
each property is tried on, STAPES_TEST_SEED the first seed of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tflite_micro import runtime

from stapes.device.engine import Engine
from stapes.errors import StapesError
from stapes.evaluation.verify import in_a_process_of_its_own
from stapes.model.builder import ModelBuilder

CASES = int(os.environ.get("STAPES_TEST_CASES", "40"))
FIRST_SEED = int(os.environ.get("STAPES_TEST_SEED", "0"))
INVOKES = 6
INFERENCES = 3  # of a model that may be damaged

Random = np.random.Generator


def small(rng: Random, most: int = 24) -> int:
    """1 to `most`."""
    return int(rng.integers(1, most + 1))


def random_shape(rng: Random, rank: int) -> tuple[int, ...]:
    return tuple(small(rng, 5) for _ in range(rank))


def int8_values(rng: Random, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform values, or only the extremes, or values near one another."""
    kind = rng.integers(4)
    if kind == 0:
        return rng.choice(np.array([-128, 127], np.int8), shape)
    if kind == 1:
        return (rng.integers(-124, 124) + rng.integers(-4, 4, shape)).astype(np.int8)
    return rng.integers(-128, 128, shape).astype(np.int8)


def values(rng: Random, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Inputs of any type: integers as int8_values makes them, floats of many magnitudes."""
    if dtype == "int8":
        return int8_values(rng, shape)
    if dtype == "float32":
        return (rng.normal(size=shape) * np.exp(rng.uniform(-12, 6))).astype(np.float32)
    limits = np.iinfo(dtype)
    narrowed = rng.integers(limits.min, limits.max + 1, shape) >> rng.integers(limits.bits)
    return narrowed.astype(dtype)


def weights(rng: Random, shape: tuple[int, ...], dtype: type = np.int8) -> np.ndarray:
    """Symmetric weights; sometimes all of them are extreme."""
    limit = np.iinfo(dtype).max
    if rng.integers(5) == 0:
        return rng.choice(np.array([-limit, limit], dtype), shape)
    return rng.integers(-limit, limit + 1, shape).astype(dtype)


def scale(rng: Random, low: float = 1e-4, high: float = 1.0) -> np.float32:
    """Log-uniform; every float32 in the range is possible."""
    return np.float32(np.exp(rng.uniform(np.log(low), np.log(high))))


def zero_point(rng: Random) -> int:
    """Any zero point, often one end of the range."""
    return int(rng.choice([-128, 127, 0, rng.integers(-128, 128)]))


def activation(rng: Random) -> str:
    """One of the fused activations."""
    return str(rng.choice(["NONE", "RELU", "RELU6", "RELU_N1_TO_1"]))


def bias(rng: Random, count: int) -> np.ndarray:
    """Small biases, or biases that make sums wrap."""
    limit = 2**31 - 1 if rng.integers(8) == 0 else 20000
    return rng.integers(-limit, limit + 1, count).astype(np.int32)


class Network(ModelBuilder):
    """A builder with one input that layers are chained to; `last` is the newest tensor.

    A calm one has no extreme zero points and biases, and few activations, so that its input still
    has an effect after many layers.
    """

    def __init__(
        self,
        rng: Random,
        shape: tuple[int, ...],
        *,
        input_scale: float | None = None,
        calm: bool = False,
    ):
        super().__init__()
        self.rng = rng
        self.calm = calm
        self.shape = shape
        self.scale = scale(rng) if input_scale is None else np.float32(input_scale)
        self.zero = self.zero_point()
        self.input = self.last = self.activations(shape, self.scale, self.zero)

    @property
    def operators(self) -> list:
        """Of the main graph; what is changed in them is in the model."""
        return self._subgraphs[0].operators

    @property
    def tensors(self) -> list:
        """Of the main graph, by index."""
        return self._subgraphs[0].tensors

    def zero_point(self) -> int:
        """Of activations."""
        return int(self.rng.integers(-40, 40)) if self.calm else zero_point(self.rng)

    def activation(self) -> str:
        """Fused into a layer."""
        return "NONE" if self.calm and self.rng.integers(4) else activation(self.rng)

    def bias(self, count: int) -> np.ndarray:
        """Of a layer."""
        if self.calm:
            return self.rng.integers(-2000, 2001, count).astype(np.int32)
        return bias(self.rng, count)

    def activations(self, shape: tuple[int, ...], scale_: float, zero: int) -> int:
        """Adds an int8 tensor without content."""
        return self.tensor("a", shape=shape, dtype="int8", scale=scale_, zero_point=zero)

    def constant(self, data: np.ndarray, scale_: object = None, dimension: int = 0) -> int:
        """Adds a tensor with content, of zero point 0."""
        return self.tensor(
            "c",
            shape=data.shape,
            dtype=str(data.dtype),
            scale=scale_,
            quantized_dimension=dimension,
            data=data,
        )

    def chain(
        self,
        name: str,
        *others: int,
        shape: tuple[int, ...],
        scale_: float,
        zero: int | None = None,
        options: dict | None = None,
    ) -> None:
        """Adds an operator on the newest tensor; its output becomes the newest."""
        zero = self.zero_point() if zero is None else zero
        output = self.activations(shape, scale_, zero)
        self.operator(name, inputs=[self.last, *others], outputs=[output], options=options)
        self.last, self.shape, self.zero = output, shape, zero
        self.scale = np.float32(scale_)

    def weight_scale(self) -> np.float32:
        """Keeps scales from drifting layer by layer: upstream aborts far from 1."""
        own = float(self.scale)
        return np.float32(scale(self.rng, 1e-3, 0.1) / (max(own, 1.0) * min(own * 1e3, 1.0)))

    def spread(self, weights_: np.ndarray) -> float:
        """How far sums of products with these weights go, in steps."""
        return float(np.sqrt(weights_[0].size) * 74 * (np.std(weights_.astype(float)) + 1))

    def finish(self) -> bytes:
        """The model's bytes."""
        return self.build(inputs=[self.input], outputs=[self.last])

    # Layers with the parameters that upstream documents for int8.

    def fully_connected(self, rows: int, *, per_row: bool = False, with_bias: bool = True) -> None:
        rng = self.rng
        depth = self.shape[-1]
        matrix = weights(rng, (rows, depth))
        scales = np.array([self.weight_scale() for _ in range(rows if per_row else 1)])
        products = self.scale * scales
        extra = [self.constant(self.bias(rows), products)] if with_bias else [-1]
        self.chain(
            "FULLY_CONNECTED",
            self.constant(matrix, scales),
            *extra,
            shape=(*self.shape[:-1], rows),
            scale_=float(products.mean()) * self.spread(matrix) / 128 * scale(rng, 0.2, 5.0),
            options={"fusedActivationFunction": self.activation(), "keepNumDims": True},
        )

    def svdf(self, units: int, rank: int, memory: int, *, state: str = "int16") -> None:
        rng = self.rng
        batch, inputs = self.shape
        filters = units * rank
        feature = weights(rng, (filters, inputs))
        time = weights(rng, (filters, memory), np.dtype(state).type)
        feature_scale, time_scale = self.weight_scale(), scale(rng, 1e-5, 1e-2)
        steps = 32768 if state == "int16" else 128
        reach = self.scale * feature_scale * self.spread(feature)
        state_scale = np.float32(reach / steps * scale(rng, 0.3, 3.0))
        weighed = state_scale * time_scale
        tensors = [
            self.constant(feature, feature_scale),
            self.constant(time, time_scale),
            self.constant(self.bias(units), weighed),
            self.tensor(
                "state",
                shape=(batch, filters * memory),
                dtype=state,
                scale=state_scale,
                zero_point=0 if state == "int16" else zero_point(rng),
                variable=True,
            ),
        ]
        reach = float(weighed) * steps * float(np.std(time.astype(float)) + 1)
        self.chain(
            "SVDF",
            *tensors,
            shape=(batch, units),
            scale_=reach * np.sqrt(memory * rank) / 128 * scale(rng, 0.2, 3.0),
            options={
                "rank": rank,
                "fusedActivationFunction": "NONE"
                if self.calm
                else str(rng.choice(["NONE", "RELU"])),
            },
        )

    def softmax(self) -> None:
        beta = float(self.rng.choice([1.0, 1.0, scale(self.rng, 0.1, 10.0)]))
        self.chain("SOFTMAX", shape=self.shape, scale_=1 / 256, zero=-128, options={"beta": beta})

    def conv_2d(self, channels: int, *, groups: int = 1, pointwise: bool = False) -> None:
        rng = self.rng
        window = Window.random(rng, self.shape, kernel=1 if pointwise else 5)
        matrix = weights(rng, (channels, *window.kernel, self.shape[3] // groups))
        self._convolve("CONV_2D", matrix, window, channels, dimension=0, options={})

    def depthwise_conv_2d(self, multiplier: int) -> None:
        rng = self.rng
        window = Window.random(rng, self.shape, kernel=5)
        channels = self.shape[3] * multiplier
        matrix = weights(rng, (1, *window.kernel, channels))
        options = {"depthMultiplier": multiplier}
        self._convolve("DEPTHWISE_CONV_2D", matrix, window, channels, dimension=3, options=options)

    def _convolve(
        self,
        name: str,
        matrix: np.ndarray,
        window: Window,
        channels: int,
        *,
        dimension: int,
        options: dict,
    ) -> None:
        rng = self.rng
        count = channels if rng.integers(2) else 1
        scales = np.array([self.weight_scale() for _ in range(count)])
        extra = [self.constant(self.bias(channels), self.scale * scales)] * int(rng.integers(2))
        reach = np.sqrt(matrix.size / channels) * 74 * (np.std(matrix.astype(float)) + 1)
        self.chain(
            name,
            self.constant(matrix, scales, dimension),
            *extra,
            shape=(self.shape[0], *window.output(self.shape), channels),
            scale_=float((self.scale * scales).mean()) * reach / 128 * scale(rng, 0.2, 5.0),
            options={**options, **window.options(), "fusedActivationFunction": self.activation()},
        )

    def pool_2d(self, name: str) -> None:
        window = Window.random(self.rng, self.shape, kernel=6, dilated=False)
        options = window.options()
        del options["dilationHFactor"], options["dilationWFactor"]
        self.chain(
            name,
            shape=(self.shape[0], *window.output(self.shape), self.shape[3]),
            scale_=self.scale,
            zero=self.zero,
            options={
                **options,
                "filterHeight": window.kernel[0],
                "filterWidth": window.kernel[1],
                "fusedActivationFunction": self.activation(),
            },
        )

    def same_quantization(self, name: str, *others: int, shape: tuple[int, ...], **more) -> None:
        """Adds an operator that only moves values."""
        self.chain(name, *others, shape=shape, scale_=self.scale, zero=self.zero, **more)

    def integers(self, values: object) -> int:
        """Adds a constant int32 tensor, such as axes or paddings."""
        return self.constant(np.asarray(values, np.int32))


class WideNetwork(Network):
    """A network of int16 activations and int8 weights.

    `sums`: int64 or int32, the type of biases, and of the sums where there is none.
    """

    def __init__(self, rng: Random, shape: tuple[int, ...], *, sums: str = "int64", **more):
        self.sums = sums
        super().__init__(rng, shape, **more)

    def zero_point(self) -> int:
        return 0

    def bias(self, count: int) -> np.ndarray:
        return 200 * super().bias(count).astype(self.sums)

    def activations(self, shape: tuple[int, ...], scale_: float, zero: int) -> int:
        return self.tensor("a", shape=shape, dtype="int16", scale=scale_, zero_point=zero)

    def operator(self, name: str, *, options: dict | None = None, **more) -> None:
        if name in ("CONV_2D", "FULLY_CONNECTED") and self.sums == "int32":
            options = {**(options or {}), "quantizedBiasType": self.schema_type("int32")}
        super().operator(name, options=options, **more)

    def schema_type(self, dtype: str) -> int:
        return getattr(self._schema.TensorType, dtype.upper())


@dataclass(frozen=True, kw_only=True)
class Window:
    """Kernel, stride, dilation and padding along height and width."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: str

    @classmethod
    def random(
        cls, rng: Random, shape: tuple[int, ...], *, kernel: int, dilated: bool = True
    ) -> Window:
        padding = str(rng.choice(["SAME", "VALID"]))
        most = [min(kernel, size) if padding == "VALID" else kernel for size in shape[1:3]]
        sizes = tuple(int(rng.integers(1, size + 1)) for size in most)
        dilation = [1, 1]
        if dilated and rng.integers(3) == 0:
            for axis in (0, 1):
                room = (shape[1 + axis] - 1) // max(sizes[axis] - 1, 1)
                dilation[axis] = int(rng.integers(1, max(min(room, 3), 1) + 1))
        stride = (1, 1) if max(dilation) > 1 else tuple(rng.integers(1, 4, 2).tolist())
        return cls(kernel=sizes, stride=stride, dilation=tuple(dilation), padding=padding)

    def output(self, shape: tuple[int, ...]) -> tuple[int, int]:
        sizes = []
        for axis in (0, 1):
            reach = (self.kernel[axis] - 1) * self.dilation[axis] + 1
            covered = shape[1 + axis] - (reach - 1 if self.padding == "VALID" else 0)
            sizes.append(-(-covered // self.stride[axis]))
        return tuple(sizes)

    def options(self) -> dict:
        return {
            "padding": self.padding,
            "strideH": self.stride[0],
            "strideW": self.stride[1],
            "dilationHFactor": self.dilation[0],
            "dilationWFactor": self.dilation[1],
        }


def upstream_outputs(model: bytes, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """What upstream's interpreter gives for consecutive inputs."""
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=1 << 20)
    outputs = []
    for values in inputs:
        interpreter.set_input(values, 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0).copy())
    return outputs


def assert_same_bytes(model: bytes, inputs: list[np.ndarray], *, what: str) -> None:
    """Compares the firmware's engine with upstream's runtime over consecutive inferences."""
    engine = Engine.from_bytes(model)
    for step, (values, expected) in enumerate(
        zip(inputs, upstream_outputs(model, inputs), strict=True)
    ):
        np.testing.assert_array_equal(
            engine.invoke(values), expected, err_msg=f"{what}, inference {step}"
        )


def check_models(make: Callable[[Random], Network], *, cases: int = CASES) -> None:
    """Compares all bytes on `cases` random models, several inferences each."""
    for seed in range(FIRST_SEED, FIRST_SEED + cases):
        rng = np.random.default_rng(seed)
        network = make(rng)
        model = network.finish()
        engine = Engine.from_bytes(model)
        inputs = [values(rng, engine.input_shape, engine.input_type) for _ in range(INVOKES)]
        assert_same_bytes(model, inputs, what=f"seed {seed}")


def fate(model: bytes, rng: Random) -> str:
    """What becomes of a model that may be damaged: "refused" by the engine, "upstream failed" (it
    may crash, in a process of its own), or for some random inputs "equal" or "different"."""
    try:
        engine = Engine.from_bytes(model)
    except StapesError:
        return "refused"
    inputs = [values(rng, engine.input_shape, engine.input_type) for _ in range(INFERENCES)]
    ours = [engine.invoke(frame) for frame in inputs]
    theirs, reason = in_a_process_of_its_own(lambda: upstream_outputs(model, inputs))
    if reason:
        return "upstream failed"
    return "equal" if all(map(np.array_equal, ours, theirs)) else "different"
