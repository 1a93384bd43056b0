"""Streaming test audio: made with its ground truth, and scored against detections."""
