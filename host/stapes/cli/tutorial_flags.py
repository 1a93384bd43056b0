# SPDX-License-Identifier: Apache-2.0
"""Flags of TensorFlow's speech_commands that have no place here, and why: docs/tutorial_map.md."""

from __future__ import annotations

# Command -> flag -> what became of it.
GONE: dict[str, dict[str, str]] = {
    "train": {
        "data_url": "training never downloads; stapes data get does, and it checks and resumes",
        "dct_coefficient_count": "the 2017 name of --feature_bin_count",
    },
    "export": {
        "sample_rate": "the checkpoint contains it",
        "clip_duration_ms": "the checkpoint contains it",
        "window_size_ms": "the checkpoint contains it",
        "window_stride_ms": "the checkpoint contains it",
        "feature_bin_count": "the checkpoint contains it",
        "model_architecture": "the checkpoint contains it",
        "wanted_words": "the checkpoint contains it",
        "quantize": "every exported model is int8",
        "preprocess": "the checkpoint contains it",
        "save_format": ".tflite is the only format",
    },
    "label_wav": {
        "input_name": "a .tflite model has one input",
        "output_name": "a .tflite model has one output",
    },
    "label_wav_dir": {
        "input_name": "a .tflite model has one input",
        "output_name": "a .tflite model has one output",
    },
    "spectrogram": {
        "input_wav": "the recording is the argument without a flag",
    },
    "stream make": {
        "data_url": "the tutorial never used it here; stapes data get downloads",
        "silence_percentage": "it had no effect",
        "window_size_ms": "it had no effect",
        "window_stride_ms": "it had no effect",
        "feature_bin_count": "it had no effect",
    },
    "stream score": {
        "graph": "it is --model, and its settings come with it",
        "labels": "they are in the model",
        "input_data_name": "a .tflite model has one input",
        "input_rate_name": "the rate is in the model, and the recording must have it",
        "output_name": "a .tflite model has one output",
        "average_window_ms": "its name in Python, --average_window_duration_ms",
        "sample_stride_ms": "the stride in the model is used",
        "verbose": "--json lists every detection",
    },
}
