# SPDX-License-Identifier: Apache-2.0
"""Streaming test audio: makes it with its ground truth, and scores detections against that."""
