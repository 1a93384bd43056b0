# SPDX-License-Identifier: Apache-2.0
"""Streaming test audio: made with its ground truth, and scored against detections."""
