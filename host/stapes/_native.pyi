"""The firmware's own code, compiled for the host."""

from collections.abc import Sequence
from typing import Annotated

import numpy
from numpy.typing import NDArray


def decimate_pdm(words: Annotated[NDArray[numpy.uint16], dict(shape=(None,), order='C', device='cpu', writable=False)], gain_log2: int = 0) -> NDArray[numpy.int16]:
    """
    uint16 [4 n], earliest bit first -> int16 [n]: what a board makes of PDM bits.
    """

def block_dc(samples: Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> NDArray[numpy.int16]:
    """
    int16 [n] -> int16 [n] without their constant part, from a fresh state.
    """

def decoder_frame_capacity(average_window_ms: int, stride_samples: int, sample_rate: int) -> int:
    """Scores that one averaging window can hold."""

def decoder_work_bytes(label_count: int, frame_capacity: int) -> int:
    """Bytes of a decoder's work memory."""

class Detection:
    """A new command."""

    @property
    def time_ms(self) -> int: ...

    @property
    def label(self) -> int:
        """Index, or -1 for silence without a label."""

    @property
    def score_q16(self) -> int: ...

class DecoderConfig:
    """Settings of a decoder."""

    def __init__(self, *, thresholds_q16: Sequence[int], silence_label: int, frame_capacity: int, minimum_count: int, average_window_ms: int, suppression_ms: int, hysteresis_q16: int, streaming: bool, retrigger: bool, tutorial_times: bool) -> None:
        """One threshold for each label."""

class Decoder:
    """The firmware's RecognizeCommands."""

    def __init__(self, config: DecoderConfig) -> None:
        """Raises ValueError for settings that do not fit together."""

    def process(self, scores: Annotated[NDArray[numpy.int8], dict(shape=(None, None), order='C', device='cpu', writable=False)], times_ms: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> list[Detection]:
        """int8[frames, labels] and uint32[frames] -> the new detections."""

    def reset(self) -> None:
        """Back to the start."""

class FrontEnd:
    """The device's front end; keeps state."""

    def __init__(self, tables: object) -> None: ...

    def process(self, samples: Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> NDArray[numpy.int8]:
        """
        int16 [n] -> int8 [frames, features]: the frames that these samples complete.
        """

    def process_q(self, samples: Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> NDArray[numpy.int32]:
        """The same before rounding to int8: int32 in Q(tables.feature_bits)."""

    def reset(self) -> None:
        """Forgets all audio."""

def compute_features(tables: object, clips: Annotated[NDArray[numpy.int16], dict(shape=(None, None), order='C', device='cpu', writable=False)], threads: int = 1, lanes: bool = True) -> NDArray[numpy.int8]:
    """
    int16 [clips, samples] -> int8 [clips, frames, features], each from a fresh state. With lanes, eight frames at a time where the processor has AVX2: the same bits.
    """

def find_metadata(model: bytes, name: str) -> bytes | None:
    """
    Content of a metadata entry, or None. Raises ValueError for a damaged file.
    """

def operators() -> list[tuple[str, str, int]]:
    """
    Of every operator: builtin name, table of options in the schema or NONE, version in int8 models.
    """

def quantize_ratio(a: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], b: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], c: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], *, product_bits: int, quotient_bits: int) -> tuple:
    """
    Multipliers of a * b / c (bit patterns of float32), rounded as the engine rounds: (significands, shifts).
    """

class Engine:
    """The firmware's int8 engine with one model."""

    def __init__(self, model: bytes, arena_bytes: int | None = None) -> None:
        """
        Raises ValueError with the reason for a model that is refused. Without `arena_bytes` the arena is as large as it has to be.
        """

    def invoke(self, input: Annotated[NDArray, dict(order='C', device='cpu', writable=False)]) -> object:
        """One inference."""

    def run(self, frames: Annotated[NDArray, dict(order='C', device='cpu', writable=False)]) -> object:
        """
        One inference per row: [frames, inputs] -> [frames, outputs], of the model's types (int8 for Stapes' own). State is kept.
        """

    def reset(self) -> None:
        """Variable tensors back to their start."""

    @property
    def input_shape(self) -> tuple: ...

    @property
    def output_shape(self) -> tuple: ...

    @property
    def input_type(self) -> str: ...

    @property
    def output_type(self) -> str: ...

    @property
    def input_scale(self) -> float: ...

    @property
    def output_scale(self) -> float: ...

    @property
    def input_zero_point(self) -> int: ...

    @property
    def output_zero_point(self) -> int: ...

    @property
    def arena_used(self) -> int: ...

    @property
    def persistent_bytes(self) -> int:
        """Bytes of the arena for lists, operators' data and variables."""

    @property
    def plan(self) -> list:
        """
        Places in the arena: kind (activation, variable, scratch), name, bytes, offset, first and last operator that needs it.
        """

    @property
    def operators(self) -> list: ...

class GateConfig:
    """Settings of a silence gate: app/silence_gate.h."""

    def __init__(self, *, frame_samples: int, onset_frames: int, hold_frames: int, replay_inferences: int, runs_at_once: int, threshold_q16: int, least_q16: int, rise_q16: int, fall_q16: int) -> None: ...

def gate_open(config: GateConfig, samples: Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C', device='cpu', writable=False)], *, window_samples: int, stride_samples: int) -> object:
    """bool [frames]: which frames of int16 [n] the network must see."""

def inference_times(*, sample_rate: int, window_samples: int, stride_samples: int, window_frames: int, clip_stride_frames: int, frames: int) -> object:
    """uint32 [inferences]: the milliseconds at which the newest frames end."""

class Pipeline:
    """The firmware's pipeline with one model."""

    def __init__(self, *, model: bytes, tables: object, decoder: DecoderConfig, sample_rate: int, window_frames: int, clip_stride_frames: int, arena_bytes: int, gate: GateConfig | None = None) -> None:
        """Raises ValueError with the reason for what does not fit."""

    def process(self, samples: Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> tuple:
        """
        int16 [n] -> what these samples complete: times_ms uint32 [inferences], inputs int8 [inferences, inputs], scores int8 [inferences, labels], detections.
        """

    def process_frames(self, frames: Annotated[NDArray[numpy.int8], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> tuple:
        """
        The same of frames that the front end computed elsewhere, int8 [n, features].
        """

    def finish(self) -> tuple:
        """The same of what the gate has put off."""

    @property
    def skipped(self) -> int:
        """Frames that the gate scored as silence."""

    @property
    def inferences(self) -> int:
        """Runs of the network."""

    def reset(self) -> None:
        """Forgets all audio."""

    @property
    def state(self) -> bytes:
        """
        Bytes: what inferences leave in the network. Equal states go on equally; another pipeline with the same model may take it over.
        """

    @state.setter
    def state(self, arg: bytes, /) -> None: ...

class WakeStage:
    """Two pipelines: the first wakes the second."""

    def __init__(self, *, wake_word: Pipeline, model: Pipeline, awake_ms: int, waking_labels: int) -> None:
        """Raises ValueError with the reason for what does not fit."""

    def process(self, samples: Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> tuple:
        """
        int16 [n] -> the results of both, as of Pipeline.process, and the milliseconds at which the second one woke and fell asleep.
        """

    def finish(self) -> tuple:
        """The audio has ended: the same of what silence gates have put off."""

    def reset(self) -> None:
        """Forgets all audio, and sleeps."""

def stretch(samples: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], rate: float, sample_rate: int) -> NDArray[numpy.float32]:
    """
    float32 [n] -> float32 [about n / rate]: faster or slower at the same pitch.
    """

def resample(samples: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], length: int) -> NDArray[numpy.float32]:
    """
    float32 [n] -> float32 [length]: faster and higher, or slower and lower.
    """
