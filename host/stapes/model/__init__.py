# SPDX-License-Identifier: Apache-2.0
"""The model file: its settings, its metadata, and the writer of .tflite flatbuffers."""
