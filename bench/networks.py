# SPDX-License-Identifier: Apache-2.0
"""The networks that bench/engine.py measures, built with seeded random weights.

Shapes are those of public reference models: MLPerf Tiny's keyword spotting DS-CNN and streaming
wake word model, TensorFlow Lite Micro's keyword benchmark (SVDF). Weights do not matter for speed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stapes.model.builder import ModelBuilder

SEED = 20170824
PROBABILITY = {"scale": 1.0 / 256.0, "zero_point": -128}


@dataclass(frozen=True, kw_only=True)
class Network:
    """A model file and what a run of it costs in multiplications."""

    name: str
    model: bytes
    macs: int


@dataclass(frozen=True, kw_only=True)
class _Tensor:
    index: int
    shape: tuple[int, ...]
    scale: float


class _Layers:
    """Adds layers one after the other; keeps the count of multiplications."""

    def __init__(
        self, shape: tuple[int, ...], *, zero_point: int = -5, dtype: str = "int8"
    ) -> None:
        self.builder = ModelBuilder()
        self.random = np.random.default_rng(SEED)
        self.macs = 0
        self.count = 0
        self.input = self._activation("input", shape, 0.05, zero_point, dtype=dtype)
        self.last = self.input

    def convolution(
        self, channels: int, kernel: tuple[int, int], *, stride: int = 1, padding: str = "SAME"
    ) -> None:
        """CONV_2D with a bias, RELU and one scale per channel."""
        depth = self.last.shape[3]
        height, width = _convolved(self.last.shape[1:3], kernel, stride, padding)
        output = self._activation(self._name("conv"), (1, height, width, channels), 0.05, -128)
        fan_in = kernel[0] * kernel[1] * depth
        weights = self._weights((channels, *kernel, depth), fan_in=fan_in, dimension=0)
        self._add("CONV_2D", weights, output, channels, _window(stride, padding, "RELU"))
        self.macs += height * width * channels * fan_in

    def depthwise(
        self, kernel: tuple[int, int], *, padding: str = "SAME", activation: str = "RELU"
    ) -> None:
        """DEPTHWISE_CONV_2D, stride 1, with a bias and one scale per channel."""
        channels = self.last.shape[3]
        height, width = _convolved(self.last.shape[1:3], kernel, 1, padding)
        zero_point = -128 if activation == "RELU" else 3
        output = self._activation(
            self._name("depthwise"), (1, height, width, channels), 0.05, zero_point
        )
        taps = kernel[0] * kernel[1]
        weights = self._weights((1, *kernel, channels), fan_in=taps, dimension=3)
        options = {**_window(1, padding, activation), "depthMultiplier": 1}
        self._add("DEPTHWISE_CONV_2D", weights, output, channels, options)
        self.macs += height * width * channels * taps

    def average_pool(self) -> None:
        """AVERAGE_POOL_2D over the whole plane."""
        _, height, width, channels = self.last.shape
        output = self._activation(self._name("pool"), (1, 1, 1, channels), self.last.scale, -128)
        options = {
            "padding": "VALID",
            "strideW": width,
            "strideH": height,
            "filterWidth": width,
            "filterHeight": height,
        }
        self.builder.operator(
            "AVERAGE_POOL_2D", inputs=[self.last.index], outputs=[output.index], options=options
        )
        self.last = output

    def flatten(self) -> None:
        """RESHAPE to one row."""
        size = int(np.prod(self.last.shape))
        shape = np.array([1, size], dtype=np.int32)
        target = self.builder.tensor(self._name("shape"), shape=[2], dtype="int32", data=shape)
        output = self._activation(self._name("row"), (1, size), self.last.scale, -128)
        self.builder.operator(
            "RESHAPE",
            inputs=[self.last.index, target],
            outputs=[output.index],
            options={"newShape": shape},
        )
        self.last = output

    def fully_connected(self, units: int) -> None:
        """FULLY_CONNECTED with a bias and one scale, without activation."""
        depth = self.last.shape[-1]
        output = self._activation(self._name("dense"), (1, units), 0.1, -7)
        weights = self._weights((units, depth), fan_in=depth)
        self._add("FULLY_CONNECTED", weights, output, units, {"fusedActivationFunction": "NONE"})
        self.macs += units * depth

    def svdf(self, units: int, memory: int, *, rank: int = 1, state: str = "int16") -> None:
        """SVDF with a state of int16 or int8, a bias and RELU."""
        depth = self.last.shape[-1]
        filters = units * rank
        output = self._activation(self._name("svdf"), (1, units), 0.05, -128)
        feature = self._weights((filters, depth), fan_in=depth)
        limit = np.iinfo(state).max
        time = self.random.integers(-limit, limit + 1, (filters, memory), dtype=state)
        time_scale = 1.0 / (limit + 1) / np.sqrt(memory)
        state_scale = 16.0 / (limit + 1)
        bias_scale = state_scale * time_scale
        inputs = [
            self.last.index,
            feature[0],
            self.builder.tensor(
                self._name("time"), shape=time.shape, dtype=state, scale=time_scale, data=time
            ),
            self._bias(units, [bias_scale], 0),
            self.builder.tensor(
                self._name("state"),
                shape=[1, filters * memory],
                dtype=state,
                scale=state_scale,
                variable=True,
            ),
        ]
        self.builder.operator(
            "SVDF",
            inputs=inputs,
            outputs=[output.index],
            options={"rank": rank, "fusedActivationFunction": "RELU"},
        )
        self.macs += filters * (depth + memory)
        self.last = output

    def quantize(self, dtype: str, *, scale: float, zero_point: int) -> None:
        """QUANTIZE to another type or scale."""
        output = self._activation(
            self._name("quantized"), self.last.shape, scale, zero_point, dtype=dtype
        )
        self.builder.operator("QUANTIZE", inputs=[self.last.index], outputs=[output.index])
        self.last = output

    def softmax(self) -> None:
        """SOFTMAX, the last layer."""
        output = self._activation("scores", self.last.shape, **PROBABILITY)
        self.builder.operator(
            "SOFTMAX", inputs=[self.last.index], outputs=[output.index], options={"beta": 1.0}
        )
        self.last = output

    def network(self, name: str) -> Network:
        """The model that ends with the last layer."""
        model = self.builder.build(inputs=[self.input.index], outputs=[self.last.index])
        return Network(name=name, model=model, macs=self.macs)

    def _name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}_{self.count}"

    def _activation(
        self,
        name: str,
        shape: tuple[int, ...],
        scale: float,
        zero_point: int,
        *,
        dtype: str = "int8",
    ) -> _Tensor:
        index = self.builder.tensor(
            name, shape=shape, dtype=dtype, scale=scale, zero_point=zero_point
        )
        return _Tensor(index=index, shape=tuple(shape), scale=scale)

    def _weights(
        self, shape: tuple[int, ...], *, fan_in: int, dimension: int | None = None
    ) -> tuple[int, np.ndarray]:
        """Index and scales; sums of `fan_in` products stay near one unit of input."""
        channels = 1 if dimension is None else shape[dimension]
        scales = self.random.uniform(0.5, 1.0, channels) / (40.0 * np.sqrt(fan_in))
        data = self.random.integers(-127, 128, shape, dtype=np.int8)
        index = self.builder.tensor(
            self._name("weights"),
            shape=shape,
            dtype="int8",
            scale=scales,
            quantized_dimension=dimension or 0,
            data=data,
        )
        return index, scales

    def _bias(self, count: int, scales: np.ndarray | list[float], dimension: int) -> int:
        data = self.random.integers(-2000, 2000, count, dtype=np.int32)
        return self.builder.tensor(
            self._name("bias"),
            shape=[count],
            dtype="int32",
            scale=scales,
            quantized_dimension=dimension,
            data=data,
        )

    def _add(
        self,
        operator: str,
        weights: tuple[int, np.ndarray],
        output: _Tensor,
        channels: int,
        options: dict[str, object],
    ) -> None:
        index, scales = weights
        bias = self._bias(channels, scales * self.last.scale, 0)
        self.builder.operator(
            operator,
            inputs=[self.last.index, index, bias],
            outputs=[output.index],
            options=options,
        )
        self.last = output


def ds_cnn() -> Network:
    """MLPerf Tiny's keyword spotting model: 49 x 10 MFCC in, 12 labels out."""
    layers = _Layers((1, 49, 10, 1), zero_point=83)
    layers.convolution(64, (10, 4), stride=2)
    for _ in range(4):
        layers.depthwise((3, 3))
        layers.convolution(64, (1, 1))
    layers.average_pool()
    layers.flatten()
    layers.fully_connected(12)
    layers.softmax()
    return layers.network("ds_cnn")


def wake_word() -> Network:
    """MLPerf Tiny's streaming wake word model: 30 frames of 40 features in, 3 labels out."""
    layers = _Layers((1, 30, 1, 40), zero_point=-128)
    for taps, channels in ((3, 128), (5, 128), (10, 128), (15, 32)):
        layers.depthwise((taps, 1), padding="VALID", activation="NONE")
        layers.convolution(channels, (1, 1), padding="VALID")
    layers.flatten()
    layers.fully_connected(3)
    layers.softmax()
    return layers.network("wake_word")


def svdf_small() -> Network:
    """The layers of TensorFlow Lite Micro's keyword benchmark: int16 in, int8 states, int32 out."""
    layers = _Layers((1, 96), zero_point=0, dtype="int16")
    layers.quantize("int8", scale=25.0, zero_point=-3)
    for _ in range(4):
        layers.svdf(64, 8, state="int8")
        layers.fully_connected(16)
    for _ in range(3):
        layers.svdf(32, 32, state="int8")
    layers.fully_connected(2)
    layers.softmax()
    layers.quantize("int32", scale=1.0 / 32768, zero_point=0)
    return layers.network("svdf_small")


def dense_fully_connected() -> Network:
    """One FULLY_CONNECTED of 128 x 256."""
    layers = _Layers((1, 256))
    layers.fully_connected(128)
    return layers.network("dense_fully_connected")


def dense_svdf() -> Network:
    """One SVDF of 128 filters over 96 inputs and 32 steps."""
    layers = _Layers((1, 96))
    layers.svdf(128, 32)
    return layers.network("dense_svdf")


def dense_pointwise() -> Network:
    """One CONV_2D 1 x 1 over 25 x 5 pixels of 64 channels."""
    layers = _Layers((1, 25, 5, 64))
    layers.convolution(64, (1, 1))
    return layers.network("dense_pointwise")


NETWORKS: dict[str, Callable[[], Network]] = {
    build.__name__: build
    for build in (
        ds_cnn,
        wake_word,
        svdf_small,
        dense_fully_connected,
        dense_svdf,
        dense_pointwise,
    )
}


def _convolved(
    size: tuple[int, ...], kernel: tuple[int, int], stride: int, padding: str
) -> tuple[int, int]:
    lost = (0, 0) if padding == "SAME" else (kernel[0] - 1, kernel[1] - 1)
    height, width = ((s - less + stride - 1) // stride for s, less in zip(size, lost, strict=True))
    return height, width


def _window(stride: int, padding: str, activation: str) -> dict[str, object]:
    return {
        "padding": padding,
        "strideW": stride,
        "strideH": stride,
        "dilationWFactor": 1,
        "dilationHFactor": 1,
        "fusedActivationFunction": activation,
    }
